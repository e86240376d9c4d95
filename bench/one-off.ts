/** Messages that come one at a time: how many a second, and how soon one is at the relay. */
import { type Figure, median, progress } from "./figure.ts";
import { FROM, HTML_20_LINKS, recipient } from "./mail.ts";
import { cpuMs, until } from "./processes.ts";
import { startProduct } from "./product.ts";
import { concurrently, postTo, rate, startNodemailer } from "./sending.ts";
import { nodeSink, startSink } from "./sink.ts";
import { startWorker } from "./workerd.ts";

/**
 * One-off messages of 20 links, from POST until the sink has them, 32 calls at a time. In turns, and the middle round of
 * each counts. Processor time is what other work on the machine changes least: each server's own, for each message.
 */
export async function oneOffRow(count: number, rounds = 5): Promise<Figure[]> {
  const row = `one-off, 20 links each, ${count.toLocaleString("en")} at 32 concurrent`;
  const mail = (i: number) => ({ from: FROM, to: recipient(i), subject: `Bench ${i}`, html: HTML_20_LINKS });
  const sinks = [await startSink(), await startSink(), await startSink()] as const;
  const product = await startProduct(sinks[0].port);
  const peer = await startNodemailer(sinks[1].port);
  const bare = await startWorker("bench/peers/bare-gateway.ts", "BareGateway");
  const servers = [
    {
      who: "Postern (tracked, durable)",
      sink: sinks[0],
      send: (i: number) => product.post("/emails", mail(i)) as Promise<unknown>,
      cpuMs: product.cpuMs,
    },
    {
      who: "nodemailer's pool (keeps nothing)",
      sink: sinks[1],
      send: (i: number) => postTo(`${peer.url}/send`, mail(i)),
      cpuMs: () => cpuMs(peer.process.child.pid ?? 0),
    },
    {
      who: "a bare gateway on the same workerd (durable, no link, no event)",
      sink: sinks[2],
      send: (i: number) => postTo(`${bare.url}?port=${sinks[2].port}`, mail(i)),
      cpuMs: bare.cpuMs,
    },
  ].map((server) => ({ ...server, rates: [] as number[], cpu: [] as number[] }));
  const each = Math.ceil(count / rounds);
  for (let round = 0; round <= rounds; round++)
    for (const { who, sink, send, cpuMs, rates, cpu } of servers) {
      progress(`${row}: ${who}, ${round} of ${rounds}`);
      const before = cpuMs();
      // V8 makes its best code after some thousand messages; a gateway has sent them long ago.
      const messages = round === 0 ? count : each;
      const perSecond = await rate(sink, messages, () => concurrently(messages, 32, send));
      // What is told to ledger and libSQL a moment later belongs to the price.
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      const after = cpuMs();
      if (round === 0) continue; // It warms up.
      rates.push(perSecond);
      if (before !== null && after !== null) cpu.push((after - before) / each);
    }
  await product.stop();
  await peer.process.stop();
  await bare.stop();
  for (const sink of sinks) await sink.stop();
  const [ours, theirs] = servers.map(({ rates, cpu }) => ({ rate: median(rates), cpu: median(cpu) })) as [
    { rate: number; cpu: number },
    { rate: number; cpu: number },
  ];
  return [
    ...servers.map(({ who, rates }): Figure => ({ row, who, value: median(rates), unit: "messages/s" })),
    ...servers.map(
      ({ who, cpu }): Figure => ({
        row,
        who,
        value: Number(median(cpu).toFixed(2)),
        unit: "ms CPU/message",
      }),
    ),
    {
      row,
      who: "Postern in nodemailers, by rate",
      value: Number((ours.rate / theirs.rate).toFixed(2)),
      unit: "×",
    },
    {
      row,
      who: "Postern in nodemailers, by CPU",
      value: Number((theirs.cpu / ours.cpu).toFixed(2)),
      unit: "×",
    },
  ];
}

/** From POST to the sink's first byte of the message, one at a time. */
export async function latencyRow(count: number): Promise<Figure[]> {
  const row = "latency, POST to first byte at the relay";
  const sink = await nodeSink();
  const product = await startProduct(sink.port);
  const taken: number[] = [];
  for (let i = 0; i < count; i++) {
    const to = `latency-${i}@example.net`;
    const begun = performance.now();
    await product.post("/emails", { from: FROM, to, subject: "Bench", html: HTML_20_LINKS });
    await until("the message", () => sink.firstByte.has(to), 10, 1);
    taken.push(sink.firstByte.get(to)! - begun);
  }
  await product.stop();
  await sink.stop();
  taken.sort((a, b) => a - b);
  const at = (share: number) => Number(taken[Math.floor(taken.length * share)]!.toFixed(1));
  return [
    { row, who: "Postern, p50", value: at(0.5), unit: "ms" },
    { row, who: "Postern, p99", value: at(0.99), unit: "ms" },
  ];
}

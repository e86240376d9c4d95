/** The rows of the performance table: each runs Postern and its peers one after the other, against the same sink. */
import { existsSync } from "node:fs";
import { startDelayProxy } from "./delay-proxy.ts";
import { FROM, HTML_20_LINKS, recipient, TEXT_2K } from "./mail.ts";
import { cpuMs, freePort, type Started, start, until } from "./processes.ts";
import { type Product, startProduct } from "./product.ts";
import { nodeSink, type Sink, startSink } from "./sink.ts";
import { startWorker } from "./workerd.ts";

/** One line of the table. `value` in `unit`; for rates more is better, for ms and MB less. */
export interface Figure {
  row: string;
  who: string;
  value: number;
  unit:
    | "messages/s"
    | "ms"
    | "MB"
    | "requests/s"
    | "ms CPU/message"
    | "µs CPU/message"
    | "µs CPU/request"
    | "µs"
    | "×"
    | "";
}

const SMTP_SOURCE = ["/usr/sbin/smtp-source", "/usr/libexec/postfix/smtp-source"].find(existsSync);
export const progress = (text: string) =>
  process.stderr.write(`${process.stderr.isTTY ? "\r\x1b[K" : ""}${text}${process.stderr.isTTY ? "" : "\n"}`);

/** 0 of an empty list. */
export const median = (list: readonly number[]): number =>
  list.toSorted((a, b) => a - b)[list.length >> 1] ?? 0;

/** Messages a second from the first call until the sink has `count` more. */
async function rate(sink: Sink, count: number, send: () => Promise<unknown>): Promise<number> {
  const before = sink.count();
  const begun = performance.now();
  const sending = send();
  await until(`${count} messages at the sink`, () => sink.count() - before >= count, 600, 5);
  const seconds = (performance.now() - begun) / 1000;
  await sending;
  return Math.round(count / seconds);
}

/** `count` calls, `concurrent` at a time. */
async function concurrently(
  count: number,
  concurrent: number,
  call: (i: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: concurrent }, async () => {
      while (next < count) await call(next++);
    }),
  );
}

const bulk = async (product: Product, count: number): Promise<void> => {
  for (let from = 0; from < count; from += 10_000)
    await product.post("/emails/bulk", {
      from: FROM,
      subject: "Bench",
      text: TEXT_2K,
      recipients: Array.from({ length: Math.min(10_000, count - from) }, (_, i) => ({
        to: recipient(from + i),
      })),
    });
};

async function startNodemailer(relayPort: number): Promise<{ url: string; process: Started }> {
  const port = await freePort();
  const process_ = start(process.execPath, [
    "bench/peers/nodemailer-gateway.ts",
    String(port),
    String(relayPort),
  ]);
  const url = `http://127.0.0.1:${port}`;
  await until("nodemailer's gateway", () =>
    fetch(url).then(
      (r) => r.ok,
      () => false,
    ),
  );
  return { url, process: process_ };
}
const postTo = (url: string, body: unknown) =>
  fetch(url, { method: "POST", body: JSON.stringify(body) }).then((r) => r.text());
const nodemailerBulk = (url: string, count: number) =>
  postTo(`${url}/bulk`, {
    from: FROM,
    subject: "Bench",
    text: TEXT_2K,
    recipients: Array.from({ length: count }, (_, i) => recipient(i)),
  });

/** Bulk: one content of 2 kB to `count` recipients, 4 sessions. */
export async function bulkRow(count: number): Promise<Figure[]> {
  const row = `bulk, ${count.toLocaleString("en")} × 2 kB, 4 sessions`;
  const sink = await startSink();
  const figures = await bothInBulk(row, sink, sink.port, count, { product: 2_000, peer: 1_000 });
  const add = (who: string, value: number) => figures.push({ row, who, value, unit: "messages/s" });

  progress(`${row}: worker-mailer`);
  const worker = await startWorker("bench/peers/worker-mailer.ts");
  const few = 1_600; // 4 × 400: above about 2,500 in half a minute its isolate dies.
  add(
    `worker-mailer as published (${few} only)`,
    await rate(sink, few, () =>
      concurrently(4, 4, (i) =>
        postTo(worker.url, {
          port: sink.port,
          from: "bench@example.com",
          text: TEXT_2K,
          recipients: Array.from({ length: few / 4 }, (_, n) => recipient(i * few + n)),
        }),
      ),
    ),
  );
  await worker.stop();

  if (SMTP_SOURCE !== undefined) {
    progress(`${row}: smtp-source`);
    const begun = performance.now();
    // Not spawnSync: the sink counts into a pipe that has to be read meanwhile.
    await start(SMTP_SOURCE, [
      "-d",
      "-s",
      "4",
      "-m",
      String(count),
      "-l",
      "2000",
      "-N",
      `127.0.0.1:${sink.port}`,
    ]).ended;
    add("smtp-source (C, the ceiling)", Math.round(count / ((performance.now() - begun) / 1000)));
  }
  await sink.stop();

  const chunking = await nodeSink({ chunking: true });
  const warm = { product: 2_000, peer: 1_000 };
  figures.push(
    ...(await bothInBulk(`${row}, a relay with CHUNKING (in Node)`, chunking, chunking.port, count, warm)),
  );
  await chunking.stop();
  return figures;
}

/**
 * Postern, then nodemailer's pool, over one port of a sink, after some messages to warm up. Processor time is each sender's
 * own until the sink has the last message: Postern's is that of worker and store, without what is told to libSQL afterwards.
 */
async function bothInBulk(
  row: string,
  sink: Sink,
  port: number,
  count: number,
  warm: { product: number; peer: number },
): Promise<Figure[]> {
  const figures: Figure[] = [];
  const measure = async (
    who: string,
    cpu: Record<string, () => number | null>,
    send: () => Promise<unknown>,
  ) => {
    progress(`${row}: ${who}`);
    const before = Object.values(cpu).map((used) => used());
    figures.push({ row, who, value: await rate(sink, count, send), unit: "messages/s" });
    const after = Object.values(cpu).map((used) => used());
    for (const [i, part] of Object.keys(cpu).entries()) {
      if (before[i] == null || after[i] == null) continue;
      const value = Math.round(((after[i] - before[i]) * 1_000) / count);
      figures.push({ row, who: `${who}, ${part}`, value, unit: "µs CPU/message" });
    }
  };
  const product = await startProduct(port);
  await rate(sink, warm.product, () => bulk(product, warm.product));
  const ours = { "processor time": product.cpuMs, "of it the store's process": product.storeCpuMs };
  await measure("Postern", ours, () => bulk(product, count));
  await product.stop();
  const peer = await startNodemailer(port);
  await rate(sink, warm.peer, () => nodemailerBulk(peer.url, warm.peer));
  const { pid = 0 } = peer.process.child;
  await measure("nodemailer's pool", { "processor time": () => cpuMs(pid) }, () =>
    nodemailerBulk(peer.url, count),
  );
  await peer.process.stop();
  return figures;
}

/**
 * One-off messages of 20 links, from POST until the sink has them, 32 calls at a time. In turns, and the middle round of
 * each counts. Processor time is what other work on the machine changes least: each server's own, for each message.
 */
export async function oneOffRow(count: number, rounds = 5): Promise<Figure[]> {
  const row = `one-off, 20 links each, ${count.toLocaleString("en")} at 32 concurrent`;
  const mail = (i: number) => ({ from: FROM, to: recipient(i), subject: `Bench ${i}`, html: HTML_20_LINKS });
  const sinks = [await startSink(), await startSink()] as const;
  const product = await startProduct(sinks[0].port);
  const peer = await startNodemailer(sinks[1].port);
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

/** A relay 50 ms away (round trip), 4 sessions: one that offers CHUNKING, as postfix and exim do, and one that does not. */
export async function farRelayRow(count: number): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const chunking of [true, false]) {
    const row = `a relay 50 ms away, ${count.toLocaleString("en")} × 2 kB, 4 sessions, ${chunking ? "CHUNKING" : "DATA only"}`;
    const sink = await nodeSink({ chunking });
    const proxy = await startDelayProxy(sink.port, 25);
    figures.push(...(await bothInBulk(row, sink, proxy.port, count, { product: 100, peer: 100 })));
    proxy.stop();
    await sink.stop();
  }
  return figures;
}

/** 10,000 against 100,000 queued: seconds for all of them, and the peak memory of worker and store. */
export async function growthRow(): Promise<Figure[]> {
  const row = "growth, queued and sent";
  const figures: Figure[] = [];
  const seconds: number[] = [];
  for (const count of [10_000, 100_000]) {
    const sink = await startSink();
    const product = await startProduct(sink.port);
    await rate(sink, 1_000, () => bulk(product, 1_000));
    progress(`${row}: ${count.toLocaleString("en")}`);
    const perSecond = await rate(sink, count, () => bulk(product, count));
    seconds.push(count / perSecond);
    figures.push({
      row,
      who: `${count.toLocaleString("en")} messages`,
      value: perSecond,
      unit: "messages/s",
    });
    const peak = product.peakMemory();
    if (peak !== null)
      figures.push({
        row,
        who: `${count.toLocaleString("en")} messages, peak of worker (${peak.worker}) and store (${peak.store})`,
        value: peak.both,
        unit: "MB",
      });
    await product.stop();
    await sink.stop();
  }
  figures.push({
    row,
    who: "100,000 cost, in 10,000s",
    value: Number((seconds[1]! / seconds[0]!).toFixed(1)),
    unit: "×",
  });
  return figures;
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

/** Bulk beside its peers, over the same sink: near, far away, and ten times as much. */
import { existsSync } from "node:fs";
import { startDelayProxy } from "./delay-proxy.ts";
import { type Figure, progress } from "./figure.ts";
import { FROM, recipient, TEXT_2K } from "./mail.ts";
import { cpuMs, start } from "./processes.ts";
import { type Product, startProduct } from "./product.ts";
import { concurrently, postTo, rate, startNodemailer } from "./sending.ts";
import { nodeSink, type Sink, startSink } from "./sink.ts";
import { startWorker } from "./workerd.ts";

const SMTP_SOURCE = ["/usr/sbin/smtp-source", "/usr/libexec/postfix/smtp-source"].find(existsSync);

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

  const keepsNothing = "a bare session on the same workerd (keeps nothing)";
  figures.push(...(await floor(row, sink, count, keepsNothing, "bare-session")));
  const stores = "the same in an object that stores outcomes by twelves";
  figures.push(...(await floor(row, sink, count, stores, "bare-object", "BareObject")));

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

/** A rate over a sink, and processor times, by what each is called, from before the first message until the sink has the last. */
async function measured(
  row: string,
  sink: Sink,
  count: number,
  who: string,
  cpu: Record<string, () => number | null>,
  send: () => Promise<unknown>,
): Promise<Figure[]> {
  progress(`${row}: ${who}`);
  const before = Object.values(cpu).map((used) => used());
  const figures: Figure[] = [{ row, who, value: await rate(sink, count, send), unit: "messages/s" }];
  const after = Object.values(cpu).map((used) => used());
  for (const [i, part] of Object.keys(cpu).entries()) {
    if (before[i] == null || after[i] == null) continue;
    const value = Math.round(((after[i] - before[i]) * 1_000) / count);
    figures.push({ row, who: `${who}, ${part}`, value, unit: "µs CPU/message" });
  }
  return figures;
}

/** What the runtime itself takes for as many messages: a peer that takes {port, messages for each of four sessions}. */
async function floor(
  row: string,
  sink: Sink,
  count: number,
  who: string,
  peer: string,
  object: string | null = null,
): Promise<Figure[]> {
  const worker = await startWorker(`bench/peers/${peer}.ts`, object);
  const send = (messages: number) => postTo(worker.url, { port: sink.port, messages: messages / 4 });
  await rate(sink, 2_000, () => send(2_000));
  const cpu = { "processor time": worker.cpuMs };
  const figures = await measured(row, sink, count, who, cpu, () => send(count));
  await worker.stop();
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
  const product = await startProduct(port);
  await rate(sink, warm.product, () => bulk(product, warm.product));
  const ours = { "processor time": product.cpuMs, "of it the store's process": product.storeCpuMs };
  const figures = await measured(row, sink, count, "Postern", ours, () => bulk(product, count));
  await product.stop();
  const peer = await startNodemailer(port);
  await rate(sink, warm.peer, () => nodemailerBulk(peer.url, warm.peer));
  const { pid = 0 } = peer.process.child;
  const theirs = { "processor time": () => cpuMs(pid) };
  const send = () => nodemailerBulk(peer.url, count);
  figures.push(...(await measured(row, sink, count, "nodemailer's pool", theirs, send)));
  await peer.process.stop();
  return figures;
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

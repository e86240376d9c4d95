/** What the rows that send have in common: how a rate is taken, and the gateway that nodemailer stands behind. */
import { freePort, type Started, start, until } from "./processes.ts";
import type { Sink } from "./sink.ts";

/** Messages a second from the first call until the sink has `count` more. */
export async function rate(sink: Sink, count: number, send: () => Promise<unknown>): Promise<number> {
  const before = sink.count();
  const begun = performance.now();
  const sending = send();
  await until(`${count} messages at the sink`, () => sink.count() - before >= count, 600, 5);
  const seconds = (performance.now() - begun) / 1000;
  await sending;
  return Math.round(count / seconds);
}

/** `count` calls, `concurrent` at a time. */
export async function concurrently(
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

export async function startNodemailer(relayPort: number): Promise<{ url: string; process: Started }> {
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
export const postTo = (url: string, body: unknown) =>
  fetch(url, { method: "POST", body: JSON.stringify(body) }).then((r) => r.text());

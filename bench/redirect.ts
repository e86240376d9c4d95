/**
 * Pixel and redirect with their events durable, beside a bare hono redirect on the same workerd: in turns, and the middle
 * one of each counts. Afterwards every answer must have its event in the store.
 */

import { type Figure, median, progress } from "./figure.ts";
import { eventsStored, load, pathsOf } from "./hits.ts";
import { FROM, recipient, TEXT_2K } from "./mail.ts";
import { until } from "./processes.ts";
import { startProduct } from "./product.ts";
import { startSink } from "./sink.ts";
import { startWorker } from "./workerd.ts";

const AHEAD_SECONDS = 4;

/** Whose mail is opened and clicked, in turn. */
const READERS = 1_000;

export async function redirectRow(rounds: number, seconds: number): Promise<Figure[]> {
  const row = "pixel and redirect, 32 connections";
  const sink = await startSink();
  const product = await startProduct(sink.port);
  const { id } = await product.post("/emails/bulk", {
    from: FROM,
    subject: "Bench",
    text: TEXT_2K,
    recipients: Array.from({ length: READERS }, (_, i) => ({ to: recipient(i) })),
  });
  await until("the mail", () => sink.count() >= READERS, 60);
  const paths = Array.from({ length: READERS }, (_, i) => pathsOf(id, i));
  const redirects = paths.map(({ redirect }) => redirect);
  const peer = await startWorker("bench/peers/bare-redirect.ts");
  const targets = [
    { who: "Postern, redirect", server: product, paths: redirects },
    { who: "Postern, pixel", server: product, paths: paths.map(({ pixel }) => pixel) },
    { who: "a bare hono redirect", server: peer, paths: redirects },
  ].map((target) => ({ ...target, rates: [] as number[], cpu: [] as number[], store: [] as number[] }));
  let answers = 0;
  for (let round = 0; round <= rounds; round++)
    for (const { who, server, paths, rates, cpu, store } of targets) {
      progress(`${row}: ${who}, ${round} of ${rounds}`);
      // Visits go on after three seconds: by then each target bears the cost of its own, and no other's.
      const { answers: ahead } = await load(server.url, paths, AHEAD_SECONDS);
      if (server === product) answers += ahead;
      const before = server.cpuMs();
      const storeBefore = product.storeCpuMs();
      const { rate, answers: n } = await load(server.url, paths, round === 0 ? 2 : seconds);
      const after = server.cpuMs();
      const storeAfter = product.storeCpuMs();
      if (server === product) answers += n;
      if (round === 0) continue; // It warms up.
      rates.push(rate);
      if (before !== null && after !== null) cpu.push(((after - before) * 1000) / n);
      if (storeBefore !== null && storeAfter !== null && server === product)
        store.push(((storeAfter - storeBefore) * 1000) / n);
    }
  progress(`${row}: the last events`);
  const begun = performance.now();
  await until("every event in the store", () => eventsStored(product.dataDir, id) >= answers, 300, 200);
  const late = (performance.now() - begun) / 1000;
  const stored = eventsStored(product.dataDir, id);
  await peer.stop();
  await product.stop();
  await sink.stop();
  const [redirect, pixel, bare] = targets.map(({ rates }) => median(rates)) as [number, number, number];
  return [
    ...targets.map(
      ({ who, rates }): Figure => ({ row, who, value: Math.round(median(rates)), unit: "requests/s" }),
    ),
    ...targets.map(
      ({ who, cpu }): Figure => ({ row, who, value: Math.round(median(cpu)), unit: "µs CPU/request" }),
    ),
    ...targets
      .filter(({ server }) => server === product)
      .map(
        ({ who, store }): Figure => ({
          row,
          who: `${who}, of it the store's process`,
          value: Math.round(median(store)),
          unit: "µs CPU/request",
        }),
      ),
    { row, who: "redirect, in bare redirects", value: Number((redirect / bare).toFixed(2)), unit: "×" },
    { row, who: "pixel, in bare redirects", value: Number((pixel / bare).toFixed(2)), unit: "×" },
    { row, who: "answers given", value: answers, unit: "" },
    { row, who: `events in the store, ${late.toFixed(1)} s after the last`, value: stored, unit: "" },
  ];
}

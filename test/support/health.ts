/** Asks /healthz again and again while a test goes on: a worker that stalls does not answer. */
import { setTimeout as sleep } from "node:timers/promises";

/** A frozen worker never answers; the slowest answer of a busy one is far below. */
const DEADLINE_MS = 5_000;
const EVERY_MS = 50;

export interface Health {
  asked: number;
  slowestMs: number;
  /** What was no 200 within the deadline. */
  failures: string[];
}

export function watchHealth(base: string): { stop: () => Promise<Health> } {
  const health: Health = { asked: 0, slowestMs: 0, failures: [] };
  let over = false;
  const watching = (async () => {
    while (!over) {
      const begun = performance.now();
      try {
        const answer = await fetch(`${base}/healthz`, { signal: AbortSignal.timeout(DEADLINE_MS) });
        await answer.text();
        if (answer.status !== 200) health.failures.push(`status ${answer.status}`);
      } catch (cause) {
        health.failures.push(String(cause));
      }
      health.asked += 1;
      health.slowestMs = Math.max(health.slowestMs, Math.round(performance.now() - begun));
      await sleep(EVERY_MS);
    }
  })();
  return {
    stop: async () => {
      over = true;
      await watching;
      return health;
    },
  };
}

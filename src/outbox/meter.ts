/**
 * What an outbox counts for operators: what came of attempts, how long they took, and how long mail waited. In memory: a
 * counter that begins again at 0 is what Prometheus expects after a restart. Pure.
 */
import { emptyHistogram, type Histogram, observe } from "../core/histogram.ts";
import type { Attempt } from "../smtp/attempt.ts";

export interface OutcomeCount {
  relay: string;
  disposition: string;
  category: string;
  count: number;
}

export interface Meters {
  outcomes: OutcomeCount[];
  /** Of attempts, from taking the copy to its last reply. */
  attempts: Histogram;
  /** Of accepted first attempts: from acceptance, or the time scheduled, to the relay's reply. */
  latency: Histogram;
}

export class Meter {
  readonly #outcomes = new Map<string, OutcomeCount>();
  readonly #attempts = emptyHistogram();
  readonly #latency = emptyHistogram();

  /** `waitedMs`: since acceptance; null when it was not the first attempt. */
  count({ relay, disposition, category, durationMs }: Attempt, waitedMs: number | null): void {
    const key = `${relay} ${disposition} ${category}`;
    const known = this.#outcomes.get(key);
    if (known === undefined) this.#outcomes.set(key, { relay, disposition, category, count: 1 });
    else known.count += 1;
    observe(this.#attempts, durationMs);
    if (waitedMs !== null && disposition === "accepted") observe(this.#latency, waitedMs);
  }

  read(): Meters {
    return { outcomes: [...this.#outcomes.values()], attempts: this.#attempts, latency: this.#latency };
  }
}

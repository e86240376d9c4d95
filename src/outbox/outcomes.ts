/**
 * Outcomes on their way to storage. Recorded in small batches, so that storage never slows the wire, and never more than
 * OUTCOMES_PER_WRITE of them are at risk: after a crash those would be sent twice.
 */
import { OUTCOMES_PER_WRITE } from "../core/limits.ts";
import type { LedgerEntry } from "../schema/event.ts";
import type { Queue } from "./queue.ts";
import type { Delivery } from "./tables.ts";

/** How long an outcome waits for others at most, in milliseconds. */
const LINGER_MS = 10;

export class Outcomes {
  readonly #queue: Queue;
  #done: number[] = [];
  #later: { id: number; due: number; route: string }[] = [];
  #entries: LedgerEntry[] = [];
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(queue: Queue) {
    this.#queue = queue;
  }

  /** Never to be tried again. */
  finish(delivery: Delivery, entries: readonly LedgerEntry[]): void {
    this.#done.push(delivery.id);
    this.#entries.push(...entries);
    this.#written();
  }

  /** To be tried again at `due`, by one of the relays of `route`. */
  postpone(delivery: Delivery, due: number, route: string, entry: LedgerEntry): void {
    this.#later.push({ id: delivery.id, due, route });
    this.#entries.push(entry);
    this.#written();
  }

  #written(): void {
    if (this.#done.length + this.#later.length >= OUTCOMES_PER_WRITE) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), LINGER_MS);
  }

  /** Writes what there is, now. */
  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#done.length === 0 && this.#later.length === 0) return;
    const [done, later, entries] = [this.#done, this.#later, this.#entries];
    this.#done = [];
    this.#later = [];
    this.#entries = [];
    this.#queue.deliveries.postpone(later);
    this.#queue.finish(done, entries, done.length < OUTCOMES_PER_WRITE);
  }
}

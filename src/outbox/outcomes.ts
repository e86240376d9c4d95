/**
 * Outcomes on their way to storage. Recorded in small batches, so that storage never slows the wire.
 *
 * What a crash repeats is what was on the wire and what had come of it but was not stored. Both are counted here: before
 * a message goes out that would make them more than DUPLICATES_AFTER_CRASH, what is known is stored. (The platform holds
 * back what an object sends until what it has stored is on disk.) So the fewer messages are on the wire, the larger the
 * batches, and the promise holds whatever the relays and their windows are, up to that many messages on the wire.
 */
import { DUPLICATES_AFTER_CRASH } from "../core/limits.ts";
import type { LedgerEntry } from "../schema/event.ts";
import type { Queue } from "./queue.ts";
import type { Delivery } from "./tables.ts";

/** How long an outcome waits for others at most, in milliseconds. */
const LINGER_MS = 10;

export class Outcomes {
  readonly #queue: Queue;
  #done: number[] = [];
  #later: { id: number; due: number; route: string; counts: boolean }[] = [];
  #entries: LedgerEntry[] = [];
  #timer: ReturnType<typeof setTimeout> | null = null;
  /** Something was written since the timer was set, so that what waits is younger. */
  #isYoung = false;
  #onTheWire = 0;

  constructor(queue: Queue) {
    this.#queue = queue;
  }

  /** A message goes on the wire now. */
  begun(): void {
    if (this.#isFull) this.flush(false);
    this.#onTheWire += 1;
  }

  /** It is known what came of a message that had begun. */
  landed(): void {
    this.#onTheWire -= 1;
  }

  /** Never to be tried again. */
  finish(delivery: Delivery, entries: readonly LedgerEntry[]): void {
    this.#done.push(delivery.id);
    this.#entries.push(...entries);
    this.#written();
  }

  /** To be tried again at `due`, by one of the relays of `route`. `counts`: the attempt is one of the schedule's. */
  postpone(delivery: Delivery, due: number, route: string, entry: LedgerEntry, counts = true): void {
    this.#later.push({ id: delivery.id, due, route, counts });
    this.#entries.push(entry);
    this.#written();
  }

  get #isFull(): boolean {
    return this.#done.length + this.#later.length + this.#onTheWire >= DUPLICATES_AFTER_CRASH;
  }

  #written(): void {
    if (this.#isFull) this.flush(false);
    else this.#timer ??= setTimeout(this.#lingered, LINGER_MS);
  }

  /** One timer for many batches: setting one for each and taking it back costs as much as spelling an event. */
  #lingered = (): void => {
    this.#timer = null;
    if (!this.#isYoung) this.flush();
    else if (this.#done.length + this.#later.length > 0) this.#timer = setTimeout(this.#lingered, LINGER_MS);
    this.#isYoung = false;
  };

  /** Writes what there is, now. `pause`: nothing follows at once. */
  flush(pause = true): void {
    if (this.#done.length === 0 && this.#later.length === 0) return;
    this.#isYoung = true;
    const [done, later, entries] = [this.#done, this.#later, this.#entries];
    this.#done = [];
    this.#later = [];
    this.#entries = [];
    this.#queue.deliveries.postpone(later);
    this.#queue.finish(done, entries, pause);
  }
}

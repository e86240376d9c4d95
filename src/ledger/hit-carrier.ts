/**
 * Carries visits from hits.ts to libSQL when they have waited long enough: past the journal while libSQL takes them, for they
 * are durable where they are. One batch at a time. Time, timers and the way on are passed in.
 */
import { SETTLE_MS } from "../core/limits.ts";
import type { LedgerEntry } from "../schema/event.ts";
import { type EventRow, eventOf } from "../schema/event-row.ts";
import type { Hits, Released } from "./hits.ts";

/** Between two batches while visits keep coming, in milliseconds: each costs a commit in two databases. */
const GAP_MS = 250;
/** How long after its time the alarm looks for a batch whose timer went with its object, in milliseconds. */
const GUARD_MS = 5_000;

export interface HitCarrierParts {
  hits: Hits;
  /** Brings them to libSQL. False: it did not take them within so many milliseconds. */
  through: (released: Released, waitMs: number) => Promise<boolean>;
  /** LibSQL has them. Called in the turn in which they are forgotten here, like the next. Neither may throw. */
  written: (released: Released) => void;
  /** The journal is to have them. */
  journalled: (entries: LedgerEntry[]) => void;
  /** Sees to it that the alarm rings within so many milliseconds. */
  guard: (ms: number) => void;
  /** Keeps the object alive meanwhile. */
  waitUntil: (work: Promise<void>) => void;
  now: () => number;
}

export class HitCarrier {
  readonly #parts: HitCarrierParts;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #running: Promise<void> | null = null;

  constructor(parts: HitCarrierParts) {
    this.#parts = parts;
  }

  /** Sees to it that what waits goes on in time: by a timer, and by the alarm should this object be gone by then. */
  expect(): void {
    const { hits, guard, waitUntil, now } = this.#parts;
    if (hits.size === 0) return;
    const ms = Math.max(GAP_MS, (hits.due ?? 0) - now());
    // Each time, for an alarm that rang is gone.
    guard(ms + GUARD_MS);
    if (hits.due === null || this.#timer !== null || this.#running !== null) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      waitUntil(this.carry());
    }, ms);
  }

  /** Whatever has waited long enough goes on, and what stands in rows up to `through`, for someone asks. Never rejects. */
  async carry(through = 0): Promise<void> {
    do {
      this.#running ??= this.#carry(through).finally(() => {
        this.#running = null;
        this.expect();
      });
      await this.#running;
    } while (this.#parts.hits.first <= through);
  }

  async #carry(asked: number): Promise<void> {
    const { hits, through, written, journalled, now } = this.#parts;
    // What comes due meanwhile waits for the next time, or it would go in crumbs.
    const due = now();
    for (;;) {
      const released = hits.release(due, asked);
      if (released === null) return;
      const taken = await through(released, SETTLE_MS);
      if (taken) written(released);
      else journalled(visitsOf(released));
      hits.forget(released);
    }
  }
}

/** Visits as the entries that they are. */
export const visitsOf = ({ lists }: Released): LedgerEntry[] =>
  lists.flatMap((list) =>
    (JSON.parse(list) as EventRow[]).map((row): LedgerEntry => ({ kind: "event", event: eventOf(row) })),
  );

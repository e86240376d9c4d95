/**
 * The pace for each destination domain, as configured: `{"gmail.com": "20/s", "*": "50/s"}`. Mail that comes too soon is
 * put off to a place behind what was put off before it, so that a queue of any length is looked at once, not again and
 * again.
 */
import { type Bucket, newBucket, type Rate, shareOf, take } from "./throttle.ts";

interface Pace {
  bucket: Bucket;
  /** Milliseconds between two messages. */
  interval: number;
  /** When the last one that was put off is due. */
  last: number;
}

/** With more domains under `*` than this, those at rest are forgotten. */
const DOMAINS = 10_000;

export class Paces {
  readonly #rates: ReadonlyMap<string, Rate>;
  readonly #shards: number;
  readonly #paces = new Map<string, Pace>();

  constructor(rates: ReadonlyMap<string, Rate>, shards: number) {
    this.#rates = rates;
    this.#shards = shards;
  }

  /** Takes a place for one message. Null: it may go now. Otherwise when it is due, in milliseconds since 1970. */
  next(domain: string, now: number): number | null {
    const pace = this.#paceOf(domain, now);
    if (pace === null || take(pace.bucket, now)) return null;
    pace.last = Math.max(pace.last, now) + pace.interval;
    return Math.ceil(pace.last);
  }

  #paceOf(domain: string, now: number): Pace | null {
    if (this.#rates.size === 0) return null;
    const known = this.#paces.get(domain);
    if (known !== undefined) return known;
    const configured = this.#rates.get(domain) ?? this.#rates.get("*");
    if (configured === undefined) return null;
    if (this.#paces.size >= DOMAINS)
      for (const [name, { last }] of this.#paces) if (last < now) this.#paces.delete(name);
    const rate = shareOf(configured, this.#shards);
    const pace = { bucket: newBucket(rate, now), interval: rate.perMs / rate.count, last: 0 };
    this.#paces.set(domain, pace);
    return pace;
  }
}

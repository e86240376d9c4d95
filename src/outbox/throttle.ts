/**
 * How fast: a token bucket for rates such as `10/s`. Pure: the caller passes `now`, in milliseconds.
 * A bucket holds one period's worth at most, but never more than one second of it, so that `600/m` is ten a second
 * and not six hundred at once.
 */

export interface Rate {
  /** How many in one period. */
  count: number;
  /** The period in milliseconds. */
  perMs: number;
}

export interface Bucket {
  rate: Rate;
  tokens: number;
  /** When `tokens` was true. */
  at: number;
}

const perMillisecond = (rate: Rate): number => rate.count / rate.perMs;
/** At least one, or nothing could ever pass. */
const capacity = (rate: Rate): number => Math.max(1, Math.min(rate.count, perMillisecond(rate) * 1000));

export const newBucket = (rate: Rate, now: number): Bucket => ({ rate, tokens: capacity(rate), at: now });

const refill = (bucket: Bucket, now: number): void => {
  const passed = Math.max(0, now - bucket.at);
  bucket.tokens = Math.min(capacity(bucket.rate), bucket.tokens + passed * perMillisecond(bucket.rate));
  bucket.at = now;
};

/** Takes one token if there is one. */
export function take(bucket: Bucket, now: number): boolean {
  refill(bucket, now);
  if (bucket.tokens < 1) return false;
  bucket.tokens -= 1;
  return true;
}

/** Milliseconds until there is a token; 0 when there is one now. */
export function waitFor(bucket: Bucket, now: number): number {
  refill(bucket, now);
  return bucket.tokens >= 1 ? 0 : Math.ceil((1 - bucket.tokens) / perMillisecond(bucket.rate));
}

/** A rate shared evenly by several objects. */
export const shareOf = (rate: Rate, shards: number): Rate => ({
  count: rate.count / shards,
  perMs: rate.perMs,
});

/**
 * A relay's circuit breaker. Pure: the caller passes `now` and a random number.
 * Closed: the relay is used. Open: it could not be reached or refuses us, and rests until `retryAt`; then one session
 * probes it (a pool opens its first session alone), and what comes of that closes or reopens the breaker.
 */

const FIRST_REST_MS = 5_000;
const LONGEST_REST_MS = 5 * 60_000;
const JITTER = 0.2;

export interface Breaker {
  /** Failures in a row. */
  failures: number;
  /** Milliseconds since 1970; 0 when closed. */
  retryAt: number;
  lastError: string | null;
  /** It said "too fast", and is not away. */
  isTooFast: boolean;
}

export const closed = (): Breaker => ({ failures: 0, retryAt: 0, lastError: null, isTooFast: false });

/** Whether the relay may be used, or probed, now. */
export const isAvailable = (breaker: Breaker, now: number): boolean => breaker.retryAt <= now;

/**
 * After a failure. Rests double, from 5 seconds to 5 minutes, each up to a fifth longer or shorter. What fails while it
 * rests was under way before: several sessions' messages, one failure.
 */
export function failed(
  breaker: Breaker,
  error: string,
  now: number,
  random: number,
  isTooFast = false,
): Breaker {
  if (!isAvailable(breaker, now)) return { ...breaker, lastError: error };
  const rest = Math.min(FIRST_REST_MS * 2 ** Math.min(breaker.failures, 20), LONGEST_REST_MS);
  return {
    failures: breaker.failures + 1,
    retryAt: now + Math.round(rest * (1 + JITTER * (2 * random - 1))),
    lastError: error,
    isTooFast,
  };
}

/**
 * After it took a message. One that was called away is back, whatever sessions failed. One that said "too fast" rests all the
 * same: what it takes meanwhile it had before it said so.
 */
export const took = (breaker: Breaker, now: number): Breaker =>
  breaker.isTooFast && !isAvailable(breaker, now) ? breaker : closed();

/**
 * When to try again. Pure: no clock, no storage; the caller passes `now` and a random number.
 *
 * The schedule is about what large mail servers do: quick at first, since most temporary refusals pass within minutes,
 * then ever rarer. RFC 5321 section 4.5.4.1 asks for at least 30 minutes between attempts after the first hour.
 */
import { MINUTE_MS } from "../core/limits.ts";

/** Waits after the 1st, 2nd, … failed attempt, in minutes. The last one repeats. */
const SCHEDULE_MINUTES = [1, 5, 15, 30, 60, 120, 240, 480];
/** Greylisting (RFC 6647 section 2.1) opens after 1 to 10 minutes as a rule, so it is worth asking sooner. */
const GREYLISTED_MINUTES = [1, 2, 3, 5, 10, 15, 30];
/** Each wait is up to this share longer or shorter, so that a batch refused together does not come back together. */
const JITTER = 0.2;

export interface Failure {
  /** Attempts made so far, 1 or more. */
  attempts: number;
  greylisted: boolean;
}

/** Milliseconds to wait. `random` is 0 to 1. */
export function wait(failure: Failure, random: number): number {
  const minutes = failure.greylisted ? GREYLISTED_MINUTES : SCHEDULE_MINUTES;
  const base = minutes[Math.min(failure.attempts, minutes.length) - 1]! * MINUTE_MS;
  return Math.round(base * (1 + JITTER * (2 * random - 1)));
}

/**
 * When the next attempt is due, in milliseconds since 1970: never after the message expires. At `expiresAt` itself
 * there is no attempt any more; the message is given up.
 */
export function nextAttempt(failure: Failure, now: number, expiresAt: number, random: number): number {
  return Math.min(now + wait(failure, random), expiresAt);
}

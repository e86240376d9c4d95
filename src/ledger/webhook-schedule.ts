/** What an answer means, and when to try again. Pure: the caller passes time and chance. */
import {
  WEBHOOK_DISABLE_FAILURES,
  WEBHOOK_DISABLE_MS,
  WEBHOOK_JITTER,
  WEBHOOK_RETRY_AFTER_MAX_MS,
  WEBHOOK_RETRY_MS,
} from "../core/limits.ts";

/** Calls to make in all before an event is given up. */
export const ATTEMPTS = WEBHOOK_RETRY_MS.length + 1;

export interface Answer {
  /** 0: there was none. */
  status: number;
  /** The beginning of the body, or in our words why there is none. */
  response: string;
  /** What Retry-After asked for, in milliseconds; null: nothing. */
  retryAfterMs: number | null;
  durationMs: number;
}

export type Verdict =
  | { kind: "success" }
  /** `restMs`: the endpoint wants no other event either for so long. */
  | { kind: "retry"; inMs: number; restMs: number }
  | { kind: "failed" }
  /** The endpoint is to be disabled. */
  | { kind: "gone" };

/** `attempts`: those made so far, with this one. `random`: 0 to 1. */
export function verdictOf(answer: Answer, attempts: number, random: number): Verdict {
  if (answer.status >= 200 && answer.status < 300) return { kind: "success" };
  if (answer.status === 410) return { kind: "gone" };
  const wait = WEBHOOK_RETRY_MS[attempts - 1];
  if (wait === undefined) return { kind: "failed" };
  const busy = answer.status === 429 || answer.status === 503;
  const restMs = busy ? Math.min(answer.retryAfterMs ?? 0, WEBHOOK_RETRY_AFTER_MAX_MS) : 0;
  return { kind: "retry", inMs: Math.round(Math.max(wait, restMs) * (1 + WEBHOOK_JITTER * random)), restMs };
}

/** Seconds or an HTTP date (RFC 9110 section 10.2.3) as milliseconds from `now`; null when it is neither. */
export function retryAfterMs(text: string | null, now: number): number | null {
  if (text === null) return null;
  if (/^\d{1,9}$/.test(text.trim())) return Number(text) * 1_000;
  // JavaScript reads much as a date; HTTP's all begin with the day of the week.
  const at = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? null : Math.max(0, at - now);
}

/** Whether an endpoint that has done nothing but fail is to be disabled. */
export const failsForDays = (
  health: { failingSince: number | null; failures: number },
  now: number,
): boolean =>
  health.failingSince !== null &&
  health.failures >= WEBHOOK_DISABLE_FAILURES &&
  now - health.failingSince >= WEBHOOK_DISABLE_MS;

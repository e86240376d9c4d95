/** When to send: `scheduled_at` as ISO 8601, or in words such as `in 10 min`. Pure: the caller passes `now`. */
import { DAY_MS, HOUR_MS, MINUTE_MS, SCHEDULE_MAX_DAYS } from "../core/limits.ts";
import { err, ok, type Result } from "../core/result.ts";
import { dayOf } from "./period.ts";

const UNITS: [RegExp, number][] = [
  [/^(s|secs?|seconds?)$/, 1_000],
  [/^(m|mins?|minutes?)$/, MINUTE_MS],
  [/^(h|hrs?|hours?)$/, HOUR_MS],
  [/^(d|days?)$/, DAY_MS],
  [/^(w|weeks?)$/, 7 * DAY_MS],
];
const WORDS = /^in\s+(\d{1,6}|an?|one)\s*([a-z]+)$/i;
/** Date, time, and zone or Z (RFC 3339); the zone is required, since "9 o'clock" means nothing to a server. */
const ISO = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?\s*(Z|[+-]\d{2}:?\d{2})$/i;
/** A clock a little behind ours is no mistake. */
const PAST_TOLERANCE_MS = 5 * MINUTE_MS;

/** Milliseconds since 1970, or a sentence saying what is wrong. A moment just past is now. */
export function parseSchedule(text: string, now: number): Result<number, string> {
  const at = moment(text.trim(), now);
  if (at === null)
    return err(
      "is not a time: write ISO 8601 with a zone, such as `2026-08-05T11:52:01Z`, or `in 10 min`, `in 2 hours`, `in 1 day`",
    );
  if (at < now - PAST_TOLERANCE_MS) return err("is in the past");
  if (at > now + SCHEDULE_MAX_DAYS * DAY_MS) return err(`is more than ${SCHEDULE_MAX_DAYS} days ahead`);
  return ok(Math.max(at, now));
}

function moment(text: string, now: number): number | null {
  const words = WORDS.exec(text);
  if (words !== null) {
    const unit = UNITS.find(([pattern]) => pattern.test(words[2]!.toLowerCase()));
    const count = Number(words[1]);
    return unit === undefined ? null : now + (Number.isNaN(count) ? 1 : count) * unit[1];
  }
  if (!ISO.test(text) || dayOf(text.slice(0, 10)) === null) return null;
  const at = Date.parse(
    text.replace(/\s+/, (space, index: number) => (index === 10 ? "T" : space)).replace(/\s+/g, ""),
  );
  return Number.isNaN(at) ? null : at;
}

/** RETENTION_DAYS: for how many days what is kept. Pure. */
import { RETENTION_DAYS_MAX } from "../core/limits.ts";
import { err, ok, type Result } from "../core/result.ts";

export interface Retention {
  /** Days that html and text of an email are kept; null: for ever. Never longer than its events. */
  bodies: number | null;
  /** Days that an email, its recipients and their events are kept; null: for ever. Figures stay in any case. */
  events: number | null;
}

export const RETENTION_FORM =
  "must be a number of days such as 90, or one for each, such as bodies=30,events=365";

/** `90`, or `bodies=30,events=365`, or one of the two. */
export function parseRetention(text: string): Result<Retention, string> {
  const days = { bodies: null, events: null } as Retention;
  for (const part of text.split(",")) {
    const match = /^\s*(?:(bodies|events)\s*=)?\s*(\d{1,6})\s*$/.exec(part);
    if (match === null) return err(RETENTION_FORM);
    const [, what, number] = match;
    const n = Number(number);
    if (n < 1 || n > RETENTION_DAYS_MAX) return err(`must be 1 to ${RETENTION_DAYS_MAX} days`);
    if (what === undefined) {
      if (text.includes(",")) return err(RETENTION_FORM);
      days.events = n;
    } else days[what as keyof Retention] = n;
  }
  if (days.events !== null) days.bodies = Math.min(days.bodies ?? days.events, days.events);
  return ok(days);
}

/**
 * Days, weeks and months of a time zone, in whole hours since 1970: figures are kept by the hour. In a zone that is off by
 * half an hour or a quarter, an hour belongs to the day in which it begins. Pure.
 */
import { HOUR_MS, TIME_ZONES_KNOWN } from "../core/limits.ts";

export const GRANULARITIES = ["hourly", "daily", "weekly", "monthly"] as const;
export type Granularity = (typeof GRANULARITIES)[number];

/** Wall-clock time as if it were UTC, so that days and weeks can be reckoned with. */
type Wall = number;

/** In the order they were made. */
const formats = new Map<string, Intl.DateTimeFormat>();

/** Null: there is no such zone. */
export function timeZone(name: string): string | null {
  try {
    format(name);
    return name;
  } catch {
    return null;
  }
}

function format(zone: string): Intl.DateTimeFormat {
  let known = formats.get(zone);
  if (known === undefined) {
    known = new Intl.DateTimeFormat("en-US", {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
    });
    if (formats.size >= TIME_ZONES_KNOWN) formats.delete(formats.keys().next().value!);
    formats.set(zone, known);
  }
  return known;
}

function wallOf(at: number, zone: string): Wall {
  if (zone === "UTC") return at;
  const part: Record<string, number> = {};
  for (const { type, value } of format(zone).formatToParts(at)) part[type] = Number(value);
  return Date.UTC(part.year!, part.month! - 1, part.day, part.hour, part.minute, part.second);
}

/** When a wall clock shows it, in milliseconds since 1970. Of two such moments (clocks set back) either; of none, one beside it. */
export function momentOf(wall: Wall, zone: string): number {
  const guess = wall - (wallOf(wall, zone) - wall);
  return guess - (wallOf(guess, zone) - wall);
}

/** The beginning of the period that a moment is in. */
function beginning(wall: Wall, granularity: Granularity): Wall {
  const date = new Date(wall);
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()];
  switch (granularity) {
    case "hourly":
      return wall - (wall % HOUR_MS);
    case "daily":
      return Date.UTC(year, month, day);
    case "weekly": // ISO 8601: a week begins on Monday.
      return Date.UTC(year, month, day - ((date.getUTCDay() + 6) % 7));
    case "monthly":
      return Date.UTC(year, month, 1);
  }
}

function following(start: Wall, granularity: Granularity): Wall {
  const date = new Date(start);
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()];
  switch (granularity) {
    case "hourly":
      return start + HOUR_MS;
    case "daily":
      return Date.UTC(year, month, day + 1);
    case "weekly":
      return Date.UTC(year, month, day + 7);
    case "monthly":
      return Date.UTC(year, month + 1, 1);
  }
}

export interface Period {
  /** Hours since 1970; `to` is not included. */
  from: number;
  to: number;
  /** The date it begins with, `2026-11-24`; hourly the moment, `2026-11-24T20:00:00.000Z`. */
  name: string;
}

const hourAt = (ms: number): number => Math.ceil(ms / HOUR_MS);

/** The periods between two hours since 1970, cut to them; null when there are more than `most`. */
export function periodsOf(
  from: number,
  to: number,
  granularity: Granularity,
  zone: string,
  most: number,
): Period[] | null {
  const periods: Period[] = [];
  if (granularity === "hourly") {
    if (to - from > most) return null;
    for (let hour = from; hour < to; hour++)
      periods.push({ from: hour, to: hour + 1, name: new Date(hour * HOUR_MS).toISOString() });
    return periods;
  }
  let wall = beginning(wallOf(from * HOUR_MS, zone), granularity);
  while (hourAt(momentOf(wall, zone)) < to) {
    if (periods.length === most) return null;
    const next = following(wall, granularity);
    const period = {
      from: Math.max(from, hourAt(momentOf(wall, zone))),
      to: Math.min(to, hourAt(momentOf(next, zone))),
      name: new Date(wall).toISOString().slice(0, 10),
    };
    if (period.from < period.to) periods.push(period);
    wall = next;
  }
  return periods;
}

const DATE = /^\d{4}-\d{2}-\d{2}$/;
const DATE_TIME = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?$/i;

/** The first moment of a day such as 2026-11-24 as if it were in UTC; null: there is none. Date.parse takes February 30 for March 2. */
export function dayOf(text: string): Wall | null {
  const at = Date.parse(`${text}T00:00:00Z`);
  return Number.isNaN(at) || new Date(at).toISOString().slice(0, 10) !== text ? null : at;
}

/**
 * The moment a date or a date with a time says, in milliseconds since 1970, or null. A date alone is its first moment in
 * the zone, for `end` its last; a time without an offset is in the zone too.
 */
export function parseMoment(text: string, zone: string, end: boolean): number | null {
  if (DATE.test(text)) {
    const wall = dayOf(text);
    if (wall === null) return null;
    return end ? momentOf(following(wall, "daily"), zone) - 1 : momentOf(wall, zone);
  }
  const match = DATE_TIME.exec(text);
  if (match === null || dayOf(text.slice(0, 10)) === null) return null;
  const local = match[3] === undefined;
  const at = Date.parse(`${text.replace(" ", "T")}${local ? "Z" : ""}`);
  if (Number.isNaN(at)) return null;
  return local ? momentOf(at, zone) : at;
}

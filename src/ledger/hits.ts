/**
 * Opens and clicks on their way to libSQL, judged by what other visits say (tracking/series.ts). They wait HIT_HOLD_MS, since
 * a scanner is known by the links it takes after the first; they wait in the ledger's SQLite, those of one call in one row, so
 * they are durable from the start. Whoever asks for an email has its visits at once, as they look by then.
 *
 * What was seen lately is held in memory, and only that: an object that starts anew knows the visits that wait and no more.
 */
import {
  HIT_HOLD_MS,
  LEDGER_BATCH_CHARS,
  SAME_VISITOR_MS,
  SENT_TIMES_HELD,
  SERIES_VISITS,
  VISITORS_HELD,
} from "../core/limits.ts";
import type { LedgerEntry, MailEvent } from "../schema/event.ts";
import { judgeSeries, type SeriesVisit } from "../tracking/series.ts";
import { tooSoon } from "../tracking/verdict.ts";

/** Visits of one call that wait, until when. */
interface Held {
  id: number;
  until: number;
  /** Characters of their row. */
  chars: number;
  events: MailEvent[];
}

/** Visits that have waited long enough. `last`: the row up to which they are forgotten once they are elsewhere. */
export interface Released {
  last: number;
  events: MailEvent[];
}

export class Hits {
  readonly #sql: SqlStorage;
  readonly #held: Held[];
  /** Not yet forgotten. */
  #leaving: Released | null = null;
  /** The latest visits to one recipient's copy, by email and recipient. In the order of the last visit. */
  readonly #visits = new Map<string, SeriesVisit[]>();
  /** When relays took copies, by email and recipient. In the order of telling. */
  readonly #sent = new Map<string, number>();

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`CREATE TABLE IF NOT EXISTS held_hits (
      id INTEGER PRIMARY KEY AUTOINCREMENT, until INTEGER NOT NULL, events TEXT NOT NULL)`);
    this.#held = sql
      .exec<{ id: number; until: number; events: string }>(
        "SELECT id, until, events FROM held_hits ORDER BY id",
      )
      .toArray()
      .map(({ id, until, events }) => ({
        id,
        until,
        chars: events.length,
        events: JSON.parse(events) as MailEvent[],
      }));
    for (const { events } of this.#held) for (const event of events) this.#judge(event, []);
  }

  /** When the next visits have waited long enough, in milliseconds since 1970; null: none wait. */
  get due(): number | null {
    return this.#held[0]?.until ?? null;
  }

  /** How many visits are here. */
  get size(): number {
    return this.#held.reduce((sum, { events }) => sum + events.length, this.#leaving?.events.length ?? 0);
  }

  /** The rows of the oldest visits that are here and of the newest that ever were. */
  get first(): number {
    return this.#leaving?.last ?? this.#held[0]?.id ?? Number.POSITIVE_INFINITY;
  }
  get last(): number {
    return this.#held.at(-1)?.id ?? this.#leaving?.last ?? 0;
  }

  /** Takes visits for good: a JSON list of events, short enough for a row. */
  take(list: string, now: number): void {
    const events = JSON.parse(list) as MailEvent[];
    for (const event of events) this.#judge(event, events);
    const until = now + HIT_HOLD_MS;
    const { id } = this.#sql
      .exec<{ id: number }>("INSERT INTO held_hits (until, events) VALUES (?, ?) RETURNING id", until, list)
      .one();
    this.#held.push({ id, until, chars: list.length, events });
  }

  /**
   * The oldest visits that have waited long enough, or stand in rows up to `through`, with the verdict they have by now: as
   * many as go to libSQL at once. Null: there are none. The caller forgets them when they are elsewhere, and asks for no
   * others before that.
   */
  release(now: number, through = 0): Released | null {
    let [rows, chars] = [0, 0];
    for (const held of this.#held) {
      if ((held.id > through && held.until > now) || (rows > 0 && chars + held.chars > LEDGER_BATCH_CHARS))
        break;
      rows++;
      chars += held.chars;
    }
    const due = this.#held.splice(0, rows);
    const last = due.at(-1);
    if (last === undefined) return null;
    const events = due.flatMap(({ events }) => events);
    // By now it may be known when the mail was sent.
    for (const event of events)
      if (event.data.visitor?.verdict === "person") {
        const soon = tooSoon(event.at, this.#sent.get(keyOf(event)) ?? null);
        if (soon !== null) Object.assign(event.data.visitor, soon);
      }
    this.#leaving = { last: last.id, events };
    return this.#leaving;
  }

  forget({ last }: Released): void {
    this.#leaving = null;
    this.#sql.exec("DELETE FROM held_hits WHERE id <= ?", last);
  }

  /** Takes note of when copies were sent. */
  note(entries: readonly LedgerEntry[]): void {
    for (const entry of entries) {
      if (entry.kind !== "event" || entry.event.type !== "email.sent") continue;
      this.#sent.set(keyOf(entry.event), entry.event.at);
    }
    trim(this.#sent, SENT_TIMES_HELD);
  }

  /** Gives an event the verdict of its series; and those that wait, before it or in the same call, the one it throws on them. */
  #judge(event: MailEvent, company: readonly MailEvent[]): void {
    const { visitor } = event.data;
    const visit = visitOf(event);
    if (visitor === undefined || visit === null) return;
    const key = keyOf(event);
    const earlier = (this.#visits.get(key) ?? []).filter(({ at }) => event.at - at <= SAME_VISITOR_MS);
    const judged = judgeSeries(earlier, visit, this.#sent.get(key) ?? null);
    if (judged !== null) {
      const { revised, ...verdict } = judged;
      Object.assign(visitor, verdict);
      Object.assign(visit, verdict);
      for (const events of revised.length > 0 ? [company, ...this.#held.map((held) => held.events)] : [])
        for (const other of events)
          if (revised.includes(other.id) && other.data.visitor) Object.assign(other.data.visitor, verdict);
      for (const other of earlier) if (revised.includes(other.id)) Object.assign(other, verdict);
    }
    this.#visits.delete(key);
    this.#visits.set(key, [...earlier.filter(({ id }) => id !== visit.id), visit].slice(-SERIES_VISITS));
    trim(this.#visits, VISITORS_HELD);
  }
}

/** Whether an entry is an open or a click. */
export const isVisit = (entry: LedgerEntry): entry is Extract<LedgerEntry, { kind: "event" }> =>
  entry.kind === "event" && (entry.event.type === "email.clicked" || entry.event.type === "email.opened");

const keyOf = ({ email_id, recipient }: MailEvent): string => `${email_id} ${recipient}`;

/** An event as the series sees it; null when it says nothing of a visitor. */
function visitOf({ id, type, at, data: { visitor, click } }: MailEvent): SeriesVisit | null {
  const { verdict } = visitor ?? {};
  if (visitor === undefined || (verdict !== "person" && verdict !== "proxy" && verdict !== "scanner"))
    return null;
  return {
    id,
    type: type === "email.clicked" ? "click" : "open",
    at,
    link: click?.link ?? null,
    ip: visitor.ip,
    userAgent: visitor.user_agent,
    verdict,
    reason: visitor.reason ?? "",
  };
}

/** Forgets the oldest beyond a number. */
function trim(map: Map<string, unknown>, size: number): void {
  for (const key of map.keys()) {
    if (map.size <= size) return;
    map.delete(key);
  }
}

/**
 * Opens and clicks on their way into the journal, judged by what other visits say (tracking/series.ts). A click that looks
 * like a person's waits HIT_HOLD_MS, since a scanner is known by the links it takes after the first; it waits in the
 * ledger's SQLite, so it is durable from the start. Whoever asks for an email has its clicks at once, as they look by then.
 *
 * What was seen lately is held in memory, and only that: an object that starts anew knows the clicks that wait and no more.
 */
import {
  HIT_HOLD_MS,
  SAME_VISITOR_MS,
  SENT_TIMES_HELD,
  SERIES_VISITS,
  VISITORS_HELD,
} from "../core/limits.ts";
import type { LedgerEntry, MailEvent } from "../schema/event.ts";
import { judgeSeries, type SeriesVisit } from "../tracking/series.ts";
import { tooSoon } from "../tracking/verdict.ts";

/** Clicks of one call that wait, until when. */
interface Held {
  id: number;
  until: number;
  events: MailEvent[];
}

export class Hits {
  readonly #sql: SqlStorage;
  readonly #held: Held[];
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
      .map(({ id, until, events }) => ({ id, until, events: JSON.parse(events) as MailEvent[] }));
    for (const { events } of this.#held) for (const event of events) this.#judge(event);
  }

  /** When the next clicks have waited long enough, in milliseconds since 1970; null: none wait. */
  get due(): number | null {
    return this.#held[0]?.until ?? null;
  }

  /** What of the entries goes on now, opens and clicks with the verdict they have by then; the rest is kept here. */
  take(entries: LedgerEntry[], now: number): LedgerEntry[] {
    if (!entries.some(isVisit)) return entries;
    const waiting: MailEvent[] = [];
    const on = entries.filter((entry) => {
      if (!isVisit(entry)) return true;
      this.#judge(entry.event, waiting);
      if (entry.event.type !== "email.clicked" || entry.event.data.visitor?.verdict !== "person") return true;
      waiting.push(entry.event);
      return false;
    });
    if (waiting.length > 0) {
      const until = now + HIT_HOLD_MS;
      const { id } = this.#sql
        .exec<{ id: number }>(
          "INSERT INTO held_hits (until, events) VALUES (?, ?) RETURNING id",
          until,
          JSON.stringify(waiting),
        )
        .one();
      this.#held.push({ id, until, events: waiting });
    }
    return on;
  }

  /** Clicks that have waited long enough, or all. The caller journals them in the same turn: here they are forgotten. */
  release(now: number, all = false): LedgerEntry[] {
    const first = this.#held.findIndex(({ until }) => !all && until > now);
    const due = this.#held.splice(0, first === -1 ? this.#held.length : first);
    const last = due.at(-1);
    if (last === undefined) return [];
    this.#sql.exec("DELETE FROM held_hits WHERE id <= ?", last.id);
    const entries = due.flatMap(({ events }) =>
      events.map((event): LedgerEntry => ({ kind: "event", event })),
    );
    // By now it may be known when the mail was sent.
    for (const entry of entries)
      if (entry.kind === "event" && entry.event.data.visitor?.verdict === "person") {
        const soon = tooSoon(entry.event.at, this.#sent.get(keyOf(entry.event)) ?? null);
        if (soon !== null) Object.assign(entry.event.data.visitor, soon);
      }
    return entries;
  }

  /** Takes note of when copies were sent. */
  note(entries: readonly LedgerEntry[]): void {
    for (const entry of entries) {
      if (entry.kind !== "event" || entry.event.type !== "email.sent") continue;
      this.#sent.set(keyOf(entry.event), entry.event.at);
    }
    trim(this.#sent, SENT_TIMES_HELD);
  }

  /** Gives an event the verdict of its series, and those that wait, in this call or before it, the one it throws on them. */
  #judge(event: MailEvent, waiting: readonly MailEvent[] = []): void {
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
      for (const events of revised.length > 0 ? [waiting, ...this.#held.map((held) => held.events)] : [])
        for (const other of events)
          if (revised.includes(other.id) && other.data.visitor) Object.assign(other.data.visitor, verdict);
      for (const other of earlier) if (revised.includes(other.id)) Object.assign(other, verdict);
    }
    this.#visits.delete(key);
    this.#visits.set(key, [...earlier.filter(({ id }) => id !== visit.id), visit].slice(-SERIES_VISITS));
    trim(this.#visits, VISITORS_HELD);
  }
}

type EventEntry = Extract<LedgerEntry, { kind: "event" }>;

const isVisit = (entry: LedgerEntry): entry is EventEntry =>
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

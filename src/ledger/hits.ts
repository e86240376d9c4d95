/**
 * Opens and clicks on their way to libSQL, judged by what other visits say (tracking/series.ts). They wait HIT_HOLD_MS, since
 * a scanner is known by the links it takes after the first; they wait in the ledger's SQLite, those of one call in one row, so
 * they are durable from the start. Whoever asks for an email has its visits at once, as they look by then.
 *
 * What was seen lately is held in memory, and only that: an object that starts anew knows the visits that wait and no more.
 */
import { jsonLists } from "../core/json-lists.ts";
import {
  HIT_HOLD_MS,
  LEDGER_BATCH_CHARS,
  LEDGER_PARAMETER_CHARS,
  SAME_VISITOR_MS,
  SENT_TIMES_HELD,
  SERIES_VISITS,
  TEXTS_SHARED,
  VISITORS_HELD,
} from "../core/limits.ts";
import type { LedgerEntry, MailEvent } from "../schema/event.ts";
import { type EventRow, rowOf } from "../schema/event-row.ts";
import { judgeSeries, type SeriesVisit } from "../tracking/series.ts";
import { type Judgement, tooSoon } from "../tracking/verdict.ts";

/** Visits of one call that wait, until when. */
interface Held {
  id: number;
  until: number;
  /** A JSON list of EventRows, as it came; "" once it has gone on. */
  list: string;
  count: number;
  /** Of events that came with another one, by id. */
  verdicts: Map<string, Judgement> | null;
  /** Persons' visits to copies of which it was not known when they were sent. */
  unsure: { id: string; copy: string; at: number }[];
}

/** A visit that was seen, and where it waits. */
interface Seen extends SeriesVisit {
  held: Held;
}

/** Visits that have waited long enough. */
export interface Released {
  /** The row up to which they are forgotten once they are elsewhere. */
  last: number;
  count: number;
  /** JSON lists of EventRows, as short as libSQL takes them. */
  lists: string[];
}

export class Hits {
  readonly #sql: SqlStorage;
  readonly #held: Held[] = [];
  /** Not yet forgotten. */
  #leaving: Released | null = null;
  /** The latest visits to one recipient's copy. In the order of the last visit. */
  readonly #visits = new Map<string, Seen[]>();
  readonly #texts = new Map<string, string>();
  /** When relays took copies. In the order of telling. */
  readonly #sent = new Map<string, number>();

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`CREATE TABLE IF NOT EXISTS held_hits (
      id INTEGER PRIMARY KEY AUTOINCREMENT, until INTEGER NOT NULL, events TEXT NOT NULL)`);
    for (const { id, until, events } of sql
      .exec<{ id: number; until: number; events: string }>(
        "SELECT id, until, events FROM held_hits ORDER BY id",
      )
      .toArray()) {
      // An earlier version kept objects.
      const read = JSON.parse(events) as (EventRow | MailEvent)[];
      const rows = read.map((one) => (Array.isArray(one) ? one : rowOf(one)));
      this.#hold(id, until, JSON.stringify(rows), rows);
    }
  }

  /** When the next visits have waited long enough, in milliseconds since 1970; null: none wait. */
  get due(): number | null {
    return this.#held[0]?.until ?? null;
  }

  /** How many visits are here. */
  get size(): number {
    return this.#held.reduce((sum, { count }) => sum + count, this.#leaving?.count ?? 0);
  }

  /** The rows of the oldest and of the newest visits that are here; Infinity and 0: there are none. */
  get first(): number {
    return this.#leaving?.last ?? this.#held[0]?.id ?? Number.POSITIVE_INFINITY;
  }
  get last(): number {
    return this.#held.at(-1)?.id ?? this.#leaving?.last ?? 0;
  }

  /** Takes visits for good: a JSON list of EventRows, of at most LEDGER_PARAMETER_CHARS. */
  take(list: string, now: number): void {
    const rows = JSON.parse(list) as EventRow[];
    if (rows.length === 0) return;
    const until = now + HIT_HOLD_MS;
    const { id } = this.#sql
      .exec<{ id: number }>("INSERT INTO held_hits (until, events) VALUES (?, ?) RETURNING id", until, list)
      .one();
    this.#hold(id, until, list, rows);
  }

  #hold(id: number, until: number, list: string, rows: readonly EventRow[]): void {
    const held: Held = { id, until, list, count: rows.length, verdicts: null, unsure: [] };
    for (const row of rows) this.#judge(row, held);
    this.#held.push(held);
  }

  /**
   * The oldest visits that have waited long enough, or stand in rows up to `through`, with the verdict they have by now: as
   * many as go to libSQL at once. Null: there are none. The caller forgets them when they are elsewhere; asked before that, it
   * is given the same again.
   */
  release(now: number, through = 0): Released | null {
    if (this.#leaving !== null) return this.#leaving;
    let [rows, chars] = [0, 0];
    for (const { id, until, list } of this.#held) {
      if ((id > through && until > now) || (rows > 0 && chars + list.length > LEDGER_BATCH_CHARS)) break;
      rows++;
      chars += list.length;
    }
    const due = this.#held.splice(0, rows);
    const last = due.at(-1);
    if (last === undefined) return null;
    this.#leaving = {
      last: last.id,
      count: due.reduce((sum, { count }) => sum + count, 0),
      lists: [
        ...jsonLists(
          due.map((held) => this.#told(held).slice(1, -1)),
          LEDGER_PARAMETER_CHARS,
        ),
      ],
    };
    // Visits are remembered for longer, and know where they waited.
    for (const held of due) Object.assign(held, { list: "", verdicts: null, unsure: [] });
    return this.#leaving;
  }

  /** A list with the verdicts of by now. Most have none to change, and go on unread. */
  #told({ list, verdicts, unsure }: Held): string {
    const changed = new Map(verdicts);
    for (const { id, copy, at } of unsure) {
      // By now it may be known when the mail was sent.
      const soon = changed.has(id) ? null : tooSoon(at, this.#sent.get(copy) ?? null);
      if (soon !== null) changed.set(id, soon);
    }
    if (changed.size === 0) return list;
    const rows = JSON.parse(list) as EventRow[];
    for (const [id, , , , , { visitor }] of rows)
      if (visitor !== undefined) Object.assign(visitor, changed.get(id));
    return JSON.stringify(rows);
  }

  forget({ last }: Released): void {
    this.#leaving = null;
    this.#sql.exec("DELETE FROM held_hits WHERE id <= ?", last);
  }

  /** Takes note of when copies were sent. */
  note(entries: readonly LedgerEntry[]): void {
    for (const entry of entries) {
      if (entry.kind !== "event" || entry.event.type !== "email.sent") continue;
      this.#sent.set(copyOf(entry.event), entry.event.at);
    }
    trim(this.#sent, SENT_TIMES_HELD);
  }

  /** Finds the verdict of an event's series; and the one it throws on others that still wait. */
  #judge([id, email, recipient, type, at, { visitor, click }]: EventRow, held: Held): void {
    const { verdict } = visitor ?? {};
    if (visitor === undefined || (verdict !== "person" && verdict !== "proxy" && verdict !== "scanner"))
      return;
    const copy = `${email} ${recipient}`;
    const seen: Seen = {
      id,
      type: type === "email.clicked" ? "click" : "open",
      at,
      link: this.#shared(click?.link ?? null),
      ip: this.#shared(visitor.ip),
      userAgent: this.#shared(visitor.user_agent),
      verdict,
      reason: this.#shared(visitor.reason ?? "") as string,
      held,
    };
    const earlier = this.#visits.get(copy) ?? [];
    const sentAt = this.#sent.get(copy) ?? null;
    const judged = judgeSeries(earlier, seen, sentAt);
    if (judged !== null) {
      const { revised, ...judgement } = judged;
      for (const one of [seen, ...earlier.filter((visit) => revised.includes(visit.id))]) {
        Object.assign(one, judgement);
        if (one.held.list === "") continue; // It has gone on.
        one.held.verdicts ??= new Map();
        one.held.verdicts.set(one.id, judgement);
      }
    } else if (verdict === "person" && sentAt === null) held.unsure.push({ id, copy, at });
    earlier.push(seen);
    while (earlier.length > SERIES_VISITS || at - earlier[0]!.at > SAME_VISITOR_MS) earlier.shift();
    this.#visits.delete(copy);
    this.#visits.set(copy, earlier);
    trim(this.#visits, VISITORS_HELD);
  }

  /** The same text as one that was seen before: visits are remembered, and most say what others said. */
  #shared(text: string | null): string | null {
    if (text === null) return null;
    const before = this.#texts.get(text);
    if (before !== undefined) return before;
    if (this.#texts.size >= TEXTS_SHARED) this.#texts.clear();
    this.#texts.set(text, text);
    return text;
  }
}

/** Whether an entry is an open or a click. */
export const isVisit = (entry: LedgerEntry): entry is Extract<LedgerEntry, { kind: "event" }> =>
  entry.kind === "event" && (entry.event.type === "email.clicked" || entry.event.type === "email.opened");

const copyOf = ({ email_id, recipient }: MailEvent): string => `${email_id} ${recipient}`;

/** Forgets the oldest beyond a number. */
function trim(map: Map<string, unknown>, size: number): void {
  for (const key of map.keys()) {
    if (map.size <= size) return;
    map.delete(key);
  }
}

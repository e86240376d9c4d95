/**
 * Writing what the ledger holds: one transaction per call, one statement per kind of entry. Rows that are there already are
 * left alone, so a call may be repeated. All else that is wrong with a row fails the whole call (an INSERT OR IGNORE would
 * drop it silently instead).
 */
import type { InStatement } from "@libsql/client/web";
import { jsonLists } from "../core/json-lists.ts";
import { COUNT_ROUND, LEDGER_PARAMETER_CHARS } from "../core/limits.ts";
import { type EntryList, entriesOf, itemsOf, kindOf } from "../schema/entry-list.ts";
import type { LedgerEntry } from "../schema/event.ts";
import { rowOf } from "../schema/event-row.ts";
import type { Db } from "./client.ts";
import { ask } from "./client.ts";
import { COUNT_SQL } from "./figures.ts";

type Kind = LedgerEntry["kind"];

/** In the order of writing: events move recipients and emails, which are cheapest to move when they are there. */
const INSERTS: readonly [kind: Kind, sql: string][] = [
  [
    "email",
    `INSERT INTO emails (id, created_at, kind, "from", "to", cc, bcc, reply_to, subject, message_id, headers, tags,
       attachments, track_opens, track_clicks, relay, size, scheduled_at, expires_at, meta,
       last_event, updated_at)
     SELECT e ->> 'id', e ->> 'created_at', e ->> 'kind', e ->> 'from', e -> 'to', e -> 'cc', e -> 'bcc', e -> 'reply_to',
       e ->> 'subject', e ->> 'message_id', e -> 'headers', e -> 'tags', e -> 'attachments',
       e ->> '$.tracking.opens', e ->> '$.tracking.clicks', e ->> 'relay', e ->> 'size', e ->> 'scheduled_at',
       e ->> 'expires_at', coalesce(e -> 'meta', '{}'), CASE WHEN e ->> 'scheduled_at' IS NULL THEN 'queued' ELSE 'scheduled' END, e ->> 'created_at'
     FROM (SELECT value -> 'email' AS e FROM json_each(?)) WHERE true
     ON CONFLICT (id) DO NOTHING`,
  ],
  [
    "recipients",
    `INSERT INTO recipients (email_id, idx, address, domain, kind, status)
     SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5 FROM json_each(?) WHERE true
     ON CONFLICT (email_id, idx) DO NOTHING`,
  ],
  [
    "body",
    `INSERT INTO bodies (email_id, part, seq, data)
     SELECT value ->> 'email_id', value ->> 'part', value ->> 'seq', value ->> 'data' FROM json_each(?) WHERE true
     ON CONFLICT (email_id, part, seq) DO NOTHING`,
  ],
  [
    "event",
    `INSERT INTO events (id, email_id, recipient, type, at, data)
     SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value -> 5 FROM json_each(?) WHERE true
     ON CONFLICT (id) DO NOTHING`,
  ],
];

const OF_KIND = Object.fromEntries(INSERTS) as Record<Kind, string>;

/** All of them are in libSQL when it resolves, or none of them: then it throws a DbError. */
export const writeEntries = (db: Db, entries: readonly LedgerEntry[]): Promise<void> =>
  write(db, (kind) => entries.filter((entry) => entry.kind === kind).flatMap(spell));

/** As writeEntries, of lists; `events` is what the lists of events hold, which somebody has read already. */
export const writeLists = (
  db: Db,
  lists: readonly EntryList[],
  events: readonly LedgerEntry[],
): Promise<void> =>
  write(db, (kind) => {
    if (kind === "event") return events.flatMap(spell);
    const ofKind = lists.filter((list) => kindOf(list) === kind);
    // Emails and bodies are spelled as they came.
    return kind === "recipients" ? ofKind.flatMap(entriesOf).flatMap(spell) : ofKind.map(itemsOf);
  });

/** As writeEntries, of `count` events in JSON lists of EventRows, none longer than LEDGER_PARAMETER_CHARS. */
export const writeEvents = (db: Db, lists: readonly string[], count: number): Promise<void> =>
  run(
    db,
    lists.map((list): InStatement => ({ sql: OF_KIND.event, args: [list] })),
    count,
  );

function write(db: Db, itemsOf: (kind: Kind) => string[]): Promise<void> {
  const statements: InStatement[] = [];
  let events = 0;
  for (const [kind, sql] of INSERTS) {
    const items = itemsOf(kind);
    if (kind === "event") events = items.length;
    for (const list of jsonLists(items, LEDGER_PARAMETER_CHARS)) statements.push({ sql, args: [list] });
  }
  return run(db, statements, events);
}

async function run(db: Db, statements: InStatement[], events: number): Promise<void> {
  if (statements.length === 0) return;
  marks += events;
  if (marks >= COUNT_ROUND) {
    statements.push(COUNT_SQL);
    marks = 0;
  }
  await ask(db.$client.batch(statements, "write"));
}

/** Events written since the figures were last brought up to date, about. They are read as exactly without it. */
let marks = 0;

/** One text per row. What there are many of is a short list: SQLite reads a row's text once per column. */
function spell(entry: LedgerEntry): string | string[] {
  switch (entry.kind) {
    case "email":
    case "body":
      return JSON.stringify(entry);
    case "recipients":
      return entry.rows.map(({ index, address, kind, status }) =>
        JSON.stringify([entry.email_id, index, address, domainOf(address), kind, status]),
      );
    case "event":
      return JSON.stringify(rowOf(entry.event));
  }
}

const domainOf = (address: string): string => address.slice(address.lastIndexOf("@") + 1).toLowerCase();

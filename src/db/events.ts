/** Events in the order of time: of one email, of one person, or of all; page by page, however many there are. */
import { type SQL, sql } from "drizzle-orm";
import { EVENT_TYPES, type EventData, type EventType, type MailEvent } from "../schema/event.ts";
import { ask, type Db } from "./client.ts";
import type { Page } from "./emails.ts";

export interface EventRecord extends MailEvent {
  /** The recipient's; null for the email as a whole, or while the recipient is not known. */
  address: string | null;
  /** Opens and clicks: whether it was the recipient's first that was no scanner's. Null for all else. */
  first: boolean | null;
}

/** Absent: any. Times in milliseconds since 1970. */
export interface EventFilter {
  emailId?: string;
  /** The recipient's address, in any case. */
  address?: string;
  types?: readonly EventType[];
  /** Of the email; without a value, whatever it is. */
  tag?: { name: string; value: string | null };
  /** Of the attempt. */
  relay?: string;
  category?: string;
  since?: number;
  /** Not included. */
  until?: number;
}

/** A place in the order: events of one millisecond are in the order of their ids. */
export interface EventPlace {
  at: number;
  id: string;
}

export interface EventPage {
  limit: number;
  /** Oldest first, or newest first. */
  order: "asc" | "desc";
  /** Only what follows this place in that order. */
  after?: EventPlace | null;
  /** Only what precedes it: the page that ends there. */
  before?: EventPlace | null;
}

/** Null: there is no such event. Throws a DbError, as all finders do. */
export async function placeOf(db: Db, id: string): Promise<EventPlace | null> {
  const [row] = await ask(db.all<EventPlace>(sql`SELECT at, id FROM events WHERE id = ${id}`));
  return row ?? null;
}

export async function findEvents(db: Db, filter: EventFilter, page: EventPage): Promise<Page<EventRecord>> {
  const { limit, before = null } = page;
  const place = before ?? page.after ?? null;
  // The page next to `before` is the one that ends there: it is read backwards.
  const ascending = (page.order === "asc") === (before === null);
  const sort = ascending ? sql`at ASC, id ASC` : sql`at DESC, id DESC`;
  const towards = (a: EventPlace, b: EventPlace) =>
    (a.at - b.at || (a.id < b.id ? -1 : 1)) * (ascending ? 1 : -1);
  const [way, ...more] = places(filter, place, ascending).map(
    (one) => sql`SELECT id, at FROM (${one}) ORDER BY ${sort} LIMIT ${limit + 1}`,
  ) as [SQL, ...SQL[]];
  let found = way;
  let known = 0;
  if (more.length > 0) {
    const ids = await Promise.all([way, ...more].map((one) => ask(db.all<EventPlace>(one))));
    const nearest = ids
      .flat()
      .sort(towards)
      .slice(0, limit + 1);
    known = nearest.length;
    found = sql`SELECT value AS id FROM json_each(${JSON.stringify(nearest.map(({ id }) => id))})`;
  }
  const rows = await ask(
    db.all<Row>(sql`
      SELECT e.id, e.type, e.email_id, e.recipient, e.at, e.data, r.address,
        CASE WHEN e.type IN ('email.opened', 'email.clicked') THEN EXISTS (
          SELECT 1 FROM firsts f WHERE f.email_id = e.email_id AND f.recipient = e.recipient
            AND f.metric = 'unique_' || substr(e.type, 7) AND f.event_id = e.id) END AS first
      FROM (${found}) AS found
      CROSS JOIN events e ON e.id = found.id
      LEFT JOIN recipients r ON r.email_id = e.email_id AND r.idx = e.recipient`),
  );
  // A join promises no order.
  const wanted = rows.sort(towards).slice(0, limit).map(recordOf);
  // Some of what was known may be forgotten by now; that is not the end of the others.
  return { rows: before === null ? wanted : wanted.reverse(), hasMore: Math.max(known, rows.length) > limit };
}

type Row = {
  id: string;
  type: EventType;
  email_id: string;
  recipient: number | null;
  at: number;
  data: string;
  address: string | null;
  first: number | null;
};

const recordOf = ({ data, first, ...row }: Row): EventRecord => ({
  ...row,
  data: JSON.parse(data) as EventData,
  first: first === null ? null : first === 1,
});

/** A Durable Object's SQLite takes no more SELECTs in a UNION (seen: "too many terms in compound SELECT"). */
const UNION_TERMS = 5;

/**
 * Ids and times of what is looked for, as queries that give them in order, all of them together. Each way in has an index that is in this order already, so a page reads no
 * more than it holds and what a further condition passes over; a person's events alone, which are few, are sorted.
 */
function places(filter: EventFilter, place: EventPlace | null, ascending: boolean): SQL[] {
  const { emailId, address, types = EVENT_TYPES, category } = filter;
  const conditions = [...conditionsOf(filter)];
  // One range of the index by time: a place is further than a bound. Of one millisecond there are few; the plus signs keep
  // SQLite from looking for them by another index.
  const { at = null, id = null } = place ?? {};
  const since = ascending && at !== null ? Math.max(at, filter.since ?? at) : filter.since;
  const until = !ascending && at !== null ? Math.min(at + 1, filter.until ?? at + 1) : filter.until;
  if (since !== undefined) conditions.push(sql`e.at >= ${since}`);
  if (until !== undefined) conditions.push(sql`e.at < ${until}`);
  if (place !== null)
    conditions.push(
      ascending ? sql`(+e.at > ${at} OR +e.id > ${id})` : sql`(+e.at < ${at} OR +e.id < ${id})`,
    );
  const select = (from: SQL, ...more: SQL[]) =>
    sql`SELECT e.id, e.at FROM ${from} WHERE ${sql.join([...conditions, ...more, sql`1`], sql` AND `)}`;
  const list = sql`e.type IN (SELECT value FROM json_each(${JSON.stringify(types)}))`;
  const typed = types.length === EVENT_TYPES.length ? [] : [list];
  if (address !== undefined)
    return [
      select(
        sql`recipients r CROSS JOIN events e ON e.email_id = r.email_id AND e.recipient = r.idx`,
        sql`lower(r.address) = lower(${address})`,
        ...(emailId === undefined ? [] : [sql`e.email_id = ${emailId}`]),
        ...typed,
      ),
    ];
  if (emailId !== undefined)
    return [select(sql`events e INDEXED BY events_email`, sql`e.email_id = ${emailId}`, ...typed)];
  if (category !== undefined && category !== "accepted")
    return [select(sql`events e INDEXED BY events_category`, sql`e.category <> 'accepted'`, ...typed)];
  // The index by type has a row of events for each type; they are merged as they are read.
  const each = types.map((type) => select(sql`events e INDEXED BY events_type`, sql`e.type = ${type}`));
  return Array.from({ length: Math.ceil(each.length / UNION_TERMS) }, (_, i) =>
    sql.join(each.slice(i * UNION_TERMS, (i + 1) * UNION_TERMS), sql` UNION ALL `),
  );
}

function* conditionsOf({ tag, relay, category }: EventFilter): Generator<SQL> {
  if (relay !== undefined) yield sql`e.relay = ${relay}`;
  if (category !== undefined) yield sql`e.category = ${category}`;
  if (tag !== undefined)
    yield sql`EXISTS (SELECT 1 FROM emails m, json_each(m.tags) t WHERE m.id = e.email_id
      AND t.value ->> 'name' = ${tag.name} AND (${tag.value} IS NULL OR t.value ->> 'value' = ${tag.value}))`;
}

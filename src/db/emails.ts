/** Emails as libSQL keeps them: one, a page of them, what was written in them, and to whom. */
import { and, asc, count, desc, eq, gt, lt } from "drizzle-orm";
import type { EmailRow, RecipientStatus } from "../schema/event.ts";
import { ask, type Db } from "./client.ts";
import { type RecipientRecord, recipientColumns } from "./recipients.ts";
import { bodies, emails, recipients } from "./tables.ts";

export interface EmailRecord extends EmailRow {
  /** The furthest status any recipient has reached. */
  last_event: RecipientStatus;
  /** Milliseconds since 1970 of the newest event, or of acceptance. */
  updated_at: number;
}

/** A page of a list. `hasMore` tells whether the list goes on in the direction asked for. */
export interface Page<T> {
  rows: T[];
  hasMore: boolean;
}

/** Throws a DbError, as all finders do. */
export async function findEmail(db: Db, id: string): Promise<EmailRecord | null> {
  const [row] = await ask(db.select().from(emails).where(eq(emails.id, id)));
  return row === undefined ? null : recordOf(row);
}

/** Newest first. `after`: only what stands after that id in the list, that is, older ones; `before`: newer ones. */
export async function listEmails(
  db: Db,
  { limit, after = null, before = null }: { limit: number; after?: string | null; before?: string | null },
): Promise<Page<EmailRecord>> {
  const rows = await ask(
    db
      .select()
      .from(emails)
      .where(
        and(
          after === null ? undefined : lt(emails.id, after),
          before === null ? undefined : gt(emails.id, before),
        ),
      )
      // The page next to `before` is the one that ends there: its oldest items are the nearest.
      .orderBy(before === null ? desc(emails.id) : asc(emails.id))
      .limit(limit + 1),
  );
  const page = rows.slice(0, limit).map(recordOf);
  return { rows: before === null ? page : page.reverse(), hasMore: rows.length > limit };
}

/** Null: there is no such part. */
export async function bodyOf(db: Db, emailId: string, part: "html" | "text"): Promise<string | null> {
  const rows = await ask(
    db
      .select({ data: bodies.data })
      .from(bodies)
      .where(and(eq(bodies.email_id, emailId), eq(bodies.part, part)))
      .orderBy(asc(bodies.seq)),
  );
  return rows.length === 0 ? null : rows.map(({ data }) => data).join("");
}

function recordOf({ track_opens, track_clicks, ...row }: typeof emails.$inferSelect): EmailRecord {
  return { ...row, tracking: { opens: track_opens, clicks: track_clicks } };
}

/** By index. `after`: only those with a higher index. */
export async function recipientsOf(
  db: Db,
  emailId: string,
  { limit, after = null }: { limit: number; after?: number | null },
): Promise<Page<RecipientRecord>> {
  const rows = await ask(
    db
      .select(recipientColumns)
      .from(recipients)
      .where(and(eq(recipients.email_id, emailId), after === null ? undefined : gt(recipients.idx, after)))
      .orderBy(asc(recipients.idx))
      .limit(limit + 1),
  );
  return { rows: rows.slice(0, limit), hasMore: rows.length > limit };
}

/** Statuses nobody has are absent. One walk over an index: a millisecond for 10,000 recipients. */
export async function countsByStatus(
  db: Db,
  emailId: string,
): Promise<Partial<Record<RecipientStatus, number>>> {
  const rows = await ask(
    db
      .select({ status: recipients.status, count: count() })
      .from(recipients)
      .where(eq(recipients.email_id, emailId))
      .groupBy(recipients.status),
  );
  return Object.fromEntries(rows.map((row) => [row.status, row.count]));
}

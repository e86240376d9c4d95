/** Events of an email, in the order of time. */
import { and, asc, eq, getTableColumns, sql } from "drizzle-orm";
import type { MailEvent } from "../schema/event.ts";
import { ask, type Db } from "./client.ts";
import type { Page } from "./emails.ts";
import { events, recipients } from "./tables.ts";

/** `address` is the recipient's; null for the email as a whole, or while the recipient is not known yet. */
export type EventRecord = MailEvent & { address: string | null };

const { relay: _relay, category: _category, ...columns } = getTableColumns(events);

/** Oldest first; events of one millisecond by id. `after`: only what follows the event of that id. */
export async function eventsOf(
  db: Db,
  emailId: string,
  { limit, after = null }: { limit: number; after?: string | null },
): Promise<Page<EventRecord>> {
  const rows = await ask(
    db
      .select({ ...columns, address: recipients.address })
      .from(events)
      .leftJoin(
        recipients,
        and(eq(recipients.email_id, events.email_id), eq(recipients.idx, events.recipient)),
      )
      .where(
        and(
          eq(events.email_id, emailId),
          after === null
            ? undefined
            : sql`(${events.at}, ${events.id}) > (SELECT at, id FROM events WHERE id = ${after} AND email_id = ${emailId})`,
        ),
      )
      .orderBy(asc(events.at), asc(events.id))
      .limit(limit + 1),
  );
  return { rows: rows.slice(0, limit), hasMore: rows.length > limit };
}

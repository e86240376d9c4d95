/** Events as Mailjet's resources list them: those of one copy, and those of a kind over time. */
import { and, asc, desc, eq, gte, inArray, isNull, lt, or, type SQL, sql } from "drizzle-orm";
import type { EventType } from "../schema/event.ts";
import { ask, type Db } from "./client.ts";
import { emails, events, recipients } from "./tables.ts";

/** Events of one copy, its email's own among them, oldest first. */
export const eventsOfCopy = (db: Db, emailId: string, index: number, limit: number) =>
  ask(
    db
      .select({ id: events.id, type: events.type, at: events.at, data: events.data })
      .from(events)
      .where(and(eq(events.email_id, emailId), or(eq(events.recipient, index), isNull(events.recipient))))
      .orderBy(asc(events.at), asc(events.id))
      .limit(limit),
  );

export interface EventFilter {
  types: readonly EventType[];
  /** Milliseconds since 1970, from this on and below the other. Null: no bound. */
  from: number | null;
  below: number | null;
  campaign: string | null;
  /** Only of this copy; null: of all. */
  copy: { id: string; index: number } | null;
}

const conditionOf = ({ types, from, below, campaign, copy }: EventFilter): SQL | undefined =>
  and(
    inArray(events.type, [...types]),
    from === null ? undefined : gte(events.at, from),
    below === null ? undefined : lt(events.at, below),
    campaign === null ? undefined : sql`${emails.meta} ->> '$.mailjet.campaign' = ${campaign}`,
    // What a scanner looked at, nobody has seen.
    sql`${events.data} ->> '$.visitor.verdict' IS NOT 'scanner'`,
    copy === null ? undefined : and(eq(events.email_id, copy.id), eq(events.recipient, copy.index)),
  );

/** With the copy each belongs to. Events of an email as a whole are not of any copy, and not among them. */
export const eventsOfKind = (
  db: Db,
  filter: EventFilter,
  { limit, offset, descending }: { limit: number; offset: number; descending: boolean },
) =>
  ask(
    db
      .select({
        id: events.id,
        type: events.type,
        at: events.at,
        data: events.data,
        email_id: events.email_id,
        index: recipients.idx,
        address: recipients.address,
        created_at: emails.created_at,
        meta: emails.meta,
      })
      .from(events)
      .innerJoin(emails, eq(emails.id, events.email_id))
      .innerJoin(
        recipients,
        and(eq(recipients.email_id, events.email_id), eq(recipients.idx, events.recipient)),
      )
      .where(conditionOf(filter))
      .orderBy(...(descending ? [desc(events.at), desc(events.id)] : [asc(events.at), asc(events.id)]))
      .limit(limit)
      .offset(offset),
  );
export type KindRecord = Awaited<ReturnType<typeof eventsOfKind>>[number];

export async function countOfKind(db: Db, filter: EventFilter): Promise<number> {
  const rows = await ask(
    db
      .select({ count: sql<number>`count(*)` })
      .from(events)
      .innerJoin(emails, eq(emails.id, events.email_id))
      .innerJoin(
        recipients,
        and(eq(recipients.email_id, events.email_id), eq(recipients.idx, events.recipient)),
      )
      .where(conditionOf(filter)),
  );
  return rows[0]!.count;
}

/** Copies as Mailjet's resources list them: one row per recipient, with what its email was. */
import { and, asc, desc, eq, gte, inArray, lt, or, type SQL, sql } from "drizzle-orm";
import type { RecipientStatus } from "../schema/event.ts";
import { ask, type Db } from "./client.ts";
import { emails, events, recipients } from "./tables.ts";

export interface CopyFilter {
  /** Ids of emails from this text on, and below the other. Null: no bound. */
  from: string | null;
  below: string | null;
  /** Index of the recipient; null: all. */
  index: number | null;
  address: string | null;
  customId: string | null;
  campaign: string | null;
  /** Any of these; null: all. */
  statuses: readonly StatusFilter[] | null;
  /** Any of these; null: all. */
  categories: readonly string[] | null;
}

/** A status, or only the part of it with one of these categories, or without them. */
export interface StatusFilter {
  status: RecipientStatus;
  categories?: readonly string[];
  others?: readonly string[];
}

export interface CopyPage {
  limit: number;
  offset: number;
  descending: boolean;
}

const customId = sql`${emails.meta} ->> '$.mailjet.custom_id'`;
const campaign = sql`${emails.meta} ->> '$.mailjet.campaign'`;
const part = (name: "html" | "text") =>
  sql<number>`EXISTS (SELECT 1 FROM bodies WHERE email_id = ${emails.id} AND part = ${name} AND seq = 0)`;
const countOf = (type: "email.opened" | "email.clicked") =>
  sql<number>`(SELECT count(*) FROM ${events} WHERE ${events.email_id} = ${recipients.email_id}
    AND ${events.recipient} = ${recipients.idx} AND ${events.type} = ${type})`;
const sentAt = sql<
  number | null
>`(SELECT min(${events.at}) FROM ${events} WHERE ${events.email_id} = ${recipients.email_id}
    AND ${events.recipient} = ${recipients.idx} AND ${events.type} = 'email.sent')`;

const columns = {
  id: recipients.email_id,
  index: recipients.idx,
  address: recipients.address,
  domain: recipients.domain,
  status: recipients.status,
  attempts: recipients.attempts,
  category: recipients.category,
  created_at: emails.created_at,
  from: emails.from,
  subject: emails.subject,
  size: emails.size,
  attachments: sql<number>`json_array_length(${emails.attachments})`,
  opens: emails.track_opens,
  clicks: emails.track_clicks,
  meta: emails.meta,
  html: part("html"),
  text: part("text"),
  /** Times in milliseconds since 1970. Null: not sent. */
  sent_at: sentAt,
};

/** One copy: 1 and 0 stand for yes and no in `html` and `text`. */
export type CopyRecord = Awaited<ReturnType<typeof copies>>[number];

export const copies = (db: Db, filter: CopyFilter, { limit, offset, descending }: CopyPage) =>
  ask(
    db
      .select(columns)
      .from(recipients)
      .innerJoin(emails, eq(emails.id, recipients.email_id))
      .where(conditionOf(filter))
      .orderBy(
        ...(descending
          ? [desc(recipients.email_id), desc(recipients.idx)]
          : [asc(recipients.email_id), asc(recipients.idx)]),
      )
      .limit(limit)
      .offset(offset),
  );

/** Copies with how often they were opened and clicked. */
export const countedCopies = (db: Db, filter: CopyFilter, { limit, offset, descending }: CopyPage) =>
  ask(
    db
      .select({ ...columns, opened: countOf("email.opened"), clicked: countOf("email.clicked") })
      .from(recipients)
      .innerJoin(emails, eq(emails.id, recipients.email_id))
      .where(conditionOf(filter))
      .orderBy(
        ...(descending
          ? [desc(recipients.email_id), desc(recipients.idx)]
          : [asc(recipients.email_id), asc(recipients.idx)]),
      )
      .limit(limit)
      .offset(offset),
  );

/** How many there are. */
export async function countCopies(db: Db, filter: CopyFilter): Promise<number> {
  const rows = await ask(
    db
      .select({ count: sql<number>`count(*)` })
      .from(recipients)
      .innerJoin(emails, eq(emails.id, recipients.email_id))
      .where(conditionOf(filter)),
  );
  return rows[0]!.count;
}

function conditionOf(filter: CopyFilter): SQL | undefined {
  const { from, below, index, address, statuses, categories } = filter;
  return and(
    from === null ? undefined : gte(recipients.email_id, from),
    below === null ? undefined : lt(recipients.email_id, below),
    index === null ? undefined : eq(recipients.idx, index),
    address === null ? undefined : sql`lower(${recipients.address}) = lower(${address})`,
    filter.customId === null ? undefined : sql`${customId} = ${filter.customId}`,
    filter.campaign === null ? undefined : sql`${campaign} = ${filter.campaign}`,
    categories === null ? undefined : inArray(recipients.category, [...categories]),
    statuses === null ? undefined : or(...statuses.map(statusCondition)),
  );
}

const statusCondition = ({ status, categories, others }: StatusFilter): SQL | undefined =>
  and(
    eq(recipients.status, status),
    categories === undefined ? undefined : inArray(recipients.category, [...categories]),
    others === undefined
      ? undefined
      : sql`coalesce(${recipients.category}, '') NOT IN (SELECT value FROM json_each(${JSON.stringify(others)}))`,
  );

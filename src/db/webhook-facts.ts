/** What webhooks tell of emails and recipients, many at a time. */
import { getTableColumns, sql } from "drizzle-orm";
import { ask, type Db } from "./client.ts";
import { emails, recipients } from "./tables.ts";

const { id, created_at, from, to, subject, message_id, headers, tags, meta } = getTableColumns(emails);
const columns = { id, created_at, from, to, subject, message_id, headers, tags, meta };

export type EmailFacts = Pick<typeof emails.$inferSelect, keyof typeof columns>;

export interface WebhookFacts {
  /** Null: there is no such email. */
  email(id: string): EmailFacts | null;
  address(emailId: string, index: number): string | null;
}

/** Throws a DbError. Lists go as one parameter each: a statement takes a hundred. */
export async function webhookFacts(
  db: Db,
  subjects: readonly { email: string; recipient: number | null }[],
): Promise<WebhookFacts> {
  const ids = JSON.stringify([...new Set(subjects.map(({ email }) => email))]);
  const pairs = JSON.stringify(
    subjects.flatMap(({ email, recipient }) => (recipient === null ? [] : [[email, recipient]])),
  );
  const [found, addresses] = await ask(
    db.batch([
      db.select(columns).from(emails).where(sql`${emails.id} IN (SELECT value FROM json_each(${ids}))`),
      db
        .select({ email: recipients.email_id, index: recipients.idx, address: recipients.address })
        .from(recipients)
        .where(
          sql`(${recipients.email_id}, ${recipients.idx}) IN (SELECT value ->> 0, value ->> 1 FROM json_each(${pairs}))`,
        ),
    ]),
  );
  const emailOf = new Map(found.map((email) => [email.id, email]));
  const addressOf = new Map(addresses.map((row) => [`${row.email}:${row.index}`, row.address]));
  return {
    email: (email) => emailOf.get(email) ?? null,
    address: (email, index) => addressOf.get(`${email}:${index}`) ?? null,
  };
}

/** Recipients that a report may be about: asked by Message-ID and address, for mail that came in without a token. */
import { sql } from "drizzle-orm";
import { ask, type Db } from "./client.ts";

export interface Reported {
  email: string;
  recipient: number;
  /** In lower case. */
  address: string;
  /** The email went to nobody else. */
  alone: boolean;
}

/**
 * Of these emails, the recipients with one of these addresses (in lower case), and the only recipient of an email that has
 * no other. Lists go as JSON, since a statement takes 100 parameters. Throws a DbError.
 */
export async function findReported(
  db: Db,
  emails: readonly string[],
  addresses: readonly string[],
): Promise<Reported[]> {
  const rows = await ask(
    db.all<{ email: string; recipient: number; address: string; alone: number }>(sql`
      SELECT r.email_id AS email, r.idx AS recipient, lower(r.address) AS address,
        (SELECT count(*) FROM (SELECT 1 FROM recipients o WHERE o.email_id = r.email_id LIMIT 2)) = 1 AS alone
      FROM recipients r
      WHERE r.email_id IN (SELECT value FROM json_each(${JSON.stringify(emails)}))
        AND (lower(r.address) IN (SELECT value FROM json_each(${JSON.stringify(addresses)})) OR alone)
      ORDER BY r.email_id, r.idx LIMIT 200`),
  );
  return rows.map((row) => ({ ...row, alone: row.alone === 1 }));
}

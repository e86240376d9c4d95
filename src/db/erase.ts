/**
 * Erasing one person from libSQL. Their recipients, events and firsts go; an email of which they were the only recipient
 * goes whole, with its subject and bodies. An email to others too stays theirs: it loses the address in its lists and in
 * headers that name it, while subject and body, which were written to all of them, stay. Figures name nobody, and stay.
 */
import type { InStatement } from "@libsql/client/web";
import { ERASE_COPIES } from "../core/limits.ts";
import { mentions, without } from "../schema/erasure.ts";
import { ask, type Db } from "./client.ts";
import { COUNT_SQL } from "./figures.ts";

/** One recipient of one email. */
export interface CopyOf {
  email: string;
  recipient: number;
}

export type ErasedRows = Record<
  "recipients" | "events" | "firsts" | "bodies" | "emails" | "emails_changed",
  number
>;

/** Some copies that went to a person, in any spelling of their address by case; none: there are no more. Throws a DbError. */
export async function copiesTo(db: Db, address: string): Promise<CopyOf[]> {
  const { rows } = await ask(
    db.$client.execute({
      sql: "SELECT email_id, idx FROM recipients WHERE lower(address) = lower(?) LIMIT ?",
      args: [address, ERASE_COPIES],
    }),
  );
  return rows.map((row) => ({ email: String(row.email_id), recipient: Number(row.idx) }));
}

/** In one transaction. Throws a DbError. */
export async function eraseCopies(db: Db, address: string, copies: readonly CopyOf[]): Promise<ErasedRows> {
  const ids = JSON.stringify([...new Set(copies.map(({ email }) => email))]);
  const { rows } = await ask(
    db.$client.execute({
      sql: `SELECT m.id, m."to", m.cc, m.bcc, m.headers, NOT EXISTS (
          SELECT 1 FROM recipients r WHERE r.email_id = m.id AND lower(r.address) <> lower(?2)) AS alone
        FROM json_each(?1) wanted CROSS JOIN emails m ON m.id = wanted.value`,
      args: [ids, address],
    }),
  );
  const alone = JSON.stringify(rows.filter((row) => row.alone === 1).map(({ id }) => id));
  const pairs = JSON.stringify(copies.map(({ email, recipient }) => [email, recipient]));
  const changes = rows
    .filter((row) => row.alone !== 1)
    .flatMap((row): InStatement[] => {
      const list = (name: string) => JSON.parse(String(row[name])) as string[];
      const lists = ["to", "cc", "bcc"].map(list);
      const kept = lists.map((one) => without(one, address));
      const headers = Object.entries(JSON.parse(String(row.headers)) as Record<string, string>);
      const keptHeaders = headers.filter(([, value]) => !mentions(value, address));
      const isSame =
        kept.every((one, i) => one.length === lists[i]!.length) && keptHeaders.length === headers.length;
      if (isSame) return [];
      const args = [...kept, Object.fromEntries(keptHeaders)].map((value) => JSON.stringify(value));
      return [
        {
          sql: `UPDATE emails SET "to" = ?, cc = ?, bcc = ?, headers = ? WHERE id = ?`,
          args: [...args, String(row.id)],
        },
      ];
    });
  const statements: InStatement[] = [
    // Whatever is not counted yet would lose its circumstances.
    COUNT_SQL,
    {
      sql: `DELETE FROM events WHERE id IN (
        SELECT e.id FROM json_each(?) p CROSS JOIN events e ON e.email_id = p.value ->> 0 AND e.recipient = p.value ->> 1
        UNION SELECT e.id FROM json_each(?) w CROSS JOIN events e ON e.email_id = w.value)`,
      args: [pairs, alone],
    },
    {
      sql: "DELETE FROM firsts WHERE (email_id, recipient) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?))",
      args: [pairs],
    },
    { sql: "DELETE FROM bodies WHERE email_id IN (SELECT value FROM json_each(?))", args: [alone] },
    { sql: "DELETE FROM emails WHERE id IN (SELECT value FROM json_each(?))", args: [alone] },
    {
      sql: "DELETE FROM recipients WHERE (email_id, idx) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?))",
      args: [pairs],
    },
    ...changes,
  ];
  const [, events, firsts, bodies, emails, recipients] = (
    await ask(db.$client.batch(statements, "write"))
  ).map(({ rowsAffected }) => rowsAffected);
  return {
    recipients: recipients!,
    events: events!,
    firsts: firsts!,
    bodies: bodies!,
    emails: emails!,
    emails_changed: changes.length,
  };
}

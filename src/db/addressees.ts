/** Whom an event speaks of, where it names only an email and an index. */
import { ask, type Db } from "./client.ts";

export interface Addressee {
  address: string;
  /** The email's unsubscribe topic; "": none. */
  topic: string;
}

/** In the order asked; null where libSQL knows no such email or recipient (yet). Throws a DbError. */
export async function addresseesOf(
  db: Db,
  copies: readonly { email: string; recipient: number }[],
): Promise<(Addressee | null)[]> {
  const { rows } = await ask(
    db.$client.execute({
      sql: `SELECT j.key AS n, r.address AS address, coalesce(e.meta ->> '$.topic', '') AS topic FROM json_each(?) j
        JOIN recipients r ON r.email_id = j.value ->> 0 AND r.idx = j.value ->> 1
        JOIN emails e ON e.id = r.email_id`,
      args: [JSON.stringify(copies.map(({ email, recipient }) => [email, recipient]))],
    }),
  );
  const found: (Addressee | null)[] = copies.map(() => null);
  for (const { n, address, topic } of rows)
    found[Number(n)] = { address: String(address), topic: String(topic) };
  return found;
}

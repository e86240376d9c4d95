/**
 * Erasing one person from the ledger's SQLite, so far as it is about their copies or refused by libSQL. Elsewhere their
 * address is taken out by webhook-retention.ts and facts.ts; what is on its way is brought to libSQL before, by the caller.
 */
import type { CopyOf } from "../db/erase.ts";
import { mentions } from "../schema/erasure.ts";
import type { ErasedFromLedger } from "./rpc.ts";

type Row = { id: string; text: string };

/** `copies`: theirs, as far as libSQL knows. */
export function eraseFrom(sql: SqlStorage, address: string, copies: readonly CopyOf[]): ErasedFromLedger {
  const pairs = JSON.stringify(copies.map(({ email, recipient }) => [email, recipient]));
  const naming = (query: string): string[] =>
    [...sql.exec<Row>(query)].filter(({ text }) => mentions(text, address)).map(({ id }) => id);
  const about = sql
    .exec<{ id: string }>(
      "SELECT id FROM webhook_event WHERE (email, recipient) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?))",
      pairs,
    )
    .toArray()
    .map(({ id }) => id);
  const drop = (table: string, column: string, ids: Iterable<string>): number =>
    sql
      .exec(
        `DELETE FROM ${table} WHERE ${column} IN (SELECT value FROM json_each(?)) RETURNING 1`,
        JSON.stringify([...ids]),
      )
      .toArray().length;
  const parked = naming("SELECT identity AS id, entry || ' ' || reason AS text FROM dead");
  sql.exec(
    "DELETE FROM doubt WHERE (email, recipient) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?))",
    pairs,
  );
  drop("webhook_delivery", "id", about);
  return {
    webhook_attempts: drop("webhook_attempt", "id", about),
    webhook_events: drop("webhook_event", "id", about),
    parked: drop("dead", "identity", parked),
    pending: naming("SELECT identity AS id, entry AS text FROM journal").length,
  };
}

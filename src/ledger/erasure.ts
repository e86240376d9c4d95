/**
 * Erasing one person from the ledger's SQLite, so far as it was refused by libSQL or is about their copies. Elsewhere they are
 * forgotten by webhook-retention.ts, and what facts.ts has of them is told first; what is on its way is brought to libSQL
 * before, by the caller.
 */
import type { CopyOf } from "../db/erase.ts";
import { mentions } from "../schema/erasure.ts";
import type { ErasedFromLedger } from "./rpc.ts";

type Row = { id: string; text: string };

/** `copies`: theirs, as far as libSQL knows. */
export function eraseFrom(
  sql: SqlStorage,
  address: string,
  copies: readonly CopyOf[],
): Pick<ErasedFromLedger, "parked" | "pending"> {
  const pairs = JSON.stringify(copies.map(({ email, recipient }) => [email, recipient]));
  const naming = (query: string): string[] => {
    const found: string[] = [];
    for (const { id, text } of sql.exec<Row>(query)) if (mentions(text, address)) found.push(id);
    return found;
  };
  const parked = naming("SELECT identity AS id, entry || ' ' || reason AS text FROM dead");
  for (const table of ["doubt", "wish"])
    sql.exec(
      `DELETE FROM ${table} WHERE (email, recipient) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?))`,
      pairs,
    );
  sql.exec("DELETE FROM dead WHERE identity IN (SELECT value FROM json_each(?))", JSON.stringify(parked));
  return {
    parked: parked.length,
    pending: naming("SELECT identity AS id, entry AS text FROM journal").length,
  };
}

/**
 * Brings a libSQL database up to date. Which migrations it has is written in the database itself, in the same transaction
 * as each of them, so two that run at once end well: the second one's record is refused, and it looks again.
 */
import { MIGRATIONS } from "../../migrations/index.ts";
import { err, ok, type Result } from "../core/result.ts";
import type { Db } from "./client.ts";
import { toDbError } from "./error.ts";

export const TABLE_SQL =
  "CREATE TABLE IF NOT EXISTS postern_migrations (name TEXT PRIMARY KEY NOT NULL, applied_at INTEGER NOT NULL)";
export const APPLIED_SQL = "SELECT name FROM postern_migrations ORDER BY name";
export const RECORD_SQL = "INSERT INTO postern_migrations (name, applied_at) VALUES (?, ?)";

export type Migration = (typeof MIGRATIONS)[number];

/** What is to be done after those applied, or why this code must leave the database alone. */
export function pendingAfter(
  applied: readonly string[],
  known: readonly Migration[] = MIGRATIONS,
): Result<Migration[], string> {
  const unknown = applied.find((name) => !known.some((migration) => migration.name === name));
  if (unknown !== undefined)
    return err(
      `The database is newer than this code: it has the migration ${unknown}, which is not known here. Deploy the newer code.`,
    );
  return ok(known.filter((migration) => !applied.includes(migration.name)));
}

/** What a database still lacks; changes nothing but for the table of migrations. The error is a sentence for the operator. */
export async function pending(
  db: Db,
  known: readonly Migration[] = MIGRATIONS,
): Promise<Result<Migration[], string>> {
  try {
    const [, answer] = await db.$client.batch([TABLE_SQL, APPLIED_SQL], "write");
    return pendingAfter(
      answer!.rows.map((row) => String(row[0])),
      known,
    );
  } catch (cause) {
    return err(toDbError(cause).message);
  }
}

/** Names of the migrations this call applied. The error is a sentence for the operator. */
export async function migrate(
  db: Db,
  now: () => number = Date.now,
  known: readonly Migration[] = MIGRATIONS,
): Promise<Result<string[], string>> {
  const done: string[] = [];
  try {
    // One turn more than there are migrations: each turn either applies one or learns that another process has.
    for (let turn = 0; turn <= known.length; turn++) {
      const missing = await pending(db, known);
      if (!missing.ok) return missing;
      const [next] = missing.value;
      if (next === undefined) return ok(done);
      try {
        await db.$client.batch([{ sql: RECORD_SQL, args: [next.name, now()] }, ...next.statements], "write");
        done.push(next.name);
      } catch (cause) {
        if (toDbError(cause).kind !== "refused") throw cause;
      }
    }
    return err("The migrations could not be applied: another process keeps changing the database.");
  } catch (cause) {
    return err(toDbError(cause).message);
  }
}

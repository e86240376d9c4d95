/**
 * Whether a database at LIBSQL_URL fits this code. Asked before it is used, and believed for FITNESS_MS, so that tables which
 * are missing or changed by newer code are told in words, and not as an error of SQL in the midst of something.
 */
import { FITNESS_MS } from "../core/limits.ts";
import { ask, type Db } from "./client.ts";
import { DbError, toDbError } from "./error.ts";
import { APPLIED_SQL, pendingAfter } from "./migrate.ts";

const MIGRATE = "Run `npm run db:migrate`. Until then sending goes on, and events are kept for it.";

/** Until when each database is believed to fit, in milliseconds since 1970, by its URL. Plain data: any request may read it. */
const fitting = new Map<string, number>();

/** Throws a DbError: `unfit` when it does not, others when it cannot be asked. */
export async function checkFit(url: string, open: () => Db, now: number): Promise<void> {
  if ((fitting.get(url) ?? 0) > now) return;
  const pending = pendingAfter(await appliedTo(open()));
  if (!pending.ok) throw new DbError("unfit", pending.error);
  const [missing] = pending.value;
  if (missing !== undefined)
    throw new DbError("unfit", `The database lacks the migration ${missing.name}. ${MIGRATE}`);
  fitting.set(url, now + FITNESS_MS);
}

async function appliedTo(db: Db): Promise<string[]> {
  try {
    return (await ask(db.$client.execute(APPLIED_SQL))).rows.map((row) => String(row[0]));
  } catch (cause) {
    const error = toDbError(cause);
    if (/no such table/.test(error.message))
      throw new DbError("unfit", `The database has no tables of Postern yet. ${MIGRATE}`);
    throw error;
  }
}

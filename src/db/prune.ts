/**
 * Forgetting what is old, a bounded number of rows at a time: bodies first, then emails with their recipients and events.
 * The time of an email is in its id, so what is old is the beginning of an index. Figures are counted before and stay.
 */
import type { InStatement } from "@libsql/client/web";
import { PRUNE_BODIES, PRUNE_ROWS, TTL_MAX_SECONDS } from "../core/limits.ts";
import { ask, type Db } from "./client.ts";
import { COUNT_SQL } from "./figures.ts";

export interface Pruning {
  /** Of emails accepted before this; null: none. Milliseconds since 1970. */
  bodiesBefore: number | null;
  eventsBefore: number | null;
  now: number;
}

export type Pruned = Record<"bodies" | "events" | "recipients" | "firsts" | "emails", number>;

/** An email that may still be sent stays, however old: ?2 is when it must have been over. */
const OVER = `NOT EXISTS (SELECT 1 FROM emails m WHERE m.id = x.email_id
  AND (m.expires_at >= ?2 OR m.scheduled_at >= ?2))`;

const rowsOf = (table: "events" | "recipients") =>
  `DELETE FROM ${table} WHERE rowid IN (
     SELECT x.rowid FROM ${table} x WHERE x.email_id < ?1 AND ${OVER} ORDER BY x.email_id LIMIT ?3)`;

/** What one turn forgot. `more`: there is more of it. Throws a DbError; what was forgotten before it stays forgotten. */
export async function prune(db: Db, { bodiesBefore, eventsBefore, now }: Pruning) {
  const pruned: Pruned = { bodies: 0, events: 0, recipients: 0, firsts: 0, emails: 0 };
  let more = false;
  const run = async (what: keyof Pruned, statement: InStatement, limit: number) => {
    const { rowsAffected } = await ask(db.$client.execute(statement));
    pruned[what] = rowsAffected;
    more ||= rowsAffected >= limit;
  };
  if (bodiesBefore !== null)
    await run(
      "bodies",
      {
        sql: "DELETE FROM bodies WHERE rowid IN (SELECT rowid FROM bodies WHERE email_id < ? ORDER BY email_id LIMIT ?)",
        args: [idFrom(bodiesBefore), PRUNE_BODIES],
      },
      PRUNE_BODIES,
    );
  if (eventsBefore === null) return { pruned, more };
  // Whatever is not counted yet would lose its circumstances.
  await ask(db.$client.execute(COUNT_SQL));
  const args = [idFrom(eventsBefore), now - TTL_MAX_SECONDS * 1000, PRUNE_ROWS];
  await run("events", { sql: rowsOf("events"), args }, PRUNE_ROWS);
  await run("recipients", { sql: rowsOf("recipients"), args }, PRUNE_ROWS);
  await run(
    "firsts",
    {
      sql: `DELETE FROM firsts WHERE (email_id, recipient, metric) IN (
        SELECT x.email_id, x.recipient, x.metric FROM firsts x WHERE x.email_id < ?1 AND ${OVER} ORDER BY x.email_id LIMIT ?3)`,
      args,
    },
    PRUNE_ROWS,
  );
  // Last, since the others look at it.
  if (!more)
    await run(
      "emails",
      {
        sql: `DELETE FROM emails WHERE id IN (SELECT x.id FROM emails x WHERE x.id < ?1
          AND x.expires_at < ?2 AND coalesce(x.scheduled_at, 0) < ?2 ORDER BY x.id LIMIT ?3)`,
        args,
      },
      PRUNE_ROWS,
    );
  return { pruned, more };
}

/** What ids of a moment and later do not sort before. */
function idFrom(ms: number): string {
  const hex = Math.max(0, Math.floor(ms)).toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}`;
}

/**
 * What RETENTION_DAYS asks for, once a day and a bounded number of steps at a time. Which ledger does it is the caller's
 * choice; when it is due stands in the ledger's SQLite. Time and the way to libSQL are passed in.
 */
import { DAY_MS, HOUR_MS, PRUNE_STEPS } from "../core/limits.ts";
import type { Db } from "../db/client.ts";
import { type Pruned, type Pruning, prune } from "../db/prune.ts";
import type { Retention } from "../schema/retention.ts";

export interface KeeperParts {
  sql: SqlStorage;
  retention: Retention;
  openDb: () => Db;
  now: () => number;
  log: (fact: string, details: Record<string, unknown>) => void;
}

export class Keeper {
  readonly #parts: KeeperParts;
  #due: number | null;

  constructor(parts: KeeperParts) {
    this.#parts = parts;
    const { sql, retention } = parts;
    sql.exec(
      "CREATE TABLE IF NOT EXISTS keeper (one INTEGER PRIMARY KEY CHECK (one = 1), due INTEGER NOT NULL)",
    );
    const [row] = sql.exec<{ due: number }>("SELECT due FROM keeper").toArray();
    this.#due = retention.bodies === null && retention.events === null ? null : (row?.due ?? 0);
  }

  /** Milliseconds since 1970; null: nothing is ever forgotten. */
  get due(): number | null {
    return this.#due;
  }

  /** Does what is due, or a part of it, and is due again: at once when there is more, else in a day. Never rejects. */
  async run(): Promise<void> {
    const { retention, openDb, now, log } = this.#parts;
    if (this.#due === null || this.#due > now()) return;
    const sum: Partial<Pruned> = {};
    const days = (count: number | null) => (count === null ? null : now() - count * DAY_MS);
    const pruning: Pruning = {
      bodiesBefore: days(retention.bodies),
      eventsBefore: days(retention.events),
      now: now(),
    };
    try {
      let more = true;
      for (let step = 0; more && step < PRUNE_STEPS; step++) {
        const done = await prune(openDb(), pruning);
        more = done.more;
        for (const [what, rows] of Object.entries(done.pruned) as [keyof Pruned, number][])
          sum[what] = (sum[what] ?? 0) + rows;
      }
      this.#next(more ? now() : now() + DAY_MS);
      if (Object.values(sum).some((rows) => rows > 0)) log("pruned", sum);
    } catch (cause) {
      log("pruning_failed", { cause: String(cause) });
      this.#next(now() + HOUR_MS);
    }
  }

  #next(due: number): void {
    this.#due = due;
    this.#parts.sql.exec("INSERT OR REPLACE INTO keeper (one, due) VALUES (1, ?)", due);
  }
}

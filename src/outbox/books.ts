/** What the outbox remembers besides mail: answers under idempotency keys, quotas used, settings. */
import { HOUR_MS } from "../core/limits.ts";
import type { IdempotencyClaim } from "./rpc.ts";

/** Staged parts that no message took are dropped after this long: no request lasts an hour. */
const STAGED_MS = HOUR_MS;

export class Books {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** What was answered under an idempotency key that has not expired, or null. */
  answered(key: string, now: number): { hash: string; response: string } | null {
    const [row] = this.#sql
      .exec<{ hash: string; response: string }>(
        "SELECT hash, response FROM idempotency WHERE key = ? AND expires_at > ?",
        key,
        now,
      )
      .toArray();
    return row ?? null;
  }

  /** Keeps an answer for `keepMs`. */
  keep({ key, hash, response }: IdempotencyClaim, now: number, keepMs: number): void {
    this.#sql.exec(
      "INSERT OR REPLACE INTO idempotency (key, hash, response, expires_at) VALUES (?, ?, ?, ?)",
      key,
      hash,
      response,
      now + keepMs,
    );
  }

  /** Takes one from a relay's quota in the window that `now` falls in; false when it is used up. */
  spend(relay: string, count: number, perMs: number, now: number): boolean {
    const window = Math.floor(now / perMs);
    return (
      this.#sql
        .exec(
          `INSERT INTO quota (relay, window, used) VALUES (?1, ?2, 1)
           ON CONFLICT (relay) DO UPDATE SET used = CASE WHEN window = ?2 THEN used + 1 ELSE 1 END, window = ?2
           WHERE window <> ?2 OR used < ?3
           RETURNING used`,
          relay,
          window,
          count,
        )
        .toArray().length > 0
    );
  }

  setting(name: string): string | null {
    return (
      this.#sql.exec<{ value: string }>("SELECT value FROM setting WHERE name = ?", name).toArray()[0]
        ?.value ?? null
    );
  }

  set(name: string, value: string): void {
    this.#sql.exec("INSERT OR REPLACE INTO setting (name, value) VALUES (?, ?)", name, value);
  }

  /** Drops what has expired: idempotency keys, and parts that no message took. */
  tidy(now: number): void {
    this.#sql.exec("DELETE FROM idempotency WHERE expires_at <= ?", now);
    this.#sql.exec("DELETE FROM content WHERE staged_at <= ?", now - STAGED_MS);
  }

  /** When tidy has something to do next, or null. */
  nextTidy(): number | null {
    const { at } = this.#sql
      .exec<{ at: number | null }>(
        `SELECT min(at) AS at FROM (SELECT min(expires_at) AS at FROM idempotency
         UNION ALL SELECT min(staged_at) + ? FROM content WHERE staged_at IS NOT NULL)`,
        STAGED_MS,
      )
      .one();
    return at;
  }
}

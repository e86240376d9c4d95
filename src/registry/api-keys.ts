/** API keys in the registry's SQLite. A key is kept as its hash: who reads this table can send nothing. */
import type { ApiKey, NewApiKey } from "./rpc.ts";

type Row = {
  id: string;
  name: string;
  hint: string;
  permission: string;
  domains: string | null;
  rate: string | null;
  sandbox: number;
  created_at: number;
  last_used_at: number | null;
  expires_at: number | null;
};

const COLUMNS = "id, name, hint, permission, domains, rate, sandbox, created_at, last_used_at, expires_at";

export class ApiKeys {
  readonly #sql: SqlStorage;
  /** Requests left to each key with a rate, and when that was. A new instance begins with full buckets. */
  readonly #buckets = new Map<string, { left: number; at: number }>();

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`CREATE TABLE IF NOT EXISTS api_key (
      id TEXT PRIMARY KEY, hash TEXT NOT NULL UNIQUE, name TEXT NOT NULL, hint TEXT NOT NULL, permission TEXT NOT NULL,
      domains TEXT, rate TEXT, sandbox INTEGER NOT NULL, created_at INTEGER NOT NULL, last_used_at INTEGER,
      expires_at INTEGER)`);
  }

  insert(key: NewApiKey): void {
    this.#sql.exec(
      `INSERT INTO api_key (id, hash, name, hint, permission, domains, rate, sandbox, created_at, expires_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      key.id,
      key.hash,
      key.name,
      key.hint,
      key.permission,
      key.domains === null ? null : JSON.stringify(key.domains),
      key.rate === null ? null : JSON.stringify(key.rate),
      key.sandbox ? 1 : 0,
      key.createdAt,
      key.expiresAt,
    );
  }

  /** The key of a hash, marked as used. */
  use(hash: string, now: number): ApiKey | null {
    const [row] = this.#sql
      .exec<Row>(
        `UPDATE api_key SET last_used_at = ?1 WHERE hash = ?2 AND (expires_at IS NULL OR expires_at > ?1)
         RETURNING ${COLUMNS}`,
        now,
        hash,
      )
      .toArray();
    return row === undefined ? null : keyOf(row);
  }

  all(): ApiKey[] {
    return this.#sql.exec<Row>(`SELECT ${COLUMNS} FROM api_key ORDER BY id DESC`).toArray().map(keyOf);
  }

  rename(id: string, name: string): boolean {
    return (
      this.#sql.exec("UPDATE api_key SET name = ? WHERE id = ? RETURNING id", name, id).toArray().length > 0
    );
  }

  remove(id: string): boolean {
    this.#buckets.delete(id);
    return this.#sql.exec("DELETE FROM api_key WHERE id = ? RETURNING id", id).toArray().length > 0;
  }

  /** See RegistryRpc.takeFromKey. */
  take(id: string, now: number): number | null {
    const [row] = this.#sql
      .exec<{ rate: string | null }>("SELECT rate FROM api_key WHERE id = ?", id)
      .toArray();
    if (row === undefined || row.rate === null) return null;
    const { count, perMs } = JSON.parse(row.rate) as { count: number; perMs: number };
    const before = this.#buckets.get(id) ?? { left: count, at: now };
    const left = Math.min(count, before.left + ((now - before.at) / perMs) * count) - 1;
    // A refused request costs nothing: who keeps asking is let in as soon as who waits.
    this.#buckets.set(id, { left: left < 0 ? left + 1 : left, at: now });
    return left;
  }
}

const keyOf = (row: Row): ApiKey => ({
  id: row.id,
  name: row.name,
  hint: row.hint,
  permission: row.permission as ApiKey["permission"],
  domains: row.domains === null ? null : (JSON.parse(row.domains) as string[]),
  rate: row.rate === null ? null : (JSON.parse(row.rate) as ApiKey["rate"]),
  sandbox: row.sandbox === 1,
  createdAt: row.created_at,
  lastUsedAt: row.last_used_at,
  expiresAt: row.expires_at,
});

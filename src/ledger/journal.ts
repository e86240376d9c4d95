/** The ledger's SQLite: entries on their way to libSQL, in order, and those libSQL will never take. */
import { jsonLists } from "../core/json-lists.ts";
import type { LedgerEntry } from "../schema/event.ts";

export interface Journalled {
  seq: number;
  identity: string;
  entry: LedgerEntry;
}

export class Journal {
  readonly #sql: SqlStorage;
  #size: number;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`CREATE TABLE IF NOT EXISTS journal (
      seq INTEGER PRIMARY KEY AUTOINCREMENT, identity TEXT NOT NULL UNIQUE, entry TEXT NOT NULL)`);
    sql.exec(`CREATE TABLE IF NOT EXISTS dead (
      identity TEXT PRIMARY KEY, entry TEXT NOT NULL, reason TEXT NOT NULL, at INTEGER NOT NULL)`);
    this.#size = sql.exec<{ n: number }>("SELECT count(*) AS n FROM journal").one().n;
  }

  /** How many entries are on their way. */
  get size(): number {
    return this.#size;
  }

  /** The newest entry's number; numbers are never used again. 0 when there was none. */
  get last(): number {
    const [row] = this.#sql.exec<{ seq: number }>("SELECT seq FROM sqlite_sequence WHERE name = 'journal'");
    return row?.seq ?? 0;
  }

  /** The oldest entry's number, or null when nothing is on its way. */
  get first(): number | null {
    return this.#sql.exec<{ seq: number | null }>("SELECT min(seq) AS seq FROM journal").one().seq;
  }

  /** Entries that are on their way already are ignored. */
  append(entries: readonly LedgerEntry[], listChars: number): void {
    const items = entries.map((entry) => JSON.stringify([identityOf(entry), entry]));
    for (const list of jsonLists(items, listChars)) {
      this.#sql.exec(
        `INSERT INTO journal (identity, entry) SELECT value ->> 0, value -> 1 FROM json_each(?) WHERE true
         ON CONFLICT (identity) DO NOTHING`,
        list,
      );
      this.#size += this.#sql.exec<{ n: number }>("SELECT changes() AS n").one().n;
    }
  }

  /** The oldest entries, at most `count` of together at most `bytes` bytes, but always one when there is any. */
  oldest(count: number, bytes: number): Journalled[] {
    const batch: Journalled[] = [];
    let sum = 0;
    const rows = this.#sql.exec<{ seq: number; identity: string; entry: string; size: number }>(
      "SELECT seq, identity, entry, octet_length(entry) AS size FROM journal ORDER BY seq LIMIT ?",
      count,
    );
    for (const { seq, identity, entry, size } of rows) {
      sum += size;
      if (batch.length > 0 && sum > bytes) break;
      batch.push({ seq, identity, entry: JSON.parse(entry) as LedgerEntry });
    }
    return batch;
  }

  /** Forgets entries that libSQL has: all that stand between the first and the last of them. */
  drop(batch: readonly Journalled[]): void {
    const [first, last] = [batch[0], batch.at(-1)];
    if (first === undefined || last === undefined) return;
    this.#sql.exec("DELETE FROM journal WHERE seq BETWEEN ? AND ?", first.seq, last.seq);
    this.#size -= this.#sql.exec<{ n: number }>("SELECT changes() AS n").one().n;
  }

  /** Sets an entry aside for good, so that the others can go on. */
  park({ seq, identity }: Journalled, reason: string, now: number): void {
    this.#sql.exec(
      `INSERT INTO dead (identity, entry, reason, at) SELECT identity, entry, ?, ? FROM journal WHERE identity = ?
       ON CONFLICT (identity) DO UPDATE SET reason = excluded.reason, at = excluded.at`,
      reason,
      now,
      identity,
    );
    this.#sql.exec("DELETE FROM journal WHERE seq = ?", seq);
    this.#size -= 1;
  }

  /** Entries set aside. */
  get parked(): number {
    return this.#sql.exec<{ n: number }>("SELECT count(*) AS n FROM dead").one().n;
  }
}

/** What makes an entry the same as another one. */
export function identityOf(entry: LedgerEntry): string {
  switch (entry.kind) {
    case "email":
      return `m:${entry.email.id}`;
    case "recipients":
      return `r:${entry.email_id}:${entry.rows[0]?.index ?? ""}`;
    case "body":
      return `b:${entry.email_id}:${entry.part}:${entry.seq}`;
    case "event":
      return `e:${entry.event.id}`;
  }
}

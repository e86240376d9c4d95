/**
 * What the outbox has still to tell the ledger, in order. A row holds all that was told at once, as a JSON list: in bulk
 * a row for each dozen events costs a quarter of a row for each.
 */
import { OUTBOX_CHUNK_BYTES } from "../core/limits.ts";
import type { LedgerEntry } from "../schema/event.ts";

/** Characters of one row. A character is at most three bytes, a row at most 2 MB. */
const ROW_CHARS = OUTBOX_CHUNK_BYTES / 2;

export class Reports {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  add(entries: readonly LedgerEntry[]): void {
    let row: string[] = [];
    let chars = 0;
    const write = () => this.#sql.exec("INSERT INTO report (entries) VALUES (?)", `[${row.join(",")}]`);
    for (const entry of entries) {
      const text = JSON.stringify(entry);
      if (row.length > 0 && chars + text.length > ROW_CHARS) {
        write();
        row = [];
        chars = 0;
      }
      row.push(text);
      chars += text.length + 1;
    }
    if (row.length > 0) write();
  }

  /** The oldest rows not yet taken by the ledger: about `chars` of JSON, but always some when there are any. */
  oldest(chars: number): { last: number; lists: string[] } | null {
    const lists: string[] = [];
    let last = 0;
    let sum = 0;
    for (const row of this.#sql.exec<{ seq: number; entries: string }>(
      "SELECT seq, entries FROM report ORDER BY seq",
    )) {
      if (last > 0 && sum + row.entries.length > chars) break;
      lists.push(row.entries);
      last = row.seq;
      sum += row.entries.length;
    }
    return last === 0 ? null : { last, lists };
  }

  /** The ledger has everything up to `last`. */
  drop(last: number): void {
    this.#sql.exec("DELETE FROM report WHERE seq <= ?", last);
  }
}

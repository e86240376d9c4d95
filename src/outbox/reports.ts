/**
 * What the outbox has still to tell the ledger, in order. A row holds all that was told at once, as a JSON list: in bulk
 * a row for each dozen events costs a quarter of a row for each.
 */
import { jsonLists } from "../core/json-lists.ts";
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
    const items = entries.map((entry) => JSON.stringify(entry));
    for (const list of jsonLists(items, ROW_CHARS))
      this.#sql.exec("INSERT INTO report (entries) VALUES (?)", list);
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

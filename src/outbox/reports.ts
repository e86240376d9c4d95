/**
 * What the outbox has still to tell the ledger, in order. A row holds all that was told at once, its lists on lines of their
 * own: in bulk a row for each dozen events costs a quarter of a row for each.
 */
import { OUTBOX_CHUNK_BYTES } from "../core/limits.ts";
import { type EntryList, entryLists } from "../schema/entry-list.ts";
import type { LedgerEntry } from "../schema/event.ts";

/** Characters of one row. A character is at most three bytes, a row at most 2 MB. */
const ROW_CHARS = OUTBOX_CHUNK_BYTES / 2;

export class Reports {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  tell(entries: readonly LedgerEntry[]): void {
    this.add(entryLists(entries, ROW_CHARS));
  }

  /** Lists, none longer than ROW_CHARS but for a single entry. */
  add(lists: readonly EntryList[]): void {
    let row = "";
    for (const list of lists) {
      if (row !== "" && row.length + list.length > ROW_CHARS) {
        this.#write(row);
        row = "";
      }
      row = row === "" ? list : `${row}\n${list}`;
    }
    if (row !== "") this.#write(row);
  }

  #write(row: string): void {
    this.#sql.exec("INSERT INTO report (entries) VALUES (?)", row);
  }

  /** The numbers of the oldest and of the newest row, which only grow; null and 0: there is none. */
  get first(): number | null {
    return this.#sql.exec<{ seq: number | null }>("SELECT min(seq) AS seq FROM report").one().seq;
  }
  get last(): number {
    return this.#sql.exec<{ seq: number | null }>("SELECT max(seq) AS seq FROM report").one().seq ?? 0;
  }

  /** The lists of the oldest rows up to `through`: about `chars` of text, but always some when there are any. */
  oldest(chars: number, through: number): { last: number; lists: EntryList[] } | null {
    const lists: EntryList[] = [];
    let last = 0;
    let sum = 0;
    for (const row of this.#sql.exec<{ seq: number; entries: string }>(
      "SELECT seq, entries FROM report WHERE seq <= ? ORDER BY seq",
      through,
    )) {
      if (last > 0 && sum + row.entries.length > chars) break;
      lists.push(...row.entries.split("\n"));
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

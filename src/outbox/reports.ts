/** What the outbox has still to tell the ledger, in order. */
import { OUTBOX_CHUNK_BYTES } from "../core/limits.ts";
import type { LedgerEntry } from "../schema/event.ts";

export class Reports {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  add(entries: readonly LedgerEntry[]): void {
    if (entries.length === 0) return;
    if (entries.length === 1)
      this.#sql.exec("INSERT INTO report (entry) VALUES (?)", JSON.stringify(entries[0]));
    else
      for (const chunk of chunked(entries.map((entry) => JSON.stringify(entry))))
        this.#sql.exec(
          "INSERT INTO report (entry) SELECT value FROM json_each(?) ORDER BY key",
          JSON.stringify(chunk),
        );
  }

  /** The oldest entries not yet taken by the ledger: at most `limit`, and about `chars` of JSON. */
  oldest(limit: number, chars: number): { last: number; entries: LedgerEntry[] } | null {
    const entries: LedgerEntry[] = [];
    let last = 0;
    let size = 0;
    for (const row of this.#sql.exec<{ seq: number; entry: string }>(
      "SELECT seq, entry FROM report ORDER BY seq LIMIT ?",
      limit,
    )) {
      if (entries.length > 0 && size + row.entry.length > chars) break;
      entries.push(JSON.parse(row.entry) as LedgerEntry);
      last = row.seq;
      size += row.entry.length;
    }
    return entries.length === 0 ? null : { last, entries };
  }

  /** The ledger has everything up to `last`. */
  drop(last: number): void {
    this.#sql.exec("DELETE FROM report WHERE seq <= ?", last);
  }
}

/** Runs of JSON texts that each stay below a row's bound. */
function* chunked(texts: readonly string[]): Generator<string[]> {
  let chunk: string[] = [];
  let size = 0;
  for (const text of texts) {
    if (chunk.length > 0 && size + text.length > OUTBOX_CHUNK_BYTES / 2) {
      yield chunk;
      chunk = [];
      size = 0;
    }
    chunk.push(text);
    size += text.length;
  }
  if (chunk.length > 0) yield chunk;
}

/**
 * Who has left by which copy, or come back: what of that is news. Mail programs send the POST of their button again, and people
 * press it again; that is the same wish, and no second event. It is told to the registry all the same (facts.ts), where the
 * entry may have been removed by hand since.
 */
import { WISH_MS } from "../core/limits.ts";
import type { LedgerEntry } from "../schema/event.ts";

export class Wishes {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`CREATE TABLE IF NOT EXISTS wish (
      email TEXT NOT NULL, recipient INTEGER NOT NULL, type TEXT NOT NULL, at INTEGER NOT NULL,
      PRIMARY KEY (email, recipient)) WITHOUT ROWID`);
    sql.exec("CREATE INDEX IF NOT EXISTS wish_at ON wish (at)");
  }

  /** The entries without wishes that say what the one before said. Those that are news are noted. */
  news(entries: readonly LedgerEntry[]): readonly LedgerEntry[] {
    const latest = entries.reduce((at, entry) => (isWish(entry) ? Math.max(at, entry.event.at) : at), 0);
    if (latest === 0) return entries;
    this.#sql.exec("DELETE FROM wish WHERE at <= ?", latest - WISH_MS);
    return entries.filter((entry) => !isWish(entry) || this.#isNews(entry));
  }

  #isNews({ event: { email_id, recipient, type, at } }: Wish): boolean {
    const noted = this.#sql.exec(
      `INSERT INTO wish VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET type = excluded.type, at = excluded.at WHERE type <> excluded.type RETURNING type`,
      email_id,
      recipient,
      type,
      at,
    );
    return noted.toArray().length > 0;
  }
}

type Wish = Extract<LedgerEntry, { kind: "event" }>;

const isWish = (entry: LedgerEntry): entry is Wish =>
  entry.kind === "event" &&
  entry.event.recipient !== null &&
  (entry.event.type === "email.unsubscribed" || entry.event.type === "email.resubscribed");

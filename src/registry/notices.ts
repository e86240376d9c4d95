/**
 * What webhook endpoints are to be told of the suppression list: written down with the change, and handed to a ledger, which
 * tells them. Kept until the ledger has it; the ledger ignores what it has.
 */
import { NOTICES_PER_CALL } from "../core/limits.ts";
import type { LedgerRpc, WebhookNotice } from "../ledger/rpc.ts";
import { comparedAddress, isErased, type Suppression } from "../schema/suppression.ts";
import type { SuppressionChange } from "./suppressions.ts";

export interface NoticesParts {
  sql: SqlStorage;
  /** Whether any endpoint wants to know. */
  isWanted: (type: SuppressionChange) => boolean;
  /** Null: the configuration is wrong, and nobody can be told just now. */
  ledger: () => Pick<LedgerRpc, "notify"> | null;
  /** UUIDv7 of a time. */
  newId: (now: number) => string;
  report: (fact: string, details: Record<string, unknown>) => void;
}

export class Notices {
  readonly #parts: NoticesParts;
  #running: Promise<boolean> | null = null;

  constructor(parts: NoticesParts) {
    this.#parts = parts;
    parts.sql.exec(`CREATE TABLE IF NOT EXISTS notice (
      id TEXT PRIMARY KEY, type TEXT NOT NULL, at INTEGER NOT NULL, payload TEXT NOT NULL) WITHOUT ROWID`);
  }

  get isPending(): boolean {
    return this.#parts.sql.exec("SELECT 1 FROM notice LIMIT 1").toArray().length > 0;
  }

  /** Writes down what happened to entries; whether anybody wants to know. */
  add(type: SuppressionChange, entries: readonly Suppression[], now: number): boolean {
    const { sql, isWanted, newId } = this.#parts;
    if (!isWanted(type)) return false;
    sql.exec(
      `INSERT INTO notice (id, type, at, payload)
       SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?)`,
      JSON.stringify(entries.map((entry) => [newId(now), type, now, payloadOf(type, entry, now)])),
    );
    return true;
  }

  /** Forgets what was to be told of an address. */
  erase(address: string): void {
    this.#parts.sql.exec("DELETE FROM notice WHERE payload ->> '$.data.email' = ?", comparedAddress(address));
  }

  /** Hands over everything there is. Resolves to whether the ledger took it; never rejects. Calls made meanwhile share it. */
  deliver(): Promise<boolean> {
    this.#running ??= this.#deliver().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async #deliver(): Promise<boolean> {
    const { sql, ledger, report } = this.#parts;
    try {
      for (;;) {
        const notices = sql
          .exec<{ id: string; type: string; at: number; payload: string }>(
            "SELECT id, type, at, payload FROM notice ORDER BY id LIMIT ?",
            NOTICES_PER_CALL,
          )
          .toArray() satisfies WebhookNotice[];
        if (notices.length === 0) return true;
        const taker = ledger();
        if (taker === null) return false;
        await taker.notify(notices);
        sql.exec(
          "DELETE FROM notice WHERE id IN (SELECT value FROM json_each(?))",
          JSON.stringify(notices.map(({ id }) => id)),
        );
      }
    } catch (cause) {
      report("notices_not_told", { cause: String(cause) });
      return false;
    }
  }
}

/** As Resend spells it. */
const payloadOf = (type: SuppressionChange, entry: Suppression, now: number): string =>
  JSON.stringify({
    type,
    created_at: new Date(now).toISOString(),
    data: {
      id: entry.id,
      email: isErased(entry.address) ? "(erased)" : entry.address,
      origin: entry.origin,
      source_id: entry.sourceId,
      created_at: new Date(entry.createdAt).toISOString(),
      topic: entry.topic === "" ? null : entry.topic,
      category: entry.category,
    },
  });

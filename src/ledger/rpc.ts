/** What other rooms may ask of the ledger. The class is `Ledger` in ledger.ts. */
import type { LedgerEntry } from "../schema/event.ts";

export interface LedgerRpc {
  /** Durable when it resolves. Repeats are harmless: every entry has an identity. Order is kept. */
  append(entries: LedgerEntry[]): Promise<void>;
  /**
   * Brings what is journalled to libSQL now, waiting at most SETTLE_MS. `pending` counts the entries still on their
   * way; more than 0 means that libSQL is away or behind.
   */
  settle(): Promise<{ pending: number }>;
  /** For GET /metrics: entries on their way to libSQL, and those it will never take. */
  gauges(): Promise<{ pending: number; parked: number }>;
}

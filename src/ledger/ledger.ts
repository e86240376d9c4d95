/**
 * The ledger: a Durable Object that takes entries at any time, and brings them to libSQL when libSQL can be reached. Thin:
 * what it keeps is in journal.ts, how it gets there in flusher.ts.
 */
import { DurableObject } from "cloudflare:workers";
import { LEDGER_PARAMETER_CHARS, LEDGER_RETRY_MS, SETTLE_MS } from "../core/limits.ts";
import type { Db } from "../db/client.ts";
import { writeEntries } from "../db/journal.ts";
import { dbOf, type Env } from "../env.ts";
import { log } from "../log.ts";
import type { LedgerEntry } from "../schema/event.ts";
import { Flusher } from "./flusher.ts";
import { Journal } from "./journal.ts";
import type { LedgerRpc } from "./rpc.ts";

export class Ledger extends DurableObject<Env> implements LedgerRpc {
  readonly #journal: Journal;
  readonly #flusher: Flusher;
  /** When the alarm rings, in milliseconds since 1970, as far as this instance knows. */
  #alarmAt = 0;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#journal = new Journal(ctx.storage.sql);
    this.#flusher = new Flusher({
      journal: this.#journal,
      write: (entries) => writeEntries(this.openDb(), entries),
      now: Date.now,
      log,
    });
  }

  /** The database this ledger writes to, opened anew for each batch. */
  protected openDb(): Db {
    return dbOf(this.env);
  }

  async append(entries: LedgerEntry[]): Promise<void> {
    if (entries.length === 0) return;
    this.#journal.append(entries, LEDGER_PARAMETER_CHARS);
    // Written together with the entries: whatever happens to this instance, the alarm brings another one.
    this.#guard(this.#flusher.delayMs);
    if (!this.#flusher.resting) this.ctx.waitUntil(this.#flusher.flush());
  }

  async settle(): Promise<{ pending: number }> {
    const settled = await this.#flusher.settle(SETTLE_MS);
    return { pending: settled ? 0 : this.#journal.size };
  }

  async gauges(): Promise<{ pending: number; parked: number }> {
    return { pending: this.#journal.size, parked: this.#journal.parked };
  }

  /** Never throws: the platform gives up on alarms that do. */
  override async alarm(): Promise<void> {
    this.#alarmAt = 0;
    try {
      await this.#flusher.flush();
      if (this.#journal.size > 0) this.#guard(this.#flusher.delayMs);
    } catch (cause) {
      log("ledger_alarm_failed", { cause: String(cause) });
      this.#guard(LEDGER_RETRY_MS);
    }
  }

  /** Sees to it that an alarm rings within `ms`. One that rings for nothing is cheaper than one cancelled each time. */
  #guard(ms: number): void {
    const now = Date.now();
    if (this.#alarmAt > now && this.#alarmAt <= now + ms) return;
    this.#alarmAt = now + ms;
    void this.ctx.storage.setAlarm(this.#alarmAt);
  }
}

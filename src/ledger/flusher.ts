/**
 * Carries the journal to libSQL: one batch at a time, in order. An entry is forgotten only after libSQL has it, so a crash
 * between the two writes it twice, which libSQL's primary keys make harmless. Time and the way to libSQL are passed in.
 */
import {
  LEDGER_BATCH_CHARS,
  LEDGER_BATCH_ENTRIES,
  LEDGER_PROBE_MS,
  LEDGER_RETRY_MAX_MS,
  LEDGER_RETRY_MS,
} from "../core/limits.ts";
import { DbError } from "../db/error.ts";
import type { LedgerEntry } from "../schema/event.ts";
import { settlesWithin } from "../within.ts";
import type { Journal, Journalled } from "./journal.ts";

/** Between two flushes while entries keep coming, in milliseconds. Whoever asks has what there is flushed at once. */
const FLUSH_GAP_MS = 250;

export interface FlusherParts {
  journal: Journal;
  /** Resolves when libSQL has all of the entries; else throws, a DbError when it knows why. */
  write: (entries: readonly LedgerEntry[]) => Promise<void>;
  now: () => number;
  log: (fact: string, details: Record<string, unknown>) => void;
}

export class Flusher {
  readonly #parts: FlusherParts;
  #running: Promise<void> | null = null;
  #failures = 0;
  #failedAt = 0;
  #unfit: string | null = null;
  #notBefore = 0;
  #flushedAt = 0;
  #soon: Promise<void> | null = null;
  /** The flush under way goes on until nothing is left. */
  #whole = false;
  /** Who waits for all entries up to a number. */
  #waiting: { through: number; done: () => void }[] = [];

  constructor(parts: FlusherParts) {
    this.#parts = parts;
  }

  /** How long to leave libSQL alone after the failures so far, in milliseconds. Doubles up to LEDGER_RETRY_MAX_MS. */
  get delayMs(): number {
    return Math.min(LEDGER_RETRY_MS * 2 ** Math.max(0, this.#failures - 1), LEDGER_RETRY_MAX_MS);
  }

  /** Whether libSQL failed when it was last asked. */
  get away(): boolean {
    return this.#failures > 0;
  }

  /** What the operator is to do about it, when that is known. */
  get unfit(): string | null {
    return this.#unfit;
  }

  /** Whether libSQL failed just now and is to be left alone for a while. */
  get resting(): boolean {
    return this.#parts.now() < this.#notBefore;
  }

  /**
   * Has entries written past the journal. False when something stands before them, or libSQL did not take them within `waitMs`:
   * then it may have them or not, and they belong into the journal, whose way of asking and sorting out is the patient one.
   */
  async through(write: () => Promise<void>, waitMs: number): Promise<boolean> {
    if (this.resting || this.#running !== null || this.#parts.journal.size > 0) return false;
    // A database that cannot be opened throws before there is a promise.
    const written = (async () => write())();
    return settlesWithin(written, waitMs).catch(() => false);
  }

  /**
   * A flush soon: at once when the last is a while ago, else when it is. What keeps coming goes in batches then, each of which
   * costs a commit in three databases.
   */
  soon(): Promise<void> {
    const wait = this.#running === null ? this.#flushedAt + FLUSH_GAP_MS - this.#parts.now() : FLUSH_GAP_MS;
    if (wait <= 0) return this.#run();
    this.#soon ??= new Promise<void>((resolve) => setTimeout(resolve, wait)).then(() => {
      this.#soon = null;
      return this.#run();
    });
    return this.#soon;
  }

  /** Works the journal off until it is empty or libSQL is away. Never rejects; calls made meanwhile share it. */
  flush(): Promise<void> {
    this.#whole = true;
    return this.#run();
  }

  #run(): Promise<void> {
    this.#running ??= this.#flush().finally(() => {
      this.#running = null;
      this.#whole = false;
      this.#flushedAt = this.#parts.now();
      this.#tell(null);
    });
    return this.#running;
  }

  /**
   * Resolves to whether everything journalled by now is in libSQL. Waits at most `waitMs`; a flush goes on regardless. While
   * libSQL is away it is tried once in LEDGER_PROBE_MS, and the others do not wait.
   */
  async settle(waitMs: number): Promise<boolean> {
    const { journal, now } = this.#parts;
    const through = journal.last;
    if (journal.size === 0) return true;
    if (this.away && (this.#running !== null || now() < this.#failedAt + LEDGER_PROBE_MS)) return false;
    const told = new Promise<void>((done) => {
      this.#waiting.push({ through, done });
      void this.flush();
    });
    await settlesWithin(told, waitMs);
    const { first } = journal;
    return first === null || first > through;
  }

  async #flush(): Promise<void> {
    const { journal, log, now } = this.#parts;
    const through = journal.last;
    for (;;) {
      const batch = journal.oldest(LEDGER_BATCH_ENTRIES, LEDGER_BATCH_CHARS);
      if (batch.length === 0) return;
      try {
        await this.#write(batch);
      } catch (cause) {
        this.#failures += 1;
        this.#failedAt = now();
        this.#unfit = cause instanceof DbError && cause.kind === "unfit" ? cause.message : null;
        this.#notBefore = this.#failedAt + this.delayMs;
        log("libsql_away", {
          failures: this.#failures,
          pending: journal.size,
          retryMs: this.delayMs,
          cause: cause instanceof DbError ? cause.message : String(cause),
        });
        return;
      }
      this.#failures = 0;
      this.#notBefore = 0;
      this.#unfit = null;
      const { first } = journal;
      this.#tell(first);
      // What came meanwhile has its own flush coming, unless somebody waits for it.
      if (first === null || (first > through && !this.#whole && this.#waiting.length === 0)) return;
    }
  }

  /** Writes a batch. What libSQL refuses is halved until the entries at fault stand alone, and these are parked. */
  async #write(batch: readonly Journalled[]): Promise<void> {
    const { journal, write, now, log } = this.#parts;
    try {
      await write(batch.map(({ entry }) => entry));
    } catch (cause) {
      if (!(cause instanceof DbError) || cause.kind !== "refused") throw cause;
      const [only] = batch;
      if (only === undefined) return;
      if (batch.length === 1) {
        journal.park(only, cause.message, now());
        log("ledger_entry_parked", { identity: only.identity, reason: cause.message });
        return;
      }
      const half = batch.length >> 1;
      await this.#write(batch.slice(0, half));
      await this.#write(batch.slice(half));
      return;
    }
    journal.drop(batch);
  }

  /** Wakes those whose entries are all before `first`; null: everyone, for there will be no more progress. */
  #tell(first: number | null): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const one of waiting)
      if (first === null || first > one.through) one.done();
      else this.#waiting.push(one);
  }
}

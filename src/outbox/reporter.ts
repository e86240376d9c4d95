/**
 * Hands reports to the ledger, in order, one call at a time. A report is forgotten only after the ledger has it; a call
 * that fails is made again, and the ledger ignores what it already had.
 */
import type { EmailId } from "../core/ids.ts";
import { LEDGER_BATCH_CHARS, LEDGER_RETRY_MS } from "../core/limits.ts";
import type { LedgerRpc } from "../ledger/rpc.ts";
import { entriesOf } from "../schema/entry-list.ts";
import type { LedgerEntry } from "../schema/event.ts";
import type { Reports } from "./reports.ts";

export class Reporter {
  readonly #reports: Reports;
  readonly #ledger: (id: EmailId) => Pick<LedgerRpc, "report">;
  readonly #log: (fact: string, details: Record<string, unknown>) => void;
  #running: Promise<boolean> | null = null;
  /** An email of ours: it tells which ledger is. */
  #email: EmailId | null = null;

  constructor(
    reports: Reports,
    ledger: (id: EmailId) => Pick<LedgerRpc, "report">,
    log: (fact: string, details: Record<string, unknown>) => void,
  ) {
    this.#reports = reports;
    this.#ledger = ledger;
    this.#log = log;
  }

  /**
   * Hands over everything there is by now; what comes meanwhile waits for a later call, or it would go in crumbs, each of which
   * costs a commit in three databases. Resolves to false when the ledger could not take it.
   */
  async flush(): Promise<boolean> {
    const through = this.#reports.last;
    // What is being handed over may have been begun before.
    while ((this.#reports.first ?? through + 1) <= through) {
      this.#running ??= this.#flush(through).finally(() => {
        this.#running = null;
      });
      if (!(await this.#running)) return false;
    }
    return true;
  }

  async #flush(through: number): Promise<boolean> {
    for (;;) {
      const batch = this.#reports.oldest(LEDGER_BATCH_CHARS, through);
      if (batch === null) return true;
      try {
        // Outboxes and ledgers are sharded alike: what one outbox reports belongs to one ledger.
        this.#email ??= emailIdOf(entriesOf(batch.lists[0]!)[0]!);
        await this.#ledger(this.#email).report(batch.lists);
      } catch (cause) {
        this.#log("ledger_refused_report", {
          rows: batch.lists.length,
          cause: String(cause),
          retryMs: LEDGER_RETRY_MS,
        });
        return false;
      }
      this.#reports.drop(batch.last);
    }
  }
}

function emailIdOf(entry: LedgerEntry): EmailId {
  switch (entry.kind) {
    case "email":
      return entry.email.id as EmailId;
    case "event":
      return entry.event.email_id as EmailId;
    case "recipients":
    case "body":
      return entry.email_id as EmailId;
  }
}

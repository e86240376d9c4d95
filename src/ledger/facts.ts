/**
 * What the ledger has to tell the registry: bounces, complaints and unsubscribes, which may close an address. Kept in the
 * ledger's SQLite from the turn that journals the event until the registry has it, so that none is lost; the registry
 * ignores what it has heard before.
 *
 * Some events name their recipient only by an index. Whose address that is libSQL knows, and while it is away they wait.
 */
import {
  DAY_MS,
  DOUBT_MS,
  FACT_DAYS,
  FACTS_PER_CALL,
  LEDGER_RETRY_MAX_MS,
  LEDGER_RETRY_MS,
} from "../core/limits.ts";
import type { Addressee } from "../db/addressees.ts";
import type { RuleOf } from "../policy/suppression-rules.ts";
import type { SuppressionRpc } from "../registry/suppression-rpc.ts";
import type { EventType, LedgerEntry, MailEvent } from "../schema/event.ts";
import { comparedAddress, RESUBSCRIBE, type SuppressionFact } from "../schema/suppression.ts";
import { storyOf } from "../schema/test-address.ts";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS fact (
    id TEXT PRIMARY KEY,
    email TEXT NOT NULL,
    recipient INTEGER NOT NULL,
    category TEXT NOT NULL,
    at INTEGER NOT NULL,
    address TEXT,
    topic TEXT NOT NULL DEFAULT ''
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS doubt (
    email TEXT NOT NULL,
    recipient INTEGER NOT NULL,
    category TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (email, recipient)
  ) WITHOUT ROWID;
`;

/** Events that may close an address, or say why a later one does. */
const TYPES: ReadonlySet<EventType> = new Set<EventType>([
  "email.bounced",
  "email.failed",
  "email.delivery_delayed",
  "email.complained",
  "email.unsubscribed",
  "email.resubscribed",
]);
const KEPT_MS = FACT_DAYS * DAY_MS;

export interface FactsParts {
  sql: SqlStorage;
  ruleOf: RuleOf;
  registry: () => Pick<SuppressionRpc, "learn">;
  /** In the order asked; null where libSQL has nothing (yet). Throws while libSQL is away. */
  addressees: (copies: { email: string; recipient: number }[]) => Promise<(Addressee | null)[]>;
  /** Resolves when what is journalled has gone to libSQL, as far as it can. */
  settled: () => Promise<unknown>;
  now: () => number;
  log: (fact: string, details: Record<string, unknown>) => void;
}

type FactRow = {
  id: string;
  email: string;
  recipient: number;
  category: string;
  at: number;
  address: string;
  topic: string;
};

export class Facts {
  readonly #parts: FactsParts;
  #running: Promise<void> | null = null;
  /** Deliveries in a row that left something. */
  #failures = 0;

  constructor(parts: FactsParts) {
    this.#parts = parts;
    parts.sql.exec(SCHEMA);
  }

  /** Whether anything waits to be told. */
  get isPending(): boolean {
    return this.#parts.sql.exec("SELECT 1 FROM fact LIMIT 1").toArray().length > 0;
  }

  /** How soon to try again what is left, in milliseconds. */
  get delayMs(): number {
    return Math.min(LEDGER_RETRY_MS * 2 ** Math.max(0, this.#failures - 1), LEDGER_RETRY_MAX_MS);
  }

  /** Takes note of the events among entries that matter here; whether there were any. */
  note(entries: readonly LedgerEntry[]): boolean {
    let noted = false;
    for (const entry of entries)
      if (entry.kind === "event" && TYPES.has(entry.event.type)) noted = this.#note(entry.event) || noted;
    return noted;
  }

  #note(event: MailEvent): boolean {
    const { id, type, email_id: email, recipient, at, data } = event;
    // An unsubscribe link says itself who leaves what; of an unsubscribe mail only libSQL knows the topic.
    const to = data.unsubscribe?.address ?? (type === "email.unsubscribed" ? undefined : event.to);
    if (recipient === null || (to !== undefined && storyOf(to) !== null)) return false;
    const category = this.#categoryOf(event);
    if (category === null || !this.#matters(category)) return false;
    const { sql } = this.#parts;
    if (type === "email.delivery_delayed") {
      sql.exec(
        `INSERT INTO doubt (email, recipient, category, at) VALUES (?, ?, ?, ?)
         ON CONFLICT (email, recipient) DO UPDATE SET category = excluded.category`,
        email,
        recipient,
        category,
        at,
      );
      return false;
    }
    sql.exec(
      `INSERT INTO fact (id, email, recipient, category, at, address, topic) VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO NOTHING`,
      id,
      email,
      recipient,
      category,
      at,
      to === undefined ? null : comparedAddress(to),
      data.unsubscribe?.topic ?? "",
    );
    return true;
  }

  /** How many facts about an address wait to be told. */
  waitingFor(address: string): number {
    return this.#parts.sql
      .exec<{ n: number }>("SELECT count(*) AS n FROM fact WHERE address = ?", comparedAddress(address))
      .one().n;
  }

  #matters(category: string): boolean {
    return category === RESUBSCRIBE || this.#parts.ruleOf(category).when !== "never";
  }

  /** What an event says, in the policy table's terms; null: nothing. */
  #categoryOf({ type, email_id, recipient, at, data }: MailEvent): string | null {
    switch (type) {
      case "email.complained":
        return "complaint";
      case "email.unsubscribed":
        return "unsubscribe";
      case "email.resubscribed":
        return RESUBSCRIBE;
      case "email.failed":
        return data.category === "expired" ? this.#doubtAbout(email_id, recipient!, at) : null;
      default:
        return data.category ?? data.attempt?.category ?? null;
    }
  }

  /**
   * A copy was given up for want of time. Whose fault that was the last answer about its recipient says, if there was one,
   * and if it was said for long enough: a message that lives for a minute says nothing about an address. A server that only
   * puts off what it could refuse for good may be wrong, so that counts as no more than `expired`.
   */
  #doubtAbout(email: string, recipient: number, at: number): string | null {
    const [doubt] = this.#parts.sql
      .exec<{ category: string; at: number }>(
        "DELETE FROM doubt WHERE email = ? AND recipient = ? RETURNING category, at",
        email,
        recipient,
      )
      .toArray();
    if (doubt === undefined || at - doubt.at < DOUBT_MS) return null;
    return this.#parts.ruleOf(doubt.category).when === "repeated" ? doubt.category : "expired";
  }

  /** Tells the registry what it can be told now. Never rejects; calls made meanwhile share it. */
  deliver(): Promise<void> {
    this.#running ??= this.#deliver().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async #deliver(): Promise<void> {
    const { sql, now, log, settled } = this.#parts;
    try {
      await this.#tell();
      const unnamed = sql.exec("SELECT 1 FROM fact WHERE address IS NULL LIMIT 1").toArray().length > 0;
      if (!unnamed) return;
      await settled();
      await this.#name();
      await this.#tell();
      const lost = sql
        .exec("DELETE FROM fact WHERE address IS NULL AND at <= ? RETURNING id", now() - KEPT_MS)
        .toArray();
      if (lost.length > 0) log("facts_about_nobody", { facts: lost.length });
      sql.exec("DELETE FROM doubt WHERE at <= ?", now() - KEPT_MS);
    } catch (cause) {
      log("facts_not_told", { cause: String(cause) });
    } finally {
      this.#failures = this.isPending ? this.#failures + 1 : 0;
    }
  }

  /** Hands over those whose address is known, oldest first. */
  async #tell(): Promise<void> {
    const { sql, registry } = this.#parts;
    for (;;) {
      const rows = sql
        .exec<FactRow>("SELECT * FROM fact WHERE address IS NOT NULL ORDER BY id LIMIT ?", FACTS_PER_CALL)
        .toArray();
      if (rows.length === 0) return;
      const facts = rows.map(
        ({ id, email, category, at, address, topic }): SuppressionFact => ({
          id,
          address,
          topic,
          category,
          emailId: email,
          at,
        }),
      );
      await registry().learn(facts);
      this.#drop(rows);
    }
  }

  /** Asks libSQL whom the others are about. */
  async #name(): Promise<void> {
    const { sql, addressees } = this.#parts;
    for (let last = ""; ; ) {
      const rows = sql
        .exec<FactRow>(
          "SELECT * FROM fact WHERE address IS NULL AND id > ? ORDER BY id LIMIT ?",
          last,
          FACTS_PER_CALL,
        )
        .toArray();
      if (rows.length === 0) return;
      last = rows.at(-1)!.id;
      const found = await addressees(rows.map(({ email, recipient }) => ({ email, recipient })));
      this.#drop(rows.filter((_, i) => found[i] != null && storyOf(found[i].address) !== null));
      const named = rows.flatMap(({ id, category }, i) => {
        const one = found[i] ?? null;
        if (one === null) return [];
        return [[id, comparedAddress(one.address), category === "unsubscribe" ? one.topic : ""]];
      });
      sql.exec(
        "UPDATE fact SET address = value ->> 1, topic = value ->> 2 FROM json_each(?) WHERE fact.id = value ->> 0",
        JSON.stringify(named),
      );
    }
  }

  #drop(rows: readonly { id: string }[]): void {
    if (rows.length === 0) return;
    this.#parts.sql.exec(
      "DELETE FROM fact WHERE id IN (SELECT value FROM json_each(?))",
      JSON.stringify(rows.map(({ id }) => id)),
    );
  }
}

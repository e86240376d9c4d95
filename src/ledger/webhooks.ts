/**
 * Webhooks of one ledger, put together: what endpoints want is queued with the event itself, told of once libSQL can say
 * whose mail it was about, and tried until it is taken. Without endpoints nothing here costs anything.
 */
import { LEDGER_RETRY_MS, REPLICA_START_MS, WEBHOOK_BUILD_EVENTS } from "../core/limits.ts";
import type { Db } from "../db/client.ts";
import { webhookFacts } from "../db/webhook-facts.ts";
import type { LedgerEntry } from "../schema/event.ts";
import type { EndpointSet } from "../schema/webhook.ts";
import { settlesWithin } from "../within.ts";
import type { Journal } from "./journal.ts";
import type {
  WebhookAttempt,
  WebhookEvent,
  WebhookHealth,
  WebhookNotice,
  WebhookPage,
  WebhookTest,
} from "./rpc.ts";
import { callEndpoint } from "./webhook-call.ts";
import { Endpoints } from "./webhook-endpoints.ts";
import { WebhookIntake } from "./webhook-intake.ts";
import { WebhookLog } from "./webhook-log.ts";
import { callbackPayload } from "./webhook-mailjet.ts";
import { payloadOf } from "./webhook-payload.ts";
import { WebhookQueue } from "./webhook-queue.ts";
import { WebhookRetention } from "./webhook-retention.ts";
import { type SenderParts, WebhookSender } from "./webhook-sender.ts";
import { makeTables, type Subject } from "./webhook-tables.ts";

/** Between two looks at a queue whose foremost events only wait for one another, in milliseconds. */
const TURN_MS = 1_000;

export interface WebhooksParts extends Omit<SenderParts, "queue" | "record" | "endpoints"> {
  sql: SqlStorage;
  journal: Pick<Journal, "first" | "last">;
  openDb: () => Db;
  /** For how long events can be looked up and replayed, in milliseconds. */
  keepMs: number;
}

export class Webhooks {
  readonly #parts: WebhooksParts;
  readonly #intake: WebhookIntake;
  readonly #queue: WebhookQueue;
  readonly #log: WebhookLog;
  readonly #retention: WebhookRetention;
  readonly #endpoints: Endpoints;
  readonly #sender: WebhookSender;
  #building: Promise<void> | null = null;
  /** libSQL is asked for payloads again after this. */
  #buildAt = 0;

  constructor(parts: WebhooksParts) {
    this.#parts = parts;
    makeTables(parts.sql);
    this.#intake = new WebhookIntake(parts.sql);
    this.#queue = new WebhookQueue(parts.sql);
    this.#log = new WebhookLog(parts.sql);
    this.#retention = new WebhookRetention(parts.sql, parts.keepMs);
    this.#endpoints = new Endpoints(parts.sql);
    this.#sender = new WebhookSender({
      ...parts,
      queue: this.#queue,
      record: this.#log,
      endpoints: this.#endpoints,
    });
  }

  /** Whether the registry's list has ever come. */
  get informed(): boolean {
    return this.#endpoints.version > 0;
  }

  /** Whether anybody wants anything. */
  get wanted(): boolean {
    return this.#endpoints.enabled.length > 0;
  }

  /** Called in the turn that appends the entries, so that both are kept or neither. */
  enqueue(entries: readonly LedgerEntry[]): void {
    if (!this.wanted) return;
    const { journal, now } = this.#parts;
    const events = entries.flatMap((entry) => (entry.kind === "event" ? [entry.event] : []));
    if (events.length > 0)
      this.#intake.enqueue(
        events,
        (event) => this.#endpoints.wanting(event.type, event),
        journal.last,
        now(),
      );
  }

  /** Takes a notice that is no event of an email. */
  notify(notice: WebhookNotice): void {
    const wanted = this.#endpoints.wanting(notice.type);
    if (wanted.length > 0) this.#intake.notify(notice, wanted, this.#parts.now());
  }

  /**
   * Takes over the registry's list, and waits a while for it. Never rejects: without the registry the list known so far stands, and
   * it is to be asked again.
   */
  async learn(ask: () => Promise<EndpointSet>): Promise<void> {
    const { log, now, wakeAt } = this.#parts;
    try {
      const asked = ask().then((set) => this.setEndpoints(set));
      if ((await settlesWithin(asked, REPLICA_START_MS)) || this.informed) return;
      throw new Error("the registry did not answer in time");
    } catch (cause) {
      log("endpoints_not_known", { cause: String(cause) });
      wakeAt(now() + LEDGER_RETRY_MS);
    }
  }

  setEndpoints(set: EndpointSet): void {
    for (const gone of this.#endpoints.replace(set) ?? []) this.#retention.forget(gone);
  }

  /** Makes payloads of what libSQL knows and begins calls; they go on by themselves. Never rejects. */
  async run(): Promise<void> {
    if (!this.wanted) return;
    this.#sender.pump();
    this.#building ??= this.#build().finally(() => {
      this.#building = null;
    });
    await this.#building;
  }

  /** Resolves when no call is under way. */
  idle(): Promise<void> {
    return this.#sender.idle();
  }

  async #build(): Promise<void> {
    const { journal, openDb, now, log } = this.#parts;
    for (;;) {
      const waiting = this.#intake.unbuilt(journal.first, WEBHOOK_BUILD_EVENTS);
      if (waiting.length === 0 || this.#buildAt > now()) return;
      try {
        const facts = await webhookFacts(
          openDb(),
          waiting.map(({ event }) => ({ email: event.email_id, recipient: event.recipient })),
        );
        const at = now();
        for (const { seq, event } of waiting) {
          const { email_id, recipient } = event;
          const address = recipient === null ? null : facts.address(email_id, recipient);
          const email = facts.email(email_id);
          const mailjet = this.#endpoints.speakMailjet ? await callbackPayload(event, email, address) : null;
          this.#intake.built(seq, payloadOf(event, email, address), mailjet, at);
        }
      } catch (cause) {
        this.#buildAt = now() + LEDGER_RETRY_MS;
        log("webhooks_wait_for_libsql", { retryMs: LEDGER_RETRY_MS, cause: String(cause) });
        return;
      }
      this.#sender.pump();
    }
  }

  /** When there is something to do, in milliseconds since 1970; null: never, as things stand. */
  nextDue(): number | null {
    const { now } = this.#parts;
    // What is due and was not begun waits for a call to end, which begins it; the alarm is for when nobody does.
    const soonest = now() + (this.#sender.busy ? LEDGER_RETRY_MS : TURN_MS);
    const due: number[] = [];
    for (const { id } of this.#endpoints.enabled) {
      const at = this.#queue.dueAt(id);
      if (at !== null) due.push(Math.max(at, this.#endpoints.healthOf(id).restUntil, soonest));
    }
    if (this.wanted && this.#intake.building) due.push(Math.max(this.#buildAt, now() + LEDGER_RETRY_MS));
    const prune = this.#retention.pruneAt;
    if (prune !== null) due.push(prune);
    return due.length === 0 ? null : Math.min(...due);
  }

  /** Forgets what is too old or too many, a bounded number at a time; true: there may be more. */
  prune(): boolean {
    const { forgotten, untold } = this.#retention.prune(this.#parts.now());
    if (untold > 0) this.#parts.log("webhook_events_forgotten_untold", { deliveries: untold });
    return forgotten > 0;
  }

  /** Forgets a person, and says how many rows that touched. */
  erase(address: string, copies: readonly Subject[]): { webhook_events: number; webhook_attempts: number } {
    return this.#retention.erase(address, copies);
  }

  health(): WebhookHealth[] {
    return this.#endpoints.all.map(({ id }) => {
      const { failingSince, failures } = this.#endpoints.healthOf(id);
      return { endpoint: id, pending: this.#queue.pending(id), failingSince, failures };
    });
  }

  events(endpoint: string, page: WebhookPage): WebhookEvent[] {
    return this.#log.events(endpoint, page, (id) => this.#sender.isUnderWay(endpoint, id));
  }

  event(endpoint: string, id: string): (WebhookEvent & { payload: string }) | null {
    return this.#log.event(endpoint, id, (event) => this.#sender.isUnderWay(endpoint, event));
  }

  attempts(endpoint: string, id: string): WebhookAttempt[] | null {
    return this.#log.attempts(endpoint, id);
  }

  replay(endpoint: string, id: string): boolean {
    return this.#log.replay(endpoint, id, this.#parts.now());
  }

  /** One call now, outside the queue. Null: there is no such endpoint. */
  async test(endpoint: string, id: string, payload: string): Promise<WebhookTest | null> {
    const known = this.#endpoints.find(endpoint);
    if (known === null) return null;
    const { status, response, durationMs } = await callEndpoint(this.#parts, known, id, payload);
    return { status, response, durationMs };
  }
}

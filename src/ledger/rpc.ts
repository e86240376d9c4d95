/** What other rooms may ask of the ledger. The class is `Ledger` in ledger.ts. */
import type { CopyOf } from "../db/erase.ts";
import type { EntryList } from "../schema/entry-list.ts";
import type { LedgerEntry } from "../schema/event.ts";
import type { EndpointSet } from "../schema/webhook.ts";

/** One event's way to one endpoint. Times in milliseconds since 1970. */
export interface WebhookEvent {
  /** The event's own. */
  id: string;
  type: string;
  at: number;
  status: "success" | "pending" | "failed" | "attempting";
  attempts: number;
  nextAttemptAt: number | null;
}

export interface WebhookAttempt {
  id: string;
  at: number;
  /** 0: there was no answer; `response` says why. */
  status: number;
  response: string;
  durationMs: number;
}

/** At most `limit` items that stand after one id in a list, or before one. */
export interface WebhookPage {
  limit: number;
  after: string | null;
  before: string | null;
}

/** What came of a call that was only a test. */
export type WebhookTest = Pick<WebhookAttempt, "status" | "response" | "durationMs">;

/** How one endpoint does, as one ledger sees it. */
export interface WebhookHealth {
  endpoint: string;
  /** Deliveries still to be made. */
  pending: number;
  /** Since when it has done nothing but fail, and how often; null: it has not. */
  failingSince: number | null;
  failures: number;
}

/** Something to tell that is no event of an email. `payload`: the JSON that endpoints get. */
export interface WebhookNotice {
  /** UUIDv7; a repeated one is ignored. */
  id: string;
  type: string;
  at: number;
  payload: string;
}

/** Rows that named a person, and are gone; `pending`: entries that do and could not be brought to libSQL. */
export type ErasedFromLedger = Record<"webhook_events" | "webhook_attempts" | "parked" | "pending", number>;

export interface LedgerRpc {
  /** Looks after what waits, whatever became of the alarm. */
  wake(): Promise<void>;
  /** Durable when it resolves. Repeats are harmless: every entry has an identity. Order is kept. */
  append(entries: LedgerEntry[]): Promise<void>;
  /** As `append`, of opens and clicks: EventRows, in JSON lists of at most LEDGER_PARAMETER_CHARS each. */
  visits(lists: string[]): Promise<void>;
  /**
   * As `append`, of entries as text, for a caller who keeps them until it resolves: they go to libSQL at once when it
   * can be reached, and into the journal only when it cannot.
   */
  report(lists: EntryList[]): Promise<void>;
  /**
   * Brings what is journalled, and visits that wait, to libSQL now, waiting at most SETTLE_MS. `pending` counts the entries still on their
   * way; more than 0 means that libSQL is behind, or `away`: it did not take them when it was last asked. `unfit`: what the operator is to do about it, when it
   * is its tables.
   */
  settle(): Promise<{ pending: number; away: boolean; unfit: string | null }>;
  /** Forgets what names an address, or is about these copies. Call `settle` before, and erase from libSQL after. */
  erase(address: string, copies: CopyOf[]): Promise<ErasedFromLedger>;
  /** For GET /metrics: entries on their way to libSQL, and those it will never take. */
  gauges(): Promise<{ pending: number; parked: number }>;
  /** The registry's list of webhook endpoints. What was appended before follows the list before; an older list is ignored. */
  setEndpoints(set: EndpointSet): Promise<void>;
  /** Tells endpoints of it; durable when it resolves. */
  notify(notices: WebhookNotice[]): Promise<void>;
  /** All endpoints. */
  webhookHealth(): Promise<WebhookHealth[]>;
  /** What an endpoint was told of this ledger's emails, newest first. */
  webhookEvents(endpoint: string, page: WebhookPage): Promise<WebhookEvent[]>;
  /** Null: this ledger knows of no such event. Likewise below. */
  webhookEvent(endpoint: string, id: string): Promise<(WebhookEvent & { payload: string }) | null>;
  /** Newest first, all that are kept. */
  webhookAttempts(endpoint: string, id: string): Promise<WebhookAttempt[] | null>;
  /** The same bytes go again, with all attempts before them. */
  replayWebhook(endpoint: string, id: string): Promise<boolean>;
  /** One call now, of which nothing is kept. */
  testWebhook(endpoint: string, id: string, payload: string): Promise<WebhookTest | null>;
}

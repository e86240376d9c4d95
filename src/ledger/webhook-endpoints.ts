/**
 * The endpoints as this ledger knows them: the registry's list, kept beside the queue so that it is there at each start,
 * and how each of them has been answering.
 */
import type { MailEvent } from "../schema/event.ts";
import { isCallback } from "../schema/mailjet-callback.ts";
import type { Endpoint, EndpointSet } from "../schema/webhook.ts";

export interface Health {
  /** How long its last answer took, in milliseconds; null: it has not been called yet. */
  lastMs: number | null;
  /** Since when it has done nothing but fail, and how often; null: it answered last time. */
  failingSince: number | null;
  failures: number;
  /** It asked not to be called before. */
  restUntil: number;
}

const NEW: Health = { lastMs: null, failingSince: null, failures: 0, restUntil: 0 };

export class Endpoints {
  readonly #sql: SqlStorage;
  #set: EndpointSet = { version: 0, endpoints: [] };
  #enabled: Endpoint[] = [];
  readonly #health = new Map<string, Health>();

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(
      "CREATE TABLE IF NOT EXISTS webhook_set (one INTEGER PRIMARY KEY CHECK (one = 1), list TEXT NOT NULL)",
    );
    sql.exec("CREATE TABLE IF NOT EXISTS webhook_health (endpoint TEXT PRIMARY KEY, health TEXT NOT NULL)");
    const [row] = sql.exec<{ list: string }>("SELECT list FROM webhook_set").toArray();
    if (row !== undefined) this.#take(JSON.parse(row.list) as EndpointSet);
    for (const { endpoint, health } of sql.exec<{ endpoint: string; health: string }>(
      "SELECT * FROM webhook_health",
    ))
      this.#health.set(endpoint, JSON.parse(health) as Health);
  }

  /** 0: the registry has not told anything yet. */
  get version(): number {
    return this.#set.version;
  }

  get all(): readonly Endpoint[] {
    return this.#set.endpoints;
  }

  /** Those that are called. */
  get enabled(): readonly Endpoint[] {
    return this.#enabled;
  }

  find(id: string): Endpoint | null {
    return this.#set.endpoints.find((endpoint) => endpoint.id === id) ?? null;
  }

  /** Ids of the endpoints that want a type now. Mailjet's dialect has words for some events of emails alone. */
  wanting(type: string, event: MailEvent | null = null): string[] {
    const speakable = event !== null && isCallback(event);
    return this.#enabled
      .filter(({ mailjet }) => mailjet === undefined || speakable)
      .filter(({ events }) => events === null || events.includes(type))
      .map(({ id }) => id);
  }

  /** Whether anybody is told in Mailjet's dialect, now or once it is enabled again. */
  get speakMailjet(): boolean {
    return this.#set.endpoints.some(({ mailjet }) => mailjet !== undefined);
  }

  /** Takes a list that is newer than what is known. Answers the ids of endpoints that are no more; null: it is not newer. */
  replace(set: EndpointSet): string[] | null {
    if (set.version <= this.#set.version) return null;
    const before = this.#set.endpoints;
    this.#sql.exec(
      "INSERT INTO webhook_set VALUES (1, ?) ON CONFLICT DO UPDATE SET list = excluded.list",
      JSON.stringify(set),
    );
    this.#take(set);
    for (const old of before) {
      const now = this.find(old.id);
      // One that moved, or is to be tried again, begins with a clean slate.
      if (now === null || now.url !== old.url || now.enabled !== old.enabled) this.#forget(old.id);
    }
    return before.filter(({ id }) => this.find(id) === null).map(({ id }) => id);
  }

  healthOf(id: string): Health {
    return this.#health.get(id) ?? NEW;
  }

  setHealth(id: string, health: Health): void {
    if (this.find(id) === null) return; // Deleted while it was being called.
    const before = this.healthOf(id);
    this.#health.set(id, health);
    // What changes with every answer need not be on disk for each: a new instance only wants to know whom to be wary of.
    const same =
      before.failingSince === null && health.failingSince === null && before.restUntil === health.restUntil;
    if (same && before.lastMs !== null) return;
    this.#sql.exec(
      "INSERT INTO webhook_health VALUES (?, ?) ON CONFLICT DO UPDATE SET health = excluded.health",
      id,
      JSON.stringify(health),
    );
  }

  #take(set: EndpointSet): void {
    this.#set = set;
    this.#enabled = set.endpoints.filter(({ enabled }) => enabled);
  }

  #forget(id: string): void {
    this.#health.delete(id);
    this.#sql.exec("DELETE FROM webhook_health WHERE endpoint = ?", id);
  }
}

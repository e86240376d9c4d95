/**
 * Webhook endpoints in the registry's SQLite. Secrets are kept as they are: each signature needs them, and callers with
 * full access may read them again. Every change raises the version, by which ledgers know an old list from a new one.
 */
import { WEBHOOK_ROTATION_MS } from "../core/limits.ts";
import type { Endpoint, EndpointSet } from "../schema/webhook.ts";
import type { MailjetCallback, NewWebhook, Webhook, WebhookChange } from "./rpc.ts";

type Row = {
  id: string;
  endpoint: string;
  events: string | null;
  enabled: number;
  disabled_at: number | null;
  disabled_reason: string | null;
  secret: string;
  old_secret: string | null;
  old_until: number | null;
  created_at: number;
  mailjet: string | null;
};

export class Webhooks {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`CREATE TABLE IF NOT EXISTS webhook (
      id TEXT PRIMARY KEY, endpoint TEXT NOT NULL, events TEXT, enabled INTEGER NOT NULL, disabled_at INTEGER,
      disabled_reason TEXT, secret TEXT NOT NULL, old_secret TEXT, old_until INTEGER, created_at INTEGER NOT NULL,
      mailjet TEXT)`);
    sql.exec(
      "CREATE TABLE IF NOT EXISTS webhook_version (one INTEGER PRIMARY KEY CHECK (one = 1), version INTEGER NOT NULL)",
    );
    sql.exec("INSERT INTO webhook_version VALUES (1, 1) ON CONFLICT DO NOTHING");
  }

  insert(webhook: NewWebhook): void {
    this.#sql.exec(
      "INSERT INTO webhook (id, endpoint, events, enabled, secret, created_at, mailjet) VALUES (?, ?, ?, 1, ?, ?, ?)",
      webhook.id,
      webhook.endpoint,
      webhook.events === null ? null : JSON.stringify(webhook.events),
      webhook.secret,
      webhook.createdAt,
      webhook.mailjet === undefined ? null : JSON.stringify(webhook.mailjet),
    );
    this.#changed();
  }

  /** Newest first. */
  all(): Webhook[] {
    return this.#sql.exec<Row>("SELECT * FROM webhook ORDER BY id DESC").toArray().map(webhookOf);
  }

  find(id: string): Webhook | null {
    const [row] = this.#sql.exec<Row>("SELECT * FROM webhook WHERE id = ?", id).toArray();
    return row === undefined ? null : webhookOf(row);
  }

  /** False: there is none of this id. */
  update(id: string, change: WebhookChange, now: number): boolean {
    const before = this.find(id);
    if (before === null) return false;
    const { endpoint = before.endpoint, events = before.events, enabled = before.enabled } = change;
    const mailjet = change.mailjet ?? before.mailjet;
    this.#sql.exec(
      "UPDATE webhook SET endpoint = ?, events = ?, enabled = ?, disabled_at = ?, disabled_reason = ?, mailjet = ? WHERE id = ?",
      endpoint,
      events === null ? null : JSON.stringify(events),
      enabled ? 1 : 0,
      enabled ? null : (before.disabledAt ?? now),
      enabled ? null : (before.disabledReason ?? change.reason ?? "Disabled by the API."),
      mailjet === null ? null : JSON.stringify(mailjet),
      id,
    );
    this.#changed();
    return true;
  }

  /** The secret so far signs beside the new one for WEBHOOK_ROTATION_MS. */
  rotate(id: string, secret: string, now: number): boolean {
    const rotated = this.#sql
      .exec(
        "UPDATE webhook SET old_secret = secret, old_until = ?, secret = ? WHERE id = ? RETURNING id",
        now + WEBHOOK_ROTATION_MS,
        secret,
        id,
      )
      .toArray();
    if (rotated.length === 0) return false;
    this.#changed();
    return true;
  }

  remove(id: string): boolean {
    const removed = this.#sql.exec("DELETE FROM webhook WHERE id = ? RETURNING id", id).toArray();
    if (removed.length === 0) return false;
    this.#changed();
    return true;
  }

  /** Whether any endpoint is told of a type. */
  wants(type: string): boolean {
    return this.set().endpoints.some(
      ({ enabled, events }) => enabled && (events === null || events.includes(type)),
    );
  }

  /** As ledgers are told. */
  set(): EndpointSet {
    const { version } = this.#sql.exec<{ version: number }>("SELECT version FROM webhook_version").one();
    return {
      version,
      endpoints: this.#sql.exec<Row>("SELECT * FROM webhook ORDER BY id").toArray().map(endpointOf),
    };
  }

  #changed(): void {
    this.#sql.exec("UPDATE webhook_version SET version = version + 1");
  }
}

const eventsOf = (row: Row): string[] | null =>
  row.events === null ? null : (JSON.parse(row.events) as string[]);

const webhookOf = (row: Row): Webhook => ({
  id: row.id,
  endpoint: row.endpoint,
  events: eventsOf(row),
  enabled: row.enabled === 1,
  disabledAt: row.disabled_at,
  disabledReason: row.disabled_reason,
  secret: row.secret,
  createdAt: row.created_at,
  mailjet: callbackOf(row),
});

const callbackOf = (row: Row): MailjetCallback | null =>
  row.mailjet === null ? null : (JSON.parse(row.mailjet) as MailjetCallback);

const endpointOf = (row: Row): Endpoint => ({
  id: row.id,
  url: row.endpoint,
  events: eventsOf(row),
  enabled: row.enabled === 1,
  secrets: [
    { secret: row.secret, until: null },
    ...(row.old_secret === null ? [] : [{ secret: row.old_secret, until: row.old_until }]),
  ],
  ...(row.mailjet === null ? {} : { mailjet: callbackOf(row)!.version }),
});

/** What endpoints were told, for people: events, their attempts, and telling one again. */
import { WEBHOOK_ATTEMPTS_SHOWN } from "../core/limits.ts";
import type { WebhookAttempt, WebhookEvent, WebhookPage } from "./rpc.ts";
import type { Answer } from "./webhook-schedule.ts";

type EventRow = { id: string; type: string; at: number; state: string; attempts: number; due_at: number };

export class WebhookLog {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** `attempt`: a new id, which sorts by time. What was forgotten while it was being told leaves no record. */
  record(endpoint: string, id: string, attempt: string, at: number, answer: Answer): void {
    this.#sql.exec(
      `INSERT INTO webhook_attempt SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7
       WHERE EXISTS (SELECT 1 FROM webhook_delivery WHERE endpoint = ?1 AND id = ?2)`,
      endpoint,
      id,
      attempt,
      at,
      answer.status,
      answer.response,
      answer.durationMs,
    );
  }

  /** Newest first, by the event's id. */
  events(endpoint: string, page: WebhookPage, underWay: (id: string) => boolean): WebhookEvent[] {
    const rows = this.#sql
      .exec<EventRow>(
        `SELECT d.id, e.type, e.at, d.state, d.attempts, d.due_at
         FROM webhook_delivery d JOIN webhook_event e ON e.id = d.id
         WHERE d.endpoint = ? AND ${page.before === null ? "d.id < ?" : "d.id > ?"}
         ORDER BY d.id ${page.before === null ? "DESC" : "ASC"} LIMIT ?`,
        endpoint,
        page.before ?? page.after ?? "g", // Ids are hexadecimal: all stand before this.
        page.limit,
      )
      .toArray()
      .map((row) => eventOf(row, underWay));
    return page.before === null ? rows : rows.reverse();
  }

  event(
    endpoint: string,
    id: string,
    underWay: (id: string) => boolean,
  ): (WebhookEvent & { payload: string }) | null {
    const [row] = this.#sql
      .exec<EventRow & { payload: string }>(
        `SELECT d.id, e.type, e.at, d.state, d.attempts, d.due_at, e.payload
         FROM webhook_delivery d JOIN webhook_event e ON e.id = d.id WHERE d.endpoint = ? AND d.id = ?`,
        endpoint,
        id,
      )
      .toArray();
    return row === undefined ? null : { ...eventOf(row, underWay), payload: row.payload };
  }

  /** Newest first. Null: there is no such event. */
  attempts(endpoint: string, id: string): WebhookAttempt[] | null {
    const [there] = this.#sql
      .exec("SELECT 1 FROM webhook_delivery WHERE endpoint = ? AND id = ?", endpoint, id)
      .toArray();
    if (there === undefined) return null;
    return this.#sql
      .exec<{ attempt: string; at: number; status: number; response: string; duration_ms: number }>(
        `SELECT attempt, at, status, response, duration_ms FROM webhook_attempt WHERE endpoint = ? AND id = ?
         ORDER BY attempt DESC LIMIT ${WEBHOOK_ATTEMPTS_SHOWN}`,
        endpoint,
        id,
      )
      .toArray()
      .map(({ attempt, at, status, response, duration_ms }) => ({
        id: attempt,
        at,
        status,
        response,
        durationMs: duration_ms,
      }));
  }

  /** Has an event told again, with all its attempts before it. False: there is no such event. */
  replay(endpoint: string, id: string, now: number): boolean {
    return (
      this.#sql
        .exec(
          `UPDATE webhook_delivery SET state = 'pending', attempts = 0, due_at = ? WHERE endpoint = ? AND id = ?
           RETURNING id`,
          now,
          endpoint,
          id,
        )
        .toArray().length > 0
    );
  }
}

const eventOf = (row: EventRow, underWay: (id: string) => boolean): WebhookEvent => ({
  id: row.id,
  type: row.type,
  at: row.at,
  status:
    row.state !== "pending"
      ? (row.state as "success" | "failed")
      : underWay(row.id)
        ? "attempting"
        : "pending",
  attempts: row.attempts,
  nextAttemptAt: row.state === "pending" ? row.due_at : null,
});

/**
 * What each endpoint is still to be told: which event is next, when, and what must wait for what. Queries name their index:
 * SQLite keeps no statistics here, and would rather walk an endpoint's whole log than its few events that wait.
 */
import { WEBHOOK_LEASE_MS, WEBHOOK_ORDER_ATTEMPTS } from "../core/limits.ts";
import { type Subject, WHOLE } from "./webhook-tables.ts";

export interface Claimed extends Subject {
  id: string;
  seq: number;
  type: string;
  payload: string;
  /** The payload in Mailjet's dialect; null: there is none. */
  mailjet: string | null;
  /** With the one to be made now. */
  attempts: number;
}

/** Whether the one must wait while the other is under way. */
export const sameSubject = (a: Subject, b: Subject): boolean =>
  a.email === b.email && (a.recipient === b.recipient || a.recipient === WHOLE || b.recipient === WHOLE);

/** Rows of a recipient and of the whole email, or all; ?4 is the recipient. Two texts: with an OR SQLite reads all rows of a bulk. */
const concerning = (recipient: number): string =>
  recipient === WHOLE ? "recipient >= ?4" : `recipient IN (?4, ${WHOLE})`;

/** Held-up events looked at before an endpoint's turn ends: each look moves one out of the way. */
const LOOKS = 100;

export class WebhookQueue {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /**
   * The next event an endpoint may be told, with its attempt written down: should nobody report what came of it, it is due
   * again after WEBHOOK_LEASE_MS. An event waits while an earlier one of its subject is under way, or has not been tried
   * WEBHOOK_ORDER_ATTEMPTS times. `underWay`: what the endpoint is being told now.
   */
  claim(endpoint: string, underWay: readonly Subject[], now: number): Claimed | null {
    for (let look = 0; look < LOOKS; look++) {
      const [row] = this.#sql
        .exec<Omit<Claimed, "type" | "payload" | "mailjet">>(
          `SELECT id, seq, email, recipient, attempts FROM webhook_delivery INDEXED BY webhook_due
           WHERE endpoint = ? AND state = 'pending' AND due_at <= ? ORDER BY due_at, seq LIMIT 1`,
          endpoint,
          now,
        )
        .toArray();
      if (row === undefined) return null;
      const free = underWay.some((one) => sameSubject(one, row))
        ? now + WEBHOOK_LEASE_MS
        : this.#waitsUntil(endpoint, row);
      if (free !== null) {
        this.#setDue(endpoint, row.id, Math.max(free, now + 1));
        continue;
      }
      const attempts = row.attempts + 1;
      this.#sql.exec(
        "UPDATE webhook_delivery SET attempts = ?, due_at = ? WHERE endpoint = ? AND id = ?",
        attempts,
        now + WEBHOOK_LEASE_MS,
        endpoint,
        row.id,
      );
      const rest = this.#sql
        .exec<Pick<Claimed, "type" | "payload" | "mailjet">>(
          "SELECT type, payload, mailjet FROM webhook_event WHERE id = ?",
          row.id,
        )
        .one();
      return { ...row, attempts, ...rest };
    }
    return null;
  }

  /** When the earlier event that stands before this one is due; null: none does. */
  #waitsUntil(endpoint: string, { email, recipient, seq }: Subject & { seq: number }): number | null {
    const [first] = this.#sql
      .exec<{ due_at: number }>(
        `SELECT due_at FROM webhook_delivery INDEXED BY webhook_subject
         WHERE endpoint = ?1 AND email = ?2 AND state = 'pending' AND seq < ?3 AND ${concerning(recipient)} AND attempts < ${WEBHOOK_ORDER_ATTEMPTS}
         ORDER BY seq LIMIT 1`,
        endpoint,
        email,
        seq,
        recipient,
      )
      .toArray();
    return first?.due_at ?? null;
  }

  #setDue(endpoint: string, id: string, at: number): void {
    this.#sql.exec("UPDATE webhook_delivery SET due_at = ? WHERE endpoint = ? AND id = ?", at, endpoint, id);
  }

  /** Tried again at `at`. Those behind it are looked at again. */
  retry(endpoint: string, claimed: Claimed, at: number, now: number): void {
    this.#setDue(endpoint, claimed.id, at);
    this.#release(endpoint, claimed, now);
  }

  end(endpoint: string, claimed: Claimed, state: "success" | "failed", now: number): void {
    this.#sql.exec(
      "UPDATE webhook_delivery SET state = ?, due_at = ? WHERE endpoint = ? AND id = ?",
      state,
      now,
      endpoint,
      claimed.id,
    );
    this.#release(endpoint, claimed, now);
  }

  /** What has not been tried and stands behind a subject's event is due again. */
  #release(endpoint: string, { email, recipient, seq }: Claimed, now: number): void {
    this.#sql.exec(
      `UPDATE webhook_delivery INDEXED BY webhook_subject SET due_at = ?1
       WHERE endpoint = ?2 AND email = ?3 AND state = 'pending' AND ${concerning(recipient)} AND seq > ?5 AND attempts = 0 AND due_at > ?1`,
      now,
      endpoint,
      email,
      recipient,
      seq,
    );
  }

  /** When something is due for an endpoint, in milliseconds since 1970; null: nothing is left. */
  dueAt(endpoint: string): number | null {
    return this.#sql
      .exec<{ at: number | null }>(
        "SELECT min(due_at) AS at FROM webhook_delivery INDEXED BY webhook_due WHERE endpoint = ? AND state = 'pending'",
        endpoint,
      )
      .one().at;
  }

  /** How many deliveries are still to be made. */
  pending(endpoint: string): number {
    return this.#sql
      .exec<{ n: number }>(
        "SELECT count(*) AS n FROM webhook_delivery INDEXED BY webhook_due WHERE endpoint = ? AND state = 'pending'",
        endpoint,
      )
      .one().n;
  }
}

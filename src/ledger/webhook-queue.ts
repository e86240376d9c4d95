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

/** One event's way to an endpoint, as it is kept. */
interface Row extends Subject {
  id: string;
  seq: number;
  attempts: number;
  due_at: number;
}
const ROW = "id, seq, email, recipient, attempts, due_at";

/**
 * The first row, by seq, of those that wait and concern a subject: its own and the whole email's, or for the whole email all
 * of them. ?1 endpoint, ?2 email, ?3 recipient; ?4 and ?5 are the condition's. Two reads that each follow the index and
 * stop at the first match, since a list's address may have thousands of events.
 */
function firstOf(recipient: number, condition: string): string {
  const read = (which: string) =>
    `SELECT ${ROW} FROM webhook_delivery INDEXED BY webhook_subject
     WHERE endpoint = ?1 AND email = ?2 AND state = 'pending' AND recipient ${which} AND ${condition}
     ORDER BY seq LIMIT 1`;
  if (recipient === WHOLE) return read(">= ?3");
  return `SELECT * FROM (${read("= ?3")}) UNION ALL SELECT * FROM (${read(`= ${WHOLE}`)}) ORDER BY seq LIMIT 1`;
}

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
      const [due] = this.#sql
        .exec<Row & Record<string, SqlStorageValue>>(
          `SELECT ${ROW} FROM webhook_delivery INDEXED BY webhook_due
           WHERE endpoint = ? AND state = 'pending' AND due_at <= ? ORDER BY due_at, seq LIMIT 1`,
          endpoint,
          now,
        )
        .toArray();
      if (due === undefined) return null;
      const found = this.#head(endpoint, due, underWay, now);
      if (typeof found !== "number") return this.#take(endpoint, found, now);
      this.#setDue(endpoint, due.id, Math.max(found, now + 1));
    }
    return null;
  }

  /** What is to be told before anything else of a row's subject, maybe the row itself; or when to look again. */
  #head(endpoint: string, row: Row, underWay: readonly Subject[], now: number): Row | number {
    let head = row;
    for (;;) {
      if (underWay.some((one) => sameSubject(one, head))) return now + WEBHOOK_LEASE_MS;
      const [before] = this.#sql
        .exec<Row & Record<string, SqlStorageValue>>(
          firstOf(head.recipient, `seq < ?4 AND attempts < ${WEBHOOK_ORDER_ATTEMPTS}`),
          endpoint,
          head.email,
          head.recipient,
          head.seq,
        )
        .toArray();
      if (before === undefined) return head;
      if (before.due_at > now) return before.due_at;
      // Older each time, so this ends.
      head = before;
    }
  }

  #take(endpoint: string, { id, seq, email, recipient, attempts }: Row, now: number): Claimed {
    this.#sql.exec(
      "UPDATE webhook_delivery SET attempts = ?, due_at = ? WHERE endpoint = ? AND id = ?",
      attempts + 1,
      now + WEBHOOK_LEASE_MS,
      endpoint,
      id,
    );
    const rest = this.#sql
      .exec<Pick<Claimed, "type" | "payload" | "mailjet">>(
        "SELECT type, payload, mailjet FROM webhook_event WHERE id = ?",
        id,
      )
      .one();
    return { id, seq, email, recipient, attempts: attempts + 1, ...rest };
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

  /** What stands behind a subject's event and has not been tried is due again: the next one, or of a whole email all. */
  #release(endpoint: string, { email, recipient, seq }: Claimed, now: number): void {
    const behind = "seq > ?4 AND attempts = 0 AND due_at > ?5";
    if (recipient === WHOLE)
      this.#sql.exec(
        `UPDATE webhook_delivery INDEXED BY webhook_subject SET due_at = ?5
         WHERE endpoint = ?1 AND email = ?2 AND state = 'pending' AND recipient >= ?3 AND ${behind}`,
        endpoint,
        email,
        recipient,
        seq,
        now,
      );
    else
      for (const { id } of this.#sql
        .exec<{ id: string }>(firstOf(recipient, behind), endpoint, email, recipient, seq, now)
        .toArray())
        this.#setDue(endpoint, id, now);
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

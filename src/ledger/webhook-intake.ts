/** What webhooks are to tell: events from the moment they are journalled until there is a payload for endpoints. */
import { LEDGER_PARAMETER_CHARS } from "../core/limits.ts";
import type { MailEvent } from "../schema/event.ts";
import type { WebhookNotice } from "./rpc.ts";
import { WHOLE } from "./webhook-tables.ts";

/** An event as it waits for its payload. */
export interface Unbuilt {
  seq: number;
  event: MailEvent;
}

export class WebhookIntake {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Ids that are here already are ignored. `wanting` names the endpoints that want a type. */
  enqueue(
    events: readonly MailEvent[],
    wanting: (event: MailEvent) => string[],
    through: number,
    now: number,
  ): void {
    let list: string[] = [];
    let chars = 0;
    const flush = () => {
      if (list.length > 0)
        this.#sql.exec(
          `INSERT INTO webhook_event (id, type, email, recipient, at, wanted, through, source, created_at)
           SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value -> 5, ?2, value -> 6, ?3
           FROM json_each(?1) WHERE true ON CONFLICT (id) DO NOTHING`,
          `[${list.join(",")}]`,
          through,
          now,
        );
      list = [];
      chars = 0;
    };
    for (const event of events) {
      const wanted = wanting(event);
      if (wanted.length === 0) continue;
      const { transcript: _, ...data } = event.data;
      const { id, type, email_id, recipient, at } = event;
      const item = JSON.stringify([id, type, email_id, recipient ?? WHOLE, at, wanted, { ...event, data }]);
      if (chars + item.length > LEDGER_PARAMETER_CHARS) flush();
      list.push(item);
      chars += item.length + 1;
    }
    flush();
  }

  /** Takes what needs nothing from libSQL. */
  notify(notice: WebhookNotice, wanted: readonly string[], now: number): void {
    const { id, type, at, payload } = notice;
    const [row] = this.#sql
      .exec<{ seq: number }>(
        `INSERT INTO webhook_event (id, type, email, recipient, at, wanted, through, payload, created_at)
         VALUES (?, ?, '', ?, ?, ?, 0, ?, ?) ON CONFLICT (id) DO NOTHING RETURNING seq`,
        id,
        type,
        WHOLE,
        at,
        JSON.stringify(wanted),
        payload,
        now,
      )
      .toArray();
    // Notices have no order among themselves: each is a subject of its own.
    if (row !== undefined) this.#deliver(row.seq, id, now);
  }

  /** Events without payloads whose emails libSQL has: those put here before the journal's entry `first` (null: all). */
  unbuilt(first: number | null, count: number): Unbuilt[] {
    return this.#sql
      .exec<{ seq: number; source: string }>(
        "SELECT seq, source FROM webhook_event WHERE payload IS NULL AND through < ? ORDER BY seq LIMIT ?",
        first ?? Number.MAX_SAFE_INTEGER,
        count,
      )
      .toArray()
      .map(({ seq, source }) => ({ seq, event: JSON.parse(source) as MailEvent }));
  }

  /** The event can go now. `mailjet`: what endpoints of that dialect are told; null: none is. */
  built(seq: number, payload: string, mailjet: string | null, now: number): void {
    this.#sql.exec(
      "UPDATE webhook_event SET payload = ?, mailjet = ?, source = NULL WHERE seq = ?",
      payload,
      mailjet,
      seq,
    );
    this.#deliver(seq, null, now);
  }

  #deliver(seq: number, subject: string | null, now: number): void {
    this.#sql.exec(
      `INSERT INTO webhook_delivery (endpoint, id, seq, email, recipient, state, attempts, due_at)
       SELECT j.value, e.id, e.seq, coalesce(?2, e.email), e.recipient, 'pending', 0, ?3
       FROM webhook_event e, json_each(e.wanted) j WHERE e.seq = ?1 ON CONFLICT DO NOTHING`,
      seq,
      subject,
      now,
    );
  }

  /** Whether an event waits for its payload. */
  get building(): boolean {
    return this.#sql.exec("SELECT 1 FROM webhook_event WHERE payload IS NULL LIMIT 1").toArray().length > 0;
  }
}

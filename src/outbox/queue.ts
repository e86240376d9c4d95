/**
 * The outbox's SQLite: messages waiting to be sent, their deliveries, what is still to be reported to the ledger, and the
 * books. All calls are synchronous, as Durable Object storage is, and what one turn of the event loop writes is
 * committed together.
 */
import { concat } from "../core/bytes.ts";
import { type EmailId, timeOf } from "../core/ids.ts";
import { OUTBOX_CHUNK_BYTES } from "../core/limits.ts";
import type { Compiled } from "../message/compiled.ts";
import type { EntryList } from "../schema/entry-list.ts";
import type { LedgerEntry } from "../schema/event.ts";
import { Books } from "./books.ts";
import { Deliveries } from "./deliveries.ts";
import { Holds } from "./holds.ts";
import type { Mail } from "./mail.ts";
import { Reports } from "./reports.ts";
import { Routes } from "./routes.ts";
import type { Change, ErasedFromOutbox, Packed } from "./rpc.ts";
import { Suppressed } from "./suppressed.ts";
import { deliveryId, emailNumber, type NewDelivery, SCHEMA, toDelivery, upgrade } from "./tables.ts";

export interface QueuedEmail {
  mailFrom: string;
  sender: string;
  /** When it was accepted, or is scheduled for: milliseconds since 1970. */
  since: number;
  /** Of the HTTP request that sent it; null: none. */
  requestId: string | null;
  expiresAt: number;
  compiled: Compiled;
}

/** Room for the parts of one call: staged part n begins at n times this. */
const PARTS_PER_CALL = 64;
/** With so many messages waiting to be asked about, there is no waiting for a pause. */
const TOUCHED = 100;

export class Queue {
  readonly deliveries: Deliveries;
  readonly routes: Routes;
  readonly reports: Reports;
  readonly books: Books;
  readonly holds: Holds;
  readonly suppressed: Suppressed;
  readonly #sql: SqlStorage;
  readonly #storage: DurableObjectStorage;
  /** Numbers of messages that deliveries were removed from. */
  readonly #touched = new Set<number>();

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#sql = storage.sql;
    this.#sql.exec(SCHEMA);
    upgrade(this.#sql);
    this.deliveries = new Deliveries(this.#sql);
    this.routes = new Routes(this.#sql);
    this.reports = new Reports(this.#sql);
    this.books = new Books(this.#sql);
    this.holds = new Holds(this.#sql);
    this.suppressed = new Suppressed(storage);
  }

  stage(id: EmailId, part: number, bytes: Uint8Array, now: number): void {
    this.#putContent(id, part * PARTS_PER_CALL, bytes, now);
  }

  /** All of it, or nothing when it throws. */
  transaction<T>(work: () => T): T {
    return this.#storage.transactionSync(work);
  }

  /** Stores messages, each whole. Mail that a lane is given at once is stored as claimed, and handed over in `given`. */
  accept(mail: readonly Mail[], now: number): void {
    const rows: NewDelivery[] = [];
    const record: EntryList[] = [];
    for (const one of mail) {
      const { order, routes, lane } = one;
      const number = this.#acceptOne(order);
      for (const [i, { index, address, name, variables }] of order.deliveries.entries())
        rows.push({
          id: deliveryId(number, index),
          address,
          name,
          variables: variables === null ? null : JSON.stringify(variables),
          route: routes[i]!,
          due: order.scheduledAt ?? now,
          attempts: lane === null ? 0 : 1,
        });
      if (lane !== null)
        one.given = rows.slice(-order.deliveries.length).map((row) => toDelivery(row, order.id));
      for (const list of order.record) record.push(list);
    }
    this.deliveries.insert(rows);
    this.reports.add(record);
  }

  /** A message that nobody is to get: it is on record, and nothing waits. */
  recordOnly(order: Packed): void {
    if (order.bytes === null) this.#sql.exec("DELETE FROM content WHERE email = ?", order.id);
    this.reports.add(order.record);
  }

  #acceptOne(order: Packed): number {
    const fits = order.bytes !== null && order.bytes.length + order.slots.length <= OUTBOX_CHUNK_BYTES;
    const { number } = this.#sql
      .exec<{ number: number }>(
        `INSERT INTO email (id, mail_from, sender, smtputf8, pin, request, slots, scheduled_at, expires_at, bytes)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING number`,
        order.id,
        order.mailFrom,
        order.from,
        order.smtputf8 ? 1 : 0,
        order.relay,
        order.requestId,
        order.slots,
        order.scheduledAt,
        order.expiresAt,
        fits ? order.bytes : null,
      )
      .one();
    if (order.bytes !== null && !fits) this.#putContent(order.id, 0, order.bytes, null);
    else if (order.bytes === null)
      this.#sql.exec("UPDATE content SET staged_at = NULL WHERE email = ?", order.id);
    if (order.topic !== null) this.suppressed.setTopic(number, order.topic);
    return number;
  }

  #putContent(email: EmailId, firstPart: number, bytes: Uint8Array, stagedAt: number | null): void {
    for (let at = 0, part = firstPart; at < bytes.length; at += OUTBOX_CHUNK_BYTES, part++)
      this.#sql.exec(
        "INSERT OR REPLACE INTO content (email, part, bytes, staged_at) VALUES (?, ?, ?, ?)",
        email,
        part,
        bytes.slice(at, at + OUTBOX_CHUNK_BYTES),
        stagedAt,
      );
  }

  /** The message of a delivery, or null when it is gone (cancelled). */
  email(id: EmailId): QueuedEmail | null {
    const [row] = this.#sql
      .exec<{
        mail_from: string;
        sender: string;
        smtputf8: number;
        slots: string;
        request: string | null;
        scheduled_at: number | null;
        expires_at: number;
        bytes: ArrayBuffer | null;
      }>(
        "SELECT mail_from, sender, smtputf8, request, slots, scheduled_at, expires_at, bytes FROM email WHERE id = ?",
        id,
      )
      .toArray();
    if (row === undefined) return null;
    return {
      mailFrom: row.mail_from,
      sender: row.sender,
      since: row.scheduled_at ?? timeOf(id),
      requestId: row.request,
      expiresAt: row.expires_at,
      compiled: {
        bytes: row.bytes === null ? this.#parts(id) : new Uint8Array(row.bytes),
        slots: JSON.parse(row.slots),
        smtputf8: row.smtputf8 === 1,
      },
    };
  }

  #parts(id: EmailId): Uint8Array {
    const rows = this.#sql.exec<{ bytes: ArrayBuffer }>(
      "SELECT bytes FROM content WHERE email = ? ORDER BY part",
      id,
    );
    return concat(rows.toArray().map(({ bytes }) => new Uint8Array(bytes)));
  }

  /**
   * Deliveries that are done, and what is to be told of them. Messages that have none left are forgotten when there is a
   * `pause`: in bulk, a message is asked about once and not with every batch.
   */
  finish(done: readonly number[], entries: readonly LedgerEntry[], pause: boolean): void {
    this.deliveries.remove(done);
    for (const id of done) this.#touched.add(emailNumber(id));
    this.reports.tell(entries);
    if (pause || this.#touched.size >= TOUCHED) this.#forgetEmpty();
  }

  #forgetEmpty(): void {
    if (this.#touched.size === 0) return;
    const gone = this.#sql.exec<{ number: number; id: string; inParts: number }>(
      `DELETE FROM email WHERE number IN (SELECT value FROM json_each(?1)) AND NOT EXISTS (
         SELECT 1 FROM delivery WHERE delivery.id BETWEEN number * ?2 AND number * ?2 + ?2 - 1)
       RETURNING number, id, bytes IS NULL AS inParts`,
      JSON.stringify([...this.#touched]),
      deliveryId(1, 0),
    );
    for (const { number, id, inParts } of gone.toArray()) {
      this.suppressed.dropTopic(number);
      if (inParts === 1) this.#sql.exec("DELETE FROM content WHERE email = ?", id);
    }
    this.#touched.clear();
  }

  /** After a start: claims of the last life are put back, and messages that it had no time to forget are forgotten. */
  recover(now: number): void {
    this.deliveries.recover(now);
    for (const { number } of this.#sql.exec<{ number: number }>("SELECT number FROM email"))
      this.#touched.add(number);
    this.#forgetEmpty();
  }

  #numberOf(id: EmailId): number | null {
    return (
      this.#sql.exec<{ number: number }>("SELECT number FROM email WHERE id = ?", id).toArray()[0]?.number ??
      null
    );
  }

  /** Moves a scheduled message that nothing was tried of yet. It lives as long after its new time as after the old one. */
  reschedule(id: EmailId, scheduledAt: number, entries: LedgerEntry[]): Change["kind"] {
    const number = this.#numberOf(id);
    if (number === null) return "unknown";
    if (this.deliveries.touched(number) !== false) return "started";
    return this.#storage.transactionSync(() => {
      const moved = this.#sql
        .exec(
          `UPDATE email SET expires_at = ?1 + expires_at - scheduled_at, scheduled_at = ?1
           WHERE number = ?2 AND scheduled_at IS NOT NULL RETURNING number`,
          scheduledAt,
          number,
        )
        .toArray();
      if (moved.length === 0) return "unscheduled";
      this.deliveries.move(number, scheduledAt);
      this.reports.tell(entries);
      return "changed";
    });
  }

  /** Drops every delivery of a message that is not in a session's hands. `entries` is told which. */
  cancel(id: EmailId, entries: (recipients: number[]) => LedgerEntry[]): "changed" | "unknown" | "started" {
    const number = this.#numberOf(id);
    if (number === null) return "unknown";
    return this.#storage.transactionSync(() => {
      const dropped = this.deliveries.dropWaiting(number);
      if (dropped.length === 0) return "started";
      this.#touched.add(number);
      this.#forgetEmpty();
      this.reports.tell(entries(dropped));
      return "changed";
    });
  }

  /** Drops what waits for an address without a word to anyone; how many copies, and how many are in a session's hands. */
  erase(address: string): ErasedFromOutbox {
    return this.#storage.transactionSync(() => {
      const dropped = this.deliveries.dropTo(address);
      for (const id of dropped) this.#touched.add(emailNumber(id));
      this.#forgetEmpty();
      return { deliveries: dropped.length, inFlight: this.deliveries.inHands(address) };
    });
  }

  /** When the next message expires, in milliseconds since 1970, or null. */
  nextExpiry(): number | null {
    return this.#sql.exec<{ at: number | null }>("SELECT min(expires_at) AS at FROM email").one().at;
  }
}

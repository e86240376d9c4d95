/**
 * Deliveries in the outbox's SQLite: one row for each copy that is still to be sent. Only statements; when and where to
 * send is decided elsewhere.
 *
 * Lists go in as one JSON parameter and `json_each`, since a query takes 100 parameters at most, and since one
 * statement for a hundred rows is five times as fast as a hundred statements.
 */
import type { EmailId } from "../core/ids.ts";
import { jsonLists } from "../core/json-lists.ts";
import { LEDGER_PARAMETER_CHARS } from "../core/limits.ts";
import {
  DELIVERY_COLUMNS,
  type Delivery,
  type DeliveryRow,
  deliveryId,
  emailNumber,
  idRange,
  type NewDelivery,
  toDelivery,
} from "./tables.ts";

export class Deliveries {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /**
   * After a start: what was being attempted when the process died may or may not have reached the relay. It is tried
   * again: of lost or double, we choose double. Of how many, outcomes.ts sees to.
   */
  recover(now: number): void {
    this.#sql.exec("UPDATE delivery SET state = 0, due = ? WHERE state = 1", now);
  }

  insert(deliveries: readonly NewDelivery[]): void {
    const rows = deliveries.map(({ id, address, name, variables, route, due, attempts }) =>
      JSON.stringify([id, address, name, variables, route, due, attempts]),
    );
    for (const list of jsonLists(rows, LEDGER_PARAMETER_CHARS))
      this.#sql.exec(
        `INSERT INTO delivery (id, address, name, variables, route, due, state, attempts)
         SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6, value->>6 FROM json_each(?)`,
        list,
      );
  }

  /** Takes up to `limit` due deliveries of a route, oldest first, and writes their attempts down. */
  claim(route: string, now: number, limit: number): Delivery[] {
    return this.#read(
      `UPDATE delivery SET state = 1, attempts = attempts + 1
       WHERE id IN (SELECT id FROM delivery WHERE state = 0 AND route = ? AND due <= ? ORDER BY due, id LIMIT ?)
       RETURNING ${DELIVERY_COLUMNS}`,
      route,
      now,
      limit,
    );
  }

  /** Likewise, but only those never tried. */
  claimFresh(route: string, now: number, limit: number): Delivery[] {
    return this.#read(
      `UPDATE delivery SET state = 1, attempts = 1
       WHERE id IN (SELECT id FROM delivery WHERE state = 0 AND route = ? AND due <= ? AND attempts = 0 LIMIT ?)
       RETURNING ${DELIVERY_COLUMNS}`,
      route,
      now,
      limit,
    );
  }

  /** Up to `limit` due deliveries of some routes that were never tried, those after the row id `after`, by row id. Takes none. */
  untried(routes: readonly string[], now: number, after: number, limit: number): Delivery[] {
    return this.#read(
      `SELECT ${DELIVERY_COLUMNS} FROM delivery
       WHERE state = 0 AND route IN (SELECT value FROM json_each(?)) AND due <= ? AND attempts = 0 AND +id > ?
       ORDER BY id LIMIT ?`,
      JSON.stringify(routes),
      now,
      after,
      limit,
    );
  }

  /** Takes up to `limit` waiting deliveries whose message has expired. Counts no attempt. */
  claimExpired(now: number, limit: number): Delivery[] {
    const emails = this.#sql.exec<{ number: number }>(
      `SELECT number FROM email WHERE expires_at <= ?1 AND EXISTS (
         SELECT 1 FROM delivery WHERE id BETWEEN number * ?2 AND number * ?2 + ?2 - 1 AND state = 0) LIMIT 100`,
      now,
      deliveryId(1, 0),
    );
    const claimed: Delivery[] = [];
    for (const { number } of emails.toArray()) {
      claimed.push(
        ...this.#read(
          `UPDATE delivery SET state = 1 WHERE id IN (
             SELECT id FROM delivery WHERE id BETWEEN ? AND ? AND state = 0 LIMIT ?)
           RETURNING ${DELIVERY_COLUMNS}`,
          ...idRange(number),
          limit - claimed.length,
        ),
      );
      if (claimed.length >= limit) break;
    }
    return claimed;
  }

  #read(statement: string, ...bindings: SqlStorageValue[]): Delivery[] {
    const rows = this.#sql.exec<DeliveryRow>(statement, ...bindings).toArray();
    const ids = new Map<number, EmailId>();
    for (const { id } of rows) {
      const number = emailNumber(id);
      if (!ids.has(number))
        ids.set(
          number,
          this.#sql.exec<{ id: string }>("SELECT id FROM email WHERE number = ?", number).one().id as EmailId,
        );
    }
    return rows.map((row) => toDelivery(row, ids.get(emailNumber(row.id))!)).sort((a, b) => a.id - b.id);
  }

  /** Puts claimed deliveries back that no session took: as if they had not been claimed. */
  unclaim(ids: readonly number[]): void {
    if (ids.length === 0) return;
    this.#sql.exec(
      "UPDATE delivery SET state = 0, attempts = attempts - 1 WHERE id IN (SELECT value FROM json_each(?))",
      JSON.stringify(ids),
    );
  }

  /** Puts one back that is to wait until `due`: likewise. */
  putOff(id: number, due: number): void {
    this.#sql.exec("UPDATE delivery SET state = 0, due = ?, attempts = attempts - 1 WHERE id = ?", due, id);
  }

  /** They are done. */
  remove(ids: readonly number[]): void {
    if (ids.length === 0) return;
    this.#sql.exec("DELETE FROM delivery WHERE id IN (SELECT value FROM json_each(?))", JSON.stringify(ids));
  }

  /** Whether a message has deliveries left. */
  has(email: number): boolean {
    return (
      this.#sql.exec("SELECT 1 FROM delivery WHERE id BETWEEN ? AND ? LIMIT 1", ...idRange(email)).toArray()
        .length > 0
    );
  }

  /** Drops the waiting deliveries of a message, and tells their indexes. */
  dropWaiting(email: number): number[] {
    return this.#sql
      .exec<{ id: number }>(
        "DELETE FROM delivery WHERE id BETWEEN ? AND ? AND state = 0 RETURNING id",
        ...idRange(email),
      )
      .toArray()
      .map(({ id }) => id - idRange(email)[0]);
  }

  /** Drops what waits for an address, in any case: the row ids. */
  dropTo(address: string): number[] {
    return this.#sql
      .exec<{ id: number }>(
        "DELETE FROM delivery WHERE lower(address) = lower(?) AND state = 0 RETURNING id",
        address,
      )
      .toArray()
      .map(({ id }) => id);
  }

  /** Copies to an address that are in a session's hands. */
  inHands(address: string): number {
    return this.#sql
      .exec<{ n: number }>("SELECT count(*) AS n FROM delivery WHERE lower(address) = lower(?)", address)
      .one().n;
  }

  /** Whether any delivery of a message was ever tried. Null: it has none. */
  touched(email: number): boolean | null {
    const [row] = this.#sql
      .exec<{ touched: number | null }>(
        "SELECT max(state > 0 OR attempts > 0) AS touched FROM delivery WHERE id BETWEEN ? AND ?",
        ...idRange(email),
      )
      .toArray();
    return row?.touched == null ? null : row.touched === 1;
  }

  /** Another due time for all deliveries of a message. */
  move(email: number, due: number): void {
    this.#sql.exec("UPDATE delivery SET due = ? WHERE id BETWEEN ? AND ?", due, ...idRange(email));
  }

  /** Deliveries to be tried again, each at its time and under its route. `counts`: the attempt is one of the schedule's. */
  postpone(later: readonly { id: number; due: number; route: string; counts: boolean }[]): void {
    if (later.length === 0) return;
    this.#sql.exec(
      `UPDATE delivery SET state = 0, due = value->>1, route = value->>2, attempts = attempts - (value->>3)
       FROM json_each(?) WHERE delivery.id = value->>0`,
      JSON.stringify(later.map(({ id, due, route, counts }) => [id, due, route, counts ? 0 : 1])),
    );
  }

  /** When the next delivery of a route is due, in milliseconds since 1970, or null when none waits. */
  nextDue(route: string): number | null {
    const [row] = this.#sql
      .exec<{ due: number }>(
        "SELECT due FROM delivery WHERE state = 0 AND route = ? ORDER BY due LIMIT 1",
        route,
      )
      .toArray();
    return row?.due ?? null;
  }

  /** What waits, what of it is due, and since when (milliseconds since 1970). */
  depth(now: number): { waiting: number; due: number; oldestDueAt: number | null } {
    return this.#sql
      .exec<{ waiting: number; due: number; oldestDueAt: number | null }>(
        `SELECT count(*) AS waiting, count(*) FILTER (WHERE due <= ?1) AS due,
           min(due) FILTER (WHERE due <= ?1) AS oldestDueAt
         FROM delivery WHERE state = 0`,
        now,
      )
      .one();
  }

  countDue(route: string, now: number): number {
    return this.#sql
      .exec<{ n: number }>(
        "SELECT count(*) AS n FROM delivery WHERE state = 0 AND route = ? AND due <= ?",
        route,
        now,
      )
      .one().n;
  }
}

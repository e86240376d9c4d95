/**
 * Deliveries in the outbox's SQLite: one row for each copy that is still to be sent. Only statements; when and where to
 * send is decided elsewhere.
 *
 * Lists go in as one JSON parameter and `json_each`, since a query takes 100 parameters at most, and since one
 * statement for a hundred rows is five times as fast as a hundred statements.
 */
import type { EmailId } from "../core/ids.ts";
import type { DeliveryOrder } from "./rpc.ts";
import {
  ATTEMPTING,
  DELIVERY_COLUMNS,
  type Delivery,
  type DeliveryRow,
  toDelivery,
  WAITING,
} from "./tables.ts";

const domainOf = (address: string): string => address.slice(address.lastIndexOf("@") + 1);

export class Deliveries {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /**
   * After a start: what was being attempted when the process died may or may not have reached the relay. It is tried
   * again: of lost or double, we choose double (at most one message for each session, and those not yet recorded).
   */
  recover(now: number): void {
    this.#sql.exec("UPDATE delivery SET state = ?, due = ? WHERE state = ?", WAITING, now, ATTEMPTING);
  }

  /** Each is due at `due`; `routes[i]` is the route of delivery i. */
  insert(email: EmailId, deliveries: readonly DeliveryOrder[], routes: readonly string[], due: number): void {
    const CHUNK = 1_000;
    for (let from = 0; from < deliveries.length; from += CHUNK) {
      const rows = deliveries
        .slice(from, from + CHUNK)
        .map((d, i) => [
          d.index,
          d.address,
          domainOf(d.address),
          d.name,
          d.variables === null ? null : JSON.stringify(d.variables),
          routes[from + i]!,
        ]);
      this.#sql.exec(
        `INSERT INTO delivery (email, idx, address, domain, name, variables, route, due)
         SELECT ?, value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, ? FROM json_each(?)`,
        email,
        due,
        JSON.stringify(rows),
      );
    }
  }

  /** Every route that something waits under. Few, whatever the queue's length: one index seek for each. */
  waitingRoutes(): string[] {
    const routes: string[] = [];
    for (let last = ""; ; ) {
      const [row] = this.#sql
        .exec<{ route: string }>(
          "SELECT route FROM delivery WHERE state = ? AND route > ? ORDER BY route LIMIT 1",
          WAITING,
          last,
        )
        .toArray();
      if (row === undefined) return routes;
      routes.push(row.route);
      last = row.route;
    }
  }

  /** Takes up to `limit` due deliveries of a route, oldest first, and writes their attempts down. `onlyFresh`: those never tried. */
  claim(route: string, now: number, limit: number, onlyFresh = false): Delivery[] {
    return this.#sql
      .exec<DeliveryRow>(
        `UPDATE delivery SET state = ?, attempts = attempts + 1
         WHERE id IN (SELECT id FROM delivery WHERE state = ? AND route = ? AND due <= ? AND attempts <= ? ORDER BY due, id LIMIT ?)
         RETURNING ${DELIVERY_COLUMNS}`,
        ATTEMPTING,
        WAITING,
        route,
        now,
        onlyFresh ? 0 : Number.MAX_SAFE_INTEGER,
        limit,
      )
      .toArray()
      .map(toDelivery)
      .sort((a, b) => a.id - b.id);
  }

  /** Takes up to `limit` waiting deliveries whose message has expired. Counts no attempt. */
  claimExpired(now: number, limit: number): Delivery[] {
    return this.#sql
      .exec<DeliveryRow>(
        `UPDATE delivery SET state = ? WHERE id IN (
           SELECT d.id FROM email e JOIN delivery d ON d.email = e.id WHERE e.expires_at <= ? AND d.state = ? LIMIT ?)
         RETURNING ${DELIVERY_COLUMNS}`,
        ATTEMPTING,
        now,
        WAITING,
        limit,
      )
      .toArray()
      .map(toDelivery);
  }

  /** Puts claimed deliveries back that no session took: as if they had not been claimed. */
  unclaim(ids: readonly number[]): void {
    if (ids.length === 0) return;
    this.#sql.exec(
      "UPDATE delivery SET state = ?, attempts = attempts - 1 WHERE id IN (SELECT value FROM json_each(?))",
      WAITING,
      JSON.stringify(ids),
    );
  }

  /** They are done. */
  remove(ids: readonly number[]): void {
    if (ids.length === 0) return;
    this.#sql.exec("DELETE FROM delivery WHERE id IN (SELECT value FROM json_each(?))", JSON.stringify(ids));
  }

  /** Whether a message has deliveries left. */
  has(email: EmailId): boolean {
    return this.#sql.exec("SELECT 1 FROM delivery WHERE email = ? LIMIT 1", email).toArray().length > 0;
  }

  /** Deliveries to be tried again, each at its time and under its route. */
  postpone(later: readonly { id: number; due: number; route: string }[]): void {
    if (later.length === 0) return;
    this.#sql.exec(
      `UPDATE delivery SET state = ?, due = value->>1, route = value->>2
       FROM json_each(?) WHERE delivery.id = value->>0`,
      WAITING,
      JSON.stringify(later.map((d) => [d.id, d.due, d.route])),
    );
  }

  /** Holds all mail that waits for a destination, until a time. It releases itself. */
  holdDomain(domain: string, until: number): void {
    this.#sql.exec(
      "UPDATE delivery SET due = ? WHERE domain = ? AND state = ? AND due < ?",
      until,
      domain,
      WAITING,
      until,
    );
  }

  /** When the next delivery of a route is due, in milliseconds since 1970, or null when none waits. */
  nextDue(route: string): number | null {
    const [row] = this.#sql
      .exec<{ due: number }>(
        "SELECT due FROM delivery WHERE state = ? AND route = ? ORDER BY due LIMIT 1",
        WAITING,
        route,
      )
      .toArray();
    return row?.due ?? null;
  }

  countDue(route: string, now: number): number {
    return this.#sql
      .exec<{ n: number }>(
        "SELECT count(*) AS n FROM delivery WHERE state = ? AND route = ? AND due <= ?",
        WAITING,
        route,
        now,
      )
      .one().n;
  }

  /** Gives every delivery the route that `routeOf` finds; one that finds none keeps what it had, until it expires. */
  reroute(routeOf: (sender: string, address: string, pin: string | null) => string): void {
    const CHUNK = 1_000;
    let last = 0;
    for (;;) {
      const rows = this.#sql
        .exec<{ id: number; sender: string; pin: string | null; address: string; route: string }>(
          `SELECT d.id, e.sender, e.pin, d.address, d.route FROM delivery d JOIN email e ON e.id = d.email
           WHERE d.id > ? ORDER BY d.id LIMIT ?`,
          last,
          CHUNK,
        )
        .toArray();
      if (rows.length === 0) return;
      last = rows[rows.length - 1]!.id;
      const changed = rows
        .map((row) => [row.id, routeOf(row.sender, row.address, row.pin) || row.route, row.route] as const)
        .filter(([, route, before]) => route !== before);
      if (changed.length > 0)
        this.#sql.exec(
          "UPDATE delivery SET route = value->>1 FROM json_each(?) WHERE delivery.id = value->>0",
          JSON.stringify(changed),
        );
    }
  }
}

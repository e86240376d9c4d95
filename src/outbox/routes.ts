/** The routes that copies wait under in the outbox's SQLite: which relays may take them (smtp/routing.ts). */
import { reopened } from "../smtp/routing.ts";
import { wait } from "./backoff.ts";
import { deliveryId } from "./tables.ts";

/** Rows read and written in one statement. */
const ROWS = 1_000;

export class Routes {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Every route that something waits under. Few, whatever the queue's length: one index seek for each. */
  waiting(): string[] {
    const routes: string[] = [];
    for (let last = ""; ; ) {
      const [row] = this.#sql
        .exec<{ route: string }>(
          "SELECT route FROM delivery WHERE state = 0 AND route > ? ORDER BY route LIMIT 1",
          last,
        )
        .toArray();
      if (row === undefined) return routes;
      routes.push(row.route);
      last = row.route;
    }
  }

  /**
   * Copies that one relay would not have, and that were left to others of which none can be used any more, have all their
   * relays again, as if the one had said "later". `isUsable`: whether a relay of a route that may be asked can be used now.
   * Every route that something waits under then.
   */
  reopen(now: number, random: number, isUsable: (route: string) => boolean): string[] {
    const routes = new Set<string>();
    for (const route of this.waiting()) {
      const all = reopened(route);
      const stays = all === route || isUsable(route);
      routes.add(stays ? route : all);
      if (stays) continue;
      this.#sql.exec(
        "UPDATE delivery SET route = ?, due = max(due, ?) WHERE state = 0 AND route = ?",
        all,
        now + wait({ attempts: 1, greylisted: false }, random),
        route,
      );
    }
    return [...routes];
  }

  /**
   * Gives every delivery the route that `routeOf` finds; one that finds none keeps what it had, until it expires. What is
   * under the route `except` stays there.
   */
  renew(except: string, routeOf: (sender: string, address: string, pin: string | null) => string): void {
    let last = 0;
    for (;;) {
      const rows = this.#sql
        .exec<{ id: number; sender: string; pin: string | null; address: string; route: string }>(
          `SELECT d.id, e.sender, e.pin, d.address, d.route FROM delivery d JOIN email e ON e.number = d.id / ?
           WHERE d.id > ? AND d.route <> ? ORDER BY d.id LIMIT ?`,
          deliveryId(1, 0),
          last,
          except,
          ROWS,
        )
        .toArray();
      if (rows.length === 0) return;
      last = rows.at(-1)!.id;
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

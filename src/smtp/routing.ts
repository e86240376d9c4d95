/**
 * Which relays may take a message, in which order. Pure.
 *
 * A relay is eligible when the sender matches its `from` patterns and the recipient its `to` patterns; a relay asked for
 * by name is the only one, and still only if the sender matches. Lower priority numbers come first; among equals the
 * order is drawn by weight. A route is the names in that order, joined with commas: the first that is available sends. While
 * a copy that one would not have is offered to the others, those that would not stand behind a bar: `b,c|a`.
 */
import type { Relay } from "./relay.ts";
import { covers } from "./relay-fields.ts";

export interface RouteQuery {
  /** From address. */
  from: string;
  /** Recipient's address. */
  to: string;
  /** Name of the relay asked for, or null. */
  pin: string | null;
}

/** The route, or "" when no relay may take it. `random` gives numbers from 0 to 1. */
export function routeOf(relays: readonly Relay[], query: RouteQuery, random: () => number): string {
  const eligible = relays.filter(
    (relay) =>
      (query.pin === null || relay.name === query.pin) &&
      covers(relay.from, query.from) &&
      covers(relay.to, query.to),
  );
  if (eligible.length <= 1) return eligible[0]?.name ?? "";
  // Weighted order (Efraimidis and Spirakis, 2006): the larger random^(1/weight), the earlier.
  return eligible
    .map((relay) => ({ relay, key: random() ** (1 / relay.weight) }))
    .sort((a, b) => a.relay.priority - b.relay.priority || b.key - a.key)
    .map(({ relay }) => relay.name)
    .join(",");
}

/** Stands before the relays that would not have a copy, while it is offered to the others. No relay's name has one. */
const REFUSED = "|";

const split = (names: string | undefined): string[] => (names ? names.split(",") : []);
const join = (open: readonly string[], refused: readonly string[]): string =>
  refused.length === 0 ? open.join(",") : `${open.join(",")}${REFUSED}${refused.join(",")}`;

/** The relays of a route that may be asked now, in order. */
export const relaysOf = (route: string): string[] => split(route.split(REFUSED)[0]);

const refusedOf = (route: string): string[] => split(route.split(REFUSED)[1]);

/** The route for the relays that are still to be asked after one would not have the copy; null: none is. */
export function refusedBy(route: string, relay: string): string | null {
  const rest = relaysOf(route).filter((name) => name !== relay);
  return rest.length === 0 ? null : join(rest, [...refusedOf(route), relay]);
}

/** The route without a relay that can never carry the copy; null: no other is to be asked. */
export function without(route: string, relay: string): string | null {
  const rest = relaysOf(route).filter((name) => name !== relay);
  return rest.length === 0 ? null : join(rest, refusedOf(route));
}

/** All relays of a route may be asked again: those that would not have the copy come last, and after all `last`. */
export function reopened(route: string, last: string | null = null): string {
  const names = [...relaysOf(route), ...refusedOf(route)];
  return last === null ? names.join(",") : [...names.filter((name) => name !== last), last].join(",");
}

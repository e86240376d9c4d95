/**
 * Which relays may take a message, in which order. Pure.
 *
 * A relay is eligible when the sender matches its `from` patterns and the recipient its `to` patterns; a relay asked for
 * by name is the only one, and still only if the sender matches. Lower priority numbers come first; among equals the
 * order is drawn by weight. A route is the names in that order, joined with commas: the first that is available sends.
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

/** The relays of a route, in order. */
export const relaysOf = (route: string): string[] => (route === "" ? [] : route.split(","));

/** The route without one relay; the same route when nothing would remain. */
export function without(route: string, relay: string): string {
  const rest = relaysOf(route).filter((name) => name !== relay);
  return rest.length === 0 ? route : rest.join(",");
}

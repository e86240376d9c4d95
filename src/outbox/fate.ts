/** What becomes of a copy that a relay did not accept: another relay, another time, or neither. Pure. */
import { actionOf, REFUSES_US } from "../policy/category.ts";
import type { Attempt } from "../smtp/attempt.ts";
import { refusedBy, reopened, without } from "../smtp/routing.ts";

export type Fate =
  /** Offered at once to the relays of `route` that are still to be asked. */
  | { kind: "elsewhere"; route: string }
  /** Tried again by the schedule. */
  | { kind: "later"; route: string }
  | { kind: "over" };

/**
 * A copy refused for the relay's own sake goes to the next relay at once where one can be used. Where none can, all its relays
 * keep it, the one that refused as the last: bound to one that is down, it would wait for that while the other is well
 * again. `isUsable`: whether a relay of a route that may be asked can be used now.
 */
export function fateOf(
  attempt: Pick<Attempt, "category" | "disposition" | "reply">,
  route: string,
  relay: string,
  isUsable: (route: string) => boolean,
): Fate {
  const isBounced = attempt.disposition === "bounced";
  // Bounced without a word from the relay: it offers no way to carry this copy. Another may.
  if (isBounced && attempt.reply === null) {
    const others = without(route, relay);
    return others === null ? { kind: "over" } : { kind: "elsewhere", route: others };
  }
  const isTheRelay =
    actionOf(attempt.category, attempt.disposition) === "next_relay" || REFUSES_US.has(attempt.category);
  if (!isTheRelay) return isBounced ? { kind: "over" } : { kind: "later", route: reopened(route) };
  const others = refusedBy(route, relay);
  if (others === null && isBounced) return { kind: "over" };
  return others !== null && isUsable(others)
    ? { kind: "elsewhere", route: others }
    : { kind: "later", route: reopened(route, relay) };
}

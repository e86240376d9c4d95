/**
 * Why a copy has not gone yet and until when, for a person who asks now. It is made of what the outbox knows at that moment:
 * written down when mail begins to wait, it would be wrong a minute later, and cost a write for each copy held.
 */
import type { EmailId } from "../core/ids.ts";
import { spellFrequency } from "../schema/frequency.ts";
import type { Relay } from "../smtp/relay.ts";
import { relaysOf } from "../smtp/routing.ts";
import type { RelayHealth, Wait } from "./rpc.ts";
import { SANDBOX } from "./sandbox.ts";
import { deliveryId, domainOf } from "./tables.ts";

/** A copy that is still here. Times in milliseconds since 1970. */
export interface Waiting {
  index: number;
  domain: string;
  route: string;
  /** A session has it, or takes it next. */
  isInHands: boolean;
  due: number;
  attempts: number;
  scheduledAt: number | null;
}

export interface WaitContext {
  now: number;
  /** Until when mail for a domain is held, or null. */
  heldUntil: (domain: string) => number | null;
  health: readonly RelayHealth[];
  relays: readonly Pick<Relay, "name" | "rate">[];
}

/** The copies of a message with an index from `first` to `last` that are still here. */
export function waitingOf(sql: SqlStorage, id: EmailId, first: number, last: number): Waiting[] {
  const [email] = sql
    .exec<{ number: number; scheduled_at: number | null }>(
      "SELECT number, scheduled_at FROM email WHERE id = ?",
      id,
    )
    .toArray();
  if (email === undefined) return [];
  const zero = deliveryId(email.number, 0);
  return sql
    .exec<{ id: number; address: string; route: string; state: number; due: number; attempts: number }>(
      "SELECT id, address, route, state, due, attempts FROM delivery WHERE id BETWEEN ? AND ? ORDER BY id",
      zero + first,
      zero + last,
    )
    .toArray()
    .map((row) => ({
      index: row.id - zero,
      domain: domainOf(row.address),
      route: row.route,
      isInHands: row.state === 1,
      due: row.due,
      attempts: row.attempts,
      scheduledAt: email.scheduled_at,
    }));
}

/** Pure. What keeps it longest is what is told. */
export function waitOf(copy: Waiting, context: WaitContext): Wait {
  const { index, route, due } = copy;
  const { now, health } = context;
  if (copy.isInHands) return { index, until: null, reason: "It is with a session, or next in line for one." };
  const routed = relaysOf(route).flatMap((name) => health.find((one) => one.name === name) ?? []);
  if (routed.length === 0)
    return { index, until: null, reason: "None of the relays that may take it is configured any more." };
  const shut = routed.every(({ breaker }) => breaker === "open") ? firstBack(routed) : null;
  if (shut !== null && (shut.retryAt ?? now) >= due)
    return {
      index,
      until: shut.retryAt,
      reason: `No relay that may take it can be used now. ${shut.name}: ${shut.lastError ?? "it rests."}`,
    };
  const held = context.heldUntil(copy.domain);
  if (held !== null && held >= due)
    return {
      index,
      until: held,
      reason: `Mail for ${copy.domain} is held: it was answered that mail comes too fast.`,
    };
  if (due > now) return { index, until: due, reason: reasonOf(copy) };
  const { name } = routed.find(({ breaker }) => breaker === "closed") ?? routed[0]!;
  const rate = context.relays.find((relay) => relay.name === name)?.rate ?? null;
  const pace = rate === null ? "" : `, at the relay's rate of ${spellFrequency(rate)}`;
  return { index, until: null, reason: `It is in line for ${nameOf(name)}${pace}.` };
}

const nameOf = (relay: string): string => (relay === SANDBOX ? "the sandbox" : `the relay ${relay}`);

/** The relay that may be used again first; one that does not know when comes last. */
const firstBack = (relays: readonly RelayHealth[]): RelayHealth =>
  relays.reduce((a, b) =>
    (b.retryAt ?? Number.POSITIVE_INFINITY) < (a.retryAt ?? Number.POSITIVE_INFINITY) ? b : a,
  );

/** Why a copy has a time of its own that has not come. */
function reasonOf({ domain, due, attempts, scheduledAt }: Waiting): string {
  if (attempts > 0) return "It is tried again then: the last attempt failed, and the next may succeed.";
  return due === scheduledAt
    ? "It is scheduled for then."
    : `Mail for ${domain} goes at the pace that PACES sets for it.`;
}

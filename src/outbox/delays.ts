/** Word to senders of mail that waits for its relay. A few copies are told for all. */
import type { EventData, LedgerEntry } from "../schema/event.ts";
import { relaysOf } from "../smtp/routing.ts";
import type { Outcomes } from "./outcomes.ts";
import type { Queue } from "./queue.ts";
import { eventOf, type NewId } from "./record.ts";
import type { Delivery } from "./tables.ts";

/** Enough to see why, few enough to be cheap. */
const TOLD = 100;

export interface DelayContext {
  queue: Queue;
  outcomes: Outcomes;
  newId: NewId;
  /** The relay that would take a route's mail now, or null while none is available. */
  chosen: (route: string, now: number) => string | null;
}

/** Claims up to `limit` copies, never tried before, that wait for a relay and that no other takes. */
function* fresh(
  relay: string,
  { queue, chosen }: DelayContext,
  at: number,
  limit: number,
): Generator<Delivery> {
  let left = limit;
  for (const route of left > 0 ? queue.deliveries.waitingRoutes() : []) {
    if (!relaysOf(route).includes(relay) || chosen(route, at) !== null) continue;
    const claimed = queue.deliveries.claimFresh(route, at, left);
    left -= claimed.length;
    yield* claimed;
    if (left === 0) return;
  }
}

/** The relay cannot be reached: an attempt of each copy that is told. Times in milliseconds since 1970. */
export function tellOfOutage(
  relay: string,
  context: DelayContext,
  { at, until, dataOf }: { at: number; until: number; dataOf: (delivery: Delivery) => EventData },
): void {
  const { outcomes, newId } = context;
  for (const delivery of fresh(relay, context, at, TOLD)) {
    const data = { ...dataOf(delivery), next_attempt_at: until };
    const event = eventOf(newId, "email.delivery_delayed", delivery, at, data);
    outcomes.postpone(delivery, until, delivery.route, event);
  }
}

/** Word that a relay's quota is used up, to mail that has to wait for the next. Nothing was attempted. */
export class QuotaNotice {
  readonly #relay: string;
  readonly #context: DelayContext;
  /** The end of the quota that was told of, and how many more may be told of it. */
  #until = 0;
  #left = 0;

  constructor(relay: string, context: DelayContext) {
    this.#relay = relay;
    this.#context = context;
  }

  /** Tells what waits by now and was not told. `until`: when the quota renews. Both in milliseconds since 1970. */
  tell(at: number, until: number): void {
    if (until <= at) return;
    if (until !== this.#until) this.#left = TOLD;
    this.#until = until;
    const { queue, newId } = this.#context;
    const reason = `The relay ${this.#relay} has sent what its quota allows. It renews at ${new Date(until).toISOString()}.`;
    const entries: LedgerEntry[] = [];
    for (const delivery of fresh(this.#relay, this.#context, at, this.#left)) {
      queue.deliveries.putOff(delivery.id, until);
      const data: EventData = { category: "quota_exceeded", reason, next_attempt_at: until };
      entries.push(eventOf(newId, "email.delivery_delayed", delivery, at, data));
    }
    this.#left -= entries.length;
    if (entries.length > 0) queue.reports.tell(entries);
  }
}

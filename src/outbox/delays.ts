/** Word to senders of mail that waits for its relay. A few copies are told for all. */
import type { EventData } from "../schema/event.ts";
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

/** The routes of what waits for a relay and that no other takes now. */
const blocked = (relay: string, { queue, chosen }: DelayContext, at: number): string[] =>
  queue.routes.waiting().filter((route) => relaysOf(route).includes(relay) && chosen(route, at) === null);

/** The relay cannot be reached: an attempt of each copy that is told. Times in milliseconds since 1970. */
export function tellOfOutage(
  relay: string,
  context: DelayContext,
  { at, until, dataOf }: { at: number; until: number; dataOf: (delivery: Delivery) => EventData },
): void {
  const { queue, outcomes, newId } = context;
  for (const route of blocked(relay, context, at))
    for (const delivery of queue.deliveries.claimFresh(route, at, TOLD)) {
      const data = { ...dataOf(delivery), next_attempt_at: until };
      const event = eventOf(newId, "email.delivery_delayed", delivery, at, data);
      outcomes.postpone(delivery, until, route, event);
    }
}

/**
 * Word that a relay's quota is used up, to mail that has to wait for the next. Nothing was attempted, and the copies keep their
 * place: put off, they would come after all that is younger, and a backlog may be more than a day's quota.
 */
export class QuotaNotice {
  readonly #relay: string;
  readonly #context: DelayContext;
  /** The end of the quota that is told of, how many more may be told, and the row id of the last that was. */
  #until = 0;
  #left = 0;
  #last = 0;

  constructor(relay: string, context: DelayContext) {
    this.#relay = relay;
    this.#context = context;
  }

  /** Tells what waits by now and was not told. `until`: when the quota renews. Both in milliseconds since 1970. */
  tell(at: number, until: number): void {
    if (until <= at) return;
    if (until !== this.#until) [this.#until, this.#left, this.#last] = [until, TOLD, 0];
    if (this.#left === 0) return;
    const { queue, newId } = this.#context;
    const waiting = queue.deliveries.untried(
      blocked(this.#relay, this.#context, at),
      at,
      this.#last,
      this.#left,
    );
    if (waiting.length === 0) return;
    const data: EventData = {
      category: "quota_exceeded",
      reason: `The relay ${this.#relay} has sent what its quota allows. It renews at ${new Date(until).toISOString()}.`,
      next_attempt_at: until,
    };
    queue.reports.tell(
      waiting.map((delivery) => eventOf(newId, "email.delivery_delayed", delivery, at, data)),
    );
    this.#left -= waiting.length;
    this.#last = waiting.at(-1)!.id;
  }
}

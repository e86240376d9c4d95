/**
 * Copies that are withheld, since their address is on the suppression list: when a message is accepted, and when a copy is
 * claimed to be sent, for the list may have changed since.
 */
import { LEDGER_PARAMETER_CHARS } from "../core/limits.ts";
import { entryLists } from "../schema/entry-list.ts";
import type { SuppressionGrounds } from "../schema/suppression.ts";
import { storyOf } from "../schema/test-address.ts";
import type { Outcomes } from "./outcomes.ts";
import type { Queue } from "./queue.ts";
import { type NewId, suppressed } from "./record.ts";
import type { Packed } from "./rpc.ts";
import { type Delivery, emailNumber } from "./tables.ts";

const PLAYED: SuppressionGrounds = {
  topic: "",
  origin: "manual",
  category: "manual",
  reason: "Played by a test address.",
};

/**
 * An order without its suppressed recipients, and with what is put on record of them; how many they are. The order given
 * stays as it is: should the transaction fail, it is asked about again.
 */
export function withoutSuppressed(
  order: Packed,
  { queue, newId }: { queue: Queue; newId: NewId },
  now: number,
): { order: Packed; withheld: number } {
  const addresses = order.deliveries.map(({ address }) => address);
  const grounds = queue.suppressed.against(addresses, order.topic, now);
  for (const [i, address] of addresses.entries())
    if (!grounds.has(i) && storyOf(address) === "suppressed") grounds.set(i, PLAYED);
  if (grounds.size === 0) return { order, withheld: 0 };
  const entries = [...grounds]
    .sort(([a], [b]) => a - b)
    .map(([i, why]) => {
      const { index, address } = order.deliveries[i]!;
      // A millisecond on: it is listed after what the order itself says.
      return suppressed(newId, { email: order.id, index, address }, now + 1, why);
    });
  const deliveries = order.deliveries.filter((_, i) => !grounds.has(i));
  return {
    order: {
      ...order,
      record: [...order.record, ...entryLists(entries, LEDGER_PARAMETER_CHARS)],
      deliveries,
    },
    withheld: grounds.size,
  };
}

/** What may be sent of copies just claimed; of the others it is put on record why not. Costs nothing while nobody is suppressed. */
export function withhold(
  claimed: Delivery[],
  { queue, outcomes, newId }: { queue: Queue; outcomes: Outcomes; newId: NewId },
  now: number,
): Delivery[] {
  if (queue.suppressed.isEmpty || claimed.length === 0) return claimed;
  const grounds = queue.suppressed.among(
    claimed.map(({ id, address }) => ({ address, email: emailNumber(id) })),
    now,
  );
  for (const [i, why] of grounds) outcomes.finish(claimed[i]!, [suppressed(newId, claimed[i]!, now, why)]);
  return grounds.size === 0 ? claimed : claimed.filter((_, i) => !grounds.has(i));
}

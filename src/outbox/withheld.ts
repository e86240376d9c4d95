/** Copies that were claimed to be sent, and are withheld: their address is on the suppression list since they were accepted. */
import type { Outcomes } from "./outcomes.ts";
import type { Queue } from "./queue.ts";
import { type NewId, suppressed } from "./record.ts";
import { type Delivery, emailNumber } from "./tables.ts";

/** What may be sent of them; of the others it is put on record why not. Costs nothing while nobody is suppressed. */
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

/** DeduplicateCampaign: copies withheld from who has been mailed in the campaign before. */
import type { Order } from "../../outbox/rpc.ts";
import { DUPLICATE } from "../../policy/mailjet-state.ts";
import type { LedgerEntry } from "../../schema/event.ts";

/** The order without copies to these addresses: on record as suppressed, each with an event that says why. */
export function withhold(
  order: Order,
  addresses: ReadonlySet<string>,
  newId: (now: number) => string,
  now: number,
): Order {
  const withheld = order.deliveries.filter(({ address }) => addresses.has(address));
  if (withheld.length === 0) return order;
  const indexes = new Set(withheld.map(({ index }) => index));
  return {
    ...order,
    deliveries: order.deliveries.filter(({ index }) => !indexes.has(index)),
    entries: [
      ...order.entries.map(
        (entry): LedgerEntry =>
          entry.kind === "recipients"
            ? {
                ...entry,
                rows: entry.rows.map((row) =>
                  indexes.has(row.index) ? { ...row, status: "suppressed" } : row,
                ),
              }
            : entry,
      ),
      ...withheld.map(
        ({ index }): LedgerEntry => ({
          kind: "event",
          event: {
            id: newId(now),
            type: "email.suppressed",
            email_id: order.id,
            recipient: index,
            at: now,
            data: {
              category: DUPLICATE,
              reason: "The address has been mailed in this campaign before, and DeduplicateCampaign is set.",
            },
          },
        }),
      ),
    ],
  };
}

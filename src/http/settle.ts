/**
 * Read what was written: before a question to libSQL, events under way are brought there. When libSQL is away, the answer
 * is 503 rather than an old truth or an error that looks like ours.
 */
import type { EmailId } from "../core/ids.ts";
import { allLedgers, allOutboxes, ledgerOf, outboxOf } from "../env.ts";
import type { AppContext } from "./context.ts";

/** Everything known of one email is in libSQL when this resolves, unless libSQL is away. */
export async function settle(c: AppContext, id: EmailId): Promise<void> {
  const { shards } = c.var.config;
  await outboxOf(c.env, shards, id).settle();
  await ledgerOf(c.env, shards, id).settle();
}

/** Likewise for all emails. */
export async function settleAll(c: AppContext): Promise<void> {
  const { shards } = c.var.config;
  await Promise.all(allOutboxes(c.env, shards).map((outbox) => outbox.settle()));
  await Promise.all(allLedgers(c.env, shards).map((ledger) => ledger.settle()));
}

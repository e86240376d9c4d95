/**
 * Read what was written: before a question to libSQL, events under way are brought there. When libSQL is away, the answer
 * is 503 at once rather than an old truth, a long wait, or an error that looks like ours.
 */
import type { EmailId } from "../core/ids.ts";
import { allLedgers, allOutboxes, ledgerOf, outboxOf } from "../env.ts";
import type { AppContext } from "./context.ts";
import { ProblemError, storeAway, storeUnfit } from "./errors.ts";

/** Everything known of one email is in libSQL when this resolves, unless libSQL is behind. */
export async function settle(c: AppContext, id: EmailId): Promise<void> {
  const { shards } = c.var.config;
  await outboxOf(c.env, shards, id).settle();
  told([await ledgerOf(c.env, shards, id).settle()]);
}

/** Likewise for all emails. */
export async function settleAll(c: AppContext): Promise<void> {
  const { shards } = c.var.config;
  await Promise.all(allOutboxes(c.env, shards).map((outbox) => outbox.settle()));
  told(await Promise.all(allLedgers(c.env, shards).map((ledger) => ledger.settle())));
}

function told(answers: readonly { away: boolean; unfit: string | null }[]): void {
  const away = answers.find((answer) => answer.away);
  if (away !== undefined) throw new ProblemError(away.unfit === null ? storeAway : storeUnfit(away.unfit));
}

/**
 * DELETE /recipients/:email: forgets one person everywhere, and says how much there was. Mail that waits for them is never
 * sent. What they wished about further mail is kept without their address (registry).
 */
import { Hono } from "hono";
import { copiesTo, eraseCopies } from "../db/erase.ts";
import { allLedgers, allOutboxes, dbOf, registryOf } from "../env.ts";
import { log } from "../log.ts";
import { parseMailbox } from "../schema/address.ts";
import { comparedAddress } from "../schema/suppression.ts";
import type { AppEnv } from "./context.ts";
import { parameter } from "./parameters.ts";
import { settleAll } from "./settle.ts";

export const recipients = new Hono<AppEnv>();

recipients.delete("/recipients/:email", async (c) => {
  const mailbox = parseMailbox(c.req.param("email"));
  if (!mailbox.ok) throw parameter(`The address in the path ${mailbox.error}.`);
  const { address } = mailbox.value;
  const { shards } = c.var.config;
  const erased: Record<string, number> = {};
  const add = (counts: Record<string, number>) => {
    for (const [name, count] of Object.entries(counts)) erased[name] = (erased[name] ?? 0) + count;
  };
  let inFlight = 0;
  let pending = 0;

  // In the order in which it travels, so that nothing comes after what looks for it. libSQL away: 503, and nothing is half done
  // that another call would not finish.
  for (const one of await Promise.all(allOutboxes(c.env, shards).map((outbox) => outbox.erase(address)))) {
    add({ deliveries: one.deliveries });
    inFlight += one.inFlight;
  }
  await settleAll(c);
  const db = dbOf(c.env);
  for (;;) {
    const copies = await copiesTo(db, address);
    const told = await Promise.all(allLedgers(c.env, shards).map((ledger) => ledger.erase(address, copies)));
    for (const { pending: waiting, ...counts } of told) {
      add(counts);
      if (copies.length === 0) pending += waiting;
    }
    if (copies.length === 0) break;
    add(await eraseCopies(db, address, copies));
  }
  const { hashed, removed, bounces } = await registryOf(c.env).eraseSuppressed(comparedAddress(address));
  add({ suppressions_hashed: hashed, suppressions: removed, bounces });
  log("recipient_erased", { requestId: c.var.requestId, ...erased, inFlight, pending });
  return c.json({
    object: "erasure",
    email: address,
    erased,
    // A copy on the wire just now ends as an event in a moment: whoever calls again then erases that too.
    in_flight: inFlight + pending,
    complete: inFlight + pending === 0,
  });
});

/**
 * GET /healthz: whether this gateway can do its work. Asks nothing of relays or libSQL, so that it answers at once. Now and
 * then it wakes who has work to do: mail that waits since before a start need not wait for an alarm.
 */
import { Hono } from "hono";
import { allLedgers, allOutboxes, readConfig } from "../env.ts";
import type { AppEnv } from "./context.ts";

export const health = new Hono<AppEnv>();

/**
 * Outboxes and ledgers are woken so often at most. An alarm that fails (a full disk) is tried ever more rarely, and on Cloudflare
 * six times at most: what waits then would wait for the next call.
 */
const WAKE_MS = 60_000;
let wokenAt = Number.NEGATIVE_INFINITY;

health.get("/healthz", (c) => {
  const config = readConfig(c.env);
  if (!config.ok)
    return c.json({ status: "misconfigured", problem: config.error }, 503, { "Retry-After": "60" });
  const now = Date.now();
  if (now - wokenAt >= WAKE_MS) {
    wokenAt = now;
    const { shards } = config.value;
    const all = [...allOutboxes(c.env, shards), ...allLedgers(c.env, shards)];
    c.executionCtx.waitUntil(Promise.allSettled(all.map((one) => one.wake())));
  }
  return c.json({ status: "ok", relays: config.value.relays.map((relay) => relay.name) });
});

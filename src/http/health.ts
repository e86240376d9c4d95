/**
 * GET /healthz: whether this gateway can do its work. Asks nothing of relays or libSQL, so that it answers at once. The first
 * one after a start wakes the outboxes: mail that waits since before need not wait for their alarm.
 */
import { Hono } from "hono";
import { allOutboxes, readConfig } from "../env.ts";
import type { AppEnv } from "./context.ts";

export const health = new Hono<AppEnv>();

let hasWoken = false;

health.get("/healthz", (c) => {
  const config = readConfig(c.env);
  if (!config.ok)
    return c.json({ status: "misconfigured", problem: config.error }, 503, { "Retry-After": "60" });
  if (!hasWoken) {
    hasWoken = true;
    const outboxes = allOutboxes(c.env, config.value.shards);
    c.executionCtx.waitUntil(Promise.all(outboxes.map((outbox) => outbox.wake())).catch(() => {}));
  }
  return c.json({ status: "ok", relays: config.value.relays.map((relay) => relay.name) });
});

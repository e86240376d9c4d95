/** GET /healthz: whether this gateway can do its work. Asks nothing of relays or libSQL, so that it answers at once. */
import { Hono } from "hono";
import { readConfig } from "../env.ts";
import type { AppEnv } from "./context.ts";

export const health = new Hono<AppEnv>();

health.get("/healthz", (c) => {
  const config = readConfig(c.env);
  if (!config.ok)
    return c.json({ status: "misconfigured", problem: config.error }, 503, { "Retry-After": "60" });
  return c.json({ status: "ok", relays: config.value.relays.map((relay) => relay.name) });
});

/** /relays: each relay's health without its secrets, and a try-out that says which step works. */
import { Hono } from "hono";
import { allOutboxes } from "../env.ts";
import type { RelayState } from "../outbox/rpc.ts";
import { verifyRelay } from "../smtp/verify.ts";
import type { AppEnv } from "./context.ts";
import { fail } from "./errors.ts";
import { moment } from "./shapes.ts";

export const relays = new Hono<AppEnv>();

relays.get("/relays", async (c) => {
  const { config } = c.var;
  const states = (
    await Promise.all(allOutboxes(c.env, config.shards).map((outbox) => outbox.relays()))
  ).flat();
  return c.json({
    object: "list",
    data: config.relays.map((relay) => ({
      object: "relay",
      name: relay.name,
      host: relay.host,
      port: relay.port,
      tls: relay.tls,
      authenticated: relay.credentials !== null,
      from: relay.from,
      to: relay.to,
      priority: relay.priority,
      weight: relay.weight,
      connections: relay.connections,
      messages_per_connection: relay.messagesPerConnection,
      final: relay.final,
      ...summary(states.filter((state) => state.name === relay.name)),
    })),
  });
});

relays.post("/relays/:name/verify", async (c) => {
  const { config } = c.var;
  const name = c.req.param("name");
  const relay = config.relays.find((one) => one.name === name);
  if (relay === undefined)
    return fail(c, {
      kind: "not_found",
      message: `There is no relay of this name. Known are ${config.relays.map((one) => one.name).join(", ") || "none"}.`,
    });
  return c.json({
    object: "relay_verification",
    relay: name,
    ...(await verifyRelay(relay, { ehlo: config.ehloName, now: Date.now })),
  });
});

/** A relay as all outboxes together see it: open as soon as one of them rests it. */
function summary(states: readonly RelayState[]) {
  const retryAt = states.reduce<number | null>(
    (soonest, { retryAt: at }) => (at === null ? soonest : Math.min(at, soonest ?? at)),
    null,
  );
  return {
    breaker: states.some((state) => state.breaker === "open") ? "open" : "closed",
    retry_at: retryAt === null ? null : moment(retryAt),
    last_error: states.find((state) => state.lastError !== null)?.lastError ?? null,
    sessions: states.reduce((sum, state) => sum + state.sessions, 0),
    waiting: states.reduce((sum, state) => sum + state.waiting, 0),
  };
}

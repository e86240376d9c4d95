/** /webhooks: endpoints are made, listed, changed, tried and given new secrets. Shapes are Resend's. */
import { Hono } from "hono";
import { MB, WEBHOOK_SECRET_BYTES, WEBHOOKS_MAX } from "../core/limits.ts";
import { allLedgers, registryOf } from "../env.ts";
import type { Webhook } from "../registry/rpc.ts";
import { parseEndpoint, splitCredentials } from "../schema/endpoint.ts";
import { parse } from "../schema/parse.ts";
import { CreateWebhook, spellSecret, TestWebhook, UpdateWebhook } from "../schema/webhook.ts";
import { readJson } from "./body.ts";
import type { AppContext, AppEnv } from "./context.ts";
import { fail, ProblemError, unwrap } from "./errors.ts";
import { newId } from "./new-id.ts";
import { listPage, pageOf } from "./parameters.ts";
import { moment, momentOrNull } from "./shapes.ts";
import { samplePayload } from "./webhook-sample.ts";

export const webhooks = new Hono<AppEnv>();

const newSecret = (): string => spellSecret(crypto.getRandomValues(new Uint8Array(WEBHOOK_SECRET_BYTES)));

/** The `:id` of a path. */
export const webhookIdOf = (c: AppContext): string => (c.req.param("id") ?? "").toLowerCase();

/** The webhook of the path, or its absence thrown. */
export async function webhookOf(c: AppContext): Promise<Webhook> {
  const webhook = await registryOf(c.env).findWebhook(webhookIdOf(c));
  if (webhook === null) throw new ProblemError(NO_SUCH_WEBHOOK);
  return webhook;
}

const NO_SUCH_WEBHOOK = { kind: "not_found", message: "There is no webhook with this id." } as const;

function endpointOf(c: AppContext, text: string): string {
  const url = parseEndpoint(text, c.var.config.webhookPrivate);
  if (url.ok) return url.value;
  throw new ProblemError({ kind: "invalid", issues: [{ path: "endpoint", message: url.error }] });
}

webhooks.post("/webhooks", async (c) => {
  const { value } = unwrap(await readJson(c.req.raw, MB));
  const request = unwrap(parse(CreateWebhook, value));
  const endpoint = endpointOf(c, request.endpoint);
  const registry = registryOf(c.env);
  if ((await registry.listWebhooks()).length >= WEBHOOKS_MAX)
    return fail(c, {
      kind: "invalid",
      issues: [{ path: "", message: `There are ${WEBHOOKS_MAX} webhooks already; delete some first.` }],
    });
  const now = Date.now();
  const id = newId(now);
  const secret = newSecret();
  await registry.createWebhook({ id, endpoint, events: request.events ?? null, secret, createdAt: now });
  return c.json({ object: "webhook", id, signing_secret: secret }, 201);
});

webhooks.get("/webhooks", async (c) => {
  const page = pageOf(c);
  const { has_more, data } = listPage(await registryOf(c.env).listWebhooks(), page);
  return c.json({ object: "list", has_more, data: data.map(webhookObject) });
});

webhooks.get("/webhooks/:id", async (c) => {
  const webhook = await webhookOf(c);
  return c.json({
    object: "webhook",
    ...webhookObject(webhook),
    signing_secret: webhook.secret,
    ...(await healthOf(c, webhook.id)),
  });
});

webhooks.patch("/webhooks/:id", async (c) => {
  const { value } = unwrap(await readJson(c.req.raw, MB));
  const { endpoint, events, status } = unwrap(parse(UpdateWebhook, value));
  const id = webhookIdOf(c);
  const known = await registryOf(c.env).updateWebhook(id, {
    ...(endpoint === undefined ? {} : { endpoint: endpointOf(c, endpoint) }),
    ...(events === undefined ? {} : { events }),
    ...(status === undefined ? {} : { enabled: status === "enabled" }),
  });
  return known ? c.json({ object: "webhook", id }) : fail(c, NO_SUCH_WEBHOOK);
});

webhooks.delete("/webhooks/:id", async (c) => {
  const id = webhookIdOf(c);
  if (!(await registryOf(c.env).removeWebhook(id))) return fail(c, NO_SUCH_WEBHOOK);
  return c.json({ object: "webhook", id, deleted: true });
});

webhooks.post("/webhooks/:id/signing-secret/rotate", async (c) => {
  const id = webhookIdOf(c);
  const secret = newSecret();
  if (!(await registryOf(c.env).rotateWebhook(id, secret))) return fail(c, NO_SUCH_WEBHOOK);
  return c.json({ object: "webhook", id, signing_secret: secret });
});

webhooks.post("/webhooks/:id/test", async (c) => {
  // Without a body, the most usual event.
  const body = await readJson(c.req.raw, MB);
  const given =
    c.req.raw.headers.get("content-length") === "0" || c.req.raw.body === null ? {} : unwrap(body).value;
  const { type = "email.delivered" } = unwrap(parse(TestWebhook, given));
  const { id, mailjet } = await webhookOf(c);
  if (mailjet !== null)
    return fail(c, {
      kind: "invalid",
      issues: [{ path: "id", message: "is an event callback of Mailjet's dialect, which has no samples" }],
    });
  const now = Date.now();
  const event = newId(now);
  const [ledger] = allLedgers(c.env, c.var.config.shards);
  const outcome = await ledger?.testWebhook(id, event, samplePayload(type, now));
  if (outcome == null) return fail(c, NO_SUCH_WEBHOOK);
  return c.json({
    object: "webhook_test",
    id: event,
    type,
    success: outcome.status >= 200 && outcome.status < 300,
    http_status_code: outcome.status,
    response: outcome.response,
    duration_ms: outcome.durationMs,
  });
});

/** How it does, over all ledgers. */
async function healthOf(c: AppContext, id: string) {
  const ledgers = allLedgers(c.env, c.var.config.shards);
  const health = (await Promise.all(ledgers.map((ledger) => ledger.webhookHealth())))
    .flat()
    .filter(({ endpoint }) => endpoint === id);
  const failing = health.flatMap(({ failingSince }) => (failingSince === null ? [] : [failingSince]));
  return {
    pending: health.reduce((sum, { pending }) => sum + pending, 0),
    failing_since: failing.length === 0 ? null : moment(Math.min(...failing)),
    failures: health.reduce((sum, { failures }) => sum + failures, 0),
  };
}

/** In a list. */
const webhookObject = (webhook: Webhook) => ({
  id: webhook.id,
  // Those of Mailjet's dialect may hold a password.
  endpoint: splitCredentials(webhook.endpoint).url,
  created_at: moment(webhook.createdAt),
  status: webhook.enabled ? "enabled" : "disabled",
  events: webhook.events,
  disabled_at: momentOrNull(webhook.disabledAt),
  disabled_reason: webhook.disabledReason,
});

/**
 * /webhooks/:id/events: what an endpoint was told, what it answered, and telling it again. The log lies in the ledgers, each
 * with the events of its own emails: all are asked, and their answers joined.
 */
import { Hono } from "hono";
import { allLedgers } from "../env.ts";
import type { WebhookAttempt, WebhookEvent } from "../ledger/rpc.ts";
import type { AppContext, AppEnv } from "./context.ts";
import { fail } from "./errors.ts";
import { listPage, pageOf } from "./parameters.ts";
import { moment, momentOrNull } from "./shapes.ts";
import { webhookOf } from "./webhooks.ts";

export const webhookEvents = new Hono<AppEnv>();

const ledgersOf = (c: AppContext) => allLedgers(c.env, c.var.config.shards);
const eventIdOf = (c: AppContext): string => (c.req.param("eid") ?? "").toLowerCase();
const noSuchEvent = (c: AppContext): Response =>
  fail(c, {
    kind: "not_found",
    message: "There is no event with this id in this webhook's log. The log goes back two weeks.",
  });

webhookEvents.get("/webhooks/:id/events", async (c) => {
  const page = pageOf(c);
  const { id } = await webhookOf(c);
  const more = { ...page, limit: page.limit + 1 };
  const pages = await Promise.all(ledgersOf(c).map((ledger) => ledger.webhookEvents(id, more)));
  const newestFirst = pages.flat().sort((a, b) => (a.id < b.id ? 1 : -1));
  const { has_more, data } = listPage(newestFirst, page);
  return c.json({ object: "list", has_more, data: data.map(eventItem) });
});

webhookEvents.get("/webhooks/:id/events/:eid", async (c) => {
  const { id } = await webhookOf(c);
  const found = await Promise.all(ledgersOf(c).map((ledger) => ledger.webhookEvent(id, eventIdOf(c))));
  const event = found.find((one) => one !== null) ?? null;
  if (event === null) return noSuchEvent(c);
  return c.json({
    object: "webhook_event",
    ...eventItem(event),
    next_attempt_at: momentOrNull(event.nextAttemptAt),
    attempts: event.attempts,
    payload: JSON.parse(event.payload) as unknown,
  });
});

webhookEvents.get("/webhooks/:id/events/:eid/attempts", async (c) => {
  const page = pageOf(c);
  const { id } = await webhookOf(c);
  const found = await Promise.all(ledgersOf(c).map((ledger) => ledger.webhookAttempts(id, eventIdOf(c))));
  const attempts = found.find((one) => one !== null) ?? null;
  if (attempts === null) return noSuchEvent(c);
  const { has_more, data } = listPage(attempts, page);
  return c.json({ object: "list", has_more, data: data.map(attemptItem) });
});

webhookEvents.post("/webhooks/:id/events/:eid/replay", async (c) => {
  const { id, enabled } = await webhookOf(c);
  if (!enabled)
    return fail(c, {
      kind: "locked",
      message: 'The webhook is disabled; PATCH it to {"status": "enabled"} first.',
    });
  const eventId = eventIdOf(c);
  const found = await Promise.all(ledgersOf(c).map((ledger) => ledger.replayWebhook(id, eventId)));
  return found.includes(true) ? c.json({ object: "webhook_event", id: eventId }) : noSuchEvent(c);
});

const eventItem = ({ id, type, at, status }: WebhookEvent) => ({ id, type, created_at: moment(at), status });

const attemptItem = ({ id, at, status, response, durationMs }: WebhookAttempt) => ({
  id,
  http_status_code: status,
  response,
  sent_at: moment(at),
  duration_ms: durationMs,
});

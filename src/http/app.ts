/** The HTTP side, put together: every route, and what happens to what no route takes. */
import { Hono } from "hono";
import { type Env, readConfig } from "../env.ts";
import { log } from "../log.ts";
import { apiKeys } from "./api-keys.ts";
import { requireKey } from "./auth.ts";
import type { AppEnv } from "./context.ts";
import { contract } from "./contract.ts";
import { emails } from "./emails.ts";
import { caught, fail } from "./errors.ts";
import { events } from "./events.ts";
import { figures } from "./figures.ts";
import { health } from "./health.ts";
import { home } from "./home.tsx";
import { inbound } from "./inbound.ts";
import { mailjet } from "./mailjet/app.ts";
import { metrics } from "./metrics.ts";
import { recipients } from "./recipients.ts";
import { relays } from "./relays.ts";
import { sending } from "./send.ts";
import { suppressionImport } from "./suppression-import.ts";
import { suppressions } from "./suppressions.ts";
import { templates } from "./templates.ts";
import { answerHit, tracking } from "./tracking.ts";
import { unsubscribe } from "./unsubscribe.ts";
import { webhookEvents } from "./webhook-events.ts";
import { webhooks } from "./webhooks.ts";

/** What a caller may call a request: it goes into headers, logs and transcripts. */
const REQUEST_ID = /^[\w.:-]{1,128}$/;

export const app = new Hono<AppEnv>();

app.use(async (c, next) => {
  // Where Cloudflare is not in front, cf-ray too is whatever the caller says.
  const given = [c.req.header("x-request-id"), c.req.header("cf-ray")];
  const requestId = given.find((id) => id !== undefined && REQUEST_ID.test(id)) ?? crypto.randomUUID();
  c.set("requestId", requestId);
  const config = readConfig(c.env);
  if (config.ok) c.set("config", config.value);
  else if (c.req.path !== "/healthz") {
    log("configuration_wrong", { requestId, problem: config.error });
    return fail(c, {
      kind: "unavailable",
      message: "This gateway is not configured rightly; GET /healthz says what is wrong.",
      retryAfterSeconds: 60,
    });
  }
  await next();
  c.header("x-request-id", requestId);
});

// Once, here: "/emails/*" covers "/emails" too, and what two routers ask for is asked twice.
app.use("/emails/*", requireKey);
app.use("/events/*", requireKey);
app.use("/recipients/*", requireKey);
app.use("/relays/*", requireKey);
app.use("/inbound", requireKey);
app.use("/api-keys/*", requireKey);
app.use("/metrics", requireKey);
app.use("/webhooks/*", requireKey);
app.use("/templates/*", requireKey);
app.use("/suppressions/*", requireKey);

app.route("/", tracking);
app.route("/", unsubscribe);
app.route("/", health);
app.route("/", sending);
app.route("/", figures); // Before emails: "/emails/metrics" looks like an id to it.
app.route("/", emails);
app.route("/", events);
app.route("/", recipients);
app.route("/", relays);
app.route("/", inbound);
app.route("/", mailjet);
app.route("/", apiKeys);
app.route("/", templates);
app.route("/", metrics);
app.route("/", webhooks);
app.route("/", webhookEvents);
app.route("/", contract);
app.route("/", home);
// The paths of whole lists are names, and go before those of one entry.
app.route("/", suppressionImport);
app.route("/", suppressions);

/** Another method of the same path is served: 405 instead of 404. */
const METHODS = ["GET", "POST", "PATCH", "DELETE"] as const;

app.notFound((c) => {
  const allowed = METHODS.filter((method) =>
    app.router.match(method, c.req.path)[0].some(([[, route]]) => route.method === method),
  );
  if (allowed.length === 0)
    return fail(c, { kind: "not_found", message: `${c.req.method} ${c.req.path} is not served here.` });
  c.header("Allow", allowed.join(", "));
  return fail(c, {
    kind: "method_not_allowed",
    message: `${c.req.method} is not served here; ${allowed.join(" and ")} ${allowed.length === 1 ? "is" : "are"}.`,
  });
});

app.onError((cause, c) => fail(c, caught(c, cause)));

/** What the platform calls with each request. */
export const serve = (request: Request, env: Env, context: ExecutionContext): Response | Promise<Response> =>
  answerHit(request, env, context) ?? app.fetch(request, env, context);

/**
 * /u/TOKEN: the way to leave. Only POST acts, at once: a mail program's button (RFC 8058) and the page's form both send one,
 * while scanners fetch with GET (DEMANDS 5). No cookie, no redirect, no database: the token says who leaves what, the ledger
 * makes the event durable, and whoever follows the ledger makes it count.
 */
import { Hono } from "hono";
import { html } from "hono/html";
import { UNSUBSCRIBE_BODY_BYTES } from "../core/limits.ts";
import { ledgerOf } from "../env.ts";
import { log } from "../log.ts";
import type { EventType, Unsubscribe } from "../schema/event.ts";
import { keptAddress } from "../tracking/address.ts";
import { openUnsubscribe, type Subscription } from "../tracking/unsubscribe.ts";
import { keptAgent } from "../tracking/visitor.ts";
import { readText } from "./body.ts";
import type { AppContext, AppEnv } from "./context.ts";
import { newId } from "./new-id.ts";
import { type Page, unsubscribePage } from "./unsubscribe-page.tsx";

export const unsubscribe = new Hono<AppEnv>();

/** The ledger is asked this many times, a little apart, before the page says that it did not work. */
const TRIES = 3;
const RETRY_MS = 100;

unsubscribe.get("/u/:token", (c) => {
  const subscription = subscriptionOf(c);
  return subscription === null ? invalid(c) : page(c, 200, { kind: "ask", ...shown(subscription) });
});

unsubscribe.post("/u/:token", async (c) => {
  const subscription = subscriptionOf(c);
  if (subscription === null) return invalid(c);
  const asked = await wish(c.req.raw);
  const type = asked === "return" ? "email.resubscribed" : "email.unsubscribed";
  const recorded = await record(c, type, subscription, asked === "one_click" ? "one_click" : "page");
  if (!recorded) {
    c.header("Retry-After", "5");
    return page(c, 503, { kind: "failed", ...shown(subscription) });
  }
  if (asked === "one_click") return c.text("Unsubscribed.\n", 200, { "Cache-Control": "no-store" });
  return page(c, 200, { kind: asked === "return" ? "back" : "done", ...shown(subscription) });
});

function subscriptionOf(c: AppContext): Subscription | null {
  return openUnsubscribe(c.var.config.signingSecrets, c.req.param("token") ?? "");
}

/**
 * What a POST wants: `List-Unsubscribe=One-Click` is a mail program's button, urlencoded or multipart (RFC 8058 section 3.2);
 * `action=return` is the page's way back. Anything else, and no body at all, is the wish to leave.
 */
async function wish(request: Request): Promise<"one_click" | "leave" | "return"> {
  const type = request.headers.get("content-type") ?? "";
  const text = await readText(request, UNSUBSCRIBE_BODY_BYTES);
  if (text === null || text === "") return "leave";
  try {
    const form = await new Response(text, { headers: { "content-type": type } }).formData();
    if (form.get("List-Unsubscribe") === "One-Click") return "one_click";
    return form.get("action") === "return" ? "return" : "leave";
  } catch {
    return "leave";
  }
}

/** True: the event is durable. */
async function record(
  c: AppContext,
  type: Extract<EventType, "email.unsubscribed" | "email.resubscribed">,
  { id, recipient, address, topic }: Subscription,
  via: Unsubscribe["via"],
): Promise<boolean> {
  const { shards, visitorAddresses } = c.var.config;
  const now = Date.now();
  const event = {
    id: newId(now),
    type,
    email_id: id,
    recipient,
    at: now,
    data: {
      unsubscribe: { address, topic, via },
      visitor: {
        user_agent: keptAgent(c.req.header("user-agent") ?? null),
        ip: keptAddress(c.req.header("cf-connecting-ip") ?? null, visitorAddresses),
      },
    },
  };
  for (let tried = 0; tried < TRIES; tried++) {
    if (tried > 0) await scheduler.wait(RETRY_MS * tried);
    try {
      await ledgerOf(c.env, shards, id).append([{ kind: "event", event }]);
      return true;
    } catch (cause) {
      log("ledger_refused_unsubscribe", {
        requestId: c.var.requestId,
        tried: tried + 1,
        cause: String(cause),
      });
    }
  }
  return false;
}

/** What the page may show: whoever the mail was forwarded to sees it too. */
function shown({ address, topic }: Subscription): { address: string; topic: string | null } {
  const [first = ""] = address;
  return { address: `${first}…${address.slice(address.lastIndexOf("@"))}`, topic };
}

const invalid = (c: AppContext): Response | Promise<Response> => page(c, 404, { kind: "invalid" });

function page(c: AppContext, status: 200 | 404 | 503, content: Page): Response | Promise<Response> {
  const nonce = crypto.randomUUID();
  return c.html(html`<!doctype html>${unsubscribePage(content, nonce)}`, status, {
    "Cache-Control": "no-store",
    "Content-Security-Policy": `default-src 'none'; style-src 'nonce-${nonce}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
  });
}

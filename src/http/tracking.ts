/**
 * What recipients touch: the pixel and the redirect. Stateless: a token says whose it is, a link where it leads; no
 * database is asked, so both work for ever, whatever else is down.
 */
import { Hono } from "hono";
import { shardOf, timeOf, uuidv7 } from "../core/ids.ts";
import { USER_AGENT_CHARS } from "../core/limits.ts";
import { type Config, readConfig } from "../env.ts";
import type { EventData } from "../schema/event.ts";
import { keptAddress } from "../tracking/address.ts";
import { verifyLink } from "../tracking/link.ts";
import { type Subject, verifyToken } from "../tracking/token.ts";
import { judgeVisit } from "../tracking/verdict.ts";
import { visitOf } from "../tracking/visitor.ts";
import type { AppContext, AppEnv } from "./context.ts";
import { fail } from "./errors.ts";
import { recordHit } from "./hits.ts";

/** A transparent 1×1 GIF89a: 42 bytes. */
const GIF = Uint8Array.from(atob("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"), (char) =>
  char.charCodeAt(0),
);
/** Image proxies keep what they may; each open should come to us. */
const NEVER_CACHED = {
  "Cache-Control": "no-store, no-cache, must-revalidate, private, max-age=0",
  Pragma: "no-cache",
  Expires: "0",
};

const PIXEL_HEADERS = {
  "Content-Type": "image/gif",
  "Content-Length": String(GIF.length),
  ...NEVER_CACHED,
};
const REDIRECT_HEADERS = { "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex", ...NEVER_CACHED };

/** Served by itself for GET, past what other routes need first: hits come by the thousand, and want neither key nor request id. */
export const tracking = new Hono<AppEnv>();

/** Whether a request is a hit. */
export function isHit(request: Request): boolean {
  if (request.method !== "GET") return false;
  const { url } = request;
  return /^[^/]*\/\/[^/]*\/[co]\//.test(url);
}

/** Null: nothing can be verified, nor recorded. */
function configOf(c: AppContext): Config | null {
  const config = readConfig(c.env);
  return config.ok ? config.value : null;
}

tracking.get("/o/:token", (c) => {
  const config = configOf(c);
  if (config === null) return unavailable(c);
  const subject = verifyToken(config.signingSecrets, c.req.param("token").replace(/\.gif$/, ""));
  if (subject === null) return notFound(c);
  hit(c, config, "email.opened", subject, {});
  return new Response(GIF, { headers: PIXEL_HEADERS });
});

tracking.get("/c/:token/:link", (c) => {
  const config = configOf(c);
  if (config === null) return unavailable(c);
  const { signingSecrets } = config;
  const subject = verifyToken(signingSecrets, c.req.param("token"));
  const target = subject === null ? null : verifyLink(signingSecrets, subject.id, c.req.param("link"));
  if (subject === null || target === null) return notFound(c);
  hit(c, config, "email.clicked", subject, { click: { link: target } });
  return new Response(null, { status: 302, headers: { Location: asHeader(target), ...REDIRECT_HEADERS } });
});

/** Records a visit, and fails in silence: who reads mail must never see our trouble. */
function hit(
  c: AppContext,
  { shards, visitorAddresses }: Config,
  type: "email.opened" | "email.clicked",
  subject: Subject,
  data: EventData,
): void {
  try {
    const now = Date.now();
    const ip = c.req.header("cf-connecting-ip") ?? null;
    // An id is as old as the message: what comes within a second of it was no person.
    const visit = visitOf(type === "email.opened" ? "open" : "click", c.req.raw, {
      now,
      sentAt: timeOf(subject.id),
      ip,
    });
    const event = {
      id: uuidv7(now, noise()),
      type,
      email_id: subject.id,
      recipient: subject.recipient,
      at: now,
      data: {
        ...data,
        visitor: {
          user_agent: visit.userAgent?.slice(0, USER_AGENT_CHARS) ?? null,
          ip: keptAddress(ip ?? "", visitorAddresses),
          ...judgeVisit(visit),
        },
      },
    };
    const carried = recordHit(c.env, shards, shardOf(subject.id, shards), event);
    if (carried !== null) c.executionCtx.waitUntil(carried);
  } catch (cause) {
    console.error(JSON.stringify({ fact: "hit_failed", type, cause: String(cause) }));
  }
}

/** Random bytes are fetched many at a time: a call costs more than the bytes. */
const pool = new Uint8Array(4_000);
let used = pool.length;
function noise(): Uint8Array {
  if (used === pool.length) {
    crypto.getRandomValues(pool);
    used = 0;
  }
  used += 10;
  return pool.subarray(used - 10, used);
}

/** A target is sent on as it is. One with characters a header cannot carry is spelled as a browser would spell it. */
const asHeader = (target: string): string => (/^[\x21-\x7e]+$/.test(target) ? target : new URL(target).href);

const unavailable = (c: AppContext): Response =>
  fail(c, {
    kind: "unavailable",
    message: "This gateway is not configured rightly; GET /healthz says what is wrong.",
    retryAfterSeconds: 60,
  });

const notFound = (c: AppContext): Response =>
  c.text(
    "This link is not valid. It may have been cut off on its way; try it from the original mail.\n",
    404,
    NEVER_CACHED,
  );

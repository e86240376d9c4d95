/**
 * What recipients touch: the pixel and the redirect. Stateless: a token says whose it is, a link where it leads; no
 * database is asked, so both work for ever, whatever else is down.
 */
import { Hono } from "hono";
import { shardOf, timeOf, uuidv7 } from "../core/ids.ts";
import { USER_AGENT_CHARS } from "../core/limits.ts";
import type { EventData } from "../schema/event.ts";
import { keptAddress } from "../tracking/address.ts";
import { verifyLink } from "../tracking/link.ts";
import { type Subject, verifyToken } from "../tracking/token.ts";
import { judgeVisit } from "../tracking/verdict.ts";
import { visitOf } from "../tracking/visitor.ts";
import type { AppContext, AppEnv } from "./context.ts";
import { recordHit } from "./hits.ts";

/** A transparent 1×1 GIF89a: 43 bytes. */
const GIF = Uint8Array.from(atob("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"), (char) =>
  char.charCodeAt(0),
);
/** Image proxies keep what they may; each open should come to us. */
const NEVER_CACHED = {
  "Cache-Control": "no-store, no-cache, must-revalidate, private, max-age=0",
  Pragma: "no-cache",
  Expires: "0",
};

export const tracking = new Hono<AppEnv>();

tracking.get("/o/:token", (c) => {
  const subject = verifyToken(c.var.config.signingSecrets, c.req.param("token").replace(/\.gif$/, ""));
  if (subject === null) return notFound(c);
  hit(c, "email.opened", subject, {});
  return c.body(GIF, 200, {
    "Content-Type": "image/gif",
    "Content-Length": String(GIF.length),
    ...NEVER_CACHED,
  });
});

tracking.get("/c/:token/:link", (c) => {
  const { signingSecrets } = c.var.config;
  const subject = verifyToken(signingSecrets, c.req.param("token"));
  const target = subject === null ? null : verifyLink(signingSecrets, subject.id, c.req.param("link"));
  if (subject === null || target === null) return notFound(c);
  hit(c, "email.clicked", subject, { click: { link: target } });
  return c.body(null, 302, {
    Location: asHeader(target),
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
    ...NEVER_CACHED,
  });
});

/** Records a visit, and fails in silence: who reads mail must never see our trouble. */
function hit(c: AppContext, type: "email.opened" | "email.clicked", subject: Subject, data: EventData): void {
  try {
    const { shards, visitorAddresses } = c.var.config;
    const now = Date.now();
    const ip = c.req.header("cf-connecting-ip") ?? null;
    // An id is as old as the message: what comes within a second of it was no person.
    const visit = visitOf(type === "email.opened" ? "open" : "click", c.req.raw, {
      now,
      sentAt: timeOf(subject.id),
      ip,
    });
    const event = {
      id: uuidv7(now, crypto.getRandomValues(new Uint8Array(10))),
      type,
      email_id: subject.id,
      recipient: subject.recipient,
      at: now,
      data: {
        ...data,
        visitor: {
          user_agent: c.req.header("user-agent")?.slice(0, USER_AGENT_CHARS) ?? null,
          ip: keptAddress(ip ?? "", visitorAddresses),
          ...judgeVisit(visit),
        },
      },
    };
    c.executionCtx.waitUntil(recordHit(c.env, shards, shardOf(subject.id, shards), event));
  } catch (cause) {
    console.error(JSON.stringify({ fact: "hit_failed", type, cause: String(cause) }));
  }
}

/** A target is sent on as it is. One with characters a header cannot carry is spelled as a browser would spell it. */
const asHeader = (target: string): string => (/^[\x21-\x7e]+$/.test(target) ? target : new URL(target).href);

const notFound = (c: AppContext): Response =>
  c.text(
    "This link is not valid. It may have been cut off on its way; try it from the original mail.\n",
    404,
    NEVER_CACHED,
  );

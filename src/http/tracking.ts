/**
 * What recipients touch: the pixel and the redirect. Stateless: a token says whose it is, a link where it leads; no
 * database is asked, so both work for ever, whatever else is down.
 */
import { Hono } from "hono";
import { type EmailId, timeOf, uuidv7 } from "../core/ids.ts";
import { LINKS_KNOWN } from "../core/limits.ts";
import { type Config, type Env, readConfig } from "../env.ts";
import { keptAddress } from "../tracking/address.ts";
import { verifyLink } from "../tracking/link.ts";
import { type Subject, verifyToken } from "../tracking/token.ts";
import { judgeVisit } from "../tracking/verdict.ts";
import { keptAgent, visitOf } from "../tracking/visitor.ts";
import type { AppContext, AppEnv } from "./context.ts";
import { recordHit } from "./hits.ts";

/** A transparent 1×1 GIF89a: 42 bytes. */
const GIF = Uint8Array.from(atob("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"), (char) =>
  char.charCodeAt(0),
);
/** Image proxies keep what they may; each open should come to us. */
const NEVER_CACHED = { "Cache-Control": "no-store, no-cache, must-revalidate, private, max-age=0" };
const PIXEL_HEADERS = { "Content-Type": "image/gif", ...NEVER_CACHED };
/** The shape of its answer: to read the headers from an object each time costs as much as checking a token. */
const PIXEL = new Response(null, { headers: PIXEL_HEADERS });
const REDIRECT_HEADERS = { "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex", ...NEVER_CACHED };

/** What a hit came with. */
interface Call {
  request: Request;
  env: Env;
  context: Pick<ExecutionContext, "waitUntil">;
  config: Config;
}

/** The token of a pixel's address; the token and link of a link's. */
const HIT = /^[^/]*\/\/[^/]*\/(?:o\/([\w-]{43})(?:\.gif)?|c\/([\w-]{43})\/([\w-]+))(?:\?|$)/;

/**
 * The answer to a pixel or a link that is asked for as a reader does; null for anything else. Past the router and what other
 * routes need first: hits come by the thousand, and want neither key nor request id.
 */
export function answerHit(request: Request, env: Env, context: ExecutionContext): Response | null {
  if (request.method !== "GET") return null;
  const found = HIT.exec(request.url);
  if (found === null) return null;
  const config = readConfig(env);
  if (!config.ok) return null;
  const call = { request, env, context, config: config.value };
  return found[1] === undefined ? redirect(call, found[2]!, found[3]!) : pixel(call, found[1]);
}

/** Every other request to these addresses: other methods, tokens cut off or forged. */
export const tracking = new Hono<AppEnv>();
tracking.get("/o/:token", (c) => pixel(callOf(c), c.req.param("token").replace(/\.gif$/, "")) ?? notFound(c));
tracking.get(
  "/c/:token/:link",
  // A copy, for what comes next writes into it.
  (c) => redirect(callOf(c), c.req.param("token"), c.req.param("link"))?.clone() ?? notFound(c),
);

const callOf = (c: AppContext): Call => ({
  request: c.req.raw,
  env: c.env,
  context: c.executionCtx,
  config: c.var.config,
});

/** Null: not a token of ours. */
function pixel(call: Call, token: string): Response | null {
  const subject = verifyToken(call.config.signingSecrets, token);
  if (subject === null) return null;
  record(call, subject, null);
  return new Response(GIF, PIXEL);
}

/** Null: not a token of ours, or not a link of its message. The answer is shared with others to the same link. */
function redirect(call: Call, token: string, link: string): Response | null {
  const subject = verifyToken(call.config.signingSecrets, token);
  const target = subject === null ? null : targetOf(call.config, subject.id, link);
  if (subject === null || target === null) return null;
  record(call, subject, target.link);
  return target.answer;
}

/** Where a link leads, and the answer that leads there: it has no body, so it can be given again and again. */
interface Target {
  link: string;
  answer: Response;
}

/** Links that were right lately, with their targets: those of a newsletter are followed by thousands. */
const targets = new WeakMap<Config, Map<string, Target>>();

function targetOf(config: Config, id: EmailId, path: string): Target | null {
  let known = targets.get(config);
  if (known === undefined) {
    known = new Map();
    targets.set(config, known);
  }
  const key = `${id}/${path}`;
  const before = known.get(key);
  if (before !== undefined) return before;
  const link = verifyLink(config.signingSecrets, id, path);
  if (link === null) return null;
  const headers = { Location: asHeader(link), ...REDIRECT_HEADERS };
  const target = { link, answer: new Response(null, { status: 302, headers }) };
  if (known.size >= LINKS_KNOWN) known.clear();
  known.set(key, target);
  return target;
}

/** Records a visit, and fails in silence: who reads mail must never see our trouble. `link`: null for an open. */
function record(
  { request, env, context, config: { shards, visitorAddresses } }: Call,
  { id, recipient }: Subject,
  link: string | null,
): void {
  try {
    const now = Date.now();
    const ip = request.headers.get("cf-connecting-ip");
    // An id is as old as the message: what comes within a second of it was no person.
    const visit = visitOf(link === null ? "open" : "click", request, { now, sentAt: timeOf(id), ip });
    const { verdict, reason } = judgeVisit(visit);
    const carried = recordHit(env, shards, {
      id: newEventId(now),
      email_id: id,
      recipient,
      at: now,
      link,
      visitor: {
        user_agent: keptAgent(visit.userAgent),
        ip: keptAddress(ip, visitorAddresses),
        verdict,
        reason,
      },
    });
    if (carried !== null) context.waitUntil(carried);
  } catch (cause) {
    console.error(
      JSON.stringify({ fact: "hit_failed", type: link === null ? "open" : "click", cause: String(cause) }),
    );
  }
}

/** Random bytes are fetched many at a time: a call costs more than the bytes. */
const pool = new Uint8Array(4_000);
let used = pool.length;
function newEventId(now: number): string {
  if (used === pool.length) {
    crypto.getRandomValues(pool);
    used = 0;
  }
  used += 10;
  return uuidv7(now, pool, used - 10);
}

/** A target is sent on as it is. One with characters a header cannot carry is spelled as a browser would spell it. */
const asHeader = (target: string): string => (/^[\x21-\x7e]+$/.test(target) ? target : new URL(target).href);

const notFound = (c: AppContext): Response =>
  c.text(
    "This link is not valid. It may have been cut off on its way; try it from the original mail.\n",
    404,
    NEVER_CACHED,
  );

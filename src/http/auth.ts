/**
 * Who may call: `Authorization: Bearer KEY`, where KEY is the root key or one made by POST /api-keys. Keys other than the
 * root's are asked of the registry, and what it said is believed for KEY_CACHE_MS: so soon a revoked key is refused
 * everywhere.
 */
import { createMiddleware } from "hono/factory";
import { base64url, utf8 } from "../core/bytes.ts";
import type { Problem } from "../core/errors.ts";
import { KEY_CACHE_MS, KEYS_CACHED } from "../core/limits.ts";
import { err, ok, type Result } from "../core/result.ts";
import { type Env, registryOf } from "../env.ts";
import type { ApiKey, Permission } from "../registry/rpc.ts";
import type { Frequency } from "../schema/frequency.ts";
import type { AppContext, AppEnv } from "./context.ts";
import { fail } from "./errors.ts";

/** Whoever holds a key, and what they may do. */
export interface Caller {
  /** Null: the root key. */
  id: string | null;
  permission: Permission;
  /** Sender domains; null: all. */
  domains: readonly string[] | null;
  rate: Frequency | null;
  sandbox: boolean;
}

const ROOT: Caller = { id: null, permission: "full_access", domains: null, rate: null, sandbox: false };

/** What a key of sending_access may call. Mail in too: a mail server should not have to hold a key that reads everything. */
const SENDING = /^\/(emails(\/batch|\/bulk)?|v3\.1\/send|inbound)\/?$/;

/** SHA-256 of a key, base64url: what keys are known and compared by, so that time tells nothing about them. */
export const hashOfKey = async (key: string): Promise<string> =>
  base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", utf8(key))));

let root: { key: string; hash: string } | null = null;
async function hashOfRoot(key: string): Promise<string> {
  if (root?.key !== key) root = { key, hash: await hashOfKey(key) };
  return root.hash;
}

/** What the registry said of a hash, and until when it is believed. */
const known = new Map<string, { key: ApiKey | null; until: number }>();

/** After a key was revoked here, nothing is believed any longer. */
export const forgetKeys = (): void => known.clear();

async function lookUp(env: Env, hash: string, now: number): Promise<ApiKey | null> {
  const before = known.get(hash);
  if (before !== undefined && before.until > now) return before.key;
  const key = await registryOf(env).findKey(hash);
  known.delete(hash);
  if (known.size >= KEYS_CACHED) known.delete(known.keys().next().value!);
  known.set(hash, { key, until: now + KEY_CACHE_MS });
  return key;
}

/**
 * Hashes of keys that were right: the platform's digest costs a turn of the event loop. A Map finds text by a hash of its
 * own with a secret seed, so the time of a look tells nothing about the keys in it either.
 */
const hashes = new Map<string, string>();

function remember(given: string, hash: string): void {
  if (hashes.size >= KEYS_CACHED) hashes.delete(hashes.keys().next().value!);
  hashes.set(given, hash);
}

/** Who holds this key; null: nobody. */
export async function callerOf(c: AppContext, given: string): Promise<Caller | null> {
  const remembered = hashes.get(given);
  const hash = remembered ?? (await hashOfKey(given));
  const caller = await holderOf(c, hash);
  if (caller !== null && remembered === undefined) remember(given, hash);
  return caller;
}

async function holderOf(c: AppContext, hash: string): Promise<Caller | null> {
  if (hash === (await hashOfRoot(c.var.config.apiKey))) return ROOT;
  const now = Date.now();
  const key = await lookUp(c.env, hash, now);
  return key === null || (key.expiresAt !== null && key.expiresAt <= now) ? null : key;
}

/** Whether a caller may make this request now. Counts it, and says in headers what is left (draft-ietf-httpapi-ratelimit-headers). */
export async function admit(c: AppContext, caller: Caller): Promise<Result<null, Problem>> {
  if (caller.permission === "sending_access" && !(c.req.method === "POST" && SENDING.test(c.req.path)))
    return err({
      kind: "restricted_api_key",
      message: "This API key is restricted to only send emails.",
    });
  if (caller.rate === null || caller.id === null) return ok(null);
  const left = await registryOf(c.env).takeFromKey(caller.id);
  if (left === null) return ok(null);
  const { count, perMs } = caller.rate;
  const seconds = (tokens: number) => Math.max(1, Math.ceil((tokens * perMs) / count / 1_000));
  c.header("ratelimit-limit", String(count));
  c.header("ratelimit-policy", `${count};w=${perMs / 1_000}`);
  c.header("ratelimit-remaining", String(Math.max(0, Math.floor(left))));
  c.header("ratelimit-reset", String(seconds(count - Math.max(0, left))));
  if (left >= 0) return ok(null);
  return err({
    kind: "rate_limited",
    message: `Too many requests: this API key may make ${count} in ${perMs / 1_000} s.`,
    retryAfterSeconds: seconds(-left),
  });
}

export const requireKey = createMiddleware<AppEnv>(async (c, next) => {
  const header = c.req.header("authorization");
  const given = header === undefined ? null : /^Bearer +(\S+) *$/i.exec(header);
  if (given === null) return fail(c, { kind: "missing_api_key" });
  const caller = await callerOf(c, given[1]!);
  if (caller === null) return fail(c, { kind: "invalid_api_key" });
  const admitted = await admit(c, caller);
  if (!admitted.ok) return fail(c, admitted.error);
  c.set("caller", caller);
  await next();
});

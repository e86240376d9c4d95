/** /api-keys: keys are made, listed, renamed and revoked. A key is shown once, when it is made. */
import { Hono } from "hono";
import { base64url } from "../core/bytes.ts";
import { API_KEY_CHARS, API_KEY_HINT_CHARS, API_KEYS_MAX, MB } from "../core/limits.ts";
import { registryOf } from "../env.ts";
import type { ApiKey } from "../registry/rpc.ts";
import { CreateApiKey, RenameApiKey } from "../schema/api-key.ts";
import { spellFrequency } from "../schema/frequency.ts";
import { parse } from "../schema/parse.ts";
import { forgetKeys, hashOfKey } from "./auth.ts";
import { readJson } from "./body.ts";
import type { AppContext, AppEnv } from "./context.ts";
import { fail, unwrap } from "./errors.ts";
import { newId } from "./new-id.ts";
import { listPage, pageOf } from "./parameters.ts";
import { moment, momentOrNull } from "./shapes.ts";

export const apiKeys = new Hono<AppEnv>();

apiKeys.post("/api-keys", async (c) => {
  const { value } = unwrap(await readJson(c.req.raw, MB));
  const request = unwrap(parse(CreateApiKey, value));
  const now = Date.now();
  const expiresAt = request.expires_at == null ? null : Date.parse(request.expires_at);
  if (expiresAt !== null && expiresAt <= now)
    return fail(c, { kind: "invalid", issues: [{ path: "expires_at", message: "is in the past" }] });
  const registry = registryOf(c.env);
  if ((await registry.listKeys()).length >= API_KEYS_MAX)
    return fail(c, {
      kind: "invalid",
      issues: [{ path: "", message: `There are ${API_KEYS_MAX} keys already; revoke some first.` }],
    });
  const token = `re_${base64url(crypto.getRandomValues(new Uint8Array((API_KEY_CHARS * 3) / 4)))}`;
  const domains = new Set([
    ...(request.domains ?? []),
    ...(request.domain_id == null ? [] : [request.domain_id]),
  ]);
  const id = newId(now);
  await registry.createKey({
    id,
    hash: await hashOfKey(token),
    name: request.name,
    hint: token.slice(0, API_KEY_HINT_CHARS),
    permission: request.permission ?? "full_access",
    domains: domains.size === 0 ? null : [...domains],
    rate: request.rate_limit ?? null,
    sandbox: request.sandbox ?? false,
    createdAt: now,
    expiresAt,
  });
  return c.json({ object: "api_key", id, token }, 201);
});

apiKeys.get("/api-keys", async (c) => {
  const page = pageOf(c);
  const { has_more, data } = listPage(await registryOf(c.env).listKeys(), page);
  return c.json({ object: "list", has_more, data: data.map(keyObject) });
});

apiKeys.patch("/api-keys/:id", async (c) => {
  const { value } = unwrap(await readJson(c.req.raw, MB));
  const { name } = unwrap(parse(RenameApiKey, value));
  const id = c.req.param("id").toLowerCase();
  if (!(await registryOf(c.env).renameKey(id, name))) return noSuchKey(c);
  return c.json({ object: "api_key", id });
});

apiKeys.delete("/api-keys/:id", async (c) => {
  const id = c.req.param("id").toLowerCase();
  if (!(await registryOf(c.env).removeKey(id))) return noSuchKey(c);
  forgetKeys();
  return c.json({ object: "api_key", id, deleted: true });
});

const keyObject = (key: ApiKey) => ({
  id: key.id,
  name: key.name,
  created_at: moment(key.createdAt),
  last_used_at: momentOrNull(key.lastUsedAt),
  hint: key.hint,
  permission: key.permission,
  domains: key.domains,
  rate_limit: key.rate === null ? null : spellFrequency(key.rate),
  sandbox: key.sandbox,
  expires_at: momentOrNull(key.expiresAt),
});

const noSuchKey = (c: AppContext): Response =>
  fail(c, { kind: "not_found", message: "There is no API key with this id." });

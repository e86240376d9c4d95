/** Who may call: `Authorization: Bearer KEY`. */
import { createMiddleware } from "hono/factory";
import { constantTimeEqual, utf8 } from "../core/bytes.ts";
import type { AppEnv } from "./context.ts";
import { fail } from "./errors.ts";

/** Compares in time that tells nothing about the key, its length included: both are hashed first. */
async function isSame(given: string, key: string): Promise<boolean> {
  const [a, b] = await Promise.all([given, key].map((text) => crypto.subtle.digest("SHA-256", utf8(text))));
  return constantTimeEqual(new Uint8Array(a!), new Uint8Array(b!));
}

export const requireKey = createMiddleware<AppEnv>(async (c, next) => {
  const header = c.req.header("authorization");
  const given = header === undefined ? null : /^Bearer +(\S+) *$/i.exec(header);
  if (given === null) return fail(c, { kind: "missing_api_key" });
  if (!(await isSame(given[1]!, c.var.config.apiKey))) return fail(c, { kind: "invalid_api_key" });
  await next();
});

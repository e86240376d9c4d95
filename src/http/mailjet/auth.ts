/**
 * Who may call in Mailjet's dialect: HTTP Basic, as its SDKs send a public and a private key, or Bearer. Either half of
 * Basic may be an API key of ours; the other is not looked at then.
 */
import { createMiddleware } from "hono/factory";
import { admit, callerOf } from "../auth.ts";
import type { AppEnv } from "../context.ts";
import { refuseProblem } from "./errors.ts";

/** The keys a header offers, the likeliest first. Empty: none. */
export function offeredKeys(header: string | undefined): string[] {
  const [, scheme, given] = /^(Basic|Bearer) +(\S+) *$/i.exec(header ?? "") ?? [];
  if (scheme === undefined || given === undefined) return [];
  if (scheme.toLowerCase() === "bearer") return [given];
  let pair: string;
  try {
    pair = atob(given);
  } catch {
    return [];
  }
  const colon = pair.indexOf(":");
  return [pair.slice(colon + 1), pair.slice(0, Math.max(colon, 0))].filter((key) => key !== "");
}

export const requireMailjetKey = createMiddleware<AppEnv>(async (c, next) => {
  const keys = offeredKeys(c.req.header("authorization"));
  if (keys.length === 0) return refuseProblem(c, { kind: "missing_api_key" });
  for (const key of keys) {
    const caller = await callerOf(c, key);
    if (caller === null) continue;
    const admitted = await admit(c, caller);
    if (!admitted.ok) return refuseProblem(c, admitted.error);
    c.set("caller", caller);
    await next();
    return;
  }
  return refuseProblem(c, { kind: "invalid_api_key" });
});

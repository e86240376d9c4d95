/**
 * Standard Webhooks signatures (standardwebhooks.com, the specification's "Signature scheme"): HMAC-SHA256 over
 * `id.timestamp.body`, base64. The same values go under Svix's and Resend's header names, since verifiers look for either.
 */
import { utf8 } from "../core/bytes.ts";
import { type Endpoint, SECRET_PREFIX } from "../schema/webhook.ts";

/** Headers of one attempt. `now` in milliseconds; receivers refuse what is off by more than five minutes. */
export async function signedHeaders(
  secrets: Endpoint["secrets"],
  id: string,
  now: number,
  body: string,
): Promise<Record<string, string>> {
  const timestamp = String(Math.floor(now / 1_000));
  const content = utf8(`${id}.${timestamp}.${body}`);
  const signatures: string[] = [];
  for (const { secret, until } of secrets)
    if (until === null || until > now) signatures.push(`v1,${await hmac(secret, content)}`);
  const signature = signatures.join(" ");
  return {
    "webhook-id": id,
    "webhook-timestamp": timestamp,
    "webhook-signature": signature,
    "svix-id": id,
    "svix-timestamp": timestamp,
    "svix-signature": signature,
  };
}

async function hmac(secret: string, content: Uint8Array): Promise<string> {
  const bytes = Uint8Array.from(atob(secret.slice(SECRET_PREFIX.length)), (char) => char.charCodeAt(0));
  const key = await crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return btoa(String.fromCharCode(...new Uint8Array(await crypto.subtle.sign("HMAC", key, content))));
}

/**
 * Click links: `/c/TOKEN/LINK`. LINK carries the exact target and a MAC over message and target, made once per message,
 * so a redirect needs no database, works for ever, and leads only where a message of ours led.
 *
 *     HMAC-SHA256 truncated to 12 | target in UTF-8     (bytes, as base64url)
 */
import { base64url, constantTimeEqual, fromBase64url, fromUtf8, utf8 } from "../core/bytes.ts";
import { type EmailId, idBytes } from "../core/ids.ts";
import { LINK_TARGET_BYTES } from "../core/limits.ts";
import { mac } from "./token.ts";

const MAC_BYTES = 12;
/** What a redirect may lead to: http(s) that a browser can read, and no control characters. */
const TARGET = /^https?:\/\/\P{Cc}+$/iu;

const macOf = (secret: string, id: Uint8Array, target: Uint8Array): Uint8Array => {
  const bytes = new Uint8Array(16 + target.length);
  bytes.set(id);
  bytes.set(target, 16);
  return mac(secret, "link", bytes, MAC_BYTES);
};

/** Signs links of one message: the exact target in, LINK out. Null: not a target we would redirect to, leave it alone. */
export function linkSigner(secret: string, id: EmailId): (target: string) => string | null {
  const message = idBytes(id);
  return (target) => {
    if (!TARGET.test(target) || !target.isWellFormed() || !URL.canParse(target)) return null;
    const bytes = utf8(target);
    if (bytes.length > LINK_TARGET_BYTES) return null;
    const out = new Uint8Array(MAC_BYTES + bytes.length);
    out.set(macOf(secret, message, bytes));
    out.set(bytes, MAC_BYTES);
    return base64url(out);
  };
}

/** The target of a message's LINK, or null when no secret of ours made it for this message. */
export function verifyLink(secrets: readonly string[], id: EmailId, link: string): string | null {
  const bytes = fromBase64url(link);
  if (bytes === null || bytes.length <= MAC_BYTES || bytes.length > MAC_BYTES + LINK_TARGET_BYTES)
    return null;
  const message = idBytes(id);
  const given = bytes.subarray(0, MAC_BYTES);
  const target = bytes.subarray(MAC_BYTES);
  if (!secrets.some((secret) => constantTimeEqual(macOf(secret, message, target), given))) return null;
  return fromUtf8(target);
}

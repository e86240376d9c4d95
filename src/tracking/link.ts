/**
 * Click links: `/c/TOKEN/LINK`. LINK carries the exact target and a MAC over message and target, made once per message,
 * so a redirect needs no database, works for ever, and leads only where a message of ours led.
 *
 *     MAC truncated to 12 | target in UTF-8     (bytes, as base64url)
 *
 * The MAC is SHA-256 under a key of the message's own, which HMAC-SHA256 derives from the secret and the message id: a
 * newsletter has dozens of links, and an HMAC for each costs twice as much (see textMac).
 */
import { base64url, constantTimeEqual, fromBase64url, fromUtf8 } from "../core/bytes.ts";
import { type EmailId, idBytes } from "../core/ids.ts";
import { LINK_TARGET_BYTES } from "../core/limits.ts";
import { MAC_BYTES, type TextMac, textMac } from "./token.ts";

const encoder = new TextEncoder();
/** What a redirect may lead to: http(s) that a browser can read, and no control characters. */
const TARGET = /^https?:\/\/\P{Cc}+$/iu;

/** Where links are put together: the MAC, then the target. */
const room = new Uint8Array(MAC_BYTES + LINK_TARGET_BYTES);

/** Signs links of one message: the exact target in, LINK out. Null: not a target we would redirect to, leave it alone. */
export function linkSigner(secret: string, id: EmailId): (target: string) => string | null {
  let macOf: TextMac | null = null;
  return (target) => {
    if (!TARGET.test(target) || !target.isWellFormed() || !URL.canParse(target)) return null;
    const length = write(target);
    if (length === null) return null;
    macOf ??= textMac(secret, "link", idBytes(id));
    const end = MAC_BYTES + length;
    macOf(room.subarray(MAC_BYTES, end), room);
    return base64url(room, end);
  };
}

/** Puts the target in UTF-8 behind the MAC. Its length; null when there is no room for all of it. */
function write(target: string): number | null {
  if (target.length > LINK_TARGET_BYTES) return null;
  // Most targets are short ASCII: a loop beats a call into native code.
  for (let i = 0; i < target.length; i++) {
    const code = target.charCodeAt(i);
    if (code > 127) {
      const { read, written } = encoder.encodeInto(target, room.subarray(MAC_BYTES));
      return read < target.length ? null : written;
    }
    room[MAC_BYTES + i] = code;
  }
  return target.length;
}

/** The target of a message's LINK, or null when no secret of ours made it for this message. */
export function verifyLink(secrets: readonly string[], id: EmailId, link: string): string | null {
  const bytes = fromBase64url(link);
  if (bytes === null || bytes.length <= MAC_BYTES || bytes.length > MAC_BYTES + LINK_TARGET_BYTES)
    return null;
  const given = bytes.subarray(0, MAC_BYTES);
  const target = bytes.subarray(MAC_BYTES);
  const made = (secret: string) => {
    const bytes = new Uint8Array(MAC_BYTES);
    textMac(secret, "link", idBytes(id))(target, bytes);
    return bytes;
  };
  if (!secrets.some((secret) => constantTimeEqual(made(secret), given))) return null;
  return fromUtf8(target);
}

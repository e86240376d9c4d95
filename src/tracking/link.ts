/**
 * Click links: `/c/TOKEN/LINK`. LINK carries the exact target and a MAC over message and target, made once per message,
 * so a redirect needs no database, works for ever, and leads only where a message of ours led.
 *
 *     HMAC-SHA256 truncated to 12 | target in UTF-8     (bytes, as base64url)
 */
import { base64url, concat, constantTimeEqual, fromBase64url, fromUtf8 } from "../core/bytes.ts";
import { type EmailId, idBytes } from "../core/ids.ts";
import { LINK_TARGET_BYTES } from "../core/limits.ts";
import { mac } from "./token.ts";

const ID_BYTES = 16;
const MAC_BYTES = 12;
const encoder = new TextEncoder();
/** What a redirect may lead to: http(s) that a browser can read, and no control characters. */
const TARGET = /^https?:\/\/\P{Cc}+$/iu;

/** `bytes` holds the message id and then the target. */
const macOf = (secret: string, bytes: Uint8Array): Uint8Array => mac(secret, "link", bytes, MAC_BYTES);

/** Where links are put together: message id, target. A LINK is the MAC and the target, so the MAC then goes over the id's end. */
const room = new Uint8Array(ID_BYTES + LINK_TARGET_BYTES);

/** Signs links of one message: the exact target in, LINK out. Null: not a target we would redirect to, leave it alone. */
export function linkSigner(secret: string, id: EmailId): (target: string) => string | null {
  const message = idBytes(id);
  return (target) => {
    if (!TARGET.test(target) || !target.isWellFormed() || !URL.canParse(target)) return null;
    const length = write(target);
    if (length === null) return null;
    const end = ID_BYTES + length;
    room.set(message);
    room.set(macOf(secret, room.subarray(0, end)), ID_BYTES - MAC_BYTES);
    return base64url(room.subarray(ID_BYTES - MAC_BYTES, end));
  };
}

/** Puts the target in UTF-8 behind the id. Its length; null when there is no room for all of it. */
function write(target: string): number | null {
  if (target.length > LINK_TARGET_BYTES) return null;
  // Most targets are short ASCII: a loop beats a call into native code.
  for (let i = 0; i < target.length; i++) {
    const code = target.charCodeAt(i);
    if (code > 127) {
      const { read, written } = encoder.encodeInto(target, room.subarray(ID_BYTES));
      return read < target.length ? null : written;
    }
    room[ID_BYTES + i] = code;
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
  const signed = concat([idBytes(id), target]);
  if (!secrets.some((secret) => constantTimeEqual(macOf(secret, signed), given))) return null;
  return fromUtf8(target);
}

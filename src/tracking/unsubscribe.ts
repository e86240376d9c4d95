/**
 * Unsubscribe links: `/u/TOKEN`. TOKEN says who leaves what, so that a link acts without a database, also when the email's
 * rows are gone: the recipient, the address and the topic, signed.
 *
 *     version 2 | message id 16 | recipient index 3 | HMAC-SHA256 truncated to 12 | sealed: address NUL topic   (bytes, base64url)
 *
 * The address is sealed, since URLs end in the logs of proxies: the MAC over all of it in clear is the seed of the bytes it
 * is XORed with, so equal tokens come of equal things only (the construction of RFC 5297, with HMAC).
 */
import { base64url, constantTimeEqual, fromBase64url, fromUtf8, utf8 } from "../core/bytes.ts";
import { type EmailId, idBytes, idOfBytes } from "../core/ids.ts";
import { UNSUBSCRIBE_TOKEN_CHARS } from "../core/limits.ts";
import { mac, type Subject } from "./token.ts";

const VERSION = 2;
const HEAD_BYTES = 20;
const MAC_BYTES = 12;
const BLOCK_BYTES = 32;

/** Who leaves what. */
export interface Subscription extends Subject {
  /** As the mail went to it. */
  address: string;
  /** Null: everything of the sender. */
  topic: string | null;
}

/** The token of a recipient's unsubscribe link. `address` and `topic` hold no control characters. */
export function sealUnsubscribe(secret: string, { id, recipient, address, topic }: Subscription): string {
  const text = utf8(topic === null ? address : `${address}\0${topic}`);
  const bytes = new Uint8Array(HEAD_BYTES + MAC_BYTES + text.length);
  writeHead(bytes, id, recipient);
  const tag = tagOf(secret, bytes.subarray(0, HEAD_BYTES), text);
  bytes.set(tag, HEAD_BYTES);
  bytes.set(text, HEAD_BYTES + MAC_BYTES);
  mask(secret, tag, bytes.subarray(HEAD_BYTES + MAC_BYTES));
  return base64url(bytes);
}

/** What a token says, or null when no secret of ours made it. Older secrets still open. */
export function openUnsubscribe(secrets: readonly string[], token: string): Subscription | null {
  if (token.length > UNSUBSCRIBE_TOKEN_CHARS) return null;
  const bytes = fromBase64url(token);
  if (bytes === null || bytes[0] !== VERSION || bytes.length <= HEAD_BYTES + MAC_BYTES) return null;
  const head = bytes.subarray(0, HEAD_BYTES);
  const tag = bytes.subarray(HEAD_BYTES, HEAD_BYTES + MAC_BYTES);
  for (const secret of secrets) {
    const text = bytes.slice(HEAD_BYTES + MAC_BYTES);
    mask(secret, tag, text);
    if (!constantTimeEqual(tagOf(secret, head, text), tag)) continue;
    const [address, topic] = (fromUtf8(text) ?? "").split("\0");
    if (address === undefined || address === "") return null;
    return {
      id: idOfBytes(head.slice(1, 17)),
      recipient: (head[17]! << 16) | (head[18]! << 8) | head[19]!,
      address,
      topic: topic ?? null,
    };
  }
  return null;
}

function writeHead(bytes: Uint8Array, id: EmailId, recipient: number): void {
  bytes[0] = VERSION;
  bytes.set(idBytes(id), 1);
  bytes[17] = recipient >> 16;
  bytes[18] = recipient >> 8;
  bytes[19] = recipient;
}

function tagOf(secret: string, head: Uint8Array, text: Uint8Array): Uint8Array {
  const all = new Uint8Array(head.length + text.length);
  all.set(head);
  all.set(text, head.length);
  return mac(secret, "unsubscribe", all, MAC_BYTES);
}

/** Puts the seal on text, or takes it off. */
function mask(secret: string, tag: Uint8Array, text: Uint8Array): void {
  const seed = new Uint8Array(MAC_BYTES + 1);
  seed.set(tag);
  for (let at = 0; at < text.length; at += BLOCK_BYTES) {
    seed[MAC_BYTES] = at / BLOCK_BYTES;
    const block = mac(secret, "seal", seed, BLOCK_BYTES);
    for (let i = 0; i < BLOCK_BYTES && at + i < text.length; i++) text[at + i]! ^= block[i]!;
  }
}

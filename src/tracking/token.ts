/**
 * Tracking tokens: which recipient of which message, signed. 43 characters of base64url that need no database to
 * read and cannot be made without the secret.
 *
 *     version 1 | message id 16 | recipient index 3 | HMAC-SHA256 truncated to 12   (bytes)
 *
 * 96 bits of MAC: RFC 2104 section 5 advises at least half the hash, or 80 bits.
 */
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { base64url, constantTimeEqual, readBase64url, utf8 } from "../core/bytes.ts";
import { type EmailId, idBytes, idOfBytes } from "../core/ids.ts";

const VERSION = 1;
const BODY_BYTES = 20;
export const MAC_BYTES = 12;
const CHARS = 43;
/** Highest recipient index a token can hold. */
export const MAX_RECIPIENT = 2 ** 24 - 1;

export interface Subject {
  id: EmailId;
  /** Index of the recipient within the message. */
  recipient: number;
}

/** What a MAC is for. Part of what is signed, so that no token passes as another kind. */
export type Purpose = "token" | "link" | "bounce" | "unsubscribe" | "seal" | "erased";
/** What tokens of a recipient are for. unsubscribe: the local part that mail to leave goes to. */
export type TokenPurpose = Extract<Purpose, "token" | "bounce" | "unsubscribe">;

/**
 * HMAC states after the key and purpose: making one costs as much as signing. There are few secrets and purposes, so the
 * map stays small. A library in JavaScript, since the platform's own calls cost four times as much for such short texts.
 */
const states = new Map<Purpose, Map<string, ReturnType<typeof hmac.create>>>();
/** Where a state is copied to be finished: a fresh copy costs as much as hashing a block. Nothing of it outlives a call. */
const scratch = hmac.create(sha256, new Uint8Array(1));
const HASH_BYTES = 32;

/** Where hashes are written, and of it what a token has. */
const digest = new Uint8Array(HASH_BYTES);
const tokenMac = digest.subarray(0, MAC_BYTES);

/** HMAC-SHA256 of purpose and bytes, truncated. */
export function mac(secret: string, purpose: Purpose, bytes: Uint8Array, length: number): Uint8Array {
  writeMac(secret, purpose, bytes);
  return digest.slice(0, length);
}

/** Writes the HMAC-SHA256 of purpose and bytes to `digest`. */
function writeMac(secret: string, purpose: Purpose, bytes: Uint8Array): void {
  let ofPurpose = states.get(purpose);
  if (ofPurpose === undefined) {
    ofPurpose = new Map();
    states.set(purpose, ofPurpose);
  }
  let state = ofPurpose.get(secret);
  if (state === undefined) {
    state = hmac.create(sha256, utf8(secret)).update(utf8(`${purpose}\0`));
    ofPurpose.set(secret, state);
  }
  state._cloneInto(scratch).update(bytes).digestInto(digest);
}

const BLOCK_BYTES = 64;

/** Writes the MAC of a text, MAC_BYTES long, to the beginning of `into`. */
export type TextMac = (text: Uint8Array, into: Uint8Array) => void;

/**
 * MACs of many short texts that belong to `subject`: SHA-256 of key and text, under a key derived from secret, purpose and
 * subject by HMAC, which fills a block of its own that is hashed once. Half the work of an HMAC for each. What makes HMAC's
 * second pass needless is that most of the hash stays secret: 12 of 32 bytes go out, so nobody can go on from where it
 * ended (chop-MD: Coron, Dodis, Malinaud and Puniya, CRYPTO 2005).
 */
export function textMac(secret: string, purpose: Purpose, subject: Uint8Array): TextMac {
  const key = new Uint8Array(BLOCK_BYTES);
  key.set(mac(secret, purpose, subject, HASH_BYTES));
  return (text, into) => {
    if (loaded !== key) {
      empty._cloneInto(keyed).update(key);
      loaded = key;
    }
    keyed._cloneInto(textScratch).update(text).digestInto(digest);
    for (let i = 0; i < MAC_BYTES; i++) into[i] = digest[i]!;
  };
}
/** States are made once and copied over: a new one costs as much as hashing ten blocks. `keyed` is of the key `loaded`. */
const empty = sha256.create();
const keyed = sha256.create();
const textScratch = sha256.create();
let loaded: Uint8Array | null = null;

/** The token of a recipient: 43 characters. */
export function signToken(secret: string, subject: Subject, purpose: TokenPurpose = "token"): string {
  const bytes = new Uint8Array(BODY_BYTES + MAC_BYTES);
  bytes[0] = VERSION;
  bytes.set(idBytes(subject.id), 1);
  bytes[17] = subject.recipient >> 16;
  bytes[18] = subject.recipient >> 8;
  bytes[19] = subject.recipient;
  bytes.set(mac(secret, purpose, bytes.subarray(0, BODY_BYTES), MAC_BYTES), BODY_BYTES);
  return base64url(bytes);
}

/** A token while it is verified, and its parts: views made each time would cost as much as hashing a block. */
const asked = new Uint8Array(BODY_BYTES + MAC_BYTES);
const askedBody = asked.subarray(0, BODY_BYTES);
const askedMac = asked.subarray(BODY_BYTES);

/** Who a token speaks of, or null when no secret of ours made it. Older secrets still verify. */
export function verifyToken(
  secrets: readonly string[],
  token: string,
  purpose: TokenPurpose = "token",
): Subject | null {
  if (token.length !== CHARS) return null;
  if (!readBase64url(token, asked) || asked[0] !== VERSION) return null;
  const isOurs = (secret: string) => {
    writeMac(secret, purpose, askedBody);
    return constantTimeEqual(tokenMac, askedMac);
  };
  if (!secrets.some(isOurs)) return null;
  return { id: idOfBytes(asked, 1), recipient: (asked[17]! << 16) | (asked[18]! << 8) | asked[19]! };
}

/**
 * Identifiers. All are UUIDv7 (RFC 9562 section 5.7): 48 bits of milliseconds, then random bits, so that they sort
 * by time and a page of them is a range.
 */

declare const brand: unique symbol;
/** A message's id, as its 36 characters in lower case. */
export type EmailId = string & { readonly [brand]: "EmailId" };

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The first half of the ids of one millisecond: many ids are made in one. */
let half = { now: -1, text: "" };

/** A UUIDv7 of `now` (milliseconds since 1970) and the 10 random bytes from `at` on. */
export function uuidv7(now: number, random: Uint8Array, at = 0): string {
  if (half.now !== now) {
    const hex = now.toString(16).padStart(12, "0");
    half = { now, text: `${hex.slice(0, 8)}-${hex.slice(8)}-7` };
  }
  const byte = (i: number) => random[at + i]!;
  // A digit in front keeps the zeros that follow it, and is cut off again.
  const third = (0x1000 | ((byte(0) & 0x0f) << 8) | byte(1)).toString(16).slice(1);
  const fourth = (0x8000 | ((byte(2) & 0x3f) << 8) | byte(3)).toString(16);
  const fifth = (0x1000000 | (byte(4) << 16) | (byte(5) << 8) | byte(6)).toString(16).slice(1);
  const sixth = (0x1000000 | (byte(7) << 16) | (byte(8) << 8) | byte(9)).toString(16).slice(1);
  return `${half.text}${third}-${fourth}-${fifth}${sixth}`;
}

/** A new message id. `random` is 10 random bytes. */
export const newEmailId = (now: number, random: Uint8Array): EmailId => uuidv7(now, random) as EmailId;

/** The id a text spells (any case), or null. */
export function parseEmailId(text: string): EmailId | null {
  const lower = text.toLowerCase();
  return UUID.test(lower) ? (lower as EmailId) : null;
}

/** The 16 bytes of an id. */
export function idBytes(id: EmailId): Uint8Array {
  const bytes = new Uint8Array(16);
  for (let i = 0, at = 0; i < 16; i++) {
    if (id.charCodeAt(at) === HYPHEN) at++;
    bytes[i] = (digit(id.charCodeAt(at++)) << 4) | digit(id.charCodeAt(at++));
  }
  return bytes;
}
const HYPHEN = 45;
/** What a hexadecimal digit stands for, by its character code. */
const digit = (code: number): number => (code < 58 ? code - 48 : code - 87);

/** The id of the 16 bytes from `at` on. */
export const idOfBytes = (bytes: Uint8Array, at = 0): EmailId => spell(bytes, at) as EmailId;

/** When an id was made, in milliseconds since 1970. */
export const timeOf = (id: EmailId): number => Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);

/** Which of `shards` objects owns a message: by the id's last byte, which is random. */
export const shardOf = (id: EmailId, shards: number): number => Number.parseInt(id.slice(-2), 16) % shards;

function spell(b: Uint8Array, at: number): string {
  const h = (i: number) => HEX[b[at + i]!]!;
  return `${h(0)}${h(1)}${h(2)}${h(3)}-${h(4)}${h(5)}-${h(6)}${h(7)}-${h(8)}${h(9)}-${h(10)}${h(11)}${h(12)}${h(13)}${h(14)}${h(15)}`;
}

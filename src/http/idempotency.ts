/**
 * `Idempotency-Key`: the same key and body get the same answer for 24 hours, and one message. The key decides which outbox
 * owns the message, and that outbox takes key and message in one transaction; so equal requests at one moment cannot
 * both win, however many there are.
 */
import { base64url, utf8 } from "../core/bytes.ts";
import type { Problem } from "../core/errors.ts";
import { type EmailId, newEmailId } from "../core/ids.ts";
import { IDEMPOTENCY_KEY_CHARS } from "../core/limits.ts";
import { err, ok, type Result } from "../core/result.ts";

export interface Idempotency {
  key: string;
  /** Hash of route and body. */
  hash: string;
  /** Decides the shard. */
  byte: number;
}

const sha256 = async (text: string): Promise<Uint8Array> =>
  new Uint8Array(await crypto.subtle.digest("SHA-256", utf8(text)));

/** The claim of a request, null when it makes none. */
export async function readIdempotency(
  header: string | undefined,
  /** Id of the API key, null for the root key: each has keys of its own. */
  caller: string | null,
  route: string,
  body: string,
): Promise<Result<Idempotency | null, Problem>> {
  if (header === undefined) return ok(null);
  if (header.length < 1 || header.length > IDEMPOTENCY_KEY_CHARS || !/^[\x20-\x7e]+$/.test(header))
    return err({
      kind: "invalid_idempotency_key",
      message: `Idempotency-Key must be 1 to ${IDEMPOTENCY_KEY_CHARS} printable ASCII characters.`,
    });
  // A line break stands in no key: nobody's key can look like another caller's. The root's is what older versions kept.
  const own = caller === null ? header : `${caller}\n${header}`;
  const [key, hash] = await Promise.all([sha256(header), sha256(`${route}\0${body}`)]);
  return ok({ key: own, hash: base64url(hash), byte: key[0]! });
}

/** A new message id whose last byte, the one that shards go by, is given. */
export function emailIdWithByte(now: number, random: Uint8Array, byte: number): EmailId {
  return (newEmailId(now, random).slice(0, -2) + byte.toString(16).padStart(2, "0")) as EmailId;
}

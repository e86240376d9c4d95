/**
 * Numbers for what Mailjet numbers and we know by name: contacts, senders, campaigns, user agents. The same name has the same
 * number always; nothing leads back. 48 bits of SHA-256, so that every client has them as plain numbers.
 */
import { utf8 } from "./bytes.ts";

const BYTES = 6;

/** 0: no name. */
export async function numberOf(name: string | null | undefined): Promise<number> {
  if (name == null || name === "") return 0;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", utf8(name)));
  return digest.subarray(0, BYTES).reduce((sum, byte) => sum * 256 + byte, 0);
}

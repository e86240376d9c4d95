/** Addresses as reports and notices write them. Pure. */
import { ADDRESS_CHARS } from "../core/limits.ts";
import { parseMailbox } from "../schema/address.ts";

/** An address in running text: bounded on both sides of the @, so that looking for it costs the same anywhere. */
const IN_PROSE =
  /[\p{L}\p{N}!#$%&'*+/=?^_`{|}~.-]{1,64}@[\p{L}\p{N}](?:[\p{L}\p{N}.-]{0,253}[\p{L}\p{N}])?/gu;

/**
 * The address of a field such as "rfc822; ada@example.com" (RFC 3464 section 2.3.1) or "utf-8; \x{3B1}@…" (RFC 6533
 * section 3); null when it holds none, like Domino's names and X.400 addresses.
 */
export function typedAddress(value: string): string | null {
  const semicolon = value.slice(0, 2 * ADDRESS_CHARS).indexOf(";");
  const type = semicolon === -1 ? "" : value.slice(0, semicolon).trim().toLowerCase();
  let text = value.slice(semicolon + 1, semicolon + 1 + 2 * ADDRESS_CHARS).trim();
  if (type === "utf-8") text = text.replace(/\\x\{([0-9a-f]{2,6})\}/gi, (_, hex: string) => unicode(hex));
  text = text
    .replace(/\s+\([^()]*\)$/, "")
    .replace(/^(?:smtp|mailto|rfc822):/i, "")
    .trim();
  // Exchange wraps foreign addresses in brackets, others write the whole mailbox.
  const angled = /<([^<>\s]+@[^<>\s]+)>/.exec(text)?.[1];
  const bare = (angled ?? text).replace(/^["'[]|["'\]]$/g, "");
  if (bare.length > ADDRESS_CHARS || !/^[^\s@]+@[^\s@]+$/.test(bare)) return quotedLocal(text);
  return bare;
}

/** "two words"@example.com is an address too. */
const quotedLocal = (text: string): string | null =>
  text.length <= ADDRESS_CHARS && /^"[^"\\]+"@[^\s@"]+$/.test(text) ? text : null;

const unicode = (hex: string): string => {
  const code = Number.parseInt(hex, 16);
  return code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff) ? "\ufffd" : String.fromCodePoint(code);
};

/** RFC 3461 section 4: ORCPT is written as xtext, and some servers hand it back so ("ada+2Btag@example.com"). */
export const fromXtext = (address: string): string =>
  address.replace(/\+([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));

/** Every address in a text, as written, without repeats; at most `most`. */
export function addressesIn(text: string, most: number): string[] {
  const found = new Set<string>();
  for (const [address] of text.matchAll(IN_PROSE)) {
    found.add(trimmed(address));
    if (found.size >= most) break;
  }
  return [...found];
}

/** Punctuation and quotes that prose puts in front: 'ada@…', =ada@…. */
const trimmed = (address: string): string => address.replace(/^(?:['`/*=.{|]+|mailto:)/i, "");

/** For comparing: lower case, domain in A-labels; null when it is no address of ours to be. */
export function normalAddress(text: string): string | null {
  const mailbox = parseMailbox(text);
  return mailbox.ok ? mailbox.value.address.toLowerCase() : null;
}

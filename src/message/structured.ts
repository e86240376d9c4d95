/**
 * A caller's own headers: which have a grammar, and whether a value fits it. What may not be set at all is in
 * `schema/header.ts`.
 */
import { HEADER_LINE_BYTES, HEADER_VALUE_CHARS, SUBJECT_CHARS } from "../core/limits.ts";
import { parseMailbox } from "../schema/address.ts";

/** An encoded word is not legal within these (RFC 2047 section 5), so they are ASCII. `prefix*`: every name beginning so. */
const STRUCTURED: readonly (readonly [name: string, reason: string])[] = [
  ["list-*", "URIs in angle brackets (RFC 2369, RFC 8058)"],
  ["message-id", "an identifier (RFC 5322 section 3.6.4)"],
  ["references", "identifiers (RFC 5322 section 3.6.4)"],
  ["in-reply-to", "identifiers (RFC 5322 section 3.6.4)"],
  ["auto-submitted", "a keyword (RFC 3834)"],
  ["precedence", "a keyword"],
  ["importance", "a keyword (RFC 4021)"],
  ["priority", "a keyword (RFC 4021)"],
  ["sensitivity", "a keyword (RFC 4021)"],
  ["x-priority", "a number"],
  ["x-auto-response-suppress", "keywords (MS-OXCMAIL)"],
  ["feedback-id", "identifiers with colons; Gmail reads it"],
  ["cfbl-address", "an address with parameters (RFC 9477)"],
  ["cfbl-feedback-id", "an identifier (RFC 9477)"],
];
/** Each holds one mailbox. */
const MAILBOX = new Set(["sender", "disposition-notification-to", "return-receipt-to", "errors-to"]);
/** Lists of identifiers grow long, and every reader unfolds them; the rest stays on one line. */
const FOLDED = new Set(["references", "in-reply-to"]);
/** RFC 5322 msg-id, with what is seen in practice: no spaces, no angle brackets inside, one @. */
const MESSAGE_ID = /^<[^\s<>@\\"]{1,250}@[^\s<>@\\"]{1,250}>$/;

const EXACT = new Set(STRUCTURED.map(([name]) => name).filter((name) => !name.endsWith("*")));
const PREFIXES = STRUCTURED.filter(([name]) => name.endsWith("*")).map(([name]) => name.slice(0, -1));

export function isStructured(name: string): boolean {
  const lower = name.toLowerCase();
  return EXACT.has(lower) || PREFIXES.some((prefix) => lower.startsWith(prefix));
}

export const isMailboxHeader = (name: string): boolean => MAILBOX.has(name.toLowerCase());
export const mayFold = (name: string): boolean => FOLDED.has(name.toLowerCase());

/** Where a request says it, for errors. */
export const headerPath = (name: string): string =>
  /^[A-Za-z_]\w*$/.test(name) ? `headers.${name}` : `headers[${JSON.stringify(name)}]`;

/** How long a value may be once its variables are filled in, in characters. */
export const headerChars = (name: string): number =>
  name.toLowerCase() === "subject" ? SUBJECT_CHARS : HEADER_VALUE_CHARS;

/** What is wrong with a value, as a sentence without its subject; null when it can be written. */
export function headerFault(name: string, value: string): string | null {
  if (value.length > headerChars(name))
    return `is longer than ${headerChars(name)} characters with its variables filled in`;
  if (/\p{Cc}/u.test(value))
    return "has a line break or another control character, which a header cannot carry";
  if (!value.isWellFormed()) return "is not well-formed Unicode (a lone surrogate)";
  if (isMailboxHeader(name)) {
    const parsed = parseMailbox(value);
    return parsed.ok ? null : parsed.error;
  }
  if (!isStructured(name)) return null;
  if (!/^[\x20-\x7e]*$/.test(value))
    return "holds characters outside ASCII, which this header cannot carry; percent-encode them in URIs";
  if (name.toLowerCase() === "message-id" && !MESSAGE_ID.test(value.trim()))
    return "is not of the form <unique@domain>";
  const longest = value.split(" ").reduce((most, word) => Math.max(most, word.length), 0);
  if (longest + name.length + 2 > HEADER_LINE_BYTES)
    return `has more than ${HEADER_LINE_BYTES - name.length - 2} characters without a space, which no mail line can hold`;
  return null;
}

/**
 * What in a piece of mail tells which message of ours it is about: signed tokens, Message-IDs made here, and addresses in the
 * returned headers. Only candidates: signatures and records are checked by whoever has them. Pure.
 */
import { FEEDBACK_CLUES, TOKEN_CHARS } from "../core/limits.ts";
import { fieldGroups, fieldOf } from "./fields.ts";
import { headersOf, type Mail } from "./mail.ts";
import { addressesIn, normalAddress } from "./recipient.ts";
import type { MessageClue, TokenClue } from "./report.ts";

/**
 * Unanchored, since others wrap our local part in theirs: BATV (prvs=1234abcd=bounce+TOKEN), SRS
 * (SRS0=ab=cd=example.com=bounce+TOKEN), VERP (bounce+TOKEN=ada=example.net). Some write the plus as =2B, %2B or a dash.
 */
const TOKEN = new RegExp(`(bounce|unsubscribe)(?:\\+|=2b|%2b|=|-)([\\w-]{${TOKEN_CHARS}})`, "gi");
/** `<id@domain>`, in bulk `<index.id@domain>`: UUIDv7 as core/ids.ts writes it. */
const MESSAGE_ID =
  /(?<![\w-])(?:(\d{1,8})\.)?([0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})@/gi;

/** Tokens in addresses, by the order they stand in. */
export function tokensIn(texts: Iterable<string>): TokenClue[] {
  const found = new Map<string, TokenClue>();
  for (const text of texts) {
    for (const [, word, token] of text.matchAll(TOKEN)) {
      if (found.size >= FEEDBACK_CLUES) return [...found.values()];
      const purpose = word!.toLowerCase() as TokenClue["purpose"];
      found.set(`${purpose} ${token}`, { purpose, token: token! });
    }
  }
  return [...found.values()];
}

export function messagesIn(texts: Iterable<string>): MessageClue[] {
  const found = new Map<string, MessageClue>();
  for (const text of texts) {
    for (const [, index, id] of text.matchAll(MESSAGE_ID)) {
      if (found.size >= FEEDBACK_CLUES) return [...found.values()];
      const clue = { email: id!.toLowerCase(), recipient: index === undefined ? null : Number(index) };
      found.set(`${clue.email} ${clue.recipient}`, clue);
    }
  }
  return [...found.values()];
}

/** Headers that say where a mail came to, the surest first: servers write the envelope's address into some of them. */
const CAME_TO = ["delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "to"];

/** The addresses a mail came to, as far as it tells itself. */
export const cameTo = (mail: Mail): string[] => CAME_TO.flatMap((name) => headersOf(mail, name));

/** Everything in which a token or a Message-ID of ours may stand. Encoded words never hold one. */
export function* textsOf(mail: Mail): Generator<string> {
  for (const { value } of mail.headers) yield value;
  for (const { text } of mail.parts) yield text;
  yield mail.text;
}

const RETURNED = /^(text\/rfc822-headers|message\/(global-headers|global|rfc822|partial))$/;

/** Headers of a returned message that name whom it went to, the surest first: Hotmail's own, and what servers on the way add. */
const WENT_TO = ["x-hmxmroriginalrecipient", "x-original-to", "delivered-to", "to"];

/** Lists of recipients that the returned headers name, the surest first. */
export function returnedRecipients(mail: Mail): string[][] {
  const returned = mail.parts
    .filter(({ type }) => RETURNED.test(type))
    .map(({ text }) => fieldGroups(text)[0] ?? []);
  return WENT_TO.flatMap((name) => returned.map((headers) => fieldOf(headers, name)))
    .filter((value) => value !== null)
    .map((value) => addressesIn(value, FEEDBACK_CLUES))
    .filter((addresses) => addresses.length > 0);
}

/** For comparing with the record, without repeats. */
export function normalRecipients(addresses: readonly (string | null)[]): string[] {
  const found = new Set<string>();
  for (const address of addresses) {
    const normal = address === null ? null : normalAddress(address);
    if (normal !== null) found.add(normal);
    if (found.size >= FEEDBACK_CLUES * 5) break;
  }
  return [...found];
}

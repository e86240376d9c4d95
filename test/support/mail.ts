/** A message compiled and spliced as the product does it, with everything that varies held still. */
import { expect } from "vitest";
import type { EmailId } from "../../src/core/ids.ts";
import { type CompileContext, compile } from "../../src/message/compile.ts";
import type { Fill } from "../../src/message/compiled.ts";
import { splice } from "../../src/message/splice.ts";
import { type Mailbox, parseMailbox } from "../../src/schema/address.ts";
import type { Content } from "../../src/schema/email.ts";
import { linkSigner, verifyLink } from "../../src/tracking/link.ts";
import { signToken } from "../../src/tracking/token.ts";

export const ID = "01934567-89ab-7def-8123-456789abcdef" as EmailId;
export const BASE = "https://t.example.com";
export const SECRET = "secret";
export const TOKEN = signToken(SECRET, { id: ID, recipient: 0 });

export function mailbox(text: string): Mailbox {
  const parsed = parseMailbox(text);
  if (!parsed.ok) throw new Error(`${text}: ${parsed.error}`);
  return parsed.value;
}

export const content = (change: Partial<Content> = {}): Content => ({
  from: mailbox("Ada <ada@example.com>"),
  to: [mailbox("Bob <bob@example.net>")],
  cc: [],
  reply_to: [],
  subject: "Hello",
  html: null,
  text: "Hello",
  headers: [],
  attachments: [],
  ...change,
});

export const context = (change: Partial<CompileContext> = {}): CompileContext => ({
  id: ID,
  now: 1_800_000_000_000,
  random: new Uint8Array(16).fill(7),
  trackingBase: BASE,
  opens: false,
  clicks: false,
  signLink: linkSigner(SECRET, ID),
  bulk: false,
  ...change,
});

/** Wire bytes as binary text, each checked: CRLF only, no line over 998, none that is a lone dot or begins with an unstuffed one. */
export function wire(
  given: Partial<Content>,
  how: Partial<CompileContext> = {},
  fill: Partial<Fill> = {},
): string {
  const compiled = compile(content(given), context(how));
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.error));
  const plain = JSON.parse(JSON.stringify(compiled.value.compiled.slots));
  const bytes = splice({ ...compiled.value.compiled, slots: plain }, { token: TOKEN, ...fill });
  const text = Buffer.from(bytes).toString("latin1");
  expect(text.endsWith("\r\n")).toBe(true);
  expect(/[^\r]\n|\r[^\n]|\0/.test(text)).toBe(false);
  for (const line of text.split("\r\n")) {
    if (line.length > 998) throw new Error(`line of ${line.length}`);
    if (line.startsWith(".") && !line.startsWith("..")) throw new Error(`unstuffed dot: ${line}`);
  }
  return text;
}

/** What a receiving server stores. */
export const unstuffed = (text: string): Buffer => Buffer.from(text.replace(/^\.\./gm, "."), "latin1");

const LINK = new RegExp(`${BASE}/c/${TOKEN}/([A-Za-z0-9_-]+)`, "g");
const PIXEL = `<img src="${BASE}/o/${TOKEN}"[^>]*>`;
const BACKGROUND = `<!--\\[if !mso]><!--><table [^>]*background="${BASE}/o/${TOKEN}"><tr><td[^>]*></td></tr></table><!--<!\\[endif]-->`;
/** The pixel in both of its forms. */
const PIXELS = new RegExp(`${BACKGROUND}<!--\\[if mso]>${PIXEL}<!\\[endif]-->|${PIXEL}`);

export const withoutPixel = (html: string): string => html.replace(PIXELS, "");

/** Targets of the tracking links in html, in order; throws on one that does not verify. */
export const targetsIn = (html: string): string[] =>
  [...html.matchAll(LINK)].map(([whole, link]) => {
    const target = verifyLink([SECRET], ID, link!);
    if (target === null) throw new Error(`does not verify: ${whole}`);
    return target;
  });

/** Html with tracking taken out again: the pixel gone, and the n-th link replaced by the n-th of `originals`. */
export function untracked(html: string, originals: readonly string[]): string {
  let n = 0;
  return withoutPixel(html).replace(LINK, () => originals[n++]!);
}

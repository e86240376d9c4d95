/**
 * Our signatures under opendkim, which shares no code with us: messages as compile() and splice() make them. Needs the
 * Debian package opendkim; fails without it.
 */
import { afterAll, describe, expect, it } from "vitest";
import type { CompileContext } from "../../src/message/compile.ts";
import type { Fill } from "../../src/message/compiled.ts";
import { dkimSigners } from "../../src/message/dkim.ts";
import { parseDkim } from "../../src/message/dkim-keys.ts";
import type { Content } from "../../src/schema/email.ts";
import { mailbox, unstuffed, wire } from "../support/mail.ts";
import { OpenDkim, testKey } from "../support/opendkim.ts";

const keys = [testKey("rsa", "example.com", "s1"), testKey("ed25519", "example.com", "s2")];
const opendkim = new OpenDkim(keys.map(({ record }) => record));
afterAll(() => opendkim.remove());

const parsed = parseDkim(JSON.stringify(keys.map(({ entry }) => entry)));
if (!parsed.ok) throw new Error(parsed.error);
const sign = dkimSigners(parsed.value)("example.com")!;

/** As it goes over the wire, signed, in binary text. */
const signed = (message: string): string =>
  Buffer.from(sign(Buffer.from(message, "latin1"), Date.now())).toString("latin1") + message;
/** RSA's result and Ed25519's. */
const results = (message: string): string[] =>
  opendkim.verify(unstuffed(message)).map(({ algorithm, result }) => `${algorithm} ${result}`);
const GOOD = ["rsa-sha256 pass", "ed25519-sha256 pass"];
const BAD = ["rsa-sha256 fail", "ed25519-sha256 fail"];

const base64 = (text: string) => Buffer.from(text).toString("base64");
const file = (content: string, content_type: string) => ({
  filename: "Anhang ä.bin",
  content: base64(content),
  size: content.length,
  content_type,
  content_id: null,
});
const UNSUBSCRIBE = [
  {
    name: "List-Unsubscribe",
    value: `<https://t.example.com/u/${"x".repeat(43)}>, <mailto:u@example.com?subject=${"y".repeat(60)}>`,
  },
  { name: "List-Unsubscribe-Post", value: "List-Unsubscribe=One-Click" },
];
const OWN_TOKENS: Partial<Fill> = {
  unsubscribe: () => "x".repeat(96),
  unsubscribe_mail: () => "m".repeat(43),
};
const HTML = `<html><body>${'<p>Grüße,  你好 <a href="https://example.org/?a=1&amp;b=2">hier</a></p>\n'.repeat(40)}</body></html>`;

const messages: [string, Partial<Content>, Partial<CompileContext>?, Partial<Fill>?][] = [
  ["plain text", { text: "Hello\n" }],
  ["an empty body", { text: "" }],
  ["blank lines at the end", { text: "Hello\n\n\n\n" }],
  ["runs of white space, at line ends too", { text: "a  b\t\tc \n \t\n\td \n  \n" }],
  ["lines that begin with dots", { text: ".\n..\n.a\n\n.." }],
  [
    "a long folded subject",
    { subject: "Grüße aus Zürich und 世界, gefaltet über mehrere Zeilen ".repeat(4) },
  ],
  ["an international local part (SMTPUTF8)", { to: [mailbox("Ünal <ünal@example.net>")] }],
  [
    "many recipients, Cc and Reply-To",
    {
      to: Array.from({ length: 40 }, (_, i) => mailbox(`Reader ${i} <reader-${i}@example.net>`)),
      cc: [mailbox('"Last, First" <cc@example.net>')],
      reply_to: [mailbox("answers@example.com")],
    },
  ],
  [
    "tracked html with unsubscribe headers",
    { html: HTML, text: null, headers: UNSUBSCRIBE },
    { opens: true, clicks: true },
  ],
  [
    "our own way to unsubscribe",
    { html: HTML, text: null },
    { clicks: true, unsubscribe: { topic: "news", mailDomain: "bounces.example.com" } },
    OWN_TOKENS,
  ],
  [
    "our own way to unsubscribe, too long for one line",
    { html: HTML, text: null },
    { unsubscribe: { topic: "t".repeat(64), mailDomain: `${"b".repeat(200)}.example.com` } },
    { ...OWN_TOKENS, unsubscribe: () => "x".repeat(600) },
  ],
  [
    "thread headers",
    {
      headers: [
        {
          name: "References",
          value: Array.from({ length: 30 }, (_, i) => `<${i}.reference@example.org>`).join(" "),
        },
        { name: "In-Reply-To", value: "<29.reference@example.org>" },
        { name: "X-Custom", value: "not signed" },
      ],
    },
  ],
  [
    "attachments, one of them 7-bit lines with dots",
    {
      html: HTML,
      attachments: [
        file("x".repeat(200_000), "application/pdf"),
        file("Subject: a\n\n.\n..b \n\n", "message/rfc822"),
      ],
    },
  ],
  [
    "a bulk copy with variables",
    {
      subject: "Hello {{name}}",
      text: "Dear {{name}},\n\n{{body}}",
      headers: UNSUBSCRIBE,
    },
    { bulk: true },
    {
      to: { name: "Bób", address: "bob@example.net" },
      message_id: "0.x@example.com",
      variables: { name: "Zoë", body: ".\n.. \n" },
    },
  ],
];

describe("opendkim takes", () => {
  it.each(messages)("%s", (_, content, how, fill) => {
    expect(results(signed(wire(content, how, fill)))).toEqual(GOOD);
  });

  it("what relays do on the way: fields put on top, white space changed, headers folded anew", () => {
    const message = signed(wire({ subject: "One two three", text: "a b\n" }));
    expect(results(`Received: from a by b; Tue, 1 Dec 2026 00:00:00 +0000\r\n${message}`)).toEqual(GOOD);
    expect(results(message.replace("One two", "One\r\n\ttwo"))).toEqual(GOOD);
    expect(results(message.replace("Subject: ", "SUBJECT:  "))).toEqual(GOOD);
    expect(results(`${message}\r\n\r\n`)).toEqual(GOOD);
  });
});

describe("opendkim refuses", () => {
  const whole = signed(
    wire({
      cc: [mailbox("cc@example.net")],
      reply_to: [mailbox("answers@example.com")],
      text: "Hello there,\n.dots\n",
      html: "<p>Hello</p>",
      headers: [
        ...UNSUBSCRIBE,
        { name: "References", value: "<a@b>" },
        { name: "In-Reply-To", value: "<a@b>" },
      ],
    }),
  );
  const split = whole.indexOf("\r\nFrom:") + 2;
  const [signatures, message] = [whole.slice(0, split), whole.slice(split)];
  const body = message.indexOf("\r\n\r\n") + 4;
  const flipped = (at: number): string =>
    message.slice(0, at) + String.fromCharCode(message.charCodeAt(at) ^ 1) + message.slice(at + 1);

  it("nothing of it when nothing was changed", () => {
    expect(results(signatures + message)).toEqual(GOOD);
  });

  it.each([0.1, 0.3, 0.5, 0.7, 0.9])("one bit flipped in the body, at %f of it", (share) => {
    let at = body + Math.floor((message.length - body) * share);
    while (!/[a-z]/i.test(message[at]!)) at++;
    expect(results(signatures + flipped(at))).toEqual(BAD);
  });

  it.each([
    "From",
    "To",
    "Cc",
    "Subject",
    "Date",
    "Message-ID",
    "Reply-To",
    "MIME-Version",
    "Content-Type",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "References",
    "In-Reply-To",
  ])("one bit flipped in %s", (name) => {
    const at = message.indexOf(`\n${name}: `) + 1 || (message.startsWith(`${name}: `) ? 0 : -1);
    expect(at).toBeGreaterThanOrEqual(0);
    expect(results(signatures + flipped(at + name.length + 3))).toEqual(BAD);
  });

  it.each([
    "From: Eve <eve@example.com>",
    "Subject: Other",
    "To: eve@example.net",
    "Content-Type: text/plain",
  ])("a second %s, above or below", (field) => {
    expect(results(`${signatures}${field}\r\n${message}`)).toEqual(BAD);
    expect(results(signatures + message.replace("\r\n\r\n", `\r\n${field}\r\n\r\n`))).toEqual(BAD);
  });

  it("one that was not in the signature's list", () => {
    const own = signed(
      wire({}, { unsubscribe: { topic: null, mailDomain: "bounces.example.com" } }, OWN_TOKENS),
    );
    // RFC 8058 section 4: both are covered, in every signature.
    for (const [, list] of own.replaceAll("\r\n ", " ").matchAll(/DKIM-Signature: [^\r]*?; h=([^;]*);/g))
      expect(list!.replaceAll(" ", "").split(":")).toEqual(
        expect.arrayContaining(["List-Unsubscribe", "List-Unsubscribe-Post"]),
      );
    expect(results(own.replace("mailto:unsubscribe+m", "mailto:unsubscribe+n"))).toEqual(BAD);
    expect(results(own.replace("List-Unsubscribe=One-Click", "List-Unsubscribe=No"))).toEqual(BAD);
  });

  it("an unsubscribe header taken out", () => {
    expect(results(signatures + message.replace(/List-Unsubscribe-Post: .*\r\n/, ""))).toEqual(BAD);
  });
});

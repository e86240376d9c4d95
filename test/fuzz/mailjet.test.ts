/** Message numbers round trip and keep order; no template breaks the evaluator. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { exactJson } from "../../src/core/exact-json.ts";
import { type EmailId, newEmailId } from "../../src/core/ids.ts";
import { messageNumber, readMessageNumber } from "../../src/core/message-number.ts";
import { issueOf, translate } from "../../src/http/mailjet/translate.ts";
import { renderTemplate } from "../../src/message/mailjet/template.ts";
import { addUrlTags } from "../../src/message/mailjet/url-tags.ts";
import { SendEmail } from "../../src/schema/email.ts";
import { MAILJET_CODES } from "../../src/schema/mailjet-codes.ts";
import { parseMailjet } from "../../src/schema/mailjet-issues.ts";
import { messageIssues, messageSchema, withGlobals } from "../../src/schema/mailjet-send.ts";
import { parse } from "../../src/schema/parse.ts";

const ms = fc.integer({ min: Date.UTC(2020, 0, 1) + 1, max: Date.UTC(2089, 0, 1) });
const random = fc.uint8Array({ minLength: 10, maxLength: 10 });
const id = fc.tuple(ms, random).map(([now, bytes]) => newEmailId(now, bytes));
const index = fc.oneof(fc.integer({ min: 0, max: 64 }), fc.integer({ min: 0, max: 9_999 }));

describe("message numbers", () => {
  it("fit 63 bits, and lead back to the id's span and the index", () => {
    fc.assert(
      fc.property(id, index, (one, at) => {
        const number = messageNumber(one, at);
        expect(number > 0n && number < 1n << 63n).toBe(true);
        const span = readMessageNumber(number)!;
        expect(span.index).toBe(at);
        expect(one >= span.from && one < span.below).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it("differ for different recipients, and for ids that differ in time", () => {
    fc.assert(
      fc.property(id, id, index, index, (a, b, i, j) => {
        if (i !== j) expect(messageNumber(a, i)).not.toBe(messageNumber(a, j));
        if (a.slice(0, 13) < b.slice(0, 13)) expect(messageNumber(a, i) < messageNumber(b, j)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it("of one millisecond rarely agree: 16 random bits tell them apart", () => {
    const seen = new Set<bigint>();
    const now = Date.UTC(2026, 7, 1);
    for (let i = 0; i < 1 << 16; i++) {
      const key = i.toString(16).padStart(4, "0");
      const hex = now.toString(16).padStart(12, "0");
      const one =
        `${hex.slice(0, 8)}-${hex.slice(8)}-7${key.slice(0, 3)}-8${key[3]}00-000000000000` as EmailId;
      seen.add(messageNumber(one, 3));
    }
    expect(seen.size).toBe(1 << 16);
  });

  it("no number makes it throw, and only ours are read", () => {
    fc.assert(
      fc.property(fc.bigInt(), (number) => {
        const span = readMessageNumber(number);
        expect(span === null).toBe(number <= 0n || number >= 1n << 63n);
      }),
    );
  });

  it("go into JSON digit by digit", () => {
    fc.assert(
      fc.property(id, index, fc.string(), (one, at, text) => {
        const number = messageNumber(one, at);
        expect(exactJson({ text, list: [number] })).toBe(
          `{"text":${JSON.stringify(text)},"list":[${number}]}`,
        );
      }),
    );
  });
});

describe("messages", () => {
  /** Mostly right, now and then not. */
  const mostly = <T>(right: fc.Arbitrary<T>, wrong: fc.Arbitrary<T>) =>
    fc.oneof({ weight: 30, arbitrary: right }, { weight: 1, arbitrary: wrong });
  const address = mostly(
    fc.integer({ min: 0, max: 9 }).map((n) => `a${n}@example.net`),
    fc.string(),
  );
  const person = fc.record({ Email: address, Name: fc.option(fc.string()) }, { requiredKeys: ["Email"] });
  const file = fc.record({
    ContentType: fc.constant("text/plain"),
    Filename: fc.string({ minLength: 1 }),
    Base64Content: mostly(fc.base64String({ minLength: 4 }), fc.string({ minLength: 1 })),
  });
  const header = mostly(fc.constantFrom("X-A", "X-B", "Reply-To", "References"), fc.string());
  const text = fc.oneof(
    fc.string(),
    fc.constantFrom("{{var:a}}", "<a href='https://e.com'>x</a>", "{% if", ""),
  );
  /** Mostly of the right type, now and then anything. */
  const some = (right: fc.Arbitrary<unknown>) =>
    fc.oneof({ weight: 60, arbitrary: right }, { weight: 1, arbitrary: fc.jsonValue() });
  const message = fc.record(
    {
      From: some(person),
      Sender: some(person),
      To: some(fc.array(person, { minLength: 1, maxLength: 4 })),
      Cc: some(fc.array(person, { maxLength: 3 })),
      Bcc: some(fc.array(person, { maxLength: 3 })),
      ReplyTo: some(person),
      Subject: some(text),
      TextPart: some(text),
      HTMLPart: some(text),
      TemplateLanguage: some(fc.boolean()),
      Variables: some(fc.dictionary(fc.string(), fc.jsonValue())),
      Headers: some(fc.dictionary(header, mostly(fc.constantFrom("a", "<a@example.net>"), fc.string()))),
      Attachments: some(fc.array(file, { maxLength: 2 })),
      InlinedAttachments: some(fc.array(file, { maxLength: 2 })),
      URLTags: some(fc.constantFrom("a=b", "a=b&c=d")),
      CustomID: some(fc.string()),
    },
    { requiredKeys: ["From", "To"] },
  );

  it("whatever they hold, are translated or refused with a code, and every fault names a property", () => {
    let passed = 0;
    fc.assert(
      fc.property(message, fc.option(fc.dictionary(fc.string(), fc.jsonValue())), (own, globals) => {
        const given = withGlobals(globals, own);
        const parsed = parseMailjet(messageSchema(given), given);
        const issues = parsed.ok ? messageIssues(parsed.value) : parsed.error;
        for (const { code, message: sentence } of issues) {
          expect(MAILJET_CODES[code]).toBeDefined();
          expect(sentence).not.toBe("");
        }
        if (!parsed.ok || issues.length > 0) return;
        const translated = translate(parsed.value, null);
        const email = parse(SendEmail, translated.email);
        if (email.ok) passed += 1;
        else if ("issues" in email.error)
          for (const fault of email.error.issues)
            expect(issueOf(fault, translated, parsed.value.Attachments?.length ?? 0).related.join()).toMatch(
              /^[A-Z]/,
            );
      }),
      { numRuns: 300 },
    );
    expect(passed).toBeGreaterThan(20);
  });
});

describe("templates", () => {
  const piece = fc.constantFrom(
    "{{",
    "}}",
    "{%",
    "%}",
    " if ",
    " elseif ",
    " else ",
    " endif ",
    " for x in ",
    " endfor ",
    " set x = ",
    "var:a",
    "var:b.c",
    "data:d",
    "x",
    ".y",
    "[0]",
    ':"z"',
    " = ",
    " + ",
    " and ",
    " not ",
    "(",
    ")",
    "1",
    '"',
    "\n",
    "text",
  );
  it("never throw, whatever they hold", () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), fc.jsonValue(), (pieces, value) => {
        const source = pieces.join("");
        const { text, errors } = renderTemplate(source, { a: value, b: { c: [value] } });
        expect(typeof text).toBe("string");
        for (const error of errors) expect(error).toMatch(/\.$/);
      }),
      { numRuns: 5_000 },
    );
  });

  it("URLTags never throw, and change nothing but links", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.constantFrom("<a ", "href=", '"', "'", "https://e.com", "?", "&amp;", "#", ">", "x", " "),
          { maxLength: 20 },
        ),
        (parts) => {
          const html = parts.join("");
          expect(addUrlTags(html, "u=1").replaceAll(/(\?|&amp;|)u=1/g, "")).toBe(html);
        },
      ),
    );
  });
});

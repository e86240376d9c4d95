/** Message numbers round trip and keep order; no template breaks the evaluator. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { exactJson } from "../../src/core/exact-json.ts";
import { type EmailId, newEmailId } from "../../src/core/ids.ts";
import { messageNumber, readMessageNumber } from "../../src/core/message-number.ts";
import { renderTemplate } from "../../src/message/mailjet/template.ts";
import { addUrlTags } from "../../src/message/mailjet/url-tags.ts";

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

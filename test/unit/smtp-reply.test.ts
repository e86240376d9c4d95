/** Replies out of bytes: RFC 5321 section 4.2, in any pieces, within bounds. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  SMTP_REPLIES_HELD,
  SMTP_REPLY_BYTES,
  SMTP_REPLY_LINE_BYTES,
  SMTP_REPLY_LINES,
} from "../../src/core/limits.ts";
import type { Reply } from "../../src/policy/reply.ts";
import { ReplyParser } from "../../src/smtp/reply.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

function parse(
  text: string,
  sizes: number[] = [Number.POSITIVE_INFINITY],
): { replies: Reply[]; fault: string | null } {
  const parser = new ReplyParser();
  const all = bytes(text);
  const replies: Reply[] = [];
  for (let at = 0, i = 0; at < all.length; i++) {
    const size = sizes[i % sizes.length]!;
    parser.push(all.subarray(at, at + size));
    at += size;
    for (let reply = parser.shift(); reply !== undefined; reply = parser.shift()) replies.push(reply);
  }
  return { replies, fault: parser.fault };
}

const good: [string, string, Reply[]][] = [
  ["one line", "250 Ok\r\n", [{ code: 250, enhanced: null, text: "Ok" }]],
  ["a code alone", "250\r\n", [{ code: 250, enhanced: null, text: "" }]],
  ["a code and a space", "250 \r\n", [{ code: 250, enhanced: null, text: "" }]],
  ["a bare LF, as old servers send", "250 Ok\n", [{ code: 250, enhanced: null, text: "Ok" }]],
  ["an enhanced code", "250 2.1.5 Ok\r\n", [{ code: 250, enhanced: "2.1.5", text: "Ok" }]],
  ["an enhanced code alone", "550 5.1.1\r\n", [{ code: 550, enhanced: "5.1.1", text: "" }]],
  [
    "a version number is no enhanced code",
    "220 8.15.2 ready\r\n",
    [{ code: 220, enhanced: null, text: "8.15.2 ready" }],
  ],
  ["three digits in it", "550 5.7.708 No\r\n", [{ code: 550, enhanced: "5.7.708", text: "No" }]],
  [
    "several lines, the code in each",
    "550-5.7.26 This mail\r\n550-5.7.26 is not\r\n550 5.7.26 authenticated.\r\n",
    [{ code: 550, enhanced: "5.7.26", text: "This mail\nis not\nauthenticated." }],
  ],
  [
    "several lines, some empty",
    "250-a\r\n250-\r\n250 b\r\n",
    [{ code: 250, enhanced: null, text: "a\n\nb" }],
  ],
  [
    "two replies in a row",
    "250 a\r\n354 b\r\n",
    [
      { code: 250, enhanced: null, text: "a" },
      { code: 354, enhanced: null, text: "b" },
    ],
  ],
  ["UTF-8", "550 5.1.1 Niemand heißt so\r\n", [{ code: 550, enhanced: "5.1.1", text: "Niemand heißt so" }]],
  [
    "control characters",
    "250 a\u0007b\tc\u001b[31m\r\n",
    [{ code: 250, enhanced: null, text: "a?b?c?[31m" }],
  ],
  [
    "the longest line",
    `250 ${"x".repeat(SMTP_REPLY_LINE_BYTES - 5)}\r\n`,
    [{ code: 250, enhanced: null, text: "x".repeat(SMTP_REPLY_LINE_BYTES - 5) }],
  ],
];

describe("a reply", () => {
  for (const [name, text, expected] of good) {
    test(`${name}, whole and in pieces`, () => {
      for (const sizes of [[1e9], [1], [2], [3, 1]])
        expect(parse(text, sizes)).toEqual({ replies: expected, fault: null });
    });
  }
});

const bad: [string, string, RegExp][] = [
  ["two codes in one reply", "250-a\r\n550 b\r\n", /two codes, 250 and 550/],
  ["no digits", "hello there\r\n", /no SMTP reply: "hello there"/],
  ["an empty line", "\r\n", /no SMTP reply/],
  ["two digits", "25 Ok\r\n", /no SMTP reply/],
  ["four digits", "2500 Ok\r\n", /no SMTP reply/],
  ["a code below 200", "199 Ok\r\n", /no SMTP reply/],
  ["a code above 599", "600 Ok\r\n", /no SMTP reply/],
  ["digits of another script", "٢٥٠ Ok\r\n", /no SMTP reply/],
  ["an HTTP server", "HTTP/1.1 400 Bad Request\r\n", /no SMTP reply/],
  ["a line one byte too long", `250 ${"x".repeat(SMTP_REPLY_LINE_BYTES)}\r\n`, /longer than/],
  ["a line without end", "2".repeat(1_000_000), /longer than/],
  ["endless continuation lines", "250-x\r\n".repeat(SMTP_REPLY_LINES + 1), /longer than/],
  [
    "a reply too long in all",
    `250-${"x".repeat(4000)}\r\n`.repeat(Math.ceil(SMTP_REPLY_BYTES / 4000) + 1),
    /longer than/,
  ],
];

describe("not a reply", () => {
  for (const [name, text, fault] of bad) {
    test(`${name}, whole and in pieces`, () => {
      for (const sizes of [[1e9], [1], [7]]) {
        const result = parse(text, sizes);
        expect(result.fault).toMatch(fault);
        expect(result.replies).toEqual([]);
      }
    });
  }

  test("more replies than anyone asked for", () => {
    const parser = new ReplyParser();
    expect(parser.push(bytes("250 x\r\n".repeat(SMTP_REPLIES_HELD)))).toBeNull();
    expect(parser.push(bytes("250 x\r\n"))).toMatch(/never sent/);
  });

  test("a fault is final", () => {
    const parser = new ReplyParser();
    parser.push(bytes("what\r\n250 Ok\r\n"));
    parser.push(bytes("250 Ok\r\n"));
    expect(parser.shift()).toBeUndefined();
    expect(parser.fault).toMatch(/no SMTP reply/);
  });
});

describe("any bytes", () => {
  test("end in replies or one fault, never a throw", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 }), (chunks) => {
        const parser = new ReplyParser();
        for (const chunk of chunks) parser.push(chunk);
        expect(parser.length).toBeLessThanOrEqual(SMTP_REPLIES_HELD);
        for (let reply = parser.shift(); reply !== undefined; reply = parser.shift()) {
          expect(reply.code).toBeGreaterThanOrEqual(200);
          expect(reply.code).toBeLessThanOrEqual(599);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("split anywhere, the same replies come", () => {
    const line = fc.tuple(
      fc.integer({ min: 200, max: 599 }),
      fc.stringMatching(/^[ -~]{0,40}$/),
      fc.boolean(),
    );
    fc.assert(
      fc.property(
        fc.array(line, { minLength: 1, maxLength: 10 }),
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
        (lines, sizes) => {
          const text = lines
            .map(([code, words, more]) => `${more ? `${code}-first\r\n` : ""}${code} ${words}\r\n`)
            .join("");
          expect(parse(text, sizes)).toEqual(parse(text));
        },
      ),
    );
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addressValue } from "../../src/message/headers.ts";
import { parseMailbox } from "../../src/schema/address.ts";
import { forbiddenHeader, isHeaderName } from "../../src/schema/header.ts";

const L64 = "x".repeat(64);
const good: [text: string, name: string | null, address: string][] = [
  ["a@b.com", null, "a@b.com"],
  ["  a@b.com  ", null, "a@b.com"],
  ["<a@b.com>", null, "a@b.com"],
  ["< a@b.com >", null, "a@b.com"],
  ["Ada <ada@example.com>", "Ada", "ada@example.com"],
  ["Ada<ada@example.com>", "Ada", "ada@example.com"],
  ["Ada Lovelace <ada@example.com>", "Ada Lovelace", "ada@example.com"],
  ["Ada   Lovelace  <ada@example.com>", "Ada Lovelace", "ada@example.com"],
  ['"Ada" <ada@example.com>', "Ada", "ada@example.com"],
  ['"Doe, John" <j@x.com>', "Doe, John", "j@x.com"],
  ['"A <b@c.com>" <d@e.com>', "A <b@c.com>", "d@e.com"],
  ['"say \\"hi\\"" <a@b.com>', 'say "hi"', "a@b.com"],
  ['"back\\\\slash" <a@b.com>', "back\\slash", "a@b.com"],
  ['"" <a@b.com>', null, "a@b.com"],
  ['Joe "The Man" Doe <a@b.com>', "Joe The Man Doe", "a@b.com"],
  ["Acme, Inc. <a@b.com>", "Acme, Inc.", "a@b.com"],
  ["[Acme] Support <a@b.com>", "[Acme] Support", "a@b.com"],
  ["O'Brien <o@b.com>", "O'Brien", "o@b.com"],
  ["J. R. R. <a@b.com>", "J. R. R.", "a@b.com"],
  ["Jürgen Groß <a@b.com>", "Jürgen Groß", "a@b.com"],
  ["山田太郎 <a@b.com>", "山田太郎", "a@b.com"],
  ["Ada 🎉 <a@b.com>", "Ada 🎉", "a@b.com"],
  ["مرحبا <a@b.com>", "مرحبا", "a@b.com"],
  ["=?utf-8?q?J=C3=B6?= <a@b.com>", "=?utf-8?q?J=C3=B6?=", "a@b.com"],
  ['"john doe"@x.com', null, '"john doe"@x.com'],
  ['"a@b"@c.com', null, '"a@b"@c.com'],
  ['"a\\"b"@c.com', null, '"a\\"b"@c.com'],
  ['"a> b, c"@c.com', null, '"a> b, c"@c.com'],
  ['Jo <"john doe"@x.com>', "Jo", '"john doe"@x.com'],
  ['"a..b"@c.com', null, '"a..b"@c.com'],
  ["a.b+c-d_e=f/g!h#i$j%k&l'm*n?o^p`q{r|s}t~@x.com", null, "a.b+c-d_e=f/g!h#i$j%k&l'm*n?o^p`q{r|s}t~@x.com"],
  ["Mixed.Case@Example.COM", null, "Mixed.Case@example.com"],
  ["a@sub.domain.example.co.uk", null, "a@sub.domain.example.co.uk"],
  ["a@1.2.3.example", null, "a@1.2.3.example"],
  ["a@bücher.example", null, "a@xn--bcher-kva.example"],
  ["a@BÜCHER.example", null, "a@xn--bcher-kva.example"],
  ["a@例え.jp", null, "a@xn--r8jz45g.jp"],
  ["a@例え。jp", null, "a@xn--r8jz45g.jp"],
  ["a@faß.de", null, "a@xn--fa-hia.de"],
  ["a@xn--bcher-kva.example", null, "a@xn--bcher-kva.example"],
  ["a@i❤.ws", null, "a@xn--i-7iq.ws"],
  ["ü@x.de", null, "ü@x.de"],
  ["用户@例え.jp", null, "用户@xn--r8jz45g.jp"],
  ["root@localhost", null, "root@localhost"],
  [`${L64}@x.com`, null, `${L64}@x.com`],
  [`a@${"y".repeat(63)}.com`, null, `a@${"y".repeat(63)}.com`],
  [`${"n".repeat(256)} <a@b.com>`, "n".repeat(256), "a@b.com"],
];
const bad: [text: string, why: RegExp][] = [
  ["", /empty/],
  ["   ", /empty/],
  ["<>", /nothing between/],
  ["Ada <>", /nothing between/],
  ["Ada", /no @/],
  ["@b.com", /before the @/],
  ["a@", /after the @/],
  ["a@b.com, c@d.com", /more than one/],
  ["a@b.com; c@d.com", /more than one/],
  ["a@b.com c@d.com", /two @/],
  ["A <a@b.com>, B <c@d.com>", /more than one|space|after/],
  ["a@b.com, B <c@d.com>", /more than one/],
  ["team: a@b.com, c@d.com;", /more than one|space/],
  ["Team: <a@b.com>", /quotes/],
  ["Name a@b.com", /angle brackets/],
  ["a b@c.com", /angle brackets/],
  ["a@b@c.com", /two @/],
  ["a@b.com>", /an @ in a name/],
  ["x>", /quotes/],
  ['"x" >', /quotes/],
  ['"x>', /quotation/],
  ["Ada <a@b.com", /space|angle/],
  ["<<a@b.com>>", /legal only|letter/],
  ["Ada <a@b.com> x", /more than one|angle/],
  ["Jo (Sales) <a@b.com>", /comment/],
  ["a@b.com (Jo)", /comment|space/],
  ["jo(x)@b.com", /comment/],
  ["a\r\nBcc: x@y.com <a@b.com>", /control/],
  ["a@b.com\n", /control/],
  ["a\0@b.com", /control/],
  ["a\t@b.com", /control/],
  ["a\u2028b <a@b.com>", /control/],
  ["\ud800 <a@b.com>", /Unicode/],
  [".a@b.com", /dot/],
  ["a.@b.com", /dot/],
  ["a..b@b.com", /dot/],
  ['"open <a@b.com>', /quotation/],
  ['"open@b.com', /quotation/],
  ['"a"b@c.com', /@ must follow/],
  ["a[b@c.com", /quotes/],
  ["a@[1.2.3.4]", /IP address/],
  ["a@1.2.3.4", /number/],
  ["a@gmail", /without a dot/],
  ["a@b..com", /dot/],
  ["a@.com", /dot/],
  ["a@b.com.", /dot/],
  ["a@-b.com", /hyphen/],
  ["a@b-.com", /hyphen/],
  ["a@b_c.com", /letter/],
  ["a@b%2ecom", /letter/],
  ["a@b/c.com", /letter/],
  ["a@b.com:25", /letter/],
  ["a@b.com?x=1", /letter/],
  ["a@bü cher.de", /space/],
  ["a@ü.de/x", /letter/],
  ["a@\u00ad.com", /international|dot/],
  [`${L64}x@x.com`, /64 bytes/],
  [`${"ü".repeat(33)}@x.com`, /64 bytes/],
  [`a@${"y".repeat(64)}.com`, /63 bytes/],
  [`a@${"y.".repeat(130)}com`, /255|longer/],
  [`${"n".repeat(257)} <a@b.com>`, /256/],
  ["x".repeat(100_000), /longer/],
  ["<@relay.example:a@b.com>", /before the @/],
];

describe("parseMailbox", () => {
  it.each(good)("takes %j", (text, name, address) => {
    const parsed = parseMailbox(text);
    expect(parsed).toEqual({
      ok: true,
      value: {
        name,
        address,
        domain: address.slice(address.lastIndexOf("@") + 1),
        smtputf8: /[^\0-\x7f]/.test(address),
      },
    });
  });
  it.each(bad)("refuses %j", (text, why) => {
    const parsed = parseMailbox(text);
    expect(parsed.ok ? `taken as ${JSON.stringify(parsed.value)}` : parsed.error).toMatch(why);
  });

  it("never throws, and what it takes is fit for an envelope", () => {
    const pieces = fc.constantFrom(
      '"',
      "\\",
      "<",
      ">",
      "@",
      "a",
      "b.com",
      " ",
      ",",
      ";",
      ":",
      "(",
      ")",
      "ü",
      ".",
      "[",
      "]",
      "\r\n",
      "例え.jp",
    );
    const text = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.array(pieces, { maxLength: 12 }).map((list) => list.join("")),
    );
    fc.assert(
      fc.property(text, (given) => {
        const parsed = parseMailbox(given);
        if (!parsed.ok) {
          expect(parsed.error).toMatch(/^[a-z].*[^.]$/);
          return;
        }
        const { address, domain } = parsed.value;
        expect(address.endsWith(`@${domain}`)).toBe(true);
        expect(domain).toMatch(/^[a-z0-9.-]+$/);
        expect(address).not.toMatch(/[\p{Cc}]/u);
        if (!address.startsWith('"'))
          expect(address.slice(0, -domain.length - 1)).not.toMatch(/[\s<>",;:()@\\]/);
      }),
      { numRuns: 3_000 },
    );
  });

  it("gives back what an address header says", () => {
    const name = fc.string({ unit: fc.constantFrom(..."aZ9 .,;:()[]<>@\\'\"=?_-"), maxLength: 30 });
    fc.assert(
      fc.property(name, (given) => {
        const value = addressValue("X", [{ name: given.trim() || null, address: "a@b.com" }]);
        if (value.includes("=?")) return; // encoded words are not decoded here
        const parsed = parseMailbox(value.replaceAll("\r\n", ""));
        expect(parsed.ok && parsed.value.name).toBe(given.trim() || null);
      }),
    );
  });
});

describe("header names", () => {
  it.each(["X-A", "List-Unsubscribe", "In-Reply-To", "x_y", "Sender", "Message-ID"])(
    "lets a caller set %s",
    (name) => {
      expect(isHeaderName(name)).toBe(true);
      expect(forbiddenHeader(name)).toBeNull();
    },
  );
  it.each(["", "X A", "X:", "X\r\nBcc", "Ä", " X", "-X", "X\0"])("does not take %j for a name", (name) => {
    expect(isHeaderName(name)).toBe(false);
  });
  it.each([
    "Bcc",
    "bcc",
    "BCC ",
    "From",
    "Content-Type",
    "content-anything",
    "Return-Path",
    "Received",
    "DKIM-Signature",
    "ARC-Seal",
    "Authentication-Results",
    "MIME-Version",
    "Resent-To",
    "Date",
  ])("says why a caller may not set %s", (name) => expect(forbiddenHeader(name)).toMatch(/\w/));
});

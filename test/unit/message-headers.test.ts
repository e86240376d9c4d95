import fc from "fast-check";
import PostalMime from "postal-mime";
import { describe, expect, it } from "vitest";
import {
  addressField,
  dateText,
  RefusedHeader,
  structuredField,
  textField,
} from "../../src/message/headers.ts";
import { headerFault } from "../../src/message/structured.ts";

const readBack = async (field: string) => PostalMime.parse(`${field}Content-Type: text/plain\r\n\r\nx\r\n`);
const legal = (field: string) => {
  expect(field.endsWith("\r\n")).toBe(true);
  for (const [i, line] of field.slice(0, -2).split("\r\n").entries()) {
    expect(line).not.toMatch(/[\r\n\0]/);
    if (i > 0) expect(line).toMatch(/^[ \t]+[^ \t]/);
    expect(line.length).toBeLessThanOrEqual(998);
    for (const word of line.match(/=\?[^ ]*\?=/g) ?? []) expect(word.length).toBeLessThanOrEqual(75);
  }
};

describe("the header writer", () => {
  it.each(["a\r\nBcc: x@y.com", "a\nb", "a\rb", "a\0b", "ü\r\nX: y"])(
    "refuses %j whatever came before",
    (value) => {
      expect(() => textField("Subject", value)).toThrow(RefusedHeader);
      expect(() => structuredField("List-Unsubscribe", value, false)).toThrow(RefusedHeader);
      expect(() => addressField("To", [{ name: value, address: "a@b.com" }])).toThrow(RefusedHeader);
      expect(() => addressField("To", [{ name: null, address: value }])).toThrow(RefusedHeader);
    },
  );
  it.each(["X\r\nBcc", "X Y", "X:Y", "", "X\0"])("refuses the name %j", (name) => {
    expect(() => textField(name, "x")).toThrow(RefusedHeader);
  });

  it.each([
    ["Subject", "Hello", "Subject: Hello\r\n"],
    ["Subject", "", "Subject:\r\n"],
    ["Subject", "Grüße", "Subject: =?UTF-8?B?R3LDvMOfZQ==?=\r\n"],
    ["Subject", "Re: Grüße und so", "Subject: Re: =?UTF-8?B?R3LDvMOfZQ==?= und so\r\n"],
    ["Subject", "日本語", "Subject: =?UTF-8?B?5pel5pys6Kqe?=\r\n"],
    ["Subject", "=?utf-8?q?J=C3=B6?=", "Subject: =?utf-8?q?J=C3=B6?=\r\n"],
    ["Subject", "=?not-encoded", "Subject: =?UTF-8?Q?=3D=3Fnot-encoded?=\r\n"],
    [
      "Subject",
      "one two three four five six seven eight nine ten eleven twelve thirteen",
      "Subject: one two three four five six seven eight nine ten eleven twelve\r\n thirteen\r\n",
    ],
  ])("writes %s: %s", (name, value, line) => expect(textField(name, value)).toBe(line));

  it("writes address lists", () => {
    expect(addressField("To", [{ name: null, address: "a@b.com" }])).toBe("To: a@b.com\r\n");
    expect(
      addressField("To", [
        { name: "Doe, John", address: "a@b.com" },
        { name: "Ü", address: "c@d.com" },
      ]),
    ).toBe('To: "Doe, John" <a@b.com>, =?UTF-8?B?w5w=?= <c@d.com>\r\n');
    const many = Array.from({ length: 50 }, (_, i) => ({
      name: `Person Number ${i}`,
      address: `person${i}@example.com`,
    }));
    const field = addressField("To", many);
    legal(field);
    for (const line of field.split("\r\n")) expect(line.length).toBeLessThanOrEqual(76);
  });

  it("keeps List-Unsubscribe on one line, and folds References", () => {
    const url = `<https://example.com/u/${"x".repeat(200)}>, <mailto:u@example.com?subject=${"y".repeat(100)}>`;
    expect(structuredField("List-Unsubscribe", url, false)).toBe(`List-Unsubscribe: ${url}\r\n`);
    const references = Array.from({ length: 5 }, (_, i) => `<${i}-${"z".repeat(30)}@example.com>`).join(" ");
    const field = structuredField("References", references, true);
    expect(field.split("\r\n ").length).toBeGreaterThan(2);
    expect(field.replaceAll("\r\n ", " ")).toBe(`References: ${references}\r\n`);
  });

  it.each([
    ["List-Unsubscribe", "<https://exämple.com>", /ASCII/],
    ["References", `<${"x".repeat(1_000)}@y>`, /without a space/],
    ["Message-ID", "no brackets", /form/],
    ["Sender", "nobody", /@/],
    ["X-Any", "a\nb", /line break/],
    ["X-Any", "\ud800", /Unicode/],
  ])("finds fault with %s: %s", (name, value, why) => expect(headerFault(name, value)).toMatch(why));
  it.each([
    ["X-Any", "ü".repeat(2_000)],
    ["X-Any", "x".repeat(8_000)],
    ["Message-ID", "<a@b.com>"],
    ["Sender", "Jö <a@b.com>"],
    ["List-Unsubscribe", "<https://example.com>"],
  ])("finds none with %s", (name, value) => expect(headerFault(name, value)).toBeNull());

  it("spells dates as RFC 5322 does", () => expect(dateText(0)).toBe("Thu, 01 Jan 1970 00:00:00 +0000"));

  it("gives every subject back, within the bounds of a line", async () => {
    const text = fc.oneof(
      fc.string({ unit: "grapheme", maxLength: 300 }),
      fc.string({
        unit: fc.constantFrom("a", "ü", " ", "=?", "?=", "🎉", "日", "_", "=20", '"'),
        maxLength: 200,
      }),
      fc.integer({ min: 1, max: 3_000 }).map((n) => "x".repeat(n)),
    );
    await fc.assert(
      fc.asyncProperty(text, async (given) => {
        const value = given.replace(/\p{Cc}/gu, "").trim();
        const encoded = /=\?[^ ]*\?[bq]\?[^ ]*\?=/i.test(value); // goes out as it is
        const field = textField("Subject", value);
        legal(field);
        const mail = await readBack(field);
        if (!encoded) expect(mail.subject ?? "").toBe(value);
      }),
      { numRuns: 500 },
    );
  });

  it("gives every display name back", async () => {
    const text = fc.string({
      unit: fc.constantFrom(
        "a",
        "B",
        "ü",
        " ",
        ",",
        "<",
        ">",
        "@",
        '"',
        "\\",
        "(",
        ")",
        "🎉",
        ".",
        "日",
        ";",
        ":",
      ),
      maxLength: 60,
    });
    await fc.assert(
      fc.asyncProperty(text, async (given) => {
        const name = given.trim().replace(/ +/g, " ");
        const field = addressField("To", [
          { name: name || null, address: "a@b.com" },
          { name: null, address: "c@d.com" },
        ]);
        legal(field);
        const mail = await readBack(field);
        expect(mail.to).toEqual([
          { name, address: "a@b.com" },
          { name: "", address: "c@d.com" },
        ]);
      }),
      { numRuns: 500 },
    );
  });
});

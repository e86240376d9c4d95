/** CSV files of suppressions: what people have, what spreadsheets do, and what goes wrong. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { IMPORT_RECORD_CHARS, SUPPRESSIONS_PER_CALL } from "../../src/core/limits.ts";
import {
  type CsvBatch,
  csvCell,
  csvHeader,
  csvLine,
  readSuppressions,
} from "../../src/http/suppression-csv.ts";
import type { NewSuppression, Suppression } from "../../src/schema/suppression.ts";

const NOW = Date.UTC(2026, 10, 1);
const bytes = (text: string) => new TextEncoder().encode(text);

/** The bytes in pieces of `size`. */
const stream = (all: Uint8Array, size = 7): ReadableStream<Uint8Array> => {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= all.length) controller.close();
      else controller.enqueue(all.slice(at, at + size));
      at += size;
    },
  });
};
async function read(text: string | Uint8Array, size?: number) {
  const batches: CsvBatch[] = [];
  for await (const batch of readSuppressions(
    stream(typeof text === "string" ? bytes(text) : text, size),
    NOW,
  ))
    batches.push(batch);
  return {
    entries: batches.flatMap(({ entries }) => entries),
    faults: batches.flatMap(({ faults }) => faults),
    end: batches.at(-1)!.end,
    rows: batches.reduce((sum, { rows }) => sum + rows, 0),
    batches: batches.length,
  };
}
const addressesIn = async (text: string | Uint8Array) => {
  const { entries, faults, end } = await read(text);
  expect([faults, end]).toEqual([[], null]);
  return entries.map(({ address }) => address);
};
const utf16 = (text: string) => new Uint8Array(Buffer.from(`\ufeff${text}`, "utf16le"));

describe("a file", () => {
  it.each([
    ["bare addresses", "a@x.example\nb@x.example\n"],
    ["no line break at its end", "a@x.example\nb@x.example"],
    ["CRLF", "a@x.example\r\nb@x.example\r\n"],
    ["CR alone, as old Macs wrote", "a@x.example\rb@x.example\r"],
    ["empty lines and spaces", "\n a@x.example \n\n  b@x.example\n \r\n , \n"],
    ["a header", "email\na@x.example\nb@x.example\n"],
    ["a byte order mark", "\ufeffEmail\na@x.example\nb@x.example\n"],
    ["a header in capitals with a space", 'Name,"E-Mail Address"\nAda,a@x.example\nBob,b@x.example\n'],
    ["a column of streets", "Address,Email\nHigh Street 1,a@x.example\nLow Street 2,b@x.example\n"],
    ["semicolons", "name;email;x\nAda;a@x.example;1\nBob;b@x.example;2\n"],
    ["tabs in UTF-16, as Excel's Unicode text", utf16("email\tname\na@x.example\tÜ\nb@x.example\tB\n")],
    ["addresses in the second column, and no header", "Ada,a@x.example\nBob,b@x.example\n"],
    ["names with the addresses", 'email\n"Ada <a@x.example>"\nBob <b@x.example>\n'],
    ["quoted cells", '"a@x.example"\n"b@x.example"\n'],
    ["rows of different lengths", "email,topic\na@x.example\nb@x.example,,,,\n"],
    ["capitals", "A@X.Example\nB@x.example\n"],
  ])("with %s", async (_, text) => {
    expect(await addressesIn(text)).toEqual(["a@x.example", "b@x.example"]);
  });

  it("says more in further columns, in any order", async () => {
    const { entries } = await read(
      "reason,expires_at,Topic,email,origin,source_id,category\n" +
        "Asked us,2027-01-01T00:00:00Z,news,a@x.example,Complaint,e-1,spam\n,,,b@x.example,,,\n",
    );
    expect(entries).toEqual([
      {
        address: "a@x.example",
        topic: "news",
        origin: "complaint",
        category: "spam",
        reason: "Asked us",
        sourceId: "e-1",
        expiresAt: Date.UTC(2027, 0, 1),
      },
      {
        address: "b@x.example",
        topic: "",
        origin: "manual",
        category: "manual",
        reason: null,
        sourceId: null,
        expiresAt: null,
      },
    ]);
  });

  it.each([
    ["not an address", "nobody", /^the address is not an address: it has no @$/],
    ["two addresses", "b@x.example c@x.example", /^the address /],
    ["nothing where the address should be", ",news", /^the address is empty$/],
    ["an origin that is none", "b@x.example,,hearsay", /^origin must be one of bounce/],
    ["a topic too long", `b@x.example,${"t".repeat(200)}`, /^topic is longer than/],
    ["a time that is none", "b@x.example,,,tomorrow", /^expires_at must be a time/],
    ["a time that is over", "b@x.example,,,2020-01-01T00:00:00Z", /^expires_at is in the past$/],
    ["quotation marks in the wrong place", 'b"@x.example, "c', /^the address /],
    ["bytes that are not UTF-8", new Uint8Array([0xff, 0xfe, 0x80]), /^the address /],
    ["a NUL", "b\0@x.example", /^the address /],
  ])("with %s in a line loses that line alone", async (_, line, reason) => {
    const before = bytes("email,topic,origin,expires_at\na@x.example\n");
    const middle = typeof line === "string" ? bytes(line) : line;
    const { entries, faults, end, rows } = await read(
      new Uint8Array([...before, ...middle, ...bytes("\nz@x.example\n")]),
    );
    expect(entries.map(({ address }) => address)).toEqual(["a@x.example", "z@x.example"]);
    expect(faults).toEqual([{ line: 3, reason: expect.stringMatching(reason) }]);
    expect(JSON.stringify(faults)).not.toContain("x.example");
    expect([end, rows]).toEqual([null, 3]);
  });

  it.each([
    ["that is empty", "", 1, /empty/],
    ["of blank lines", "\n\n\r\n", 1, /empty/],
    ["that is no list", "PK\x03\x04 binary", 1, /first row/],
    ["with a header that names no address", "name,phone\nAda,1\n", 1, /first row/],
    ["with a quotation mark never closed", 'a@x.example\n"b@x.example\nc@x.example\n', 2, /quotation mark/],
    [
      "with an endless line",
      `a@x.example\n${"q".repeat(2 * IMPORT_RECORD_CHARS)}\nc@x.example\n`,
      2,
      /longer than/,
    ],
  ])("%s ends with a reason", async (_, text, line, reason) => {
    const { end, entries } = await read(text, 1_000);
    expect(end).toEqual({ line, reason: expect.stringMatching(reason) });
    expect(entries).toHaveLength(line - 1);
  });

  it("comes in batches", async () => {
    const text = Array.from({ length: 2 * SUPPRESSIONS_PER_CALL + 1 }, (_, i) => `r${i}@x.example\n`).join(
      "",
    );
    const { batches, entries } = await read(text, 64_000);
    expect([batches, entries.length]).toEqual([3, 2 * SUPPRESSIONS_PER_CALL + 1]);
  });

  it("of any bytes is read to its end without a throw", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 400 }),
        fc.integer({ min: 1, max: 50 }),
        async (any, size) => {
          await read(new Uint8Array([...bytes("a@x.example\n"), ...any]), size);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe("an export", () => {
  const entry = (more: Partial<Suppression>): Suppression => ({
    id: "0",
    address: "a@x.example",
    topic: "",
    origin: "manual",
    category: "manual",
    reason: null,
    sourceId: null,
    createdAt: NOW,
    expiresAt: null,
    ...more,
  });

  it.each([
    ["=1+1@x.example", "'=1+1@x.example"],
    ["+ada@x.example", "'+ada@x.example"],
    ["-ada@x.example", "'-ada@x.example"],
    ["@sum(a1)", "'@sum(a1)"],
    ["\tx", '"\'\tx"'],
    ["'x", "''x"],
    ['he said "no", twice', '"he said ""no"", twice"'],
    ['=HYPERLINK("http://x","y")', '"\'=HYPERLINK(""http://x"",""y"")"'],
    ["a\nb", '"a\nb"'],
    ["a;b\tc", '"a;b\tc"'],
    ["plain", "plain"],
    ["", ""],
  ])("writes %j as %j, which no spreadsheet runs", (text, cell) => {
    expect(csvCell(text)).toBe(cell);
  });

  it("comes back by an import as it was", async () => {
    const local = fc.stringMatching(/^[a-z0-9!#$%&'*+/=?^_`{|}~-]{1,20}$/);
    const words = fc
      .string({
        unit: fc.oneof(
          fc.constantFrom(..."=;,\"' "),
          fc.string({ unit: "grapheme", minLength: 1, maxLength: 1 }),
        ),
        maxLength: 60,
      })
      .map((s) => s.replace(/\p{Cc}/gu, "").trim());
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc
            .record({ local, topic: words, reason: words, soon: fc.boolean() })
            .filter(
              ({ topic, reason }) => topic.isWellFormed() && reason.isWellFormed() && topic.length <= 60,
            ),
          { minLength: 1, maxLength: 20 },
        ),
        async (list) => {
          const entries = list.map(({ local, topic, reason, soon }) =>
            entry({
              address: `${local}@x.example`,
              topic,
              origin: "unsubscribe",
              category: "unsubscribe",
              reason: reason || null,
              sourceId: "e-1",
              expiresAt: soon ? NOW + 1_000 : null,
            }),
          );
          const back = await read(csvHeader + entries.map(csvLine).join(""));
          expect([back.faults, back.end]).toEqual([[], null]);
          expect(back.entries).toEqual(
            entries.map(({ id: _, createdAt: __, ...rest }): NewSuppression => rest),
          );
        },
      ),
      { numRuns: 100 },
    );
  });
});

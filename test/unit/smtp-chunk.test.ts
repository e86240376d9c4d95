/** Messages as BDAT carries them, and several pieces in one write. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { chunk, firstLine, lastChunk, notUnderstood, unstuffed } from "../../src/smtp/chunk.ts";
import { Outgoing } from "../../src/smtp/outgoing.ts";

const bytes = (text: string) => Buffer.from(text, "latin1");
const text = (array: Uint8Array | null) => (array === null ? null : Buffer.from(array).toString("utf8"));
/** As DATA wants it (RFC 5321 section 4.5.2). */
const stuffed = (plain: string) => plain.replace(/(^|\n)\./g, "$1..");

describe("dots doubled for DATA are single in a chunk", () => {
  test.each([
    ["", ""],
    ["a\r\n", "a\r\n"],
    ["..\r\n", ".\r\n"],
    ["a.b..c\r\n", "a.b..c\r\n"],
    ["a\r\n...b\r\n..\r\n", "a\r\n..b\r\n.\r\n"],
  ])("%j", (wire, plain) => {
    expect(text(unstuffed(bytes(wire)))).toBe(plain);
  });

  test("a message without them is not copied", () => {
    const wire = bytes("Subject: x\r\n\r\na.b\r\n");
    expect(unstuffed(wire)).toBe(wire);
  });

  test("whatever was doubled comes back", () => {
    const lines = fc.array(fc.constantFrom(".", "..", "a", "\r\n", "\n", "x.y"), { maxLength: 40 });
    fc.assert(
      fc.property(lines, (pieces) => {
        const plain = pieces.join("");
        expect(text(unstuffed(bytes(stuffed(plain))))).toBe(plain);
      }),
    );
  });
});

test("a chunk's command tells its length", () => {
  expect(chunk(16)).toBe("BDAT 16\r\n");
  expect(lastChunk(0)).toBe("BDAT 0 LAST\r\n");
});

test.each([
  ["From: a\r\nTo: b\r\n", 9],
  ["From: a\r\n", 9],
  ["From: a", 7],
])("the first chunk of %j has %i bytes", (message, length) => expect(firstLine(bytes(message))).toBe(length));

test.each([
  [250, false],
  [421, false],
  [499, false],
  [500, true],
  [502, true],
  [504, true],
  [550, false],
  [554, false],
])("%i to BDAT: not understood is %s", (code, expected) => expect(notUnderstood(code)).toBe(expected));

describe("what goes out in one write", () => {
  test("nothing", () => expect(new Outgoing().take()).toBeNull());

  test("text and bytes in order, once", () => {
    const out = new Outgoing();
    out.add("RSET\r\n");
    out.add(bytes("body\r\n"));
    out.add(".\r\n");
    expect(text(out.take())).toBe("RSET\r\nbody\r\n.\r\n");
    expect(out.take()).toBeNull();
  });

  test("text beyond ASCII is UTF-8, wherever it stands", () => {
    const out = new Outgoing();
    out.add("MAIL FROM:<a@b.test>\r\n");
    out.add("RCPT TO:<jö@b.test>\r\n");
    out.add(bytes("body\r\n"));
    expect(text(out.take())).toBe("MAIL FROM:<a@b.test>\r\nRCPT TO:<jö@b.test>\r\nbody\r\n");
  });
});

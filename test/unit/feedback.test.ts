/** Reading mail that came in: line ends, addresses, tokens and Message-IDs, each as a table. Whole messages: feedback-samples.test.ts. */
import { describe, expect, test } from "vitest";
import { FEEDBACK_BYTES, FEEDBACK_CLUES, FEEDBACK_LINES } from "../../src/core/limits.ts";
import { fieldGroups } from "../../src/feedback/fields.ts";
import { normalLines } from "../../src/feedback/lines.ts";
import { noticeOf } from "../../src/feedback/notice.ts";
import { messagesIn, tokensIn } from "../../src/feedback/original.ts";
import { addressesIn, fromXtext, normalAddress, typedAddress } from "../../src/feedback/recipient.ts";
import { understand } from "../../src/feedback/understand.ts";
import { textOf } from "../../src/message/text.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (raw: Uint8Array) => new TextDecoder().decode(raw);
const read = (raw: string, to: string | null = null) => understand({ raw: bytes(raw), to, textOf });

describe("lines", () => {
  test.each([
    ["CRLF", "a\r\nb\r\n\r\nc", "a\nb\n\nc"],
    ["LF", "a\nb", "a\nb"],
    ["CR", "a\rb\r\rc", "a\nb\n\nc"],
    ["CR CR LF", "a\r\r\nb\r\r\r\nc", "a\nb\nc"],
    ["a CR within a line", "a\rb\r\nc", "a\nb\nc"],
    ["a From line", "From x@y.example Tue Nov 17\r\na: b", "a: b"],
    ["a quoted From line", ">From x@y.example\na: b", "a: b"],
    ["From: is a header", "From: x@y.example\na: b", "From: x@y.example\na: b"],
    ["empty lines in front", "\r\n\n \na: b", "a: b"],
    ["a byte order mark", "\ufeffa: b", "a: b"],
    ["nothing", "", ""],
    ["only a From line", "From x", ""],
  ])("%s", (_, given, expected) => {
    expect(text(normalLines(bytes(given)))).toBe(expected);
  });

  test("no more bytes or lines than the bounds", () => {
    expect(normalLines(new Uint8Array(2 * FEEDBACK_BYTES).fill(65)).length).toBe(FEEDBACK_BYTES);
    expect(
      text(normalLines(bytes("a\n".repeat(FEEDBACK_LINES + 10)))).split("\n").length,
    ).toBeLessThanOrEqual(FEEDBACK_LINES + 2);
  });
});

describe("an address of a report", () => {
  test.each([
    ["rfc822; ada@example.com", "ada@example.com"],
    ["RFC822;ada@example.com", "ada@example.com"],
    ["ada@example.com", "ada@example.com"],
    ["rfc822; <ada@example.com>", "ada@example.com"],
    ["rfc822; Ada <ada@example.com>", "ada@example.com"],
    ["rfc822; ada@example.com (no such box)", "ada@example.com"],
    ["rfc822;SMTP:ada@example.com", "ada@example.com"],
    ['rfc822; "two words"@example.com', '"two words"@example.com'],
    ["utf-8; \\x{3B1}@example.com", "α@example.com"],
    ["utf-8; jürgen@straße.example", "jürgen@straße.example"],
    ["utf-8; \\x{D800}@example.com", "\ufffd@example.com"],
    ["LOTUS;CN=Per Ny/OU=Oslo/O=Domino", null],
    ["X400; c=us;a= ;p=corp", null],
    ["rfc822;", null],
    ["", null],
    [`rfc822; ${"a".repeat(400)}@example.com`, null],
  ])("%s", (given, expected) => {
    expect(typedAddress(given)).toBe(expected);
  });

  test("as xtext", () => {
    expect(fromXtext("ada+2Bshop@example.com")).toBe("ada+shop@example.com");
    expect(fromXtext("ada+shop@example.com")).toBe("ada+shop@example.com");
  });

  test.each([
    ["Ada@Example.COM", "ada@example.com"],
    ["ada@straße.example", "ada@xn--strae-oqa.example"],
    ["not an address", null],
  ])("for comparing: %s", (given, expected) => {
    expect(normalAddress(given)).toBe(expected);
  });

  test("in prose, without repeats", () => {
    expect(addressesIn("to 'ada@example.com', (bob@example.net), ada@example.com.", 10)).toEqual([
      "ada@example.com",
      "bob@example.net",
    ]);
    expect(addressesIn("a@b.example c@d.example e@f.example", 2)).toHaveLength(2);
    expect(addressesIn("no @ here, and none@", 10)).toEqual([]);
  });
});

const TOKEN = "AQGTRWeJq33vgSNFZ4mrze8AAAAAfh3mXo0pQk5nW2Z";
const ID = "01934567-89ab-7def-8123-456789abcdef";

describe("a token in an address", () => {
  test.each([
    ["plain", `bounce+${TOKEN}@b.example`],
    ["BATV", `prvs=1234abcd56=bounce+${TOKEN}@b.example`],
    ["BATV of Microsoft", `msprvs1=19850abc=bounces-1=bounce+${TOKEN}@b.example`],
    ["SRS", `SRS0=HHHH=TT=b.example=bounce+${TOKEN}@forwarder.example`],
    ["SRS, twice", `SRS1=HHH=f.example==HHHH=TT=b.example=bounce+${TOKEN}@g.example`],
    ["VERP of a list", `bounce+${TOKEN}=ada=example.com@list.example`],
    ["the plus spelled out", `bounce=2B${TOKEN}@b.example`],
    ["a dash for the plus", `bounce-${TOKEN}@b.example`],
    ["angle brackets", `<bounce+${TOKEN}@b.example>`],
    ["another case of the word", `BOUNCE+${TOKEN}@b.example`],
  ])("%s", (_, address) => {
    expect(tokensIn([address])).toEqual([{ purpose: "bounce", token: TOKEN }]);
  });

  test("of an unsubscribe address", () => {
    expect(tokensIn([`unsubscribe+${TOKEN}@b.example`])).toEqual([{ purpose: "unsubscribe", token: TOKEN }]);
  });

  test.each([
    ["too short", `bounce+${TOKEN.slice(1)}@b.example`],
    ["another word", `trounce ${TOKEN}`],
    ["none", "bounce@b.example"],
  ])("%s: none", (_, address) => {
    expect(tokensIn([address])).toEqual([]);
  });

  test("not more than the bound", () => {
    const many = Array.from({ length: 50 }, (_, i) => `bounce+${String(i).padStart(43, "A")}@b.example`);
    expect(tokensIn([many.join(" ")])).toHaveLength(FEEDBACK_CLUES);
  });
});

describe("a Message-ID of ours", () => {
  test.each([
    ["of a message", `<${ID}@news.example>`, { email: ID, recipient: null }],
    ["of a copy in bulk", `<12.${ID}@news.example>`, { email: ID, recipient: 12 }],
    ["in upper case", `<${ID.toUpperCase()}@NEWS.EXAMPLE>`, { email: ID, recipient: null }],
  ])("%s", (_, given, expected) => {
    expect(messagesIn([given])).toEqual([expected]);
  });

  test.each([
    ["a random UUID", "<0fa1c2d3-1111-4def-8123-456789abcdef@x.example>"],
    ["longer", `<a${ID}@x.example>`],
    ["no domain", `<${ID}>`],
  ])("%s: none", (_, given) => {
    expect(messagesIn([given])).toEqual([]);
  });
});

describe("fields", () => {
  test("are unfolded, in groups; what is no field is passed over", () => {
    expect(fieldGroups("A: 1\r\n b\n\tc\nnot a field\nB:\n\n\nC : 3")).toEqual([
      [
        { name: "a", value: "1 b c" },
        { name: "b", value: "" },
      ],
      [{ name: "c", value: "3" }],
    ]);
    expect(fieldGroups("")).toEqual([]);
  });
});

describe("a notice", () => {
  test.each([
    ["--- Below this line is a copy of the message."],
    ["------ This is a copy of the message, including all the headers. ------"],
    ["----- Original message -----"],
    ["Original message headers:"],
    ["Received: from a.example by b.example"],
  ])("ends above: %s", (border) => {
    expect(noticeOf(`It failed.\n\n${border}\nrest`)).toBe("It failed.\n\n");
  });

  test("is all there is without a border", () => {
    expect(noticeOf("It failed.\nBecause.")).toBe("It failed.\nBecause.");
  });
});

describe("where a mail came to", () => {
  const unsubscribe = `unsubscribe+${TOKEN}@b.example`;
  const mail = `From: ada@example.com\nTo: ${unsubscribe}\nSubject: x\n\nx\n`;

  test("is what the envelope says, where there is one", async () => {
    expect((await read(mail)).kind).toBe("unsubscribe");
    expect((await read(mail, "bounce@b.example")).kind).toBe("unknown");
    expect((await read("From: ada@example.com\n\nx", unsubscribe)).kind).toBe("unsubscribe");
  });

  test("a returned message's List-Unsubscribe is a clue, and no wish", async () => {
    const { kind, clues } = await read(
      `From: ada@example.com\nTo: hello@b.example\nSubject: Re: x\n\n> List-Unsubscribe: <mailto:${unsubscribe}>\n`,
    );
    expect(kind).toBe("unknown");
    expect(clues.address).toEqual([]);
    expect(clues.tokens).toEqual([{ purpose: "unsubscribe", token: TOKEN }]);
  });
});

test("clues of a report: tokens, Message-IDs, and every address it names", async () => {
  const { clues, messageId } = await read(
    [
      "From: MAILER-DAEMON@mx.example",
      `To: bounce+${TOKEN}@b.example`,
      "Message-ID: <1@mx.example>",
      "Content-Type: multipart/report; report-type=delivery-status; boundary=b",
      "",
      "--b",
      "Content-Type: message/delivery-status",
      "",
      "Reporting-MTA: dns; mx.example",
      "",
      "Original-Recipient: rfc822;Ada@Example.com",
      "Final-Recipient: rfc822;x77@inside.example",
      "Action: failed",
      "Status: 5.1.1",
      "",
      "--b",
      "Content-Type: text/rfc822-headers",
      "",
      "To: Ada Lovelace <ada@example.com>",
      `Message-ID: <3.${ID}@news.example>`,
      "--b--",
    ].join("\r\n"),
  );
  expect(messageId).toBe("<1@mx.example>");
  expect(clues.address).toEqual([{ purpose: "bounce", token: TOKEN }]);
  expect(clues.messages).toEqual([{ email: ID, recipient: 3 }]);
  expect(clues.recipients).toEqual(["ada@example.com", "x77@inside.example"]);
});

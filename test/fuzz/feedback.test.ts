/** Anything may come in as mail: 100,000 random and mutated messages are read without a throw, and answers keep their bounds. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  DIAGNOSTIC_CHARS,
  FEEDBACK_CLUES,
  FEEDBACK_DASH_LINES,
  FEEDBACK_DEPTH,
  FEEDBACK_REPORTS,
} from "../../src/core/limits.ts";
import { normalLines } from "../../src/feedback/lines.ts";
import { FEEDBACK_KINDS, type Feedback } from "../../src/feedback/report.ts";
import { understand } from "../../src/feedback/understand.ts";
import { textOf } from "../../src/message/text.ts";

const SEED = 20_261_124;
const ROUNDS = 100_000;
/** Bytes of a sample that is mutated: the rest is the message it returns. */
const SAMPLE_BYTES = 1_800;

const FOLDER = join(import.meta.dirname, "../fixtures/feedback");
const samples = readdirSync(FOLDER)
  .filter((name) => name.endsWith(".eml"))
  .map((name) => new Uint8Array(readFileSync(join(FOLDER, name))).subarray(0, SAMPLE_BYTES));

/** mulberry32: small, seeded, good enough to break things with. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

/** What tends to matter to parsers. */
const DELICATE = [
  "\r",
  "\n",
  "\r\n\r\n",
  "\0",
  "--",
  "--=_rep0rt",
  "--=_rep0rt--",
  ":",
  ";",
  "=",
  "=?utf-8?B?",
  "?=",
  "<",
  ">",
  "@",
  "(",
  '"',
  "\\",
  "\\x{110000}",
  "\\x{D800}",
  "Content-Type: multipart/mixed; boundary=b\n\n--b\n",
  "Content-Type: message/rfc822\n\n",
  "Content-Type: message/delivery-status\n\n",
  "Content-Transfer-Encoding: base64\n",
  "Final-Recipient: ",
  "Status: ",
  "Action: ",
  "charset=utf-16",
  "charset=x-nobody-knows",
  "charset=iso-2022-jp",
  "\u001b$B",
  "bounce+",
  "[SMTP:",
  "5.1.1",
  "550 ",
  "9".repeat(400),
  "\ufeff",
  "\u2028",
  "😀",
].map((text) => new TextEncoder().encode(text));

const join3 = (a: Uint8Array, b: Uint8Array, c: Uint8Array): Uint8Array => {
  const out = new Uint8Array(a.length + b.length + c.length);
  out.set(a);
  out.set(b, a.length);
  out.set(c, a.length + b.length);
  return out;
};

function mutated(pick: (below: number) => number): Uint8Array {
  let bytes: Uint8Array = samples[pick(samples.length)]!.slice();
  for (let times = 1 + pick(4); times > 0; times--) {
    const at = pick(bytes.length + 1);
    const length = pick(pick(4) === 0 ? 400 : 12);
    switch (pick(7)) {
      case 0:
        for (let i = 0; i < length && at + i < bytes.length; i++) bytes[at + i] = pick(256);
        break;
      case 1:
        bytes = join3(bytes.subarray(0, at), new Uint8Array(0), bytes.subarray(at + length));
        break;
      case 2:
        bytes = join3(bytes.subarray(0, at), bytes.subarray(at, at + length), bytes.subarray(at));
        break;
      case 3:
        bytes = bytes.slice(0, at);
        break;
      case 4:
      case 5:
        bytes = join3(bytes.subarray(0, at), DELICATE[pick(DELICATE.length)]!, bytes.subarray(at));
        break;
      default: {
        const other = samples[pick(samples.length)]!;
        bytes = join3(bytes.subarray(0, at), other.subarray(pick(other.length)), new Uint8Array(0)).slice(
          0,
          4_000,
        );
      }
    }
  }
  return bytes;
}

const random = (pick: (below: number) => number): Uint8Array =>
  Uint8Array.from({ length: pick(300) }, () => (pick(3) === 0 ? pick(256) : 32 + pick(95)));

/** The bounds of an answer; throws at the first that is broken, so that 100,000 checks cost nothing. */
function check({ kind, reports, clues }: Feedback): void {
  const fine =
    FEEDBACK_KINDS.includes(kind) &&
    reports.length <= FEEDBACK_REPORTS &&
    (reports.length > 0 || kind === "auto_reply" || kind === "unknown") &&
    reports.every(
      ({ recipient, diagnostic, status }) =>
        (recipient === null || (recipient.length <= 400 && recipient.includes("@"))) &&
        (diagnostic === null || diagnostic.length <= 4 * DIAGNOSTIC_CHARS) &&
        (status === null || /^[245]\.\d{1,3}\.\d{1,3}$/.test(status)),
    ) &&
    clues.tokens.length <= FEEDBACK_CLUES &&
    clues.messages.length <= FEEDBACK_CLUES &&
    clues.recipients.length <= FEEDBACK_CLUES * 5;
  if (!fine) throw new Error(JSON.stringify({ kind, reports, clues }).slice(0, 2_000));
}

describe(`${ROUNDS} messages, seed ${SEED}`, () => {
  test("end in an answer each", { timeout: 300_000 }, async () => {
    const pick = generator(SEED);
    const kinds = new Map<string, number>();
    for (let round = 0; round < ROUNDS; round++) {
      const raw = round % 10 === 0 ? random(pick) : mutated(pick);
      try {
        const feedback = await understand({ raw, to: null, textOf });
        check(feedback);
        kinds.set(feedback.kind, (kinds.get(feedback.kind) ?? 0) + 1);
      } catch (cause) {
        throw new Error(`round ${round}: ${String(cause)}\n${Buffer.from(raw).toString("base64")}`);
      }
    }
    console.log(`kinds: ${[...kinds].map(([kind, count]) => `${kind} ${count}`).join(", ")}`);
    expect([...kinds.keys()].sort()).toEqual([...FEEDBACK_KINDS].sort());
  });
});

const repeat = (text: string, bytes: number): string => text.repeat(Math.ceil(bytes / text.length));
const MB = 1024 * 1024;
const NOTICE = "From: MAILER-DAEMON@x.example\nSubject: failure notice\nReturn-Path: <>\n";
const REPORT = "Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\n";

/** Inputs made to be slow: each ends, or the test does not. */
const HEAVY: [string, string][] = [
  ["40 MB of nothing", repeat("\n", 40 * MB)],
  ["headers without end", repeat("a:\n", MB)],
  ["one header without end", `Subject: ${repeat("x", MB)}`],
  ["a folded header", `Subject: x\n${repeat(" y\n", MB)}`],
  ["encoded words", `${NOTICE}To: ${repeat("=?utf-8?Q?=41?= ", 200_000)}\n\n`],
  ["open encoded words", `Subject: ${repeat("=?utf-8?Q?", 200_000)}\n\n`],
  ["addresses in To", `To: ${repeat("a@b.example, ", 200_000)}\n\n`],
  ["open quotes in To", `To: ${repeat('"<(', 200_000)}\n\n`],
  ["groups in To", `To: ${repeat("a:b;", 200_000)}\n\n`],
  ["parts without end", `Content-Type: multipart/mixed; boundary=b\n\n${repeat("--b\n\n", MB)}`],
  ["parts of text", `Content-Type: multipart/mixed; boundary=b\n\n${repeat("--b\n\nx\n", MB)}`],
  [
    "nested parts",
    Array.from({ length: 300 }, (_, i) => `Content-Type: multipart/mixed; boundary=b${i}\n\n--b${i}\n`).join(
      "",
    ),
  ],
  ["dashes", `Content-Type: multipart/mixed; boundary="${"-".repeat(60)}"\n\n${repeat("--", MB)}`],
  ["boundary parameters", `Content-Type: multipart/mixed; ${repeat("boundary=b; ", 200_000)}\n\n`],
  ["open comments", `Content-Type: ${repeat("(", 200_000)}\n\n`],
  ["tags", `${NOTICE}Content-Type: text/html\n\n${repeat("<", MB)}`],
  ["open tags", `${NOTICE}Content-Type: text/html\n\n${repeat("<a href=", MB)}`],
  ["nested tags", `${NOTICE}Content-Type: text/html\n\n${repeat("<div>", MB)}`],
  ["entities", `${NOTICE}Content-Type: text/html\n\n${repeat("&#x41;&", MB)}`],
  [
    "recipients",
    `${REPORT}${repeat("Final-Recipient: rfc822; a@b.example\nAction: failed\nStatus: 5.1.1\n\n", MB)}`,
  ],
  ["recipients without gaps", `${REPORT}${repeat("Final-Recipient: rfc822; a@b.example\n", MB)}`],
  [
    "a diagnostic without end",
    `${REPORT}Final-Recipient: x\nDiagnostic-Code: smtp; ${repeat("550 5.1.1 ", MB)}`,
  ],
  ["spaces in a recipient", `${REPORT}Final-Recipient: rfc822;${repeat(" (", MB)}`],
  [
    "addresses in a notice",
    `${NOTICE}\nHi. This is the qmail-send program\n${Array.from({ length: 40_000 }, (_, i) => `<a${i}@b.example>:\nno\n`).join("\n")}`,
  ],
  ["one line of addresses", `${NOTICE}\nmessage could not be delivered ${repeat("a@b.example ", MB)}`],
  ["at signs", `${NOTICE}\nmessage could not be delivered ${repeat("a@", MB)}`],
  ["codes", `${NOTICE}\nmessage could not be delivered\n${repeat("550 5.1.1\n", MB)}`],
  ["digits and dots", `${NOTICE}\nmessage could not be delivered\n${repeat("5.1.", MB)}`],
  ["paragraphs", `${NOTICE}\nmessage could not be delivered to a@b.example\n\n${repeat("no\n\n", MB)}`],
  ["words of delay", `${NOTICE}\n${repeat("your message to ", MB)}`],
  ["tokens", `${NOTICE}\n${repeat(`bounce+${"A".repeat(43)}`, MB)}`],
  ["ids", `${NOTICE}\n${repeat("01934567-89ab-7def-8123-456789abcdef@", MB)}`],
  ["base64", `Content-Transfer-Encoding: base64\n\n${repeat("QUJD\n", MB)}`],
  ["quoted-printable", `Content-Transfer-Encoding: quoted-printable\n\n${repeat("=\n=41=", MB)}`],
  ["flowed text", `Content-Type: text/plain; format=flowed; delsp=yes\n\n${repeat("a \n", MB)}`],
];

describe("messages made to be slow", () => {
  test.each(HEAVY)("%s", { timeout: 60_000 }, async (_, text) => {
    check(await understand({ raw: new TextEncoder().encode(text), to: null, textOf }));
  });

  test("nesting beyond the bound is not followed, and not fatal", async () => {
    const deep = (levels: number) =>
      `${NOTICE}${Array.from({ length: levels }, (_, i) => `Content-Type: multipart/mixed; boundary=b${i}\n\n--b${i}\n`).join("")}Content-Type: message/delivery-status\n\nFinal-Recipient: rfc822; a@b.example\nAction: failed\nStatus: 5.1.1\n`;
    const read = (levels: number) =>
      understand({ raw: new TextEncoder().encode(deep(levels)), to: null, textOf });
    expect((await read(FEEDBACK_DEPTH)).reports).toHaveLength(1);
    expect((await read(FEEDBACK_DEPTH + 1)).kind).toBe("unknown");
  });

  test("no more boundary-like lines are handed on than the bound", () => {
    const lines = new TextDecoder().decode(normalLines(new TextEncoder().encode(repeat("--b\r\n", MB))));
    expect(lines.split("\n").filter((line) => line.startsWith("--")).length).toBeLessThanOrEqual(
      FEEDBACK_DASH_LINES + 1,
    );
  });
});

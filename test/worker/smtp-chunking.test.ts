/** Messages by BDAT (RFC 3030): a window of them on the wire, and each reply given to the message it belongs to. */
import { describe, expect, test } from "vitest";
import {
  DUPLICATES_AFTER_CRASH,
  SMTP_FAR_MS,
  SMTP_MESSAGES_UNANSWERED,
  SMTP_MESSAGES_UNANSWERED_FAR,
} from "../../src/core/limits.ts";
import { Pool } from "../../src/smtp/pool.ts";
import type { SinkOptions } from "../support/sink-relay.ts";
import {
  copyTo,
  ListSource,
  relayAt,
  type ScriptStep,
  scripted,
  scriptLog,
  short,
  sink,
  sinkLog,
} from "../support/smtp-control.ts";
import {
  BODY,
  type Dialogue,
  GREET,
  hear,
  MAIL,
  playDialogues,
  QUIT,
  run,
  say,
} from "../support/smtp-dialogues.ts";

const OFFER = say("250-relay\r\n250-PIPELINING\r\n250 CHUNKING\r\n");
const TEXT = "Subject: Hello\r\n\r\nHello.\r\n";
const to = (address: string) => `${MAIL}RCPT TO:<${address}>\r\n`;
const chunk = (text = TEXT) => `BDAT ${text.length} LAST\r\n${text}`;
/** The first line of a session's first message goes ahead, and the rest once it was taken. */
const line = `BDAT 16\r\nSubject: Hello\r\n`;
const rest = chunk(TEXT.slice(16));
const whole = (address: string) => `RSET\r\n${to(address)}${chunk()}`;
/** Up to the rest of a session's first message. */
const first = (address: string): ScriptStep[] => [
  ...GREET,
  OFFER,
  hear(`${to(address)}${line}`),
  say("250 ok\r\n250 ok\r\n250 16 bytes\r\n"),
];
const TAKEN = "250 ok\r\n250 ok\r\n250 ok\r\n250 queued\r\n";

const dialogues: Dialogue[] = [
  {
    name: "one copy",
    steps: [...first("a@b.test"), hear(rest), say("250 queued\r\n"), ...QUIT],
    to: ["a@b.test"],
    outcomes: ["a@b.test: accepted accepted"],
  },
  {
    name: "three copies: whole messages in one write, each envelope behind RSET",
    steps: [
      ...first("a@b.test"),
      hear(`${rest}${whole("c@b.test")}${whole("d@b.test")}`),
      say(`250 queued\r\n${TAKEN}${TAKEN}`),
      ...QUIT,
    ],
    to: ["a@b.test", "c@b.test", "d@b.test"],
    outcomes: ["a@b.test: accepted accepted", "c@b.test: accepted accepted", "d@b.test: accepted accepted"],
  },
  {
    name: "a recipient refused in the window: its chunk is refused too, and the next message is not touched",
    steps: [
      ...first("a@b.test"),
      hear(`${rest}${whole("x@b.test")}${whole("d@b.test")}`),
      say("250 queued\r\n"),
      say("250 ok\r\n250 ok\r\n550 5.1.1 unknown\r\n554 5.5.1 no valid recipients\r\n"),
      say(TAKEN),
      ...QUIT,
    ],
    to: ["a@b.test", "x@b.test", "d@b.test"],
    outcomes: [
      "a@b.test: accepted accepted",
      "x@b.test: bounced unknown_mailbox",
      "d@b.test: accepted accepted",
    ],
  },
  {
    name: "a sender refused in the window: 503 to what follows is not its reason",
    steps: [
      ...first("a@b.test"),
      hear(`${rest}${whole("x@b.test")}${whole("d@b.test")}`),
      say("250 queued\r\n"),
      say("250 ok\r\n451 4.3.0 not now\r\n503 5.5.1 MAIL first\r\n503 5.5.1 MAIL first\r\n"),
      say(TAKEN),
      ...QUIT,
    ],
    to: ["a@b.test", "x@b.test", "d@b.test"],
    outcomes: [
      "a@b.test: accepted accepted",
      "x@b.test: deferred server_busy",
      "d@b.test: accepted accepted",
    ],
  },
  {
    name: "a message refused at the end of the window: RSET before anything else",
    steps: [
      ...first("a@b.test"),
      hear(`${rest}${whole("x@b.test")}`),
      say("250 queued\r\n250 ok\r\n250 ok\r\n250 ok\r\n554 5.7.1 spam\r\n"),
      hear("RSET\r\n"),
      say("250 ok\r\n"),
      ...QUIT,
    ],
    to: ["a@b.test", "x@b.test"],
    outcomes: ["a@b.test: accepted accepted", "x@b.test: bounced spam_blocked"],
  },
  {
    name: "the first recipient refused: the first chunk has proven nothing, and the next message begins with one",
    steps: [
      ...GREET,
      OFFER,
      hear(`${to("x@b.test")}${line}`),
      say("250 ok\r\n550 5.1.1 unknown\r\n503 5.5.1 no valid recipients\r\n"),
      hear(`RSET\r\n${to("a@b.test")}${line}`),
      say("250 ok\r\n250 ok\r\n250 ok\r\n250 16 bytes\r\n"),
      hear(rest),
      say("250 queued\r\n"),
      ...QUIT,
    ],
    to: ["x@b.test", "a@b.test"],
    outcomes: ["x@b.test: bounced unknown_mailbox", "a@b.test: accepted accepted"],
  },
  {
    name: "a first chunk taken, the last ones not: what was in the window goes again by DATA",
    steps: [
      ...first("a@b.test"),
      hear(`${rest}${whole("c@b.test")}`),
      say("503 5.5.1 bad sequence\r\n250 ok\r\n250 ok\r\n250 ok\r\n503 5.5.1 bad sequence\r\n"),
      hear(`RSET\r\n${to("a@b.test")}DATA\r\n`),
      say("250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n"),
      hear(`${BODY}${to("c@b.test")}DATA\r\n`),
      say("250 queued\r\n250 ok\r\n250 ok\r\n354 go\r\n"),
      hear(BODY),
      say("250 queued\r\n"),
      ...QUIT,
    ],
    to: ["a@b.test", "c@b.test"],
    outcomes: ["a@b.test: accepted accepted", "c@b.test: accepted accepted"],
  },
  {
    name: "SIZE, DSN and SMTPUTF8 as with DATA",
    steps: [
      ...GREET,
      say("250-relay\r\n250-PIPELINING\r\n250-CHUNKING\r\n250-SIZE 1000\r\n250-DSN\r\n250 SMTPUTF8\r\n"),
      hear(
        "MAIL FROM:<news@example.com> SIZE=26 SMTPUTF8\r\nRCPT TO:<j\xc3\xb6@b.test> NOTIFY=FAILURE,DELAY\r\nBDAT 16\r\nSubject: Hello\r\n",
      ),
      say("250 ok\r\n250 ok\r\n250 16 bytes\r\n"),
      hear(rest),
      say("250 ok\r\n"),
      ...QUIT,
    ],
    to: ["jö@b.test"],
    outcomes: ["jö@b.test: accepted accepted"],
  },
  {
    name: "CHUNKING without PIPELINING, and bdat=off: DATA",
    steps: [
      ...GREET,
      say("250-relay\r\n250 CHUNKING\r\n"),
      hear(MAIL),
      say("250 ok\r\n"),
      hear("RCPT TO:<a@b.test>\r\n"),
      say("250 ok\r\n"),
      hear("DATA\r\n"),
      say("354 go\r\n"),
      hear(BODY),
      say("250 ok\r\n"),
      ...QUIT,
    ],
    to: ["a@b.test"],
    outcomes: ["a@b.test: accepted accepted"],
  },
  {
    name: "bdat=off",
    steps: [
      ...GREET,
      OFFER,
      hear(`${to("a@b.test")}DATA\r\n`),
      say("250 ok\r\n250 ok\r\n354 go\r\n"),
      hear(BODY),
      say("250 ok\r\n"),
      ...QUIT,
    ],
    to: ["a@b.test"],
    outcomes: ["a@b.test: accepted accepted"],
    query: "?bdat=off",
  },
];

playDialogues(dialogues);

/** Runs copies through scripted connections; the outcomes, and whether each script went as written. */
async function play(connections: ScriptStep[][], copies: ReturnType<typeof copyTo>[]) {
  const port = await scripted({ connections });
  const source = new ListSource(copies);
  await run(relayAt(port, "?connections=1"), source);
  return { source, log: await scriptLog(port) };
}
const copies = (...addresses: string[]) => addresses.map((address) => copyTo(address));

describe("in the middle of a window", () => {
  test("421: what came after it was not taken, and goes over another session", async () => {
    const { source } = await play(
      [
        [
          ...first("a@b.test"),
          hear(`${rest}${whole("c@b.test")}${whole("d@b.test")}`),
          say("250 queued\r\n250 ok\r\n421 4.3.2 closing\r\n"),
          { hangUp: "end" },
        ],
        [...first("c@b.test"), hear(`${rest}${whole("d@b.test")}`), say(`250 queued\r\n${TAKEN}`), ...QUIT],
      ],
      copies("a@b.test", "c@b.test", "d@b.test"),
    );
    expect(source.outcomes).toEqual([
      "a@b.test: accepted accepted",
      "c@b.test: accepted accepted",
      "d@b.test: accepted accepted",
    ]);
  });

  test("421 as the answer to a message: that one may come twice, the next was not taken", async () => {
    const { source } = await play(
      [
        [
          ...first("a@b.test"),
          hear(`${rest}${whole("c@b.test")}${whole("d@b.test")}`),
          say("250 queued\r\n250 ok\r\n250 ok\r\n250 ok\r\n421 4.3.2 closing\r\n"),
          { hangUp: "end" },
        ],
        [...first("d@b.test"), hear(rest), say("250 queued\r\n"), ...QUIT],
      ],
      copies("a@b.test", "c@b.test", "d@b.test"),
    );
    expect(source.outcomes).toEqual([
      "a@b.test: accepted accepted",
      "c@b.test: deferred server_busy",
      "d@b.test: accepted accepted",
    ]);
  });

  const FULL = "452 4.5.3 Too many recipients: Too many messages sent\r\n";
  const FULL_MAIL = `250 ok\r\n${FULL}503 5.5.1 MAIL first\r\n503 5.5.1 MAIL first\r\n`;
  const FULL_RCPT = `250 ok\r\n250 ok\r\n${FULL}554 5.5.1 no valid recipients\r\n`;
  const UNKNOWN = "250 ok\r\n250 ok\r\n550 5.1.1 unknown\r\n554 5.5.1 no valid recipients\r\n";
  test.each([
    ["452 to MAIL, and the next one is taken", FULL_MAIL, TAKEN, ["c"], "accepted accepted"],
    ["452 to RCPT, and the next one is taken", FULL_RCPT, TAKEN, ["c"], "accepted accepted"],
    ["452 to MAIL, and the next one is unknown", FULL_MAIL, UNKNOWN, ["c"], "bounced unknown_mailbox"],
    ["452 to both", FULL_MAIL, FULL_MAIL, ["c", "d"], "accepted accepted"],
  ])(
    "the session has had its share: %s: each goes once, and those that were too many go over another session",
    async (_, toC, toD, again, outcomeOfD) => {
      const [head, ...tail] = again.map((name) => `${name}@b.test`);
      const { source, log } = await play(
        [
          [
            ...first("a@b.test"),
            hear(`${rest}${whole("c@b.test")}${whole("d@b.test")}`),
            say(`250 queued\r\n${toC}${toD}`),
          ],
          [
            ...first(head!),
            hear(`${rest}${tail.map(whole).join("")}`),
            say(`250 queued\r\n${tail.map(() => TAKEN).join("")}`),
            ...QUIT,
          ],
        ],
        copies("a@b.test", "c@b.test", "d@b.test"),
      );
      expect([...source.outcomes].sort()).toEqual([
        "a@b.test: accepted accepted",
        "c@b.test: accepted accepted",
        `d@b.test: ${outcomeOfD}`,
      ]);
      expect(log.connections.map(({ wrong }) => wrong)).toEqual([null, null]);
    },
  );

  test("the session has had its share, then a hang-up: what was too many was not taken, what came after it may have been", async () => {
    const { source } = await play(
      [
        [
          ...first("a@b.test"),
          hear(`${rest}${whole("c@b.test")}${whole("d@b.test")}`),
          say(`250 queued\r\n250 ok\r\n${FULL}`),
          { hangUp: "end" },
        ],
        [...first("c@b.test"), hear(rest), say("250 queued\r\n"), ...QUIT],
      ],
      copies("a@b.test", "c@b.test", "d@b.test"),
    );
    expect(source.outcomes).toEqual([
      "a@b.test: accepted accepted",
      "d@b.test: deferred connection_lost",
      "c@b.test: accepted accepted",
    ]);
  });

  test("a hang-up: all that was on the wire may have been taken, and is tried again later", async () => {
    const { source } = await play(
      [
        [
          ...first("a@b.test"),
          hear(`${rest}${whole("c@b.test")}${whole("d@b.test")}`),
          say("250 queued\r\n250 ok\r\n250 ok\r\n"),
          { hangUp: "end" },
        ],
      ],
      copies("a@b.test", "c@b.test", "d@b.test"),
    );
    expect(source.outcomes).toEqual([
      "a@b.test: accepted accepted",
      "c@b.test: deferred connection_lost",
      "d@b.test: deferred connection_lost",
    ]);
    expect(source.attempts[1]?.attempt.transcript).toMatch(/C: BDAT 26 LAST \(26 bytes\)$/);
  });

  test("a refusal, then a hang-up: the words count", async () => {
    const { source } = await play(
      [
        [
          ...first("a@b.test"),
          hear(`${rest}${whole("x@b.test")}`),
          say("250 queued\r\n250 ok\r\n250 ok\r\n550 5.1.1 unknown\r\n"),
          { hangUp: "end" },
        ],
      ],
      copies("a@b.test", "x@b.test"),
    );
    expect(source.outcomes).toEqual(["a@b.test: accepted accepted", "x@b.test: bounced unknown_mailbox"]);
  });

  test("one reply too many: the session is not believed any more", async () => {
    const { source } = await play(
      [
        [
          ...first("a@b.test"),
          hear(`${rest}${whole("c@b.test")}`),
          say(`250 queued\r\n${TAKEN}250 and another\r\n`),
          { stall: true },
        ],
      ],
      copies("a@b.test", "c@b.test", "d@b.test"),
    );
    expect(source.outcomes.length + source.queue.length).toBe(3);
    expect(source.outcomes).not.toContain("d@b.test: accepted accepted");
  });
});

test("BDAT not known after all: no more than a header line went, and DATA it is, over another session", async () => {
  const { source, log } = await play(
    [
      [
        ...GREET,
        OFFER,
        hear(`${to("a@b.test")}${line}`),
        say("250 ok\r\n250 ok\r\n502 5.5.1 what?\r\n500 5.5.2 and what is Subject?\r\n"),
        hear("QUIT\r\n"),
        say("221 bye\r\n"),
      ],
      [
        ...GREET,
        OFFER,
        hear(`${to("a@b.test")}DATA\r\n`),
        say("250 ok\r\n250 ok\r\n354 go\r\n"),
        hear(`${BODY}${to("c@b.test")}DATA\r\n`),
        say("250 queued\r\n250 ok\r\n250 ok\r\n354 go\r\n"),
        hear(BODY),
        say("250 queued\r\n"),
        ...QUIT,
      ],
    ],
    copies("a@b.test", "c@b.test"),
  );
  expect(source.outcomes).toEqual(["a@b.test: accepted accepted", "c@b.test: accepted accepted"]);
  expect(log.connections.map(({ wrong }) => wrong)).toEqual([null, null]);
});

test("a message with dots goes as it is: nothing is doubled in a chunk", async () => {
  const plain = "Subject: dots\r\n\r\n.\r\n..two\r\na.b\r\n";
  const { source, log } = await play(
    [
      [
        ...GREET,
        OFFER,
        hear(`${to("a@b.test")}BDAT 15\r\nSubject: dots\r\n`),
        say("250 ok\r\n250 ok\r\n250 ok\r\n"),
        hear(chunk(plain.slice(15))),
        say("250 ok\r\n"),
        ...QUIT,
      ],
    ],
    [copyTo("a@b.test", "Subject: dots\r\n\r\n..\r\n...two\r\na.b\r\n")],
  );
  expect(source.outcomes).toEqual(["a@b.test: accepted accepted"]);
  expect(log.connections[0]?.wrong).toBeNull();
});

test("a large message goes by DATA, alone, once its envelope was taken", async () => {
  const large = `Subject: x\r\n\r\n${"0123456789abcde\r\n".repeat(10_000)}`;
  const { source, log } = await play(
    [
      [
        ...first("a@b.test"),
        hear(rest),
        say("250 ok\r\n"),
        hear(`${to("l@b.test")}DATA\r\n`),
        say("250 ok\r\n250 ok\r\n354 go\r\n"),
        hear(`${large}.\r\n`),
        say("250 ok\r\n"),
        hear(`${to("c@b.test")}${chunk()}`),
        say("250 ok\r\n250 ok\r\n250 ok\r\n"),
        ...QUIT,
      ],
    ],
    [copyTo("a@b.test"), copyTo("l@b.test", large), copyTo("c@b.test")],
  );
  expect(log.connections.map(({ wrong }) => wrong)).toEqual([null]);
  expect(source.outcomes.every((line) => line.endsWith("accepted accepted"))).toBe(true);
  expect(source.outcomes.length).toBe(3);
});

const EXTENSIONS = ["PIPELINING", "8BITMIME", "CHUNKING"];
const many = (count: number) => Array.from({ length: count }, (_, i) => copyTo(`u${i}@b.test`));

async function poolRun(options: Partial<SinkOptions>, list: ReturnType<typeof copyTo>[], query = "") {
  const port = await sink({ extensions: EXTENSIONS, ...options });
  const pool = new Pool(relayAt(port, query), { now: Date.now, ehlo: "me.test", deadlines: short(3_000) });
  const source = new ListSource([...list]);
  await pool.work(source);
  await pool.close();
  return { source, log: await sinkLog(port) };
}

describe("a pool", () => {
  test.each([
    ["", 4, 1],
    ["?connections=1", 1, 1],
    ["?connections=5", 5, 1],
    ["", 4, SMTP_FAR_MS + 5],
    ["?connections=1", 1, SMTP_FAR_MS + 5],
  ])(
    "keeps no more on the wire than its share (%j, %i sessions, %i ms away)",
    async (query, connections, delay) => {
      const { source, log } = await poolRun({ delay }, many(200), query);
      expect(source.outcomes.filter((line) => line.endsWith("accepted accepted")).length).toBe(200);
      expect([log.taken.length, new Set(log.taken).size, log.chunks]).toEqual([200, 200, 200]);
      // A busy machine may make a near relay look far.
      expect(source.mostOnTheWire).toBeLessThanOrEqual(SMTP_MESSAGES_UNANSWERED_FAR);
      expect(source.mostOnTheWire).toBeGreaterThan(
        delay < SMTP_FAR_MS ? connections : SMTP_MESSAGES_UNANSWERED,
      );
      expect(source.mostOnTheWire).toBeLessThan(DUPLICATES_AFTER_CRASH);
      expect(log.sizes.every((size) => size === 26)).toBe(true);
    },
  );

  test("refused recipients among others: each outcome is its own", async () => {
    const list = many(200).map((copy, i) =>
      i % 3 === 0 ? copyTo(`unknown${i}@b.test`) : i % 7 === 0 ? copyTo(`later${i}@b.test`) : copy,
    );
    const { source, log } = await poolRun({}, list);
    const expected = list.map(({ forwardPath: path }) =>
      path.startsWith("unknown")
        ? `${path}: bounced unknown_mailbox`
        : path.startsWith("later")
          ? `${path}: deferred server_busy`
          : `${path}: accepted accepted`,
    );
    expect([...source.outcomes].sort()).toEqual(expected.sort());
    expect(log.taken.length).toBe(expected.filter((line) => line.endsWith("accepted accepted")).length);
  });

  test.each([
    ["421", undefined],
    ["452", "452 4.5.3 Too many recipients: Too many messages sent"],
  ])(
    "five messages a session (%s): the rest goes over new ones, no attempt is burnt",
    async (_, messagesReply) => {
      const { source, log } = await poolRun(
        { messages: 5, ...(messagesReply === undefined ? {} : { messagesReply }) },
        many(23),
        "?connections=1",
      );
      expect(source.outcomes.filter((line) => line.endsWith("accepted accepted")).length).toBe(23);
      expect([source.attempts.length, new Set(log.taken).size, log.taken.length]).toEqual([23, 23, 23]);
    },
  );

  test.each(["all", "last"] as const)(
    "CHUNKING offered, BDAT refused (%s): DATA, once and for all",
    async (which) => {
      const { source, log } = await poolRun({ bdatReply: { to: which, say: "502 5.5.2 What?" } }, many(100));
      expect(source.outcomes.filter((line) => line.endsWith("accepted accepted")).length).toBe(100);
      expect([log.taken.length, new Set(log.taken).size, log.chunks]).toEqual([100, 100, 0]);
    },
  );

  test("a session that drops defers what it had on the wire, and loses no other", async () => {
    const list = many(100).map((copy, i) => (i % 20 === 10 ? copyTo(`drop${i}@b.test`) : copy));
    const { source, log } = await poolRun({}, list, "?connections=2");
    expect(source.attempts.length).toBe(100);
    const deferred = source.outcomes.filter((line) => line.endsWith("deferred connection_lost"));
    for (const i of [10, 30, 50, 70, 90])
      expect(deferred).toContain(`drop${i}@b.test: deferred connection_lost`);
    expect(deferred.length).toBeLessThanOrEqual(5 * (SMTP_MESSAGES_UNANSWERED_FAR / 2));
    expect(log.taken.length).toBe(100 - deferred.length);
  });
});

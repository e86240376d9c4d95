/** What goes over the wire: a scripted peer, exact bytes compared, whole and a byte at a time, cut off at every line. */
import { expect, test } from "vitest";
import {
  copyTo,
  ListSource,
  relayAt,
  type ScriptStep,
  scripted,
  scriptLog,
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

const plain = btoa("\0me\0p\xc3\xa4ss"); // "päss" as UTF-8
const dialogues: Dialogue[] = [
  {
    name: "one copy, pipelined",
    steps: [
      ...GREET,
      say("250-relay\r\n250 PIPELINING\r\n"),
      hear(`${MAIL}RCPT TO:<a@b.test>\r\nDATA\r\n`),
      say("250 ok\r\n250 ok\r\n354 go\r\n"),
      hear(BODY),
      say("250 2.0.0 queued\r\n"),
      ...QUIT,
    ],
    to: ["a@b.test"],
    outcomes: ["a@b.test: accepted accepted"],
  },
  {
    name: "two copies: the second's envelope goes with the first's body",
    steps: [
      ...GREET,
      say("250-relay\r\n250 PIPELINING\r\n"),
      hear(`${MAIL}RCPT TO:<a@b.test>\r\nDATA\r\n`),
      say("250 ok\r\n250 ok\r\n354 go\r\n"),
      hear(`${BODY}${MAIL}RCPT TO:<c@b.test>\r\nDATA\r\n`),
      say("250 queued\r\n250 ok\r\n250 ok\r\n354 go\r\n"),
      hear(BODY),
      say("250 queued\r\n"),
      ...QUIT,
    ],
    to: ["a@b.test", "c@b.test"],
    outcomes: ["a@b.test: accepted accepted", "c@b.test: accepted accepted"],
  },
  {
    name: "no PIPELINING: one command at a time",
    steps: [
      ...GREET,
      say("250 relay\r\n"),
      hear(MAIL),
      say("250 ok\r\n"),
      hear("RCPT TO:<a@b.test>\r\n"),
      say("250 ok\r\n"),
      hear("DATA\r\n"),
      say("354 go\r\n"),
      hear(BODY),
      say("250 ok\r\n"),
      hear(MAIL),
      say("250 ok\r\n"),
      hear("RCPT TO:<c@b.test>\r\n"),
      say("550 5.1.1 who?\r\n"),
      hear("RSET\r\n"),
      say("250 ok\r\n"),
      ...QUIT,
    ],
    to: ["a@b.test", "c@b.test"],
    outcomes: ["a@b.test: accepted accepted", "c@b.test: bounced unknown_mailbox"],
  },
  {
    name: "EHLO unknown: HELO",
    steps: [
      ...GREET,
      say("500 what?\r\n"),
      hear("HELO me.test\r\n"),
      say("250 relay\r\n"),
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
    name: "a refused recipient, DATA refused too: RSET with the next envelope",
    steps: [
      ...GREET,
      say("250-relay\r\n250 PIPELINING\r\n"),
      hear(`${MAIL}RCPT TO:<x@b.test>\r\nDATA\r\n`),
      say("250 ok\r\n550 5.1.1 unknown\r\n554 no valid recipients\r\n"),
      hear(`RSET\r\n${MAIL}RCPT TO:<a@b.test>\r\nDATA\r\n`),
      say("250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n"),
      hear(BODY),
      say("250 ok\r\n"),
      ...QUIT,
    ],
    to: ["x@b.test", "a@b.test"],
    outcomes: ["x@b.test: bounced unknown_mailbox", "a@b.test: accepted accepted"],
  },
  {
    name: "a refused recipient, 354 all the same: the lone dot (RFC 2920)",
    steps: [
      ...GREET,
      say("250-relay\r\n250 PIPELINING\r\n"),
      hear(`${MAIL}RCPT TO:<x@b.test>\r\nDATA\r\n`),
      say("250 ok\r\n550 5.1.1 unknown\r\n354 go\r\n"),
      hear(`.\r\nRSET\r\n${MAIL}RCPT TO:<a@b.test>\r\nDATA\r\n`),
      say("554 no valid recipients\r\n250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n"),
      hear(BODY),
      say("250 ok\r\n"),
      ...QUIT,
    ],
    to: ["x@b.test", "a@b.test"],
    outcomes: ["x@b.test: bounced unknown_mailbox", "a@b.test: accepted accepted"],
  },
  {
    name: "the last recipient refused, 354 all the same: the dot is not owed for ever",
    steps: [
      ...GREET,
      say("250-relay\r\n250 PIPELINING\r\n"),
      hear(`${MAIL}RCPT TO:<x@b.test>\r\nDATA\r\n`),
      say("250 ok\r\n550 5.1.1 unknown\r\n354 go\r\n"),
      hear(".\r\nRSET\r\n"),
      say("250 taken for nobody\r\n250 ok\r\n"),
      ...QUIT,
    ],
    to: ["x@b.test"],
    outcomes: ["x@b.test: bounced unknown_mailbox"],
  },
  {
    name: "SIZE, DSN and SMTPUTF8 when offered, SMTPUTF8 only when needed",
    steps: [
      ...GREET,
      say("250-relay\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250-DSN\r\n250 SMTPUTF8\r\n"),
      hear("MAIL FROM:<news@example.com> SIZE=26\r\nRCPT TO:<a@b.test> NOTIFY=FAILURE,DELAY\r\nDATA\r\n"),
      say("250 ok\r\n250 ok\r\n354 go\r\n"),
      hear(
        `${BODY}MAIL FROM:<news@example.com> SIZE=26 SMTPUTF8\r\nRCPT TO:<j\xc3\xb6@b.test> NOTIFY=FAILURE,DELAY\r\nDATA\r\n`,
      ),
      say("250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n"),
      hear(BODY),
      say("250 ok\r\n"),
      ...QUIT,
    ],
    to: ["a@b.test", "jö@b.test"],
    outcomes: ["a@b.test: accepted accepted", "jö@b.test: accepted accepted"],
  },
  {
    name: "SMTPUTF8 not offered, too large for SIZE, CR in an address: refused without a word to the relay",
    steps: [...GREET, say("250-relay\r\n250 SIZE 30\r\n"), ...QUIT],
    to: ["jö@b.test", "large@b.test", "a@b.test>\r\nRSET"],
    outcomes: [
      "jö@b.test: bounced smtputf8_unsupported",
      "large@b.test: bounced message_too_large",
      "a@b.test>\r\nRSET: bounced invalid_recipient",
    ],
  },
  {
    name: "AUTH offered, no credentials: no error",
    steps: [
      ...GREET,
      say("250-relay\r\n250-AUTH PLAIN\r\n250 PIPELINING\r\n"),
      hear(`${MAIL}RCPT TO:<a@b.test>\r\nDATA\r\n`),
      say("250 ok\r\n250 ok\r\n354 go\r\n"),
      hear(BODY),
      say("250 ok\r\n"),
      ...QUIT,
    ],
    to: ["a@b.test"],
    outcomes: ["a@b.test: accepted accepted"],
  },
  {
    name: "AUTH PLAIN with a UTF-8 password, in clear because tls=none says so",
    steps: [
      ...GREET,
      say("250-relay\r\n250 AUTH PLAIN\r\n"),
      hear(`AUTH PLAIN ${plain}\r\n`),
      say("235 in\r\n"),
      hear(MAIL),
      say("550 no\r\n"),
      hear("RSET\r\n"),
      say("250 ok\r\n"),
      ...QUIT,
    ],
    to: ["a@b.test"],
    outcomes: ["a@b.test: bounced sender_refused"],
    query: "?tls=none",
    user: "me:p%C3%A4ss",
  },
  {
    name: "AUTH LOGIN",
    steps: [
      ...GREET,
      say("250-relay\r\n250 AUTH LOGIN\r\n"),
      hear("AUTH LOGIN\r\n"),
      say("334 VXNlcm5hbWU6\r\n"),
      hear("bWU=\r\n"),
      say("334 UGFzc3dvcmQ6\r\n"),
      hear(`${btoa("p\xc3\xa4ss")}\r\n`),
      say("235 in\r\n"),
      hear(MAIL),
      say("450 later\r\n"),
      hear("RSET\r\n"),
      say("250 ok\r\n"),
      ...QUIT,
    ],
    to: ["a@b.test"],
    outcomes: ["a@b.test: deferred unspecified"],
    query: "?tls=none",
    user: "me:p%C3%A4ss",
  },
  {
    name: "AUTH CRAM-MD5 (RFC 2195's example)",
    steps: [
      ...GREET,
      say("250-relay\r\n250 AUTH CRAM-MD5 PLAIN\r\n"),
      hear("AUTH CRAM-MD5\r\n"),
      say(`334 ${btoa("<1896.697170952@postoffice.reston.mci.net>")}\r\n`),
      hear(`${btoa("tim b913a602c7eda7a495b4e6e7334d3890")}\r\n`),
      say("235 in\r\n"),
      hear(MAIL),
      say("250 ok\r\n"),
      hear("RCPT TO:<a@b.test>\r\n"),
      say("250 ok\r\n"),
      hear("DATA\r\n"),
      say("451 4.3.0 not now\r\n"),
      hear("RSET\r\n"),
      say("250 ok\r\n"),
      ...QUIT,
    ],
    to: ["a@b.test"],
    outcomes: ["a@b.test: deferred server_busy"],
    query: "?tls=none",
    user: "tim:tanstaaftanstaaf",
  },
];

playDialogues(dialogues);

test("no credential and no message in a transcript", async () => {
  const port = await scripted({
    connections: [
      [
        ...GREET,
        say("250-relay\r\n250 AUTH PLAIN\r\n"),
        hear(`AUTH PLAIN ${plain}\r\n`),
        say("535 5.7.8 no päss for you\r\n"),
      ],
    ],
  });
  const source = new ListSource([copyTo("a@b.test")]);
  await run(relayAt(port, "?tls=none", "me:p%C3%A4ss"), source);
  const [failure] = source.failures;
  expect(failure).toMatchObject({ category: "authentication_failed", disposition: "deferred" });
  expect(failure?.transcript).toBe(
    "S: 220 relay ready\nC: EHLO me.test\nS: 250-relay\nS: 250 AUTH PLAIN\nC: AUTH PLAIN ****\nS: 535 5.7.8 no **** for you",
  );
  expect(JSON.stringify(failure)).not.toContain("päss");
  expect(source.taken).toBe(0);
});

test("a message of 3 MB goes over, and an early refusal stops it", async () => {
  const large = copyTo("a@b.test", `Subject: x\r\n\r\n${"0123456789abcde\r\n".repeat(180_000)}`);
  const script: ScriptStep[] = [
    ...GREET,
    say("250-relay\r\n250 PIPELINING\r\n"),
    { until: "DATA\r\n" },
    say("250 ok\r\n250 ok\r\n354 go\r\n"),
  ];
  const taken = await scripted({
    connections: [[...script, { until: "\r\n.\r\n" }, say("250 ok\r\n"), ...QUIT]],
  });
  const source = new ListSource([large]);
  await run(relayAt(taken), source);
  expect(source.outcomes).toEqual(["a@b.test: accepted accepted"]);
  const log = await scriptLog(taken);
  expect(log.connections[0]?.received.length).toBeGreaterThan(large.bytes.length);

  const refused = await scripted({
    connections: [[...script, { until: "0123" }, say("552 5.3.4 too much\r\n"), { stall: true }]],
  });
  const second = new ListSource([large]);
  await run(relayAt(refused), second);
  expect(second.outcomes).toEqual(["a@b.test: bounced message_too_large"]);
});

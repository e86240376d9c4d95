/** The policy table: replies as servers give them, and what they mean. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Action } from "../../src/policy/category.ts";
import { CATEGORIES, type Category } from "../../src/policy/category.ts";
import { judge, judgeProblem, judgeStatus } from "../../src/policy/outcome.ts";
import type { Step } from "../../src/policy/reply.ts";
import { ReplyParser } from "../../src/smtp/reply.ts";

type Row = [reply: string, step: Step, disposition: string, category: Category, action: Action];

function replyOf(text: string) {
  const parser = new ReplyParser();
  parser.push(new TextEncoder().encode(`${text.replaceAll("\n", "\r\n")}\r\n`));
  return parser.shift()!;
}

const rows: Row[] = [
  // Taken.
  ["250 2.0.0 Ok: queued as 4XyZ", "body", "accepted", "accepted", "none"],
  ["250 OK id=1abc", "body", "accepted", "accepted", "none"],
  // Gmail.
  [
    "550-5.1.1 The email account that you tried to reach does not exist. Please try\n550 5.1.1 double-checking the recipient's email address - gsmtp",
    "rcpt",
    "bounced",
    "unknown_mailbox",
    "suppress",
  ],
  [
    "550 5.2.1 The email account that you tried to reach is disabled. - gsmtp",
    "rcpt",
    "bounced",
    "mailbox_disabled",
    "suppress",
  ],
  [
    "452 4.2.2 The email account that you tried to reach is over quota. - gsmtp",
    "rcpt",
    "deferred",
    "mailbox_full",
    "retry",
  ],
  [
    "552 5.2.2 The recipient's inbox is out of storage space - gsmtp",
    "rcpt",
    "bounced",
    "mailbox_full",
    "give_up",
  ],
  [
    "450 4.2.1 The user you are trying to contact is receiving mail too quickly. - gsmtp",
    "rcpt",
    "deferred",
    "recipient_rate_limited",
    "slow_down",
  ],
  [
    "550 5.2.1 The user you are trying to contact is receiving mail at a rate that prevents additional messages from being delivered.",
    "rcpt",
    "deferred",
    "recipient_rate_limited",
    "slow_down",
  ],
  ["550 5.4.5 Daily user sending limit exceeded. - gsmtp", "mail", "deferred", "quota_exceeded", "slow_down"],
  [
    "450 4.2.1 Peak SMTP relay limit exceeded for customer. - gsmtp",
    "mail",
    "deferred",
    "quota_exceeded",
    "slow_down",
  ],
  [
    "421-4.7.0 Our system has detected an unusual rate of unsolicited mail originating from your IP address.\n421 4.7.0 To protect our users from spam, mail sent from your IP address has been temporarily blocked. gsmtp",
    "body",
    "deferred",
    "rate_limited",
    "slow_down",
  ],
  [
    "421 4.7.28 Gmail has detected an unusual rate of mail originating from your SPF domain",
    "body",
    "deferred",
    "rate_limited",
    "slow_down",
  ],
  [
    "550-5.7.26 This mail has been blocked because the sender is unauthenticated.\n550 5.7.26 Gmail requires all senders to authenticate with either SPF or DKIM.",
    "body",
    "bounced",
    "unauthenticated",
    "fix_configuration",
  ],
  [
    "421 4.7.30 Your email has been rate limited because DKIM does not pass. - gsmtp",
    "body",
    "deferred",
    "unauthenticated",
    "fix_configuration",
  ],
  [
    "550-5.7.1 [203.0.113.5] Our system has detected that this message is likely unsolicited mail.\n550 5.7.1 To reduce the amount of spam sent to Gmail, this message has been blocked.",
    "body",
    "bounced",
    "spam_blocked",
    "give_up",
  ],
  [
    "552 5.7.0 This message was blocked because its content presents a potential security issue.",
    "body",
    "bounced",
    "content_refused",
    "give_up",
  ],
  [
    "552-5.3.4 Your message exceeded Google's message size limits.\n552 5.3.4 gsmtp",
    "mail",
    "bounced",
    "message_too_large",
    "give_up",
  ],
  [
    "530-5.7.0 Authentication Required. For more information, go to\n530 5.7.0 https://support.google.com - gsmtp",
    "mail",
    "deferred",
    "authentication_required",
    "fix_configuration",
  ],
  [
    "530 5.7.0 Must issue a STARTTLS command first. - gsmtp",
    "mail",
    "deferred",
    "tls_required",
    "fix_configuration",
  ],
  [
    "535-5.7.8 Username and Password not accepted. For more information, go to\n535 5.7.8 https://support.google.com/mail/?p=BadCredentials - gsmtp",
    "auth",
    "deferred",
    "authentication_failed",
    "fix_configuration",
  ],
  [
    "534-5.7.9 Application-specific password required.\n534 5.7.9 gsmtp",
    "auth",
    "deferred",
    "authentication_failed",
    "fix_configuration",
  ],
  [
    "454 4.7.0 Cannot authenticate due to a temporary system problem. Try again later. - gsmtp",
    "auth",
    "deferred",
    "authentication_unavailable",
    "retry",
  ],
  [
    "550 5.7.1 Invalid credentials for relay [203.0.113.5].",
    "mail",
    "bounced",
    "relay_denied",
    "fix_configuration",
  ],
  [
    "421 4.3.0 Temporary System Problem. Try again later. - gsmtp",
    "body",
    "deferred",
    "server_busy",
    "retry",
  ],
  ["421 4.4.5 Server busy, try again later. - gsmtp", "greeting", "deferred", "server_busy", "retry"],
  // Microsoft.
  [
    "550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302).",
    "rcpt",
    "bounced",
    "unknown_mailbox",
    "suppress",
  ],
  [
    "550 5.4.1 Recipient address rejected: Access denied. AS(201806281) [AM7EUR06FT003.eop-eur06.prod.protection.outlook.com]",
    "rcpt",
    "bounced",
    "unknown_mailbox",
    "suppress",
  ],
  [
    "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup",
    "body",
    "bounced",
    "unknown_mailbox",
    "suppress",
  ],
  [
    "550 5.7.1 Unfortunately, messages from [203.0.113.5] weren't sent. Please contact your Internet service provider since part of their network is on our block list (S3140).",
    "mail",
    "bounced",
    "reputation_blocked",
    "next_relay",
  ],
  [
    "451 4.7.650 The mail server [203.0.113.5] has been temporarily rate limited due to IP reputation.",
    "mail",
    "deferred",
    "rate_limited",
    "slow_down",
  ],
  [
    "451 4.7.500 Server busy. Please try again later from [203.0.113.5]. (S77719)",
    "rcpt",
    "deferred",
    "rate_limited",
    "slow_down",
  ],
  [
    "550 5.7.515 Access denied, sending domain example.com doesn't meet the required authentication level.",
    "body",
    "bounced",
    "unauthenticated",
    "fix_configuration",
  ],
  [
    "550 5.7.509 Access denied, sending domain example.com does not pass DMARC verification",
    "body",
    "bounced",
    "unauthenticated",
    "fix_configuration",
  ],
  [
    "550 5.7.708 Service unavailable. Access denied, traffic not accepted from this IP.",
    "mail",
    "bounced",
    "reputation_blocked",
    "next_relay",
  ],
  [
    "550 5.1.90 Your message can't be sent because you've reached your daily limit for message recipients",
    "rcpt",
    "deferred",
    "quota_exceeded",
    "slow_down",
  ],
  [
    "550 5.2.122 The recipient has exceeded their limit for the number of messages they can receive per hour",
    "rcpt",
    "deferred",
    "recipient_rate_limited",
    "slow_down",
  ],
  [
    "432 4.3.2 STOREDRV.Deliver; recipient thread limit exceeded",
    "body",
    "deferred",
    "recipient_rate_limited",
    "slow_down",
  ],
  [
    "432 4.3.2 Concurrent connections limit exceeded. Visit https://aka.ms/concurrent_sending for more information.",
    "body",
    "deferred",
    "too_many_connections",
    "slow_down",
  ],
  [
    "554 5.2.252 SendAsDenied; user@example.com not allowed to send as news@example.com",
    "body",
    "bounced",
    "sender_refused",
    "fix_configuration",
  ],
  [
    "530 5.7.57 Client not authenticated to send mail.",
    "mail",
    "deferred",
    "authentication_required",
    "fix_configuration",
  ],
  [
    "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant.",
    "auth",
    "deferred",
    "authentication_failed",
    "fix_configuration",
  ],
  [
    "550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required",
    "rcpt",
    "bounced",
    "recipient_refused",
    "give_up",
  ],
  [
    "550 5.7.64 TenantAttribution; Relay Access Denied",
    "rcpt",
    "bounced",
    "relay_denied",
    "fix_configuration",
  ],
  // Yahoo.
  [
    "421 4.7.0 [TSS04] Messages from 203.0.113.5 temporarily deferred due to unexpected volume or user complaints - 4.16.55.1",
    "mail",
    "deferred",
    "rate_limited",
    "slow_down",
  ],
  [
    "421 4.7.1 [TS03] All messages from 203.0.113.5 will be permanently deferred; Retrying will NOT succeed.",
    "mail",
    "bounced",
    "reputation_blocked",
    "next_relay",
  ],
  [
    "553 5.7.2 [TSS09] All messages from 203.0.113.5 will be permanently deferred; Retrying will NOT succeed.",
    "mail",
    "bounced",
    "reputation_blocked",
    "next_relay",
  ],
  [
    "553 5.7.1 [BL21] Connections will not be accepted from 203.0.113.5, because the ip is in Spamhaus's list",
    "mail",
    "bounced",
    "reputation_blocked",
    "next_relay",
  ],
  ["554 5.7.9 Message not accepted for policy reasons.", "body", "bounced", "policy_refused", "give_up"],
  [
    "552 1 Requested mail action aborted, mailbox not found",
    "rcpt",
    "bounced",
    "unknown_mailbox",
    "suppress",
  ],
  [
    "554 30 Sorry, your message to a@yahoo.com cannot be delivered. This mailbox is disabled (554.30).",
    "body",
    "bounced",
    "mailbox_disabled",
    "suppress",
  ],
  // iCloud.
  ["550 5.1.1 <a@icloud.com>: user does not exist", "rcpt", "bounced", "unknown_mailbox", "suppress"],
  [
    "550 5.7.1 [CS01] Message rejected due to local policy. Please visit https://support.apple.com/en-us/HT204137",
    "body",
    "bounced",
    "spam_blocked",
    "give_up",
  ],
  [
    "421 4.7.1 Messages to a@icloud.com deferred due to excessive volume. Try again later",
    "rcpt",
    "deferred",
    "recipient_rate_limited",
    "slow_down",
  ],
  [
    "550 5.7.1 Your message was rejected due to example.com DMARC policy.",
    "body",
    "bounced",
    "unauthenticated",
    "fix_configuration",
  ],
  ["451 4.7.1 Service unavailable - try again later", "rcpt", "deferred", "server_busy", "retry"],
  // postfix.
  [
    "550 5.1.1 <a@example.com>: Recipient address rejected: User unknown in local recipient table",
    "rcpt",
    "bounced",
    "unknown_mailbox",
    "suppress",
  ],
  [
    "450 4.1.1 <a@example.com>: Recipient address rejected: unverified address: Address verification in progress",
    "rcpt",
    "deferred",
    "unknown_mailbox",
    "retry",
  ],
  ["554 5.7.1 <a@example.com>: Relay access denied", "rcpt", "bounced", "relay_denied", "fix_configuration"],
  [
    "450 4.2.0 <a@example.com>: Recipient address rejected: Greylisted, see http://postgrey.schweikert.ch/",
    "rcpt",
    "deferred",
    "greylisted",
    "retry_soon",
  ],
  ["452 4.3.1 Insufficient system storage", "mail", "deferred", "server_busy", "retry"],
  ["552 5.3.4 Message size exceeds fixed limit", "mail", "bounced", "message_too_large", "give_up"],
  ["452 4.3.4 Message size exceeds fixed limit", "mail", "bounced", "message_too_large", "give_up"],
  [
    "556 5.1.10 <a@example.org>: Recipient address rejected: Domain example.org does not accept mail (nullMX)",
    "rcpt",
    "bounced",
    "no_mail_domain",
    "suppress",
  ],
  [
    "450 4.1.2 <a@nowhere.example>: Recipient address rejected: Domain not found",
    "rcpt",
    "deferred",
    "host_unknown",
    "retry",
  ],
  [
    "553 5.7.1 <news@example.com>: Sender address rejected: not owned by user me",
    "rcpt",
    "bounced",
    "sender_refused",
    "fix_configuration",
  ],
  [
    "450 4.1.8 <news@nowhere.example>: Sender address rejected: Domain not found",
    "rcpt",
    "deferred",
    "sender_refused",
    "fix_configuration",
  ],
  [
    "554 5.7.1 Service unavailable; Client host [203.0.113.5] blocked using zen.spamhaus.org",
    "rcpt",
    "bounced",
    "reputation_blocked",
    "next_relay",
  ],
  [
    "421 4.7.0 mx.example.com Error: too many connections from 203.0.113.5",
    "greeting",
    "deferred",
    "too_many_connections",
    "slow_down",
  ],
  ["450 4.7.1 Error: too much mail from 203.0.113.5", "rcpt", "deferred", "rate_limited", "slow_down"],
  ["454 4.7.0 TLS not available due to local problem", "starttls", "deferred", "server_busy", "retry"],
  [
    "535 5.7.8 Error: authentication failed: authentication failure",
    "auth",
    "deferred",
    "authentication_failed",
    "fix_configuration",
  ],
  ["554 5.4.6 Too many hops", "body", "bounced", "loop_detected", "give_up"],
  // exim, sendmail.
  ["550 Unrouteable address", "rcpt", "bounced", "unknown_mailbox", "suppress"],
  ["550 relay not permitted", "rcpt", "bounced", "relay_denied", "fix_configuration"],
  ["550 Sender verify failed", "rcpt", "bounced", "sender_refused", "fix_configuration"],
  ["451 Temporary local problem - please try later", "rcpt", "deferred", "server_busy", "retry"],
  ["550 5.1.1 <a@example.com>... User unknown", "rcpt", "bounced", "unknown_mailbox", "suppress"],
  [
    "550 5.1.2 <a@nowhere.example>... Host unknown (Name server: nowhere.example: host not found)",
    "rcpt",
    "bounced",
    "host_unknown",
    "suppress",
  ],
  ["551 5.1.6 User has moved; please try <b@example.com>", "rcpt", "bounced", "mailbox_moved", "suppress"],
  [
    "550 This message was classified as SPAM and may not be delivered",
    "body",
    "bounced",
    "spam_blocked",
    "give_up",
  ],
  [
    "550 5.7.1 virus Eicar-Test-Signature detected by ClamAV",
    "body",
    "bounced",
    "content_refused",
    "give_up",
  ],
  // SES, Mailjet and other relays.
  ["454 Throttling failure: Maximum sending rate exceeded.", "body", "deferred", "rate_limited", "slow_down"],
  [
    "454 Throttling failure: Daily message quota exceeded.",
    "body",
    "deferred",
    "quota_exceeded",
    "slow_down",
  ],
  [
    "554 Message rejected: Email address is not verified. The following identities failed the check in region EU-WEST-1: news@example.com",
    "body",
    "bounced",
    "sender_refused",
    "fix_configuration",
  ],
  [
    "535 Authentication Credentials Invalid",
    "auth",
    "deferred",
    "authentication_failed",
    "fix_configuration",
  ],
  [
    "550 5.1.8 Sender not allowed: news@example.com",
    "mail",
    "bounced",
    "sender_refused",
    "fix_configuration",
  ],
  // A 5xx that means later.
  ["550 Temporarily rejected, please come back later", "rcpt", "deferred", "server_busy", "retry"],
  [
    "550 5.7.1 Greylisting in action, please try again in 5 minutes",
    "rcpt",
    "deferred",
    "greylisted",
    "retry_soon",
  ],
  ["503 5.5.1 Bad sequence of commands", "rcpt", "deferred", "protocol_error", "next_relay"],
  // A refused session is never the copy's fault.
  ["554 5.7.1 Your IP is on our blacklist", "greeting", "deferred", "reputation_blocked", "next_relay"],
  ["554 No SMTP service here", "greeting", "deferred", "relay_refused", "next_relay"],
  ["550 5.1.1 nonsense at EHLO", "ehlo", "deferred", "unknown_mailbox", "retry"],
  // Bare codes.
  ["550 No", "rcpt", "bounced", "unknown_mailbox", "suppress"],
  ["550 No", "mail", "bounced", "sender_refused", "fix_configuration"],
  ["550 No", "body", "bounced", "refused", "give_up"],
  ["450 No", "rcpt", "deferred", "unspecified", "retry"],
  ["452 4.5.3 Too many recipients: Too many messages sent", "mail", "deferred", "session_full", "retry"],
  ["452 4.4.5 Maximum number of messages per session exceeded.", "data", "deferred", "session_full", "retry"],
  ["421 Maximum message count per session reached", "mail", "deferred", "session_full", "retry"],
  ["421 too many messages in this connection", "mail", "deferred", "session_full", "retry"],
  ["452 4.5.3 Too many messages sent today", "mail", "deferred", "too_many_recipients", "retry"],
  ["421 Bye", "mail", "deferred", "server_closing", "retry"],
  ["552 No", "rcpt", "bounced", "mailbox_full", "give_up"],
  ["552 No", "body", "bounced", "message_too_large", "give_up"],
  ["554 No", "body", "bounced", "refused", "give_up"],
  ["535 No", "auth", "deferred", "authentication_failed", "fix_configuration"],
  ["250 Ok", "data", "deferred", "protocol_error", "next_relay"],
  ["250 Ok", "rcpt", "deferred", "protocol_error", "next_relay"],
  ["354 What", "body", "deferred", "protocol_error", "next_relay"],
];

describe("a reply means", () => {
  for (const [text, step, disposition, category, action] of rows) {
    test(`${step}: ${text.split("\n")[0]}`, () => {
      const verdict = judge(replyOf(text), step);
      expect([verdict.disposition, verdict.category, verdict.action]).toEqual([
        disposition,
        category,
        action,
      ]);
      expect(verdict.sentence).toBe(CATEGORIES[category].sentence);
    });
  }
});

describe("a status from a bounce means", () => {
  const statuses: [string | null, string, string, Category][] = [
    ["5.1.1", "smtp; 550 5.1.1 User unknown", "bounced", "unknown_mailbox"],
    ["5.0.0", "smtp; 550 5.1.1 <a@b.example>: no such user", "bounced", "unknown_mailbox"],
    ["5.0.0", "", "bounced", "refused"],
    [null, "smtp; 552 5.2.2 Over quota", "bounced", "mailbox_full"],
    [null, "user unknown", "bounced", "unknown_mailbox"],
    ["4.4.7", "delivery time expired", "bounced", "expired"],
    ["5.4.7", "", "bounced", "expired"],
    ["4.4.1", "connect to mx.example: Connection timed out", "deferred", "delivery_failed"],
    ["5.4.4", "Host or domain name not found", "bounced", "host_unknown"],
    ["2.0.0", "250 ok", "accepted", "accepted"],
    [null, "", "bounced", "refused"],
    ["5.7.1", "message content rejected, looks like spam", "bounced", "spam_blocked"],
    [null, "550 5.7.1 Account has exceeded its hourly message limit", "deferred", "rate_limited"],
    [null, "550 User mailbox exceeds allowed size", "bounced", "mailbox_full"],
    // Amounts are no reply codes.
    [null, "it has used 250/250 (100%) of its allowance", "bounced", "refused"],
    [null, "Mailbox is full: 450 MB of 450 MB", "bounced", "mailbox_full"],
    [null, "could not be delivered for 240 hours", "bounced", "expired"],
    [null, "the error was '450 busy'", "deferred", "server_busy"],
    // Words of notices, in people's languages.
    [null, "Das Postfach des Empfängers ist voll.", "bounced", "mailbox_full"],
    [null, "L’adresse de messagerie que vous avez entrée est introuvable.", "bounced", "unknown_mailbox"],
    [null, "宛先メールアドレスが見つかりません", "bounced", "unknown_mailbox"],
    [null, "Почтовый ящик переполнен.", "bounced", "mailbox_full"],
    // Words that would be taken for something else.
    [null, "User ada not listed in Domino Directory", "bounced", "unknown_mailbox"],
    [null, "this message has been in the queue too long", "bounced", "expired"],
    ["5.7.1", "550 5.7.1 Message rejected due to content restrictions", "bounced", "content_refused"],
  ];
  for (const [status, text, disposition, category] of statuses) {
    test(`${status} ${text}`, () => {
      const verdict = judgeStatus(status, text);
      expect([verdict.disposition, verdict.category]).toEqual([disposition, category]);
    });
  }
});

test("a problem without a reply never bounces a copy, save one the relay cannot carry", () => {
  for (const category of [
    "connection_lost",
    "timed_out",
    "connect_failed",
    "tls_failed",
    "protocol_error",
  ] as const) {
    expect(judgeProblem(category).disposition).toBe("deferred");
  }
  expect(judgeProblem("message_too_large").disposition).toBe("bounced");
  expect(judgeProblem("smtputf8_unsupported").disposition).toBe("bounced");
});

test("every category has a whole sentence, and there are enough of them", () => {
  expect(Object.keys(CATEGORIES).length).toBeGreaterThanOrEqual(24);
  for (const { sentence } of Object.values(CATEGORIES)) expect(sentence).toMatch(/^[A-Z].*\.$/);
});

test("any reply gets a verdict, in bounded time", () => {
  const steps: Step[] = ["greeting", "ehlo", "starttls", "auth", "mail", "rcpt", "data", "body"];
  fc.assert(
    fc.property(
      fc.integer({ min: 300, max: 599 }),
      fc.string({ maxLength: 2000 }),
      fc.constantFrom(...steps),
      (code, text, step) => {
        expect(["deferred", "bounced"]).toContain(judge({ code, enhanced: null, text }, step).disposition);
        judgeStatus(null, text);
      },
    ),
    { numRuns: 300 },
  );
  for (const text of [
    "user ".repeat(10_000),
    "mailbox ".repeat(8_000),
    "message is ".repeat(6_000),
    " ".repeat(60_000),
  ]) {
    judge({ code: 550, enhanced: null, text }, "body");
  }
});

/** Webhooks, the pure parts: when to try again, where to go, what is told. */
import { describe, expect, it } from "vitest";
import type { EmailFacts } from "../../src/db/webhook-facts.ts";
import { payloadOf } from "../../src/ledger/webhook-payload.ts";
import {
  type Answer,
  ATTEMPTS,
  failsForDays,
  retryAfterMs,
  verdictOf,
} from "../../src/ledger/webhook-schedule.ts";
import { bounceKind } from "../../src/policy/bounce-kind.ts";
import { CATEGORIES } from "../../src/policy/category.ts";
import { parseEndpoint } from "../../src/schema/endpoint.ts";
import type { MailEvent } from "../../src/schema/event.ts";
import { parse } from "../../src/schema/parse.ts";
import { CreateWebhook, UpdateWebhook } from "../../src/schema/webhook.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const answer = (over: Partial<Answer>): Answer => ({
  status: 500,
  response: "",
  retryAfterMs: null,
  durationMs: 1,
  ...over,
});

describe("the schedule", () => {
  it("is Resend's: eight attempts in about a day", () => {
    const waits = Array.from({ length: ATTEMPTS }, (_, i) => verdictOf(answer({}), i + 1, 0));
    expect(waits.map((one) => (one.kind === "retry" ? one.inMs : one.kind))).toEqual([
      5_000,
      5 * MINUTE,
      30 * MINUTE,
      2 * HOUR,
      5 * HOUR,
      10 * HOUR,
      10 * HOUR,
      "failed",
    ]);
  });

  it("is spread by up to a tenth", () => {
    expect(verdictOf(answer({}), 2, 1)).toEqual({ kind: "retry", inMs: 330_000, restMs: 0 });
  });

  it.each([
    [200, null, 1, { kind: "success" }],
    [204, null, 8, { kind: "success" }],
    [299, null, 1, { kind: "success" }],
    [300, null, 1, { kind: "retry", inMs: 5_000, restMs: 0 }],
    [301, null, 8, { kind: "failed" }],
    [0, null, 1, { kind: "retry", inMs: 5_000, restMs: 0 }],
    [410, null, 1, { kind: "gone" }],
    [410, null, 8, { kind: "gone" }],
    [429, 60_000, 1, { kind: "retry", inMs: 60_000, restMs: 60_000 }],
    [503, 1_000, 1, { kind: "retry", inMs: 5_000, restMs: 1_000 }],
    [503, 9 * DAY, 1, { kind: "retry", inMs: HOUR, restMs: HOUR }],
    [500, 60_000, 1, { kind: "retry", inMs: 5_000, restMs: 0 }],
    [429, 60_000, 8, { kind: "failed" }],
  ])("takes %i with Retry-After %s at attempt %i as %j", (status, retryAfter, attempts, verdict) => {
    expect(verdictOf(answer({ status, retryAfterMs: retryAfter }), attempts, 0)).toEqual(verdict);
  });

  it.each([
    [null, null],
    ["120", 120_000],
    ["0", 0],
    ["Tue, 01 Jan 2030 00:00:10 GMT", 10_000],
    ["Tue, 01 Jan 2019 00:00:10 GMT", 0],
    ["soon", null],
    ["-5", null],
    ["99999999999999999999", null],
  ])("reads Retry-After %j as %s", (text, ms) => {
    expect(retryAfterMs(text, Date.UTC(2030, 0, 1))).toBe(ms);
  });

  it("ends with an endpoint that fails for days, and often", () => {
    const since = 1_000;
    expect(failsForDays({ failingSince: since, failures: 20 }, since + 5 * DAY)).toBe(true);
    expect(failsForDays({ failingSince: since, failures: 20 }, since + 5 * DAY - 1)).toBe(false);
    expect(failsForDays({ failingSince: since, failures: 19 }, since + 9 * DAY)).toBe(false);
    expect(failsForDays({ failingSince: null, failures: 0 }, since)).toBe(false);
  });
});

describe("an endpoint", () => {
  it.each([
    ["https://example.com", "https://example.com/"],
    ["https://EXAMPLE.com:443/a?b=c", "https://example.com/a?b=c"],
    ["https://example.com:8443/x", "https://example.com:8443/x"],
    ["https://xn--bcher-kva.example/", "https://xn--bcher-kva.example/"],
    ["https://bücher.example/", "https://xn--bcher-kva.example/"],
    ["https://8.8.8.8/x", "https://8.8.8.8/x"],
    ["https://[2606:4700::1111]/", "https://[2606:4700::1111]/"],
    ["https://localhost.example.com/", "https://localhost.example.com/"],
  ])("may be %s", (text, url) => {
    expect(parseEndpoint(text, false)).toEqual({ ok: true, value: url });
  });

  it.each([
    "https://localhost/",
    "https://LOCALHOST./",
    "https://api.localhost/",
    "https://printer.local/",
    "https://metadata.google.internal/",
    "https://router.home.arpa/",
    "https://intranet/",
    "https://127.0.0.1/",
    "https://127.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0177.0.0.1/",
    "https://017700000001/",
    "https://127.0.0.1./",
    "https://①②⑦.0.0.1/",
    "https://0/",
    "https://0.0.0.0/",
    "https://10.1.2.3/",
    "https://172.16.0.1/",
    "https://172.31.255.255/",
    "https://192.168.0.1/",
    "https://169.254.169.254/latest/meta-data",
    "https://100.64.0.1/",
    "https://192.0.0.1/",
    "https://192.0.2.1/",
    "https://198.18.0.1/",
    "https://203.0.113.9/",
    "https://224.0.0.1/",
    "https://240.0.0.1/",
    "https://255.255.255.255/",
    "https://[::]/",
    "https://[::1]/",
    "https://[0:0:0:0:0:0:0:1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::ffff:8.8.8.8]/",
    "https://[::127.0.0.1]/",
    "https://[64:ff9b::127.0.0.1]/",
    "https://[2002:7f00:1::]/",
    "https://[2001::1]/",
    "https://[fc00::1]/",
    "https://[fd12:3456::1]/",
    "https://[fe80::1]/",
    "https://[fec0::1]/",
    "https://[ff02::1]/",
    "https://[2001:db8::1]/",
    "https://[4000::1]/",
  ])("may not be %s, unless private ones are allowed", (text) => {
    const refused = parseEndpoint(text, false);
    expect(refused.ok).toBe(false);
    if (!refused.ok) expect(refused.error).toMatch(/private address.*WEBHOOK_PRIVATE=allow/);
    expect(parseEndpoint(text, true).ok).toBe(true);
    expect(parseEndpoint(text.replace("https:", "http:"), true).ok).toBe(true);
  });

  it.each([
    ["http://example.com/", /https:.*WEBHOOK_PRIVATE/],
    ["ftp://example.com/", /must begin with https/],
    ["javascript:alert(1)", /must begin with https/],
    ["example.com/hook", /is not a URL/],
    ["", /is not a URL/],
    ["https://", /is not a URL/],
    ["https://a:b@example.com/", /user or password/],
    ["https://a@example.com/", /user or password/],
    ["https://example.com/#part", /fragment/],
    [`https://example.com/${"x".repeat(2_000)}`, /longer than 2000/],
  ])("is not %s", (text, reason) => {
    const refused = parseEndpoint(text, false);
    expect(refused.ok ? "" : refused.error).toMatch(reason);
    if (text.includes("a:b")) expect(refused.ok ? "" : refused.error).not.toContain("a:b");
  });
});

describe("the request", () => {
  it.each([
    [undefined, null],
    [[], null],
    ["*", null],
    [["*"], null],
    [["email.sent", "*"], null],
    [
      ["email.sent", "email.sent", "email.bounced"],
      ["email.sent", "email.bounced"],
    ],
    [
      ["suppression.added", "domain.created", "inbox.thread.folder.updated"],
      ["suppression.added", "domain.created", "inbox.thread.folder.updated"],
    ],
  ])("for events %j means %j", (events, wanted) => {
    const parsed = parse(CreateWebhook, { endpoint: "https://example.com", events });
    expect(parsed.ok && (parsed.value.events ?? null)).toEqual(wanted);
  });

  it("that changes says only what changes", () => {
    expect(parse(UpdateWebhook, {})).toEqual({ ok: true, value: {} });
    expect(parse(UpdateWebhook, { status: "off" }).ok).toBe(false);
  });
});

const ID = "019a0000-0000-7000-8000-000000000000";
const email: EmailFacts = {
  id: ID,
  created_at: Date.UTC(2026, 0, 1),
  from: "Shop <shop@example.com>",
  to: ["a@example.net", "b@example.net"],
  subject: 'Grüße "x"',
  message_id: "<1@example.com>",
  headers: {},
  tags: [{ name: "campaign", value: "May" }],
  meta: {},
};
const event = (
  type: MailEvent["type"],
  data: MailEvent["data"] = {},
  recipient: number | null = 1,
): MailEvent => ({
  id: "019a0000-0000-7000-8000-000000000001",
  type,
  email_id: ID,
  recipient,
  at: Date.UTC(2026, 0, 2),
  data,
});
const told = (...args: Parameters<typeof payloadOf>) => JSON.parse(payloadOf(...args));

describe("the payload", () => {
  it("has what every event has", () => {
    expect(told(event("email.delivered"), email, "b@example.net")).toEqual({
      type: "email.delivered",
      created_at: "2026-01-02T00:00:00.000Z",
      data: {
        email_id: ID,
        created_at: "2026-01-01T00:00:00.000Z",
        message_id: "<1@example.com>",
        from: "Shop <shop@example.com>",
        to: ["a@example.net", "b@example.net"],
        subject: 'Grüße "x"',
        tags: { campaign: "May" },
        recipient: "b@example.net",
        recipient_index: 1,
      },
    });
  });

  it("of bulk mail names the copy", () => {
    const bulk = { ...email, to: [], message_id: null };
    expect(told(event("email.sent"), bulk, "b@example.net").data).toMatchObject({
      to: ["b@example.net"],
      message_id: `<1.${ID}@example.com>`,
    });
    expect(told(event("email.scheduled", { scheduled_at: 0 }, null), bulk, null).data).toMatchObject({
      to: [],
      message_id: null,
      scheduled_at: "1970-01-01T00:00:00.000Z",
    });
  });

  it("has headers and a template when there are, and headers only when they are few", () => {
    const more = { ...email, headers: { "X-A": "1" }, meta: { template_id: "t1" } };
    expect(told(event("email.sent"), more, null).data).toMatchObject({
      headers: [{ name: "X-A", value: "1" }],
      template_id: "t1",
    });
    const many = { ...email, headers: { "X-A": "1".repeat(9_000) } };
    expect(told(event("email.sent"), many, null).data).not.toHaveProperty("headers");
  });

  it.each<[MailEvent["type"], MailEvent["data"], Record<string, unknown>]>([
    [
      "email.failed",
      { reason: "Its time was over.", category: "expired" },
      { failed: { reason: "Its time was over." }, category: "expired" },
    ],
    [
      "email.suppressed",
      { reason: "It bounced before.", category: "bounce" },
      {
        suppressed: {
          message: "It bounced before.",
          type: "OnAccountSuppressionList",
          reason: "bounce",
          diagnosticCode: [],
        },
      },
    ],
    [
      "email.clicked",
      {
        click: { link: "https://example.com/" },
        visitor: { user_agent: null, ip: null, verdict: "scanner", reason: "too quick" },
      },
      {
        click: {
          ipAddress: "",
          link: "https://example.com/",
          timestamp: "2026-01-02T00:00:00.000Z",
          userAgent: "",
        },
        visitor: { verdict: "scanner", reason: "too quick" },
      },
    ],
    [
      "email.opened",
      { visitor: { user_agent: "UA", ip: "192.0.2.0", verdict: "person", reason: "x" } },
      { visitor: { verdict: "person", reason: "x" } },
    ],
    [
      "email.unsubscribed",
      { unsubscribe: { address: "b@example.net", topic: "news", via: "one_click" } },
      { unsubscribe: { topic: "news", via: "one_click" } },
    ],
    ["email.delivery_delayed", { next_attempt_at: 1_000 }, { next_attempt_at: "1970-01-01T00:00:01.000Z" }],
  ])("of %s says what happened", (type, data, expected) => {
    expect(told(event(type, data), email, null).data).toMatchObject(expected);
  });

  it("of an email that libSQL does not know says whose it was", () => {
    expect(told(event("email.opened"), null, null).data).toEqual({
      email_id: ID,
      created_at: "2026-01-02T00:00:00.000Z",
      recipient_index: 1,
    });
  });

  it("puts every category into Resend's words", () => {
    const kinds = Object.keys(CATEGORIES).map((category) => bounceKind(category));
    expect(kinds.filter(({ type }) => type !== "Undetermined").length).toBeGreaterThan(20);
    expect(bounceKind("mailbox_full")).toEqual({ type: "Transient", subType: "MailboxFull" });
    expect(bounceKind("unknown_mailbox")).toEqual({ type: "Permanent", subType: "NoEmail" });
    expect(bounceKind("something new")).toEqual({ type: "Undetermined", subType: "Undetermined" });
    expect(bounceKind(undefined)).toEqual({ type: "Undetermined", subType: "Undetermined" });
  });
});

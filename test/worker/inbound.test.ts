/** Mail in: what POST /inbound and the email() entry make of it, and above all what they do not. */
import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { EmailId } from "../../src/core/ids.ts";
import { INBOUND_BYTES } from "../../src/core/limits.ts";
import type { Env } from "../../src/env.ts";
import { takeEmail } from "../../src/http/email-entry.ts";
import entry from "../../src/index.ts";
import { signToken, type TokenPurpose } from "../../src/tracking/token.ts";
import { call, eventsOf, KEY, mailFor, poll, someone, worker } from "../support/api.ts";

const SECRET = "test-signing-secret";

interface Sent {
  id: EmailId;
  to: string[];
  /** With angle brackets. */
  messageId: string;
}

/** A message that its relay took. */
async function sent(recipients = 1): Promise<Sent> {
  const to = Array.from({ length: recipients }, () => someone());
  const { body } = await call("POST", "/emails", { from: "ada@example.com", to, subject: "S", text: "T" });
  const [mail] = await mailFor(to[0]!);
  await eventsOf(body.id, (types) => types.filter((type) => type === "email.sent").length === recipients);
  return { id: body.id, to, messageId: mail!.email.messageId! };
}

/** A bulk message of two copies; the Message-IDs of each. */
async function sentInBulk(): Promise<Sent & { ids: string[] }> {
  const to = [someone(), someone()];
  const { body } = await call("POST", "/emails/bulk", {
    from: "ada@example.com",
    subject: "S",
    text: "T",
    recipients: to.map((address) => ({ to: address })),
  });
  const ids = await Promise.all(to.map(async (address) => (await mailFor(address))[0]!.email.messageId!));
  await eventsOf(body.id, (types) => types.filter((type) => type === "email.sent").length === 2);
  return { id: body.id, to, messageId: ids[0]!, ids };
}

const token = (id: EmailId, recipient: number, purpose: TokenPurpose = "bounce", secret = SECRET) =>
  signToken(secret, { id, recipient }, purpose);

interface Bounce {
  to?: string;
  recipient?: string;
  action?: string;
  status?: string;
  diagnostic?: string;
  /** Of the bounce itself. */
  id?: string;
  /** Headers of the returned message. */
  returned?: string[];
}

let counter = 0;
const bounce = ({
  to = "bounces@example.com",
  recipient = "x@example.net",
  action = "failed",
  status = "5.1.1",
  diagnostic = "smtp; 550 5.1.1 User unknown",
  id = `<${Date.now()}.${counter++}@mx.example.net>`,
  returned = [],
}: Bounce): string =>
  [
    "From: Mail Delivery System <MAILER-DAEMON@mx.example.net>",
    `To: ${to}`,
    "Subject: Undelivered Mail Returned to Sender",
    `Message-ID: ${id}`,
    "Auto-Submitted: auto-replied",
    "Content-Type: multipart/report; report-type=delivery-status; boundary=b",
    "",
    "--b",
    "Content-Type: message/delivery-status",
    "",
    "Reporting-MTA: dns; mx.example.net",
    "",
    `Final-Recipient: rfc822; ${recipient}`,
    `Action: ${action}`,
    `Status: ${status}`,
    `Diagnostic-Code: ${diagnostic}`,
    "",
    "--b",
    "Content-Type: text/rfc822-headers",
    "",
    ...returned,
    "",
    "--b--",
    "",
  ].join("\r\n");

const post = (raw: string, query = "", headers: Record<string, string> = {}) =>
  call("POST", `/inbound${query}`, raw, { "content-type": "message/rfc822", ...headers });

const typesOf = async (id: string, type: string) =>
  (await call("GET", `/emails/${id}/events?limit=100`)).body.data.filter(
    (event: { type: string }) => event.type === type,
  );

describe("a bounce to a signed return path", () => {
  it("is an event of its recipient, with category, status and diagnostic", async () => {
    const { id, to } = await sent(2);
    const { status, body } = await post(
      bounce({ recipient: to[1]! }),
      `?to=bounce%2B${token(id, 1)}@bounces.example.com`,
    );
    expect(status).toBe(200);
    expect(body).toEqual({
      kind: "bounce",
      matched: 1,
      emails: [id],
      reports: [
        {
          recipient: to[1],
          action: "failed",
          status: "5.1.1",
          diagnostic: "550 5.1.1 User unknown",
          category: "unknown_mailbox",
          permanent: true,
        },
      ],
    });
    const [event] = await typesOf(id, "email.bounced");
    expect(event).toMatchObject({
      recipient: to[1],
      data: {
        category: "unknown_mailbox",
        reason: "There is no such mailbox.",
        report: {
          status: "5.1.1",
          diagnostic: "550 5.1.1 User unknown",
          permanent: true,
          matched_by: "token",
        },
      },
    });
    const { body: email } = await call("GET", `/emails/${id}`);
    expect(
      email.recipients.map(({ email: address, status: state }: Record<string, string>) => [address, state]),
    ).toEqual([
      [to[0], "sent"],
      [to[1], "bounced"],
    ]);
  });

  it("needs no address it knows: the token says it all", async () => {
    const { id } = await sent();
    const { body } = await post(
      bounce({ recipient: "x77@inside.example" }),
      `?to=bounce%2B${token(id, 0)}@b.example`,
    );
    expect(body).toMatchObject({ matched: 1, emails: [id] });
    expect(await typesOf(id, "email.bounced")).toHaveLength(1);
  });

  it.each([
    ["x-envelope-to", (path: string) => post(bounce({}), "", { "x-envelope-to": path })],
    ["Delivered-To", (path: string) => post(`Delivered-To: ${path}\r\n${bounce({})}`)],
    ["X-Original-To", (path: string) => post(`X-Original-To: <${path}>\r\n${bounce({})}`)],
    ["To", (path: string) => post(bounce({ to: path }))],
    ["a plus in a query that nobody encoded", (path: string) => post(bounce({}), `?to=${path}`)],
    ["BATV", (path: string) => post(bounce({ to: `prvs=1234abcdef=${path}` }))],
    [
      "SRS",
      (path: string) =>
        post(bounce({ to: `SRS0=ab=cd=b.example=${path.replace("b.example", "fwd.example")}` })),
    ],
    ["the returned Return-Path", (path: string) => post(bounce({ returned: [`Return-Path: <${path}>`] }))],
    [
      "the returned Return-Path, where case was folded on the way",
      (path: string) => post(bounce({ returned: [`Return-Path: <${path}>`] }), `?to=${path.toLowerCase()}`),
    ],
    [
      "the returned List-Unsubscribe",
      (_: string, id: EmailId) =>
        post(
          bounce({
            returned: [`List-Unsubscribe: <mailto:unsubscribe+${token(id, 0, "unsubscribe")}@b.example>`],
          }),
        ),
    ],
  ])("is known by %s", async (_, send) => {
    const { id } = await sent();
    const { body } = await send(`bounce+${token(id, 0)}@b.example`, id);
    expect(body).toMatchObject({ kind: "bounce", matched: 1, emails: [id] });
  });

  it("that comes again makes no second event, and another one does", async () => {
    const { id } = await sent();
    const to = `bounce+${token(id, 0)}@b.example`;
    const raw = bounce({ to });
    for (let i = 0; i < 3; i++) expect((await post(raw)).body.matched).toBe(1);
    expect(await typesOf(id, "email.bounced")).toHaveLength(1);
    await post(bounce({ to }));
    expect(await typesOf(id, "email.bounced")).toHaveLength(2);
  });

  it.each([
    ["delayed", "4.4.1", "email.delivery_delayed"],
    ["delivered", "2.0.0", "email.delivered"],
    ["expanded", "2.0.0", "email.delivered"],
  ])("%s is %s: %s", async (action, status, type) => {
    const { id } = await sent();
    await post(bounce({ to: `bounce+${token(id, 0)}@b.example`, action, status, diagnostic: "smtp; x" }));
    expect(await typesOf(id, type)).toHaveLength(1);
  });

  it("relayed says no more than sent does", async () => {
    const { id } = await sent();
    const { body } = await post(
      bounce({ to: `bounce+${token(id, 0)}@b.example`, action: "relayed", status: "2.0.0" }),
    );
    expect(body).toMatchObject({ kind: "delivered", matched: 1 });
    expect(await typesOf(id, "email.delivered")).toEqual([]);
  });
});

describe("a bounce without a token", () => {
  it("is matched by a Message-ID of ours and the recipient's address", async () => {
    const { id, to, messageId } = await sent(2);
    const { body } = await post(
      bounce({ recipient: to[1]!.toUpperCase(), returned: [`Message-ID: ${messageId}`] }),
    );
    expect(body).toMatchObject({ matched: 1, emails: [id] });
    const [event] = await typesOf(id, "email.bounced");
    expect(event).toMatchObject({ recipient: to[1], data: { report: { matched_by: "message_id" } } });
  });

  it("in bulk likewise, whatever number stands in front of the id", async () => {
    const { id, to, ids } = await sentInBulk();
    const { body } = await post(bounce({ recipient: to[1]!, returned: [`Message-ID: ${ids[0]}`] }));
    expect(body.matched).toBe(1);
    expect(await typesOf(id, "email.bounced")).toMatchObject([{ recipient: to[1] }]);
  });

  it("of a message to one person needs no address: who knows the id is that person, or a server", async () => {
    const { id, messageId } = await sent();
    const { body } = await post(
      bounce({ recipient: "x77@inside.example", returned: [`Message-ID: ${messageId}`] }),
    );
    expect(body).toMatchObject({ matched: 1, emails: [id] });
  });

  it("is found though the message has only just gone", async () => {
    const to = someone();
    const { body: email } = await call("POST", "/emails", {
      from: "ada@example.com",
      to,
      subject: "S",
      text: "T",
    });
    const { body } = await post(
      bounce({ recipient: to, returned: [`Message-ID: <${email.id}@example.com>`] }),
    );
    expect(body.matched).toBe(1);
  });
});

describe("a forged bounce changes nothing", () => {
  const unchanged = async (id: string) => {
    const { body } = await call("GET", `/emails/${id}/events?limit=100`);
    expect(body.data.map((event: { type: string }) => event.type)).not.toContain("email.bounced");
  };

  it.each([
    ["no token and no Message-ID", ({ to }: Sent) => bounce({ recipient: to[0]! })],
    [
      "a token signed with another secret",
      ({ id, to }: Sent) =>
        bounce({
          recipient: to[0]!,
          to: `bounce+${token(id, 0, "bounce", "another secret of mine")}@b.example`,
        }),
    ],
    [
      "the token of its links",
      ({ id, to }: Sent) => bounce({ recipient: to[0]!, to: `bounce+${token(id, 0, "token")}@b.example` }),
    ],
    [
      "an unsubscribe token for a return path",
      ({ id, to }: Sent) =>
        bounce({ recipient: to[0]!, to: `bounce+${token(id, 0, "unsubscribe")}@b.example` }),
    ],
    [
      "a token with one character changed",
      ({ id, to }: Sent) =>
        bounce({
          recipient: to[0]!,
          to: `bounce+${token(id, 0).replace(/.$/, (c) => (c === "A" ? "B" : "A"))}@b.example`,
        }),
    ],
    [
      "a token whose case was folded",
      ({ id, to }: Sent) =>
        bounce({ recipient: to[0]!, to: `bounce+${token(id, 0).toLowerCase()}@b.example` }),
    ],
    [
      "a Message-ID of nobody",
      ({ to }: Sent) =>
        bounce({
          recipient: to[0]!,
          returned: ["Message-ID: <01934567-89ab-7def-8123-456789abcdef@example.com>"],
        }),
    ],
  ])("%s", async (_, forge) => {
    const message = await sent();
    const { status, body } = await post(forge(message));
    expect(status).toBe(200);
    expect(body).toMatchObject({ kind: "bounce", matched: 0, emails: [] });
    await unchanged(message.id);
  });

  it("a Message-ID of ours with an address that message did not go to", async () => {
    const { id, messageId } = await sent(2);
    const { body } = await post(
      bounce({ recipient: "somebody-else@example.net", returned: [`Message-ID: ${messageId}`] }),
    );
    expect(body.matched).toBe(0);
    await unchanged(id);
  });

  it("in bulk a number in front of the id names nobody", async () => {
    const { id, ids } = await sentInBulk();
    const other = ids[0]!.replace(/^<0\./, "<1.");
    expect(other).not.toBe(ids[0]);
    const { body } = await post(
      bounce({ recipient: "somebody-else@example.net", returned: [`Message-ID: ${other}`] }),
    );
    expect(body.matched).toBe(0);
    await unchanged(id);
  });
});

describe("complaints, replies and wishes", () => {
  const complaint = (fields: string[], returned: string[]) =>
    [
      "From: <feedback@isp.example>",
      "To: abuse@example.com",
      "Subject: Abuse report",
      `Message-ID: <${counter++}@isp.example>`,
      "Content-Type: multipart/report; report-type=feedback-report; boundary=b",
      "",
      "--b",
      "Content-Type: message/feedback-report",
      "",
      "Feedback-Type: abuse",
      "User-Agent: X/1",
      "Version: 1",
      ...fields,
      "",
      "--b",
      "Content-Type: message/rfc822",
      "",
      ...returned,
      "",
      "x",
      "--b--",
    ].join("\r\n");

  it("a complaint whose reader is taken out is known by the token in the returned headers", async () => {
    const { id } = await sent();
    const { body } = await post(
      complaint([], [`List-Unsubscribe: <mailto:unsubscribe+${token(id, 0, "unsubscribe")}@b.example>`]),
    );
    expect(body).toMatchObject({ kind: "complaint", matched: 1 });
    expect(await typesOf(id, "email.complained")).toMatchObject([
      { data: { report: { diagnostic: "abuse", matched_by: "token" } } },
    ]);
  });

  it("a complaint is matched by Message-ID and address too", async () => {
    const { id, to, messageId } = await sent(2);
    const { body } = await post(complaint([`Original-Rcpt-To: ${to[1]}`], [`Message-ID: ${messageId}`]));
    expect(body.matched).toBe(1);
    expect(await typesOf(id, "email.complained")).toMatchObject([{ recipient: to[1] }]);
  });

  it("a mail to the unsubscribe address unsubscribes", async () => {
    const { id, to } = await sent();
    const raw = `From: ${to[0]}\r\nTo: unsubscribe+${token(id, 0, "unsubscribe")}@b.example\r\nSubject: unsubscribe\r\n\r\n`;
    const { body } = await post(raw);
    expect(body).toMatchObject({ kind: "unsubscribe", matched: 1, emails: [id] });
    expect(await typesOf(id, "email.unsubscribed")).toMatchObject([{ recipient: to[0] }]);
  });

  it("with a token that nobody signed it does not, though it knows a Message-ID", async () => {
    const { id, messageId } = await sent();
    const raw = `From: x@example.net\r\nTo: unsubscribe+${token(id, 0, "bounce")}@b.example\r\nIn-Reply-To: ${messageId}\r\n\r\nx`;
    expect((await post(raw)).body).toMatchObject({ kind: "unsubscribe", matched: 0 });
    expect(await typesOf(id, "email.unsubscribed")).toEqual([]);
  });

  it("an automatic reply to a return path says nothing about delivery", async () => {
    const { id } = await sent();
    const before = (await call("GET", `/emails/${id}/events`)).body.data.length;
    const { body } = await post(
      `From: b@example.net\r\nTo: bounce+${token(id, 0)}@b.example\r\nSubject: Automatic reply: S\r\nAuto-Submitted: auto-replied\r\n\r\nThis mailbox is disabled: I left.\r\n`,
    );
    expect(body).toEqual({ kind: "auto_reply", reports: [], matched: 0, emails: [] });
    expect((await call("GET", `/emails/${id}/events`)).body.data).toHaveLength(before);
  });
});

describe("what an address is closed for", () => {
  const origin = async (address: string): Promise<string | null> => {
    const found = await poll(
      () => call("GET", `/suppressions/${encodeURIComponent(address)}`),
      ({ status }) => status === 200,
      5_000,
    );
    return found.status === 200 ? found.body.origin : null;
  };

  it.each([
    ["a bounce for good", "bounce", (path: string) => bounce({ to: path })],
    [
      "a complaint",
      "complaint",
      (path: string) =>
        `From: feedback@isp.example\r\nTo: ${path}\r\nSubject: complaint about message from 192.0.2.10\r\n\r\nx`,
    ],
  ])("%s", async (_, expected, make) => {
    const { id, to } = await sent();
    expect((await post(make(`bounce+${token(id, 0)}@b.example`))).body.matched).toBe(1);
    expect(await origin(to[0]!)).toBe(expected);
  });

  it("a mail to unsubscribe", async () => {
    const { id, to } = await sent();
    await post(`From: x@example.net\r\nTo: unsubscribe+${token(id, 0, "unsubscribe")}@b.example\r\n\r\n`);
    expect(await origin(to[0]!)).toBe("unsubscribe");
  });

  it("not a full mailbox, and not a bounce that proves nothing", async () => {
    const { id, to } = await sent();
    await post(
      bounce({ to: `bounce+${token(id, 0)}@b.example`, status: "5.2.2", diagnostic: "smtp; 552 full" }),
    );
    await post(bounce({ recipient: to[0]! }));
    expect(await typesOf(id, "email.bounced")).toHaveLength(1);
    await scheduler.wait(500);
    expect((await call("GET", `/suppressions/${to[0]}`)).status).toBe(404);
  });
});

describe("POST /inbound", () => {
  it("wants a key, and is content with one that only sends", async () => {
    expect((await post(bounce({}), "", { authorization: "" })).status).toBe(401);
    const { body: key } = await call("POST", "/api-keys", { name: "mx", permission: "sending_access" });
    const authorization = `Bearer ${key.token}`;
    expect((await post(bounce({}), "", { authorization })).status).toBe(200);
  });

  it.each([
    ["an empty body", "", {}, 422, "The body is empty"],
    ["JSON", "{}", { "content-type": "application/json" }, 422, "message/rfc822"],
    ["a form", "x", { "content-type": "multipart/form-data; boundary=x" }, 422, "message/rfc822"],
    ["an envelope that is no address", "a: b", { "x-envelope-to": "nobody" }, 422, "envelope"],
    ["an envelope too long", "a: b", { "x-envelope-to": `${"a".repeat(700)}@b.example` }, 422, "envelope"],
  ])("refuses %s", async (_, raw, headers, status, message) => {
    const answer = await post(raw, "", headers as Record<string, string>);
    expect(answer.status).toBe(status);
    expect(answer.body.message).toContain(message);
  });

  it.each([
    ["bytes", "\x00\x01\xff garbage"],
    ["one line", "hello"],
    ["a header that never ends", `Subject: ${"x".repeat(400_000)}`],
  ])("answers %s with unknown", async (_, raw) => {
    expect(await post(raw)).toMatchObject({
      status: 200,
      body: { kind: "unknown", reports: [], matched: 0, emails: [] },
    });
  });

  it("takes no more than its bound, announced or not", async () => {
    let left = INBOUND_BYTES + 1;
    const chunk = new Uint8Array(1024 * 1024).fill(120);
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(chunk.subarray(0, Math.min(chunk.length, left)));
        left -= chunk.length;
        if (left <= 0) controller.close();
      },
    });
    const response = await worker().fetch("https://mail.example.com/inbound", {
      method: "POST",
      headers: { authorization: "Bearer test-key" },
      body,
    });
    expect(response.status).toBe(413);
  });

  it("reads the beginning of a bounce that carries a large message", async () => {
    const { id } = await sent();
    const raw = `${bounce({ to: `bounce+${token(id, 0)}@b.example` })}${"x".repeat(76)}\r\n`.concat(
      `${"y".repeat(76)}\r\n`.repeat(100_000),
    );
    expect((await post(raw)).body.matched).toBe(1);
  });
});

const bindings = env as unknown as Env;
const stream = (raw: string) => new Response(raw).body!;

describe("while libSQL is away", () => {
  /** Nobody listens on port 1. The ledgers have bindings of their own, and go on. */
  const away = (): Env => ({ ...bindings, LIBSQL_URL: "http://127.0.0.1:1" });
  const ask = (raw: string) =>
    entry.fetch(
      new Request("https://mail.example.com/inbound", {
        method: "POST",
        headers: { authorization: `Bearer ${KEY}`, "content-type": "message/rfc822" },
        body: raw,
      }),
      away(),
      createExecutionContext(),
    );

  it("a report with a token is taken as ever", async () => {
    const { id } = await sent();
    const response = await ask(bounce({ to: `bounce+${token(id, 0)}@b.example` }));
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ matched: 1 });
    expect(await typesOf(id, "email.bounced")).toHaveLength(1);
  });

  it("one without is put off, so that its server tries again", async () => {
    const { id, to, messageId } = await sent();
    const response = await ask(bounce({ recipient: to[0]!, returned: [`Message-ID: ${messageId}`] }));
    expect([response.status, response.headers.get("retry-after")]).toEqual([503, "5"]);
    await response.text();
    expect(await typesOf(id, "email.bounced")).toEqual([]);
  });

  it("what says nothing about our mail is no reason to try again", async () => {
    const response = await ask(bounce({}));
    expect(response.status).toBe(200);
    await response.text();
  });

  it("the email() entry tries again, and gives up without a throw", async () => {
    const { to, messageId } = await sent();
    const raw = bounce({ recipient: to[0]!, returned: [`Message-ID: ${messageId}`] });
    const message = { to: "x@b.example", raw: stream(raw), rawSize: raw.length };
    await expect(takeEmail(message, away(), [1, 1])).resolves.toBeUndefined();
  });
});

describe("the email() entry", () => {
  const deliver = (to: string, raw: string) =>
    entry.email({ to, raw: stream(raw), rawSize: raw.length }, bindings);

  it("takes the same path", async () => {
    const { id, to } = await sent();
    await deliver(`bounce+${token(id, 0)}@b.example`, bounce({ recipient: to[0]! }));
    expect(await typesOf(id, "email.bounced")).toHaveLength(1);
  });

  it.each([
    ["garbage", "\x00\xff\r\r\n"],
    ["nothing", ""],
    ["a mail of a person", "From: a@b.example\r\nSubject: Hello\r\n\r\nHello"],
  ])("is quiet about %s", async (_, raw) => {
    await expect(deliver("bounce@b.example", raw)).resolves.toBeUndefined();
  });

  it("does not throw when the stream breaks, or the configuration is wrong", async () => {
    const broken = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.error(new Error("connection lost"));
      },
    });
    await expect(
      entry.email({ to: "x@b.example", raw: broken, rawSize: 1 }, bindings),
    ).resolves.toBeUndefined();
    await expect(
      entry.email({ to: "x@b.example", raw: stream("x"), rawSize: 1 }, { ...bindings, API_KEY: null }),
    ).resolves.toBeUndefined();
  });
});

/** /suppressions: the routes, and what an entry does to mail that is sent, queued or planned. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it } from "vitest";
import type { EmailId } from "../../src/core/ids.ts";
import { openDb } from "../../src/db/client.ts";
import { type Env, ledgerOf, outboxOf, registryOf } from "../../src/env.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import type { EventData, EventType, LedgerEntry } from "../../src/schema/event.ts";
import { signToken } from "../../src/tracking/token.ts";
import { call, eventsOf, mailFor, poll, relay, someone } from "../support/api.ts";

const bindings = env as unknown as Env;
const registry = registryOf(bindings);
const outbox = (id: string) => outboxOf(bindings, 1, id as EmailId);
const mail = (to: string | string[], more: Record<string, unknown> = {}) => ({
  from: "Ada <ada@example.com>",
  to,
  subject: "Hello",
  text: "Words",
  ...more,
});
const suppress = async (email: string, more: Record<string, unknown> = {}) =>
  (await call("POST", "/suppressions", { email, ...more })).body.id as string;
const statusesOf = async (id: string) =>
  (await call("GET", `/emails/${id}`)).body.recipients.map((one: { status: string }) => one.status);
const entryOf = (email: string, query = "") =>
  call("GET", `/suppressions/${encodeURIComponent(email)}${query}`);
/** Waits until what a ledger has heard is in the registry. */
const suppressedSoon = (email: string, query = "") =>
  poll(
    () => entryOf(email, query),
    ({ status }) => status === 200,
  );

afterEach(async () => {
  await relay(0, "up");
  await relay(1, "up");
});

describe("an entry", () => {
  it("is made, read, listed and removed", async () => {
    const email = someone("Entry").replace("example.net", "Example.NET");
    const { status, body } = await call("POST", "/suppressions", { email: ` ${email} ` });
    expect([status, body]).toEqual([201, { object: "suppression", id: expect.any(String) }]);
    const entry = {
      object: "suppression",
      id: body.id,
      email: email.toLowerCase(),
      origin: "manual",
      source_id: null,
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      topic: null,
      category: "manual",
      reason: null,
      expires_at: null,
    };
    for (const name of [body.id, email, email.toUpperCase()])
      expect((await entryOf(name)).body).toEqual(entry);
    const listed = await call("GET", "/suppressions?origin=manual");
    expect(listed.body).toMatchObject({ object: "list", has_more: expect.any(Boolean) });
    expect(listed.body.data[0]).toEqual(entry);
    const again = await call("POST", "/suppressions", { email });
    expect([again.status, again.body.id]).toEqual([200, body.id]);
    const removed = await call("DELETE", `/suppressions/${encodeURIComponent(email)}`);
    expect(removed.body).toEqual({ object: "suppression", id: body.id, deleted: true });
    expect((await entryOf(email)).body).toMatchObject({ statusCode: 404, name: "not_found" });
    expect((await call("DELETE", `/suppressions/${body.id}`)).status).toBe(404);
  });

  it.each([
    ["no address", {}, 422, "email"],
    ["no good address", { email: "ada@gmail" }, 422, "email"],
    ["a topic of two lines", { email: "a@example.net", topic: "a\nb" }, 422, "topic"],
    ["a topic too long", { email: "a@example.net", topic: "t".repeat(101) }, 422, "topic"],
    [
      "a time without a zone",
      { email: "a@example.net", expires_at: "2030-01-01T00:00:00" },
      422,
      "expires_at",
    ],
    [
      "a time that is over",
      { email: "a@example.net", expires_at: "2020-01-01T00:00:00Z" },
      422,
      "expires_at",
    ],
    ["a number for an address", { email: 7 }, 422, "email"],
  ])("is refused with %s", async (_, body, status, path) => {
    const answer = await call("POST", "/suppressions", body);
    expect(answer.status).toBe(status);
    expect(answer.body.errors[0].path).toBe(path);
  });

  it.each([
    ["/suppressions?origin=hearsay", "origin"],
    ["/suppressions?limit=0", "limit"],
    ["/suppressions?after=x", "after"],
    ["/suppressions?email=nobody", "email"],
    [`/suppressions?topic=${"t".repeat(101)}`, "topic"],
    ["/suppressions/neither", "id or an address"],
  ])("is not asked for as %s", async (path, word) => {
    const { status, body } = await call("GET", path);
    expect(status).toBe(422);
    expect(body.message).toContain(word);
  });

  it("is listed in pages, newest first, by origin, topic and address", async () => {
    const topic = `pages-${Date.now()}`;
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) ids.unshift(await suppress(someone("page"), { topic }));
    const page = async (query: string) => (await call("GET", `/suppressions?topic=${topic}&${query}`)).body;
    const idsOf = (body: { data: { id: string }[] }) => body.data.map(({ id }) => id);
    const first = await page("limit=2");
    expect([idsOf(first), first.has_more]).toEqual([ids.slice(0, 2), true]);
    const second = await page(`limit=2&after=${ids[1]}`);
    expect([idsOf(second), second.has_more]).toEqual([ids.slice(2, 4), true]);
    const back = await page(`limit=2&before=${ids[3]}`);
    expect([idsOf(back), back.has_more]).toEqual([ids.slice(1, 3), true]);
    expect(idsOf(await page("origin=bounce"))).toEqual([]);
    const { email } = first.data[0] as { email: string };
    expect(idsOf(await page(`email=${encodeURIComponent(email)}`))).toEqual([ids[0]]);
  });

  it("is added and removed by the hundred", async () => {
    const emails = Array.from({ length: 100 }, () => someone("batch"));
    const added = await call("POST", "/suppressions/batch/add", { emails: [...emails.slice(1), emails[1]] });
    expect(added.status).toBe(201);
    expect(added.body.data).toHaveLength(100);
    expect(added.body.data[99].id).toBe(added.body.data[0].id); // The same address twice is one entry.
    const removed = await call("POST", "/suppressions/batch/remove", { emails: emails.slice(0, 3) });
    expect(removed.body.data).toHaveLength(2);
    expect(removed.body.data.every((one: { deleted: boolean }) => one.deleted)).toBe(true);
    const ids = added.body.data.slice(2, 4).map((one: { id: string }) => one.id);
    expect((await call("POST", "/suppressions/batch/remove", { ids })).body.data).toHaveLength(2);
    for (const [path, body, word] of [
      ["add", { emails: [] }, "emails"],
      ["add", { emails: [...emails, "b@example.net"] }, "more than 100"],
      ["add", { emails: ["a@example.net", "b@"] }, "emails[1]"],
      ["remove", {}, "`emails` or `ids`"],
      ["remove", { emails: ["a@example.net"], ids: ["x"] }, "together"],
    ] as const) {
      const refused = await call("POST", `/suppressions/batch/${path}`, body);
      expect(refused.status).toBe(422);
      expect(refused.body.message).toContain(word);
    }
  });

  it("is none of a sending key's business", async () => {
    const { token } = (await call("POST", "/api-keys", { name: "app", permission: "sending_access" })).body;
    const { status } = await call("GET", "/suppressions", undefined, { authorization: `Bearer ${token}` });
    expect(status).toBe(401);
    expect((await call("GET", "/suppressions", undefined, { authorization: "" })).status).toBe(401);
  });

  it("is over at its time", async () => {
    const to = someone("over");
    const id = await suppress(to, { expires_at: new Date(Date.now() + 3_600_000).toISOString() });
    const first = await call("POST", "/emails", mail(to));
    expect(await statusesOf(first.body.id)).toEqual(["suppressed"]);
    for (const stub of [registry, outbox(first.body.id)])
      await runInDurableObject(stub, (_, { storage }) => {
        const table = stub === registry ? "suppression" : "suppressed";
        storage.sql.exec(`UPDATE ${table} SET expires_at = 1 WHERE address = ?`, to);
      });
    expect((await entryOf(id)).status).toBe(404);
    await call("POST", "/emails", mail(to));
    expect(await mailFor(to)).toHaveLength(1);
    await runDurableObjectAlarm(registry);
    await runInDurableObject(registry, (_, { storage }) => {
      expect(storage.sql.exec("SELECT * FROM suppression WHERE address = ?", to).toArray()).toEqual([]);
    });
  });
});

describe("mail to a suppressed address", () => {
  it("is not sent, says why, and the others get theirs", async () => {
    const [no, yes] = [someone("no"), someone("yes")];
    await suppress(no, { reason: "Asked us by telephone." });
    const { status, body } = await call("POST", "/emails", mail([yes, no.toUpperCase()], { bcc: [no] }));
    expect([status, Object.keys(body)]).toEqual([200, ["id"]]);
    expect(await mailFor(yes)).toHaveLength(1);
    const { body: email } = await call("GET", `/emails/${body.id}`);
    expect(email.recipients.map((one: { status: string }) => one.status)).toEqual([
      "sent",
      "suppressed",
      "suppressed",
    ]);
    expect(email.recipients[1]).toMatchObject({
      category: "manual",
      explanation: "Suppressed: the address is on the suppression list. Asked us by telephone.",
    });
    const [event] = await eventsOf(body.id, (types) => types.includes("email.suppressed"));
    expect(event).toMatchObject({ type: "email.suppressed", recipient: expect.stringMatching(/^no/i) });
    expect(await mailFor(no, 0)).toEqual([]);
  });

  it("leaves nothing queued when there is nobody else", async () => {
    const to = someone("alone");
    await suppress(to);
    const { body } = await call("POST", "/emails", mail(to, { text: "x".repeat(9 * 1024 * 1024) }));
    expect((await call("GET", `/emails/${body.id}`)).body.last_event).toBe("suppressed");
    await runInDurableObject(outbox(body.id), (_, { storage }) => {
      for (const [table, column] of [
        ["email", "id"],
        ["content", "email"],
      ])
        expect(storage.sql.exec(`SELECT 1 FROM ${table} WHERE ${column} = ?`, body.id).toArray()).toEqual([]);
    });
    expect((await call("POST", `/emails/${body.id}/cancel`)).status).toBe(409);
  });

  it("is counted by POST /emails/bulk, and again when the call is repeated", async () => {
    const [no, yes] = [someone("no"), someone("yes")];
    await suppress(no);
    const body = {
      from: "a@example.com",
      subject: "Bulk",
      text: "Words",
      recipients: [{ to: no }, { to: yes }, { to: no }],
    };
    const key = { "idempotency-key": `bulk-${Date.now()}` };
    const first = await call("POST", "/emails/bulk", body, key);
    expect(first.body).toEqual({ id: expect.any(String), accepted: 1, suppressed: 2 });
    expect(await mailFor(yes)).toHaveLength(1);
    const again = await call("POST", "/emails/bulk", body, key);
    expect(again.body).toEqual(first.body);
    expect(again.headers.get("idempotent-replayed")).toBe("true");
    await eventsOf(first.body.id, (types) => types.filter((t) => t === "email.suppressed").length === 2);
    expect(await statusesOf(first.body.id)).toEqual(["suppressed", "sent", "suppressed"]);
  });

  it("is stopped when it was planned before the address was suppressed", async () => {
    const [no, yes] = [someone("no"), someone("yes")];
    const { body } = await call("POST", "/emails", mail([no, yes], { scheduled_at: "in 10 min" }));
    await suppress(no);
    await runInDurableObject(outbox(body.id), (_, { storage }) => {
      storage.sql.exec("UPDATE delivery SET due = 0");
    });
    await runDurableObjectAlarm(outbox(body.id));
    expect(await mailFor(yes)).toHaveLength(1);
    await eventsOf(body.id, (types) => types.includes("email.suppressed"));
    expect(await statusesOf(body.id)).toEqual(["suppressed", "sent"]);
    expect(await mailFor(no, 0)).toEqual([]);
  });

  it("is stopped when it waits for a relay that is down", async () => {
    await relay(0, "down");
    await relay(1, "down");
    const [no, yes] = [someone("no"), someone("yes")];
    const { body } = await call("POST", "/emails", mail([no, yes]));
    await eventsOf(body.id, (types) => types.includes("email.delivery_delayed"));
    await suppress(no);
    await relay(0, "up");
    await relay(1, "up");
    await poll(
      async () => {
        await runInDurableObject(outbox(body.id), (_, { storage }) => {
          storage.sql.exec("UPDATE delivery SET due = 0");
        });
        await runDurableObjectAlarm(outbox(body.id));
        return statusesOf(body.id);
      },
      (statuses) => statuses.includes("suppressed") && statuses.includes("sent"),
      20_000,
    );
    expect(await statusesOf(body.id)).toEqual(["suppressed", "sent"]);
    expect(await mailFor(no, 0)).toEqual([]);
  });

  it("goes again once the entry is gone", async () => {
    const to = someone("again");
    await suppress(to);
    await call("POST", "/emails", mail(to));
    await call("DELETE", `/suppressions/${encodeURIComponent(to)}`);
    await call("POST", "/emails", mail(to));
    expect(await mailFor(to)).toHaveLength(1);
  });

  it("is suppressed without an entry at the test address for that", async () => {
    const { body } = await call("POST", "/emails", mail("suppressed@postern.test"));
    expect((await call("GET", `/emails/${body.id}`)).body.last_event).toBe("suppressed");
  });
});

describe("what closes an address", () => {
  it("a mailbox that does not exist, at once; the next send is refused with the reason", async () => {
    const to = someone("unknown");
    const first = await call("POST", "/emails", mail(to));
    await eventsOf(first.body.id, (types) => types.includes("email.bounced"));
    expect((await suppressedSoon(to)).body).toMatchObject({
      origin: "bounce",
      category: "unknown_mailbox",
      reason: "There is no such mailbox.",
      source_id: first.body.id,
      expires_at: null,
    });
    const next = await call("POST", "/emails", mail(to));
    const [recipient] = (await call("GET", `/emails/${next.body.id}`)).body.recipients;
    expect(recipient).toMatchObject({
      status: "suppressed",
      category: "unknown_mailbox",
      explanation: "Suppressed: mail to this address bounced before. There is no such mailbox.",
    });
    await call("DELETE", `/suppressions/${encodeURIComponent(to)}`);
  });

  it("a bounce mail to a signed return path; a forged one closes nothing", async () => {
    const to = someone();
    const { body } = await call("POST", "/emails", mail(to));
    await statusesOf(body.id);
    const bounce = (secret: string) => {
      const token = signToken(secret, { id: body.id, recipient: 0 }, "bounce");
      const report = [
        "From: MAILER-DAEMON@mx.example.net",
        `To: bounce+${token}@bounces.example.com`,
        `Message-ID: <${crypto.randomUUID()}@mx.example.net>`,
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b",
        "",
        "--b",
        "Content-Type: message/delivery-status",
        "",
        "Reporting-MTA: dns; mx.example.net",
        "",
        `Final-Recipient: rfc822; ${to}`,
        "Action: failed",
        "Status: 5.1.1",
        "Diagnostic-Code: smtp; 550 5.1.1 User unknown",
        "",
        "--b--",
        "",
      ];
      return call("POST", `/inbound?to=bounce%2B${token}@bounces.example.com`, report.join("\r\n"), {
        "content-type": "message/rfc822",
      });
    };
    expect((await bounce("a-guessed-secret")).body.matched).toBe(0);
    expect((await bounce("test-signing-secret")).body.matched).toBe(1);
    expect((await suppressedSoon(to)).body).toMatchObject({
      origin: "bounce",
      category: "unknown_mailbox",
      source_id: body.id,
    });
    const next = await call("POST", "/emails", mail(to));
    expect(await statusesOf(next.body.id)).toEqual(["suppressed"]);

    const other = someone();
    const second = await call("POST", "/emails", mail(other));
    await statusesOf(second.body.id);
    const forged = await call(
      "POST",
      "/inbound?to=bounces@example.com",
      `From: MAILER-DAEMON@mx.example.net\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\nFinal-Recipient: rfc822; ${other}\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b--\r\n`,
      { "content-type": "message/rfc822" },
    );
    expect(forged.body).toMatchObject({ kind: "bounce", matched: 0 });
    await runDurableObjectAlarm(ledgerOf(bindings, 1, second.body.id));
    expect((await entryOf(other)).status).toBe(404);
  });

  it("not the test address that bounces", async () => {
    for (let i = 0; i < 2; i++) {
      const { body } = await call("POST", "/emails", mail("bounced@postern.test"));
      await eventsOf(body.id, (types) => types.includes("email.bounced"));
      expect(await statusesOf(body.id)).toEqual(["bounced"]);
    }
  });

  it("a complaint, told by an event that knows only an index", async () => {
    const to = someone("spam");
    const { body } = await call("POST", "/emails", mail(to));
    await statusesOf(body.id); // What is told of it is in libSQL now.
    await tell(body.id, "email.complained");
    expect((await suppressedSoon(to)).body).toMatchObject({ origin: "complaint", topic: null });
  });

  it("an unsubscribe, for its topic alone, until it is taken back", async () => {
    const to = someone("topic");
    const send = async (topic: string) =>
      (await call("POST", "/emails", mail(to, { topic_id: topic }))).body.id as string;
    const id = await send("news");
    await statusesOf(id);
    await tell(id, "email.unsubscribed"); // As a mail to leave does: the topic is on record.
    expect((await suppressedSoon(to, "?topic=news")).body).toMatchObject({
      origin: "unsubscribe",
      topic: "news",
      source_id: id,
    });
    expect((await entryOf(to)).status).toBe(404);
    expect(await statusesOf(await send("news"))).toEqual(["suppressed"]);
    await send("invoices");
    await call("POST", "/emails", mail(to));
    expect(await mailFor(to, 3)).toHaveLength(3);
    await tell(id, "email.resubscribed", {
      unsubscribe: { address: to.toUpperCase(), topic: "news", via: "page" },
    });
    await poll(
      () => entryOf(to, "?topic=news"),
      ({ status }) => status === 404,
    );
    await send("news");
    expect(await mailFor(to, 4)).toHaveLength(4);
  });

  it("an unsubscribe by the link in the mail, from everything", async () => {
    const to = someone("link");
    await call("POST", "/emails", mail(to, { unsubscribe: true }));
    const [taken] = await mailFor(to);
    const link = /<https:\/\/mail\.example\.com(\/u\/[^>]+)>/.exec(taken!.raw.replace(/\r\n\s/g, ""))![1]!;
    await call("POST", link, "List-Unsubscribe=One-Click", {
      "content-type": "application/x-www-form-urlencoded",
    });
    expect((await suppressedSoon(to)).body).toMatchObject({ origin: "unsubscribe", topic: null });
    await call("POST", link, "action=return", { "content-type": "application/x-www-form-urlencoded" });
    const back = await poll(
      () => entryOf(to),
      ({ status }) => status === 404,
    );
    expect(back.status).toBe(404);
  });

  it("and a person who returns opens only what that person closed", async () => {
    const to = someone("return");
    await suppress(to);
    const { body } = await call("POST", "/emails", mail(someone()));
    const id = crypto.randomUUID();
    for (let i = 0; i < 2; i++)
      await ledgerOf(bindings, 1, body.id).append([
        event(body.id, "email.resubscribed", { unsubscribe: { address: to, topic: null, via: "page" } }, id),
      ]);
    await runInDurableObject(registry, async (_, { storage }) => {
      await poll(
        async () => storage.sql.exec("SELECT 1 FROM bounce WHERE event = ?", id).toArray().length,
        (n) => n === 1,
      );
    });
    expect((await entryOf(to)).status).toBe(200);
  });

  it("waits while libSQL is away, and is told afterwards", async () => {
    const to = someone("away");
    const { body } = await call("POST", "/emails", mail(to));
    await eventsOf(body.id, (types) => types.includes("email.sent"));
    const ledger = ledgerOf(bindings, 1, body.id);
    await runInDurableObject(ledger, (instance: Ledger) => {
      Object.defineProperty(instance, "openDb", {
        value: () =>
          openDb({ url: "http://away", authToken: null, fetch: () => Promise.reject(new Error("refused")) }),
        configurable: true,
      });
    });
    await tell(body.id, "email.complained");
    await runDurableObjectAlarm(ledger);
    expect((await entryOf(to)).status).toBe(404);
    // By hand, by a bounce, and at acceptance nothing needs libSQL.
    const other = someone("unknown");
    await call("POST", "/emails", mail(other));
    expect((await suppressedSoon(other)).status).toBe(200);
    await runInDurableObject(ledger, (instance: Ledger) => {
      Reflect.deleteProperty(instance, "openDb");
    });
    await runDurableObjectAlarm(ledger);
    expect((await suppressedSoon(to)).body.origin).toBe("complaint");
  });
});

const event = (
  email_id: string,
  type: EventType,
  data: EventData = {},
  id: string = crypto.randomUUID(),
): LedgerEntry => ({
  kind: "event",
  event: { id, type, email_id, recipient: 0, at: Date.now(), data },
});
/** As feedback and unsubscribe links tell it. */
const tell = (id: string, type: EventType, data: EventData = {}) =>
  ledgerOf(bindings, 1, id as EmailId).append([event(id, type, data)]);

/** Webhooks by the API: made, told, answered, disabled, replayed. Time is moved in storage, never slept for. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it } from "vitest";
import { openDb } from "../../src/db/client.ts";
import { allLedgers, dbOf, type Env } from "../../src/env.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { call, eventsOf, mailFor, poll, someone, worker } from "../support/api.ts";
import { emailEntry, eventEntry, recipientsEntry } from "../support/entries.ts";
import { hook, startEndpoint } from "../support/webhooks.ts";

const bindings = env as unknown as Env;
const ledger = allLedgers(bindings, 1)[0]!;

/** Everything that waits is due, and the alarm rings. */
async function timePasses(): Promise<void> {
  await runInDurableObject(ledger, (_, { storage }) => {
    storage.sql.exec("UPDATE webhook_delivery SET due_at = 1 WHERE state = 'pending'");
    return storage.setAlarm(Date.now() + 60_000);
  });
  await runDurableObjectAlarm(ledger);
}

const mail = (to: string, more: Record<string, unknown> = {}) => ({
  from: "Shop <shop@example.com>",
  to,
  subject: "Hello",
  text: "Hello",
  tags: [{ name: "campaign", value: "May" }],
  ...more,
});
const send = async (body: Record<string, unknown>): Promise<string> =>
  (await call("POST", "/emails", body)).body.id;
const typesOf = (told: { body: string }[]): string[] => told.map(({ body }) => JSON.parse(body).type);

afterEach(async () => {
  for (const { id } of (await call("GET", "/webhooks?limit=100")).body.data)
    await call("DELETE", `/webhooks/${id}`);
});

describe("a webhook", () => {
  it("is told of an email, in Resend's shape and ours", async () => {
    const { told, id } = await hook();
    const to = "bounced+shop-1@postern.test";
    const email = await send(mail(to, { headers: { "X-Order": "7" } }));
    const [first] = await told(1);
    expect(first).toMatchObject({ method: "POST", path: "/hook" });
    expect(first!.headers).toMatchObject({
      "content-type": "application/json",
      "user-agent": "Postern-Webhooks/1.0",
    });
    const payload = JSON.parse(first!.body);
    expect(payload).toEqual({
      type: "email.bounced",
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      data: {
        email_id: email,
        created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        message_id: `<${email}@example.com>`,
        from: "Shop <shop@example.com>",
        to: [to],
        subject: "Hello",
        tags: { campaign: "May" },
        headers: [{ name: "X-Order", value: "7" }],
        bounce: {
          type: "Permanent",
          subType: "NoEmail",
          message: "There is no such mailbox.",
          diagnosticCode: ["smtp; 550 5.1.1 Sandbox: no such user here"],
        },
        recipient: to,
        recipient_index: 0,
        category: "unknown_mailbox",
        relay: "(sandbox)",
        attempt: 1,
        explanation: "There is no such mailbox.",
        reply: { code: 550, enhanced: "5.1.1", text: "5.1.1 Sandbox: no such user here" },
      },
    });
    const { data } = (await call("GET", `/webhooks/${id}/events`)).body;
    expect(data).toEqual([
      {
        id: first!.headers["webhook-id"],
        type: "email.bounced",
        created_at: expect.any(String),
        status: "success",
      },
    ]);
  });

  it("is told what it asked for, and no more", async () => {
    const [all, some, star] = [
      await hook(),
      await hook(["email.complained", "email.received"]),
      await hook(["*"]),
    ];
    await send(mail("complained@postern.test"));
    const three = ["email.sent", "email.delivered", "email.complained"];
    expect(typesOf(await all.told(3))).toEqual(three);
    expect(typesOf(await star.told(3))).toEqual(three);
    expect(typesOf(await some.told(1))).toEqual(["email.complained"]);
  });

  it("is told of everything after it was made, and of nothing after it was deleted", async () => {
    const { told, id } = await hook(["email.sent"]);
    const first = await send(mail("delivered@postern.test"));
    await eventsOf(first, (types) => types.includes("email.delivered"));
    expect(await told(1)).toHaveLength(1);
    expect((await call("DELETE", `/webhooks/${id}`)).body).toEqual({ object: "webhook", id, deleted: true });
    const second = await send(mail("delivered@postern.test"));
    await eventsOf(second, (types) => types.includes("email.delivered"));
    await timePasses();
    expect(await told()).toHaveLength(1);
  });

  it("that fails five times and then works gets every event, in order", async () => {
    const failing = [{ status: 500 }, { status: 503 }, { drop: true }, { status: 404 }, { status: 302 }, {}];
    const { told, id } = await hook(undefined, failing);
    const email = await send(mail("complained@postern.test"));
    const three = ["email.sent", "email.delivered", "email.complained"];
    await eventsOf(email, (types) => types.includes("email.complained"));
    for (let tries = 1; tries <= 6; tries++) {
      await told(tries);
      // What came of the last call has to be written down before time passes.
      await poll(
        async () => (await call("GET", `/webhooks/${id}/events?limit=100`)).body.data,
        (events) => events.every((event: { status: string }) => event.status !== "attempting"),
      );
      await timePasses();
    }
    const events = await poll(
      async () => {
        await timePasses();
        return (await call("GET", `/webhooks/${id}/events`)).body.data;
      },
      (list) => list.every((event: { status: string }) => event.status === "success"),
    );
    expect(events.map(({ status }: { status: string }) => status)).toEqual(["success", "success", "success"]);
    const calls = await told();
    const taken = new Map<string, number>();
    for (const { headers } of calls)
      taken.set(String(headers["webhook-id"]), (taken.get(String(headers["webhook-id"])) ?? 0) + 1);
    expect([...taken.keys()]).toHaveLength(3);
    expect(calls).toHaveLength(8); // Five failed, three taken.
    const order = [...new Set(typesOf(calls))];
    expect(order).toEqual(three);
    const firstId = calls[0]!.headers["webhook-id"];
    const attempts = (await call("GET", `/webhooks/${id}/events/${firstId}/attempts`)).body;
    expect(attempts.object).toBe("list");
    const codes = attempts.data.map((one: { http_status_code: number }) => one.http_status_code);
    expect(codes.slice(0, 1)).toEqual([200]);
    expect(attempts.data.at(-1)).toMatchObject({
      http_status_code: 500,
      response: "ok",
      sent_at: expect.any(String),
    });
    // Every call for one event carried the same bytes.
    for (const event of taken.keys())
      expect(
        new Set(calls.filter(({ headers }) => headers["webhook-id"] === event).map(({ body }) => body)).size,
      ).toBe(1);
  });

  it("is given up after eight attempts, and told again when asked: the same bytes under the same id", async () => {
    const { told, id, play } = await hook(["email.sent"], [{ status: 500, body: "out of order" }]);
    await send(mail("delivered@postern.test"));
    for (let tries = 1; tries <= 8; tries++) {
      await told(tries);
      await poll(
        async () => (await call("GET", `/webhooks/${id}/events`)).body.data[0],
        (event) => event.status !== "attempting",
      );
      if (tries < 8) await timePasses();
    }
    const [event] = (await call("GET", `/webhooks/${id}/events`)).body.data;
    expect(event.status).toBe("failed");
    const one = (await call("GET", `/webhooks/${id}/events/${event.id}`)).body;
    const calls = await told();
    expect(one).toMatchObject({
      object: "webhook_event",
      id: event.id,
      status: "failed",
      next_attempt_at: null,
      payload: JSON.parse(calls[0]!.body),
    });
    const page = (await call("GET", `/webhooks/${id}/events/${event.id}/attempts?limit=3`)).body;
    expect(page).toMatchObject({ object: "list", has_more: true });
    const next = `/webhooks/${id}/events/${event.id}/attempts?limit=100&after=${page.data[2].id}`;
    expect((await call("GET", next)).body.data).toHaveLength(5);
    expect(page.data[0]).toMatchObject({ http_status_code: 500, response: "out of order" });
    await play([{}]);
    expect((await call("POST", `/webhooks/${id}/events/${event.id}/replay`)).body).toEqual({
      object: "webhook_event",
      id: event.id,
    });
    const again = (await told(9))[8]!;
    expect([again.body, again.headers["webhook-id"]]).toEqual([calls[0]!.body, event.id]);
    const after = await poll(
      async () => (await call("GET", `/webhooks/${id}/events/${event.id}`)).body,
      ({ status }) => status === "success",
    );
    expect(after).toMatchObject({ status: "success", attempts: 1 });
  });

  it("that answers 410 is disabled, says why, and goes on where it was once it is enabled", async () => {
    const { told, id, play } = await hook(["email.sent", "email.delivered"], [{ status: 410 }]);
    const email = await send(mail("delivered@postern.test"));
    await eventsOf(email, (types) => types.includes("email.delivered"));
    const state = await poll(
      async () => (await call("GET", `/webhooks/${id}`)).body,
      ({ status }) => status === "disabled",
    );
    expect(state).toMatchObject({
      disabled_at: expect.any(String),
      disabled_reason: "The endpoint answered 410 Gone.",
    });
    const eventId = (await told())[0]!.headers["webhook-id"];
    const refused = await call("POST", `/webhooks/${id}/events/${eventId}/replay`);
    expect(refused.body).toMatchObject({ statusCode: 409, message: expect.stringContaining('"enabled"') });
    await timePasses();
    expect(await told()).toHaveLength(1);
    // Nothing that happens meanwhile is kept for it.
    const unseen = await send(mail("delivered@postern.test"));
    await eventsOf(unseen, (types) => types.includes("email.delivered"));
    await play([{}]);
    expect((await call("PATCH", `/webhooks/${id}`, { status: "enabled" })).body).toEqual({
      object: "webhook",
      id,
    });
    await timePasses();
    const calls = await told(2);
    expect(calls.map(({ body }) => JSON.parse(body).data.email_id)).toEqual([email, email]);
    expect(typesOf(calls)).toEqual(["email.sent", "email.delivered"]);
    expect((await call("GET", `/webhooks/${id}`)).body).toMatchObject({
      status: "enabled",
      disabled_reason: null,
    });
  });

  it("waits while libSQL is away, and is told afterwards", async () => {
    const { told, id } = await hook(["email.sent"]);
    const use = (open: () => unknown) =>
      runInDurableObject(ledger, (instance: Ledger) => {
        Object.defineProperty(instance, "openDb", { value: open, configurable: true });
      });
    await use(() =>
      openDb({ url: "http://away", authToken: null, fetch: () => Promise.reject(new Error("refused")) }),
    );
    const email = await send(mail("delivered@postern.test"));
    await poll(
      () =>
        runInDurableObject(ledger, (_, { storage }) =>
          storage.sql.exec("SELECT 1 FROM webhook_event WHERE email = ?", email).toArray(),
        ),
      (rows) => rows.length > 0,
    );
    await timePasses();
    expect(await told()).toEqual([]);
    await use(() => dbOf(bindings));
    await timePasses();
    const [first] = await told(1);
    expect(JSON.parse(first!.body).data).toMatchObject({ email_id: email, subject: "Hello" });
    expect((await call("GET", `/webhooks/${id}/events`)).body.data).toHaveLength(1);
  });

  it("gets new secrets, with the old one good for a day", async () => {
    const { id, secret, told } = await hook(["email.sent"]);
    const rotated = (await call("POST", `/webhooks/${id}/signing-secret/rotate`)).body;
    expect(rotated).toEqual({
      object: "webhook",
      id,
      signing_secret: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{32}$/),
    });
    expect(rotated.signing_secret).not.toBe(secret);
    await send(mail("delivered@postern.test"));
    const [first] = await told(1);
    expect(String(first!.headers["webhook-signature"])).toMatch(/^v1,[\w+/=]{44} v1,[\w+/=]{44}$/);
    expect(first!.headers["svix-signature"]).toBe(first!.headers["webhook-signature"]);
  });

  it("is known to a ledger from its first moment, though nobody told it", async () => {
    const { told } = await hook(["email.opened"]);
    const { email } = emailEntry();
    const late = bindings.LEDGER.get(bindings.LEDGER.idFromName("webhooks-late"));
    await late.append([
      { kind: "email", email },
      recipientsEntry(email.id, 1),
      eventEntry(email.id, "email.opened"),
    ]);
    expect(JSON.parse((await told(1))[0]!.body)).toMatchObject({
      type: "email.opened",
      data: { email_id: email.id, subject: email.subject, recipient: "r0@Example.org" },
    });
  });

  it("says how it does, here and in the figures", async () => {
    const { id, told } = await hook(["email.sent", "email.delivered"], [{ status: 500 }]);
    await send(mail("delivered@postern.test"));
    await told(1);
    const state = await poll(
      async () => (await call("GET", `/webhooks/${id}`)).body,
      ({ failures, pending }) => failures > 0 && pending > 1,
    );
    expect(state).toMatchObject({
      status: "enabled",
      pending: 2,
      failing_since: expect.any(String),
      failures: 1,
    });
    const figures = (await call("GET", "/metrics")).body;
    expect(figures).toContain(`postern_webhook_pending_deliveries{webhook="${id}"} 2`);
    expect(figures).toContain(`postern_webhook_failing{webhook="${id}"} 1`);
  });

  it("is tried out, and what came of it is the answer", async () => {
    const { id, told, play } = await hook(["email.sent"]);
    expect((await call("POST", `/webhooks/${id}/test`)).body).toMatchObject({
      object: "webhook_test",
      type: "email.delivered",
      success: true,
      http_status_code: 200,
      response: "ok",
    });
    await play([{ status: 500, body: "no" }]);
    expect((await call("POST", `/webhooks/${id}/test`, { type: "email.bounced" })).body).toMatchObject({
      success: false,
      http_status_code: 500,
      response: "no",
    });
    expect(JSON.parse((await told())[1]!.body)).toMatchObject({ type: "email.bounced", test: true });
    expect((await call("POST", `/webhooks/${id}/test`, { type: "x" })).status).toBe(422);
    expect((await call("GET", `/webhooks/${id}/events`)).body.data).toEqual([]);
  });

  it("is listed, read and changed", async () => {
    const { url } = await startEndpoint();
    const made = await call("POST", "/webhooks", { endpoint: url, events: ["email.sent", "email.sent"] });
    expect(made).toMatchObject({
      status: 201,
      body: { object: "webhook", id: expect.any(String), signing_secret: expect.stringMatching(/^whsec_/) },
    });
    const { id, signing_secret } = made.body;
    const item = {
      id,
      endpoint: url,
      created_at: expect.any(String),
      status: "enabled",
      events: ["email.sent"],
      disabled_at: null,
      disabled_reason: null,
    };
    expect((await call("GET", "/webhooks")).body).toEqual({ object: "list", has_more: false, data: [item] });
    expect((await call("GET", `/webhooks/${id}`)).body).toEqual({
      object: "webhook",
      ...item,
      signing_secret,
      pending: 0,
      failing_since: null,
      failures: 0,
    });
    await call("PATCH", `/webhooks/${id}`, { status: "disabled", events: [] });
    expect((await call("GET", `/webhooks/${id}`)).body).toMatchObject({
      status: "disabled",
      events: null,
      disabled_reason: "Disabled by the API.",
    });
    const second = (await hook()).id;
    expect((await call("GET", "/webhooks?limit=1")).body).toMatchObject({
      has_more: true,
      data: [{ id: second }],
    });
    expect((await call("GET", `/webhooks?limit=1&after=${second}`)).body).toMatchObject({
      has_more: false,
      data: [{ id }],
    });
    expect((await call("GET", `/webhooks?before=${id}`)).body.data).toMatchObject([{ id: second }]);
  });

  it.each([
    ["GET", "/webhooks/x"],
    ["PATCH", "/webhooks/x"],
    ["DELETE", "/webhooks/x"],
    ["POST", "/webhooks/x/signing-secret/rotate"],
    ["POST", "/webhooks/x/test"],
    ["GET", "/webhooks/x/events"],
    ["GET", "/webhooks/x/events/y"],
    ["GET", "/webhooks/x/events/y/attempts"],
    ["POST", "/webhooks/x/events/y/replay"],
  ])("%s %s: there is none", async (method, path) => {
    const { status, body } = await call(method, path, method === "PATCH" ? {} : undefined);
    expect([status, body.name]).toEqual([404, "not_found"]);
    const { id } = await hook();
    if (path.includes("/events/"))
      expect((await call(method, path.replace("/x/", `/${id}/`))).body.message).toContain(
        "no event with this id",
      );
  });

  it.each([
    [{}, "endpoint"],
    [{ endpoint: 1 }, "endpoint"],
    [{ endpoint: "example.com" }, "endpoint"],
    [{ endpoint: "ftp://example.com/" }, "endpoint"],
    [{ endpoint: "https://user:pass@example.com/" }, "endpoint"],
    [{ endpoint: "https://example.com/#x" }, "endpoint"],
    [{ endpoint: `https://example.com/${"x".repeat(2_000)}` }, "endpoint"],
    [{ endpoint: "https://example.com/", events: "email.sent" }, "events"],
    [{ endpoint: "https://example.com/", events: ["email.seen"] }, "events"],
    [{ endpoint: "https://example.com/", events: [5] }, "events"],
  ])("is not made of %j", async (body, path) => {
    const answer = await call("POST", "/webhooks", body);
    expect(answer.status).toBe(422);
    expect(answer.body.errors[0].path).toMatch(new RegExp(`^${path}`));
    expect(JSON.stringify(answer.body)).not.toContain("user:pass");
  });

  it("is nobody's business without a key, nor a sender's", async () => {
    expect((await call("GET", "/webhooks", undefined, { authorization: "" })).status).toBe(401);
    const { token } = (await call("POST", "/api-keys", { name: "s", permission: "sending_access" })).body;
    const sender = { authorization: `Bearer ${token}` };
    expect((await call("GET", "/webhooks", undefined, sender)).body.name).toBe("restricted_api_key");
    expect((await call("POST", "/webhooks", { endpoint: "https://example.com" }, sender)).status).toBe(401);
  });

  it("is told who opened, and which link was followed", async () => {
    const { told } = await hook(["email.clicked", "email.opened"]);
    const to = someone();
    const email = await send({ ...mail(to), html: '<a href="https://example.com/a?b=1&amp;c=2">x</a>' });
    const html = (await mailFor(to))[0]!.email.html!;
    const link = /https:\/\/mail\.example\.com\/c\/[\w/-]+/.exec(html)![0];
    const headers = {
      "user-agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/130.0",
      "cf-connecting-ip": "203.0.113.9",
    };
    await worker().fetch(link, { headers, redirect: "manual" });
    const [first] = await told(1);
    const { type, data } = JSON.parse(first!.body);
    expect(type).toBe("email.clicked");
    expect(data).toMatchObject({
      email_id: email,
      recipient: to,
      click: {
        ipAddress: "203.0.113.0",
        link: "https://example.com/a?b=1&c=2",
        timestamp: expect.any(String),
        userAgent: headers["user-agent"],
      },
      visitor: { verdict: expect.any(String), reason: expect.any(String) },
    });
  });
});

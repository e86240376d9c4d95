/**
 * Resend's official SDK against the product as a process, call by call; and an application written for Resend that knows
 * nothing of us. Webhooks and their signatures have a file of their own (webhooks.test.ts).
 */
import { execFile } from "node:child_process";
import { mkdirSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { promisify } from "node:util";
import { Resend } from "resend";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { arrived } from "../support/inbox.ts";
import { Postern, stopAll, temporaryFolder } from "../support/postern.ts";

const folder = temporaryFolder();
let postern: Postern;
let resend: Resend;
/** A server with a file to attach. */
let files: Server;
let fileBase = "";

beforeAll(async () => {
  const state = join(folder.path, "state");
  mkdirSync(state);
  postern = await Postern.start(state, { WEBHOOK_PRIVATE: "allow" });
  resend = new Resend(postern.key, { baseUrl: postern.base });
  files = createServer((_, response) => response.setHeader("content-type", "text/csv").end("a,b\n1,2\n"));
  await new Promise<void>((resolve) => files.listen(0, "127.0.0.1", resolve));
  fileBase = `http://127.0.0.1:${(files.address() as { port: number }).port}`;
});
afterAll(async () => {
  files?.close();
  await stopAll();
  folder.remove();
});

/** The data of an answer; an error fails the test with its words. */
function good<T>(answer: { data: T | null; error: unknown }): T {
  expect(answer.error).toBeNull();
  return answer.data!;
}
const mail = (more: object = {}) => ({
  from: "Acme <a@acme.example>",
  to: "delivered@postern.test",
  subject: "Hello",
  html: "<p>Hello</p>",
  ...more,
});
/** The mail as the local inbox took it, header and body. */
async function inInbox(subject: string): Promise<string> {
  const { id } = await arrived(postern.inbox!, subject);
  return await (await fetch(`${postern.inbox}/messages/${id}/raw`)).text();
}

describe("resend.emails", () => {
  it("send: every field arrives", async () => {
    const { id } = good(
      await resend.emails.send({
        from: "Acme <a@acme.example>",
        to: ["one@example.net", "two@example.net"],
        cc: "three@example.net",
        bcc: ["four@example.net"],
        replyTo: ["help@acme.example", "desk@acme.example"],
        subject: "Every field",
        html: '<p>See <img src="cid:logo"></p>',
        text: "See",
        headers: { "X-Order": "7" },
        tags: [{ name: "kind", value: "test" }],
        attachments: [
          { filename: "a.txt", content: Buffer.from("from a Buffer") },
          { filename: "b.txt", content: Buffer.from("in base64").toString("base64") },
          { filename: "logo.png", content: Buffer.from("png"), contentType: "image/png", contentId: "logo" },
          { path: `${fileBase}/table.csv` },
        ],
      }),
    );
    const email = good(await resend.emails.get(id));
    expect(email).toMatchObject({
      object: "email",
      id,
      from: "Acme <a@acme.example>",
      to: ["one@example.net", "two@example.net"],
      cc: ["three@example.net"],
      bcc: ["four@example.net"],
      reply_to: ["help@acme.example", "desk@acme.example"],
      subject: "Every field",
      text: "See",
      tags: [{ name: "kind", value: "test" }],
      scheduled_at: null,
    });
    expect(email.created_at).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}\+00$/);
    const raw = await inInbox("Every field");
    for (const header of [
      "X-Order: 7",
      "Reply-To: help@acme.example, desk@acme.example",
      "Content-Id: <logo>",
    ])
      expect(raw.toLowerCase()).toContain(header.toLowerCase());
    for (const text of ["from a Buffer", "in base64", "a,b\n1,2\n"])
      expect(raw.replace(/\r?\n/g, "")).toContain(Buffer.from(text).toString("base64"));
    expect(raw).toContain('filename="table.csv"');
    expect(raw).not.toContain("four@example.net");
  });

  it("create is send", async () => {
    expect(good(await resend.emails.create(mail())).id).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("send with an idempotency key: one message, and 409 for another body", async () => {
    const key = { idempotencyKey: "order/1" };
    const first = good(await resend.emails.send(mail(), key));
    expect(good(await resend.emails.send(mail(), key))).toEqual(first);
    const { error } = await resend.emails.send(mail({ subject: "Other" }), key);
    expect(error).toMatchObject({ statusCode: 409, name: "invalid_idempotent_request" });
  });

  it("schedules, moves and cancels", async () => {
    const { id } = good(await resend.emails.send(mail({ scheduledAt: "in 1 hour" })));
    expect(good(await resend.emails.get(id))).toMatchObject({ last_event: "scheduled" });
    const later = new Date(Date.now() + 7_200_000).toISOString();
    expect(good(await resend.emails.update({ id, scheduledAt: later }))).toEqual({ object: "email", id });
    expect(good(await resend.emails.get(id)).scheduled_at).toContain(later.slice(0, 10));
    expect(good(await resend.emails.cancel(id))).toEqual({ object: "email", id });
    expect(good(await resend.emails.get(id))).toMatchObject({ last_event: "canceled" });
  });

  it("lists with pagination, both ways", async () => {
    for (let i = 0; i < 4; i++) good(await resend.emails.send(mail({ subject: `Page ${i}` })));
    const first = good(await resend.emails.list({ limit: 2 }));
    expect(first).toMatchObject({ object: "list", has_more: true });
    expect(first.data.map(({ subject }) => subject)).toEqual(["Page 3", "Page 2"]);
    const next = good(await resend.emails.list({ limit: 2, after: first.data[1]!.id }));
    expect(next.data.map(({ subject }) => subject)).toEqual(["Page 1", "Page 0"]);
    const back = good(await resend.emails.list({ limit: 2, before: next.data[0]!.id }));
    expect(back.data.map(({ subject }) => subject)).toEqual(["Page 3", "Page 2"]);
    expect(first.data[0]).not.toHaveProperty("html");
  });

  it("sends by template", async () => {
    const made = good(
      await resend.templates.create({
        name: "welcome",
        alias: "welcome",
        from: "Acme <a@acme.example>",
        subject: "Welcome, {{{NAME}}}",
        html: "<p>Hello {{{NAME}}}, you have {{{COUNT}}}</p>",
        variables: [
          { key: "NAME", type: "string" },
          { key: "COUNT", type: "number", fallbackValue: 3 },
        ],
      }),
    );
    good(await resend.templates.publish(made.id));
    const { id } = good(
      await resend.emails.send({
        to: "delivered@postern.test",
        template: { id: "welcome", variables: { NAME: "Ann & Bob" } },
      } as Parameters<typeof resend.emails.send>[0]),
    );
    const email = good(await resend.emails.get(id));
    expect(email.subject).toBe("Welcome, Ann & Bob");
    expect(email.html).toContain("you have 3");
    const { error } = await resend.emails.send({
      to: "delivered@postern.test",
      template: { id: "welcome", variables: {} },
    } as Parameters<typeof resend.emails.send>[0]);
    expect(error).toMatchObject({ statusCode: 422 });
    expect(error!.message).toContain("NAME");
    expect(good(await resend.templates.list()).data.map(({ id: one }) => one)).toContain(made.id);
    expect(good(await resend.templates.get("welcome"))).toMatchObject({ id: made.id, status: "published" });
    expect(good(await resend.templates.remove(made.id))).toMatchObject({ id: made.id, deleted: true });
  });

  it("has metrics", async () => {
    const metrics = good(
      await resend.emails.metrics({
        metrics: ["sent", "bounced", "open_rate"],
        granularity: "daily",
        dimensions: ["period"],
      } as never),
    );
    expect(metrics).toMatchObject({ object: "metrics", granularity: "daily" });
    expect(JSON.stringify(metrics)).toContain("sent");
  });
});

describe("resend.batch", () => {
  it("send, strict: all or nothing", async () => {
    const { data } = good(await resend.batch.send([mail(), mail({ to: "bounced@postern.test" })]));
    expect(data).toHaveLength(2);
    const { error } = await resend.batch.send([mail(), mail({ to: "nobody" })]);
    expect(error).toMatchObject({ statusCode: 422, name: "validation_error" });
    expect(error!.message).toContain("[1].to");
  });

  it("send, permissive: the good ones, and who was wrong", async () => {
    const answer = good(
      await resend.batch.send([mail(), mail({ to: "nobody" })], { batchValidation: "permissive" }),
    );
    expect(answer.data).toHaveLength(1);
    expect(answer.errors).toEqual([{ index: 1, message: expect.stringContaining("to[0]") }]);
  });
});

describe("resend.suppressions", () => {
  it("adds, lists, gets, removes, one and many", async () => {
    const added = good(await resend.suppressions.add({ email: "gone@example.net" }));
    expect(good(await resend.suppressions.get("gone@example.net"))).toMatchObject({
      email: "gone@example.net",
      origin: "manual",
    });
    good(await resend.suppressions.batch.add({ emails: ["x@example.net", "y@example.net"] }));
    expect(good(await resend.suppressions.list({ limit: 10 })).data.length).toBeGreaterThanOrEqual(3);
    const { id } = good(await resend.emails.send(mail({ to: "Gone@example.net" })));
    expect(good(await resend.emails.get(id))).toMatchObject({ last_event: "suppressed" });
    expect(good(await resend.suppressions.remove(added.id))).toMatchObject({ deleted: true });
    good(await resend.suppressions.batch.remove({ emails: ["x@example.net", "y@example.net"] }));
    expect((await resend.suppressions.get("x@example.net")).error).toMatchObject({ name: "not_found" });
  });
});

describe("resend.apiKeys", () => {
  it("makes, lists, renames and removes", async () => {
    const { id, token } = good(await resend.apiKeys.create({ name: "shop", permission: "sending_access" }));
    const limited = new Resend(token, { baseUrl: postern.base });
    good(await limited.emails.send(mail()));
    expect((await limited.emails.list()).error).toMatchObject({
      statusCode: 401,
      name: "restricted_api_key",
    });
    good(await resend.apiKeys.update(id, { name: "web shop" }));
    expect(good(await resend.apiKeys.list()).data).toContainEqual(
      expect.objectContaining({ id, name: "web shop" }),
    );
    good(await resend.apiKeys.remove(id));
  });
});

describe("resend.webhooks", () => {
  it("makes, lists, changes, rotates and removes", async () => {
    const made = good(
      await resend.webhooks.create({ endpoint: "https://acme.example/hooks", events: ["email.sent"] }),
    );
    expect(made.signing_secret).toMatch(/^whsec_/);
    good(await resend.webhooks.update(made.id, { status: "disabled" }));
    expect(good(await resend.webhooks.get(made.id))).toMatchObject({
      status: "disabled",
      events: ["email.sent"],
    });
    const rotated = good(await resend.webhooks.rotateSigningSecret(made.id));
    expect(rotated.signing_secret).not.toBe(made.signing_secret);
    expect(good(await resend.webhooks.list()).data).toHaveLength(1);
    good(await resend.webhooks.remove(made.id));
  });
});

describe("what is wrong", () => {
  const call = (path: string, init: RequestInit = {}) =>
    fetch(`${postern.base}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${postern.key}`, ...init.headers },
    });
  const post = (body: string, headers: Record<string, string> = {}) =>
    call("/emails", { method: "POST", body, headers });

  it.each([
    ["missing_api_key", 401, () => call("/emails", { headers: { authorization: "" } })],
    ["invalid_api_key", 403, () => call("/emails", { headers: { authorization: "Bearer re_wrong" } })],
    ["validation_error", 400, () => post("{")],
    [
      "missing_required_field",
      422,
      () => post(JSON.stringify({ from: "a@acme.example", subject: "s", text: "t" })),
    ],
    ["validation_error", 422, () => post(JSON.stringify(mail({ to: "x" })))],
    [
      "invalid_attachment",
      422,
      () => post(JSON.stringify(mail({ attachments: [{ filename: "a", content: "?" }] }))),
    ],
    [
      "invalid_idempotency_key",
      400,
      () => post(JSON.stringify(mail()), { "idempotency-key": "k".repeat(257) }),
    ],
    ["invalid_parameter", 422, () => call("/emails?limit=1000")],
    ["not_found", 404, () => call("/emails/019a0000-0000-7000-8000-000000000000")],
    ["method_not_allowed", 405, () => call("/emails", { method: "DELETE" })],
    ["not_found", 404, () => call("/domains")],
  ])("is called %s (%d)", async (name, statusCode, ask) => {
    const response = await ask();
    expect(response.status).toBe(statusCode);
    expect(await response.json()).toMatchObject({
      statusCode,
      name,
      message: expect.stringMatching(/\S{3}/),
    });
  });

  it("is said of what we do not serve, in a sentence", async () => {
    for (const ask of [
      () => resend.domains.list(),
      () => resend.contacts.list(),
      () => resend.broadcasts.list(),
    ]) {
      const { error } = await ask();
      expect(error).toMatchObject({ statusCode: 404, name: "not_found" });
      expect(error!.message).toContain("is not served here");
    }
  });
});

describe("an application written for Resend", () => {
  it("runs unchanged", async () => {
    const { stdout } = await promisify(execFile)(process.execPath, ["test/fixtures/resend-app.mjs"], {
      cwd: join(import.meta.dirname, "../.."),
      env: { PATH: process.env.PATH, RESEND_API_KEY: postern.key, RESEND_BASE_URL: postern.base },
    });
    const told = JSON.parse(stdout);
    expect(told.again).toBe(told.first);
    expect(told.digests).toHaveLength(2);
    expect(told.error).toMatchObject({ statusCode: 422, name: "validation_error" });
    expect(told.email).toMatchObject({
      object: "email",
      subject: "Welcome, Ann",
      to: ["delivered+ann@resend.dev"],
    });
    await postern.eventsOf(told.digests[1], ["email.bounced"]);
    expect((await postern.events(told.reminder)).at(-1)).toMatchObject({ type: "email.canceled" });
  });
});

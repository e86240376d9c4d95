/** The sandbox and the test addresses: everything but the dialogue with a relay. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { type Env, outboxOf, parseConfig } from "../../src/env.ts";
import { call, eventsOf, mailFor, someone } from "../support/api.ts";

const mail = (to: string | string[], more: Record<string, unknown> = {}) => ({
  from: "a@example.com",
  to,
  subject: "Hello",
  html: '<a href="https://example.com/">x</a>',
  ...more,
});
const typesOf = async (id: string, until: string) =>
  (await eventsOf(id, (types) => types.includes(until))).map(({ type }: { type: string }) => type);

describe("a test address", () => {
  it.each([
    ["delivered", ["email.sent", "email.delivered"]],
    ["bounced", ["email.bounced"]],
    ["complained", ["email.sent", "email.delivered", "email.complained"]],
  ])("%s@ plays its story", async (story, types) => {
    for (const to of [`${story}@postern.test`, `${story}+shop-1@resend.dev`]) {
      const { body } = await call("POST", "/emails", mail(to));
      expect(await typesOf(body.id, types.at(-1)!)).toEqual(types);
    }
  });

  it("bounces for the reason that people know", async () => {
    const { body } = await call("POST", "/emails", mail("bounced@postern.test"));
    const [event] = await eventsOf(body.id, (types) => types.includes("email.bounced"));
    expect(event.data.attempt).toMatchObject({ relay: "(sandbox)", code: 550, category: "unknown_mailbox" });
  });

  it("stands beside real ones, which get their mail", async () => {
    const to = someone();
    const { body } = await call("POST", "/emails", mail([to, "bounced@postern.test"]));
    expect(await mailFor(to)).toHaveLength(1);
    const { recipients } = (await call("GET", `/emails/${body.id}`)).body;
    expect(recipients.map((one: { status: string }) => one.status)).toEqual(["sent", "bounced"]);
  });

  it("is named when it is none", async () => {
    const { status, body } = await call("POST", "/emails", mail("nobody@postern.test"));
    expect(status).toBe(422);
    expect(body.errors[0]).toMatchObject({ path: "to[0]", message: expect.stringContaining("delivered@") });
  });
});

describe("the sandbox", () => {
  it("runs everything but the dialogue, asked for by a header", async () => {
    const to = someone();
    const { body } = await call("POST", "/emails", mail(to), { "x-sandbox": "true" });
    expect(await typesOf(body.id, "email.sent")).toEqual(["email.sent"]);
    const real = await call("POST", "/emails", mail(to));
    const taken = await mailFor(to);
    expect(taken.map(({ email }) => email.messageId)).toEqual([`<${real.body.id}@example.com>`]);
  });

  it("is where everything of a sandbox key ends, bulk and a pinned relay too", async () => {
    const { token } = (await call("POST", "/api-keys", { name: "tests", sandbox: true })).body;
    const { status, body } = await call(
      "POST",
      "/emails/bulk",
      {
        from: "a@example.com",
        subject: "Hello {{name}}",
        text: "Hello",
        relay: "main",
        recipients: Array.from({ length: 200 }, (_, i) => ({
          to: someone(),
          variables: { name: String(i) },
        })),
      },
      { authorization: `Bearer ${token}` },
    );
    expect(status).toBe(200);
    expect(await typesOf(body.id, "email.sent")).toContain("email.sent");
    const { counts } = (await call("GET", `/emails/${body.id}`)).body;
    expect(counts).toEqual({ sent: 200 });
  });

  it("keeps its mail when relays change", async () => {
    const { body } = await call("POST", "/emails", mail(someone(), { scheduled_at: "in 1 hour" }), {
      "x-sandbox": "true",
    });
    const config = parseConfig(env as never);
    if (!config.ok) throw new Error(config.error);
    const outbox = outboxOf(env as unknown as Env, config.value.shards, body.id);
    await runInDurableObject(outbox, (_, { storage }) => {
      storage.sql.exec("UPDATE setting SET value = 'other' WHERE name = 'relays'");
    });
    await runInDurableObject(outbox, (instance, state) => {
      // A new life of the object: its constructor looks at the relays.
      new (instance.constructor as new (ctx: DurableObjectState, env: unknown) => unknown)(state, env);
      const routes = state.storage.sql
        .exec<{ route: string }>("SELECT DISTINCT route FROM delivery")
        .toArray();
      expect(routes).toContainEqual({ route: "(sandbox)" });
      expect(state.storage.sql.exec("SELECT value FROM setting WHERE name = 'relays'").one()).not.toEqual({
        value: "other",
      });
    });
  });

  it("does not answer for the same request meant for real", async () => {
    const request = mail(someone());
    const key = { "idempotency-key": crypto.randomUUID() };
    const tried = await call("POST", "/emails", request, { ...key, "x-sandbox": "true" });
    const again = await call("POST", "/emails", request, { ...key, "x-sandbox": "true" });
    expect(again.body).toEqual(tried.body);
    const real = await call("POST", "/emails", request, key);
    expect(real.body).toMatchObject({ statusCode: 409, name: "invalid_idempotent_request" });
  });

  it("is asked for in words it knows", async () => {
    const { body } = await call("POST", "/emails", mail(someone()), { "x-sandbox": "perhaps" });
    expect(body).toMatchObject({ statusCode: 422, name: "invalid_parameter" });
  });
});

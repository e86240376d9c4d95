/** API keys: made once, limited, counted, revoked. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { Env } from "../../src/env.ts";
import { registryOf } from "../../src/env.ts";
import { call, someone } from "../support/api.ts";

const make = async (body: Record<string, unknown> = {}) => {
  const made = await call("POST", "/api-keys", { name: "app", ...body });
  expect(made.status).toBe(201);
  return made.body as { id: string; token: string };
};
const as = (token: string, more: Record<string, string> = {}) => ({
  authorization: `Bearer ${token}`,
  ...more,
});
const mail = (from = "a@example.com") => ({ from, to: someone(), subject: "Hello", text: "Hello" });

describe("an API key", () => {
  it("is shown once, works, and is listed without itself", async () => {
    const { id, token } = await make({ name: "  web shop  " });
    expect(token).toMatch(/^re_[\w-]{32}$/);
    expect((await call("POST", "/emails", mail(), as(token))).status).toBe(200);
    const { body } = await call("GET", "/api-keys", undefined, as(token));
    const listed = body.data.find((key: { id: string }) => key.id === id);
    expect(listed).toMatchObject({ name: "web shop", hint: token.slice(0, 8), permission: "full_access" });
    expect(listed.last_used_at).not.toBeNull();
    expect(JSON.stringify(body)).not.toContain(token);
  });

  it("stands nowhere in storage, only its hash", async () => {
    const { token } = await make();
    await runInDurableObject(registryOf(env as unknown as Env), (_, { storage }) => {
      const rows = storage.sql.exec("SELECT * FROM api_key").toArray();
      expect(rows.length).toBeGreaterThan(0);
      expect(JSON.stringify(rows)).not.toContain(token.slice(8));
    });
  });

  it("is refused at once after it was revoked, and when its time is over", async () => {
    const { id, token } = await make({ expires_at: new Date(Date.now() + 3_600_000).toISOString() });
    expect((await call("GET", "/emails", undefined, as(token))).status).toBe(200);
    await runInDurableObject(registryOf(env as unknown as Env), (_, { storage }) => {
      storage.sql.exec("UPDATE api_key SET expires_at = 1 WHERE id = ?", id);
    });
    const other = await make();
    expect((await call("DELETE", `/api-keys/${other.id}`)).body).toEqual({
      object: "api_key",
      id: other.id,
      deleted: true,
    });
    for (const gone of [token, other.token])
      expect((await call("GET", "/emails", undefined, as(gone))).body).toMatchObject({
        statusCode: 403,
        name: "invalid_api_key",
      });
    expect((await call("DELETE", `/api-keys/${other.id}`)).status).toBe(404);
  });

  it("that may only send does nothing else", async () => {
    const { token } = await make({ permission: "sending_access" });
    expect((await call("POST", "/emails", mail(), as(token))).status).toBe(200);
    expect((await call("POST", "/emails/batch", [mail()], as(token))).status).toBe(200);
    for (const [method, path] of [
      ["GET", "/emails"],
      ["POST", "/emails/019a0000-0000-7000-8000-000000000000/cancel"],
      ["GET", "/api-keys"],
      ["POST", "/api-keys"],
      ["GET", "/relays"],
    ] as const)
      expect((await call(method, path, method === "POST" ? {} : undefined, as(token))).body).toMatchObject({
        statusCode: 401,
        name: "restricted_api_key",
      });
  });

  it("limited to domains sends as nobody else", async () => {
    const { token } = await make({
      domains: ["shop.example", "*.shop.example"],
      domain_id: "Second.example",
    });
    for (const from of ["a@shop.example", "A <a@news.shop.example>", "a@second.example"])
      expect((await call("POST", "/emails", mail(from), as(token))).status).toBe(200);
    for (const from of ["a@example.com", "a@notshop.example", '"a@shop.example" <a@example.com>']) {
      const refused = await call("POST", "/emails", mail(from), as(token));
      expect(refused.body).toMatchObject({ statusCode: 403, name: "validation_error" });
      expect(refused.body.message).toContain("shop.example, *.shop.example, second.example");
    }
  });

  it("limited to domains names no other Sender either", async () => {
    const { token } = await make({ domains: ["shop.example"] });
    const send = (sender: string) =>
      call("POST", "/emails", { ...mail(), from: "a@shop.example", headers: { sender } }, as(token));
    expect((await send("Bank <ceo@bank.example>")).body).toMatchObject({
      statusCode: 403,
      name: "validation_error",
      message: expect.stringContaining("bank.example"),
    });
    expect((await send("desk@shop.example")).status).toBe(200);
  });

  it("limited to domains is told why one of a batch was left out, in words", async () => {
    const { token } = await make({ name: "Shop", domains: ["shop.example"] });
    const mail = { to: "delivered@postern.test", subject: "S", text: "T" };
    const { status, body } = await call(
      "POST",
      "/emails/batch",
      [{ ...mail, from: "a@shop.example" }, { ...mail, from: "a@other.example" }, 5],
      { authorization: `Bearer ${token}`, "x-batch-validation": "permissive" },
    );
    expect(status).toBe(200);
    expect(body.data).toHaveLength(1);
    expect(body.errors).toEqual([
      { index: 1, message: expect.stringContaining("limited to shop.example") },
      { index: 2, message: "The body must be a JSON object." },
    ]);
  });

  it("with a rate says what is left, and when to come again", async () => {
    const { token } = await make({ rate_limit: "2/h" });
    const answers = [];
    for (let i = 0; i < 3; i++) answers.push(await call("GET", "/emails", undefined, as(token)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 429]);
    expect(answers.map(({ headers }) => headers.get("ratelimit-remaining"))).toEqual(["1", "0", "0"]);
    const { headers, body } = answers[2]!;
    expect(headers.get("ratelimit-limit")).toBe("2");
    expect(headers.get("ratelimit-policy")).toBe("2;w=3600");
    expect(Number(headers.get("retry-after"))).toBeGreaterThan(1_700);
    expect(body).toMatchObject({ statusCode: 429, name: "rate_limit_exceeded" });
  });

  it("has idempotency keys of its own", async () => {
    const [one, two] = [await make(), await make()];
    const body = mail();
    const send = (token: string) =>
      call("POST", "/emails", body, as(token, { "idempotency-key": "order-1" }));
    const [first, again, other] = [await send(one.token), await send(one.token), await send(two.token)];
    expect(again.body).toEqual(first.body);
    expect(other.body.id).not.toBe(first.body.id);
  });

  it("is paged like everything else", async () => {
    for (let i = 0; i < 3; i++) await make({ name: `page ${i}` });
    const all = (await call("GET", "/api-keys?limit=100")).body.data.map((key: { id: string }) => key.id);
    const first = await call("GET", "/api-keys?limit=2");
    expect(first.body).toMatchObject({ object: "list", has_more: true });
    const next = await call("GET", `/api-keys?limit=2&after=${all[1]}`);
    expect(next.body.data.map((key: { id: string }) => key.id)).toEqual(all.slice(2, 4));
    const back = await call("GET", `/api-keys?limit=1&before=${all[2]}`);
    expect(back.body.data.map((key: { id: string }) => key.id)).toEqual([all[1]]);
  });

  it("is renamed", async () => {
    const { id } = await make();
    expect((await call("PATCH", `/api-keys/${id}`, { name: "new" })).body).toEqual({ object: "api_key", id });
    expect((await call("PATCH", "/api-keys/nobody", { name: "new" })).status).toBe(404);
  });

  it.each([
    [{}, "name"],
    [{ name: "" }, "name"],
    [{ name: "x".repeat(51) }, "name"],
    [{ name: "a", permission: "all" }, "permission"],
    [{ name: "a", domains: [] }, "domains"],
    [{ name: "a", domains: ["a b"] }, "domains[0]"],
    [{ name: "a", rate_limit: "fast" }, "rate_limit"],
    [{ name: "a", expires_at: "tomorrow" }, "expires_at"],
    [{ name: "a", expires_at: "2020-01-01T00:00:00Z" }, "expires_at"],
  ])("is not made of %j", async (body, path) => {
    const { status, body: answer } = await call("POST", "/api-keys", body);
    expect(status).toBe(422);
    expect(answer.errors[0].path).toBe(path);
  });
});

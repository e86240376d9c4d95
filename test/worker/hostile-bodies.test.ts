/** Every route of the contract that takes JSON, with bodies that nobody means well: a 4xx in its dialect's shape, never a 5xx. */
import { describe, expect, it } from "vitest";
import { OPERATIONS } from "../../src/http/openapi/operations.ts";
import { call } from "../support/api.ts";
import { mailjetCall } from "../support/mailjet.ts";

/** Valid as JSON or not, and right for no route that requires a field. */
const BODIES: [string, string][] = [
  ["empty", ""],
  ["broken", "{nope"],
  ["null", "null"],
  ["a list", "[]"],
  ["a list of objects", "[{}]"],
  ["a number beyond numbers", "1e400"],
  ["text", '"x"'],
  ["deeply nested", "[".repeat(20_000) + "]".repeat(20_000)],
];

/** Names that every JavaScript object answers to. */
const INHERITED = ["__proto__", "constructor", "toString", "hasOwnProperty"];

const isMailjet = (path: string) => path.startsWith("/v3");

const taking = OPERATIONS.filter(({ body }) => body !== undefined && "safeParse" in body);

it("there are such routes", () => expect(taking.length).toBeGreaterThan(15));

function ask(method: string, path: string, body: string) {
  const where = path.replace(/\{\w+\}/g, "00000000-0000-7000-8000-000000000000");
  return (isMailjet(path) ? mailjetCall : call)(method.toUpperCase(), where, body);
}

describe.each(taking.map(({ method, path }) => [method, path] as const))("%s %s", (method, path) => {
  it.each(BODIES)("%s", async (_, body) => {
    const { status, body: answer } = await ask(method, path, body);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
    if (isMailjet(path)) expect(answer).toMatchObject({ ErrorMessage: expect.stringMatching(/./) });
    else
      expect(answer).toMatchObject({
        statusCode: status,
        name: expect.stringMatching(/^[a-z_]+$/),
        message: expect.stringMatching(/./),
      });
  });

  it.each(INHERITED)("a field called %s", async (name) => {
    expect((await ask(method, path, `{"${name}": {"a": 1}}`)).status).toBeLessThan(500);
  });
});

it.each(INHERITED)("%s in a message is a field that nobody knows", async (name) => {
  const mail = '"from": "a@example.com", "to": "delivered@postern.test", "subject": "S", "text": "T"';
  const native = await call("POST", "/emails", `{${mail}, "${name}": {"a": 1}}`);
  expect(native.status).toBe(200);
  expect(native.headers.get("x-postern-unknown-fields")).toBe(name);
  const message = `"From": {"Email": "a@example.com"}, "To": [{"Email": "delivered@postern.test"}], "TextPart": "T"`;
  const dialect = await mailjetCall(
    "POST",
    "/v3.1/send",
    `{"Messages": [{${message}, "${name}": {"a": 1}}]}`,
  );
  expect(dialect.status).toBeLessThan(500);
});

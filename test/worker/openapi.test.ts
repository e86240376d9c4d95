/** Every route is in the contract, and every example in the contract does what it says. */
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import type { EmailId } from "../../src/core/ids.ts";
import { messageNumber } from "../../src/core/message-number.ts";
import { app } from "../../src/http/app.ts";
import type { Operation } from "../../src/http/openapi/operation.ts";
import { OPERATIONS } from "../../src/http/openapi/operations.ts";
import { call, mailFor, someone, worker } from "../support/api.ts";
import { mailjetCall } from "../support/mailjet.ts";
import { hook } from "../support/webhooks.ts";

/** Served, and not for the contract: what answers a whole dialect's unknown routes. */
const UNLISTED = new Set<string>([]);

/** What stands for `$email` and the like: made anew for each example, since some end what they are given. */
type World = Record<string, string>;

let mail: { html: string; unsubscribe: string };

afterEach(async () => {
  for (const { id } of (await call("GET", "/webhooks?limit=100")).body.data)
    await call("DELETE", `/webhooks/${id}`);
});

beforeAll(async () => {
  const to = someone();
  await call("POST", "/emails", {
    from: "a@example.com",
    to,
    subject: "Contract",
    html: '<a href="https://example.com/">x</a><a href="{{unsubscribe_url}}">leave</a>',
    unsubscribe: true,
  });
  const [taken] = await mailFor(to);
  const header = taken!.email.headers.find(({ key }) => key === "list-unsubscribe")!.value;
  mail = { html: taken!.email.html!, unsubscribe: /\/u\/([\w-]+)/.exec(header)![1]! };
});

async function newWorld({ path }: Operation): Promise<World> {
  const send = async (more: object = {}) =>
    (
      await call("POST", "/emails", {
        from: "a@example.com",
        to: "delivered@postern.test",
        subject: "S",
        text: "T",
        ...more,
      })
    ).body.id as string;
  const [, token, link] = /\/c\/([\w-]+)\/([\w-]+)/.exec(mail.html)!;
  const email = await send();
  return {
    email,
    number: String(messageNumber(email as EmailId, 0)),
    scheduled: await send({ scheduled_at: "in 1 hour" }),
    key: (await call("POST", "/api-keys", { name: "contract" })).body.id,
    suppressed: (await call("POST", "/suppressions", { email: someone() })).body.id,
    template: (await call("POST", "/templates", { name: "contract", html: "<p>x</p>" })).body.id,
    relay: "main",
    token: token!,
    link: link!,
    unsubscribe: mail.unsubscribe,
    ...(path.startsWith("/webhooks/") ? await toldWebhook() : {}),
    ...(path.includes("/eventcallbackurl/") ? { callback: await newCallback() } : {}),
  };
}

/** The number of a callback of Mailjet's dialect: there is one of each kind. */
async function newCallback(): Promise<string> {
  const path = "/v3/REST/eventcallbackurl";
  await mailjetCall("DELETE", `${path}/open%7Cfalse`);
  const { body } = await mailjetCall("POST", path, { EventType: "open", Url: "https://example.com/open" });
  return body.Data[0].ID;
}

/** A webhook that was told of an email. */
async function toldWebhook(): Promise<World> {
  const { id, told } = await hook();
  await call("POST", "/emails", {
    from: "a@example.com",
    to: "delivered@postern.test",
    subject: "S",
    text: "T",
  });
  await told(1);
  const { body } = await call("GET", `/webhooks/${id}/events`);
  return { webhook: id, event: body.data[0].id };
}

const filled = (value: string, world: World): string =>
  value.replace(/^\$(\w+)$/, (_, name: string) => world[name] ?? `MISSING-${name}`);

async function run({ method, path, example, body, access }: Operation, world: World): Promise<Response> {
  const where = path.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(filled(example.path![name]!, world)),
  );
  const query = example.query === undefined ? "" : `?${new URLSearchParams(example.query)}`;
  const raw = typeof example.body === "string";
  const type = body !== undefined && "type" in body && raw ? String(body.type) : "application/json";
  return await worker().fetch(`https://mail.example.com${where}${query}`, {
    method: method.toUpperCase(),
    redirect: "manual",
    headers: {
      ...(access === "anyone" ? {} : { authorization: "Bearer test-key" }),
      ...(example.body === undefined ? {} : { "content-type": type }),
      ...example.headers,
    },
    ...(example.body === undefined
      ? {}
      : { body: raw ? (example.body as string) : JSON.stringify(example.body) }),
  });
}

describe("the contract", () => {
  it("lists every route that is served, and no other", () => {
    const served = new Set(
      app.routes
        .filter(({ method }) => method !== "ALL")
        .map(({ method, path }) => `${method} ${path.replace(/:(\w+)(\{[^}]*\})?/g, "{$1}")}`)
        .filter((route) => !UNLISTED.has(route)),
    );
    const listed = new Set(OPERATIONS.map(({ method, path }) => `${method.toUpperCase()} ${path}`));
    expect([...served].filter((route) => !listed.has(route))).toEqual([]);
    expect([...listed].filter((route) => !served.has(route))).toEqual([]);
  });

  it.each(OPERATIONS.map((operation) => [`${operation.method} ${operation.path}`, operation] as const))(
    "%s does what its example says",
    async (_, operation) => {
      const response = await run(operation, await newWorld(operation));
      const text = await response.text();
      expect(response.status, text).toBe(operation.example.status);
      expect(operation.answer.status).toBe(operation.example.status);
      const { type } = operation.answer;
      if (operation.answer.status === 302) expect(response.headers.get("location")).not.toBeNull();
      else if (type === undefined) JSON.parse(text);
      else if (type !== "") expect(response.headers.get("content-type")).toContain(type);
    },
  );

  it("needs a key where it says so, and none elsewhere", async () => {
    for (const operation of OPERATIONS.filter(({ access }) => access !== "anyone")) {
      const response = await run({ ...operation, access: "anyone" }, await newWorld(operation));
      expect(response.status, operation.path).toBe(401);
      await response.text();
    }
  });
});

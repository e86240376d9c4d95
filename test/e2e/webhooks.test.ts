/** Webhooks of the product as a process: made and read by Resend's SDK, verified by what people verify with. */
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { Resend } from "resend";
import { Webhook as StandardWebhook } from "standardwebhooks";
import { Webhook as SvixWebhook } from "svix";
import { afterEach, describe, expect, it } from "vitest";
import { serve } from "../../scripts/start/serving.ts";
import { VARIABLES } from "../../src/env.ts";
import { readers, sendBulk } from "../support/bulk.ts";
import { Postern, stopAll, temporaryFolder, until } from "../support/postern.ts";
import { SinkRelay } from "../support/sink-relay.ts";
import { type Told, WebhookEndpoint } from "../support/webhook-endpoint.ts";

const folders: { remove(): void }[] = [];
const endpoints: WebhookEndpoint[] = [];
const folder = () => {
  const made = temporaryFolder();
  folders.push(made);
  return made.path;
};
const endpoint = async (...script: ConstructorParameters<typeof WebhookEndpoint>) => {
  const made = new WebhookEndpoint(...script);
  endpoints.push(made);
  return { made, url: `http://127.0.0.1:${await made.listen()}/hook` };
};

afterEach(async () => {
  await stopAll();
  for (const one of endpoints.splice(0)) one.close();
  for (const one of folders.splice(0)) one.remove();
});

const client = (postern: Postern) => new Resend(postern.key, { baseUrl: postern.base });

/** Throws when any of the three does not believe a call. What it says. */
function verified(secret: string, { headers, body }: Told): Record<string, unknown> {
  const plain = headers as Record<string, string>;
  new SvixWebhook(secret).verify(body, plain);
  new StandardWebhook(secret).verify(body, plain);
  return new Resend("re_x").webhooks.verify({
    payload: body,
    webhookSecret: secret,
    headers: {
      id: plain["svix-id"]!,
      timestamp: plain["svix-timestamp"]!,
      signature: plain["svix-signature"]!,
    },
  }) as unknown as Record<string, unknown>;
}

describe("webhooks", () => {
  it("work from end to end with Resend's SDK, over several ledgers", { timeout: 180_000 }, async () => {
    const postern = await Postern.start(folder(), { WEBHOOK_PRIVATE: "allow", SHARDS: "3" });
    const resend = client(postern);
    const { made, url } = await endpoint();
    const created = await resend.webhooks.create({ endpoint: url, events: ["email.sent", "email.bounced"] });
    expect(created).toMatchObject({ error: null, data: { object: "webhook" } });
    const { id, signing_secret: secret } = created.data!;
    const to = ["ada@example.net", "bounced@postern.test"];
    const emails: string[] = [];
    for (let i = 0; i < 6; i++)
      emails.push(await postern.send({ from: "a@example.com", to, subject: `Hello ${i}`, text: "Hello" }));
    await until(
      () => made.told.length >= 12,
      60_000,
      () => `${made.told.length} calls`,
    );
    const payloads = made.told.map(
      (told) => verified(secret, told) as { type: string; data: { email_id: string } },
    );
    for (const type of ["email.sent", "email.bounced"])
      expect(
        payloads
          .filter((one) => one.type === type)
          .map(({ data }) => data.email_id)
          .sort(),
      ).toEqual([...emails].sort());

    const listed = await resend.webhooks.list();
    expect(listed.data).toMatchObject({
      object: "list",
      has_more: false,
      data: [{ id, endpoint: url, status: "enabled" }],
    });
    expect((await resend.webhooks.get(id)).data).toMatchObject({
      signing_secret: secret,
      events: ["email.sent", "email.bounced"],
    });
    const page = (await resend.webhooks.events.list({ webhookId: id, limit: 5 })).data!;
    const rest = (await resend.webhooks.events.list({ webhookId: id, limit: 10, after: page.data[4]!.id }))
      .data!;
    expect([page.has_more, rest.has_more]).toEqual([true, false]);
    const ids = [...page.data, ...rest.data].map((event) => event.id);
    expect(ids).toEqual([...ids].sort().reverse());
    expect(new Set(ids)).toEqual(new Set(made.told.map(({ headers }) => headers["svix-id"])));
    const eventId = ids[3]!;
    const event = (await resend.webhooks.events.get({ webhookId: id, eventId })).data!;
    const first = made.told.find(({ headers }) => headers["svix-id"] === eventId)!;
    expect(event).toMatchObject({
      id: eventId,
      status: "success",
      next_attempt_at: null,
      payload: JSON.parse(first.body),
    });
    const attempts = (await resend.webhooks.events.attempts.list({ webhookId: id, eventId })).data!;
    expect(attempts.data).toMatchObject([{ http_status_code: 200, response: "ok" }]);

    // A new secret and the old one both hold; what is replayed is what was sent.
    const rotated = (await resend.webhooks.rotateSigningSecret(id)).data!.signing_secret;
    expect((await resend.webhooks.events.replay({ webhookId: id, eventId })).data).toEqual({
      object: "webhook_event",
      id: eventId,
    });
    await until(
      () => made.told.length === 13,
      60_000,
      () => `${made.told.length} calls`,
    );
    const again = made.told[12]!;
    expect([again.body, again.headers["svix-id"]]).toEqual([first.body, eventId]);
    for (const key of [secret, rotated]) verified(key, again);

    expect((await resend.webhooks.update(id, { status: "disabled" })).data).toEqual({
      object: "webhook",
      id,
    });
    expect((await resend.webhooks.remove(id)).data).toEqual({ object: "webhook", id, deleted: true });
    expect((await resend.webhooks.get(id)).error).toMatchObject({ name: "not_found", statusCode: 404 });
  });

  it("survive kill -9: what the endpoint refused is there after the restart", {
    timeout: 180_000,
  }, async () => {
    const state = folder();
    let postern = await Postern.start(state, { WEBHOOK_PRIVATE: "allow" });
    const { made, url } = await endpoint([{ status: 500 }, {}]);
    const { id, signing_secret: secret } = (
      await client(postern).webhooks.create({ endpoint: url, events: ["email.sent"] })
    ).data!;
    await postern.send({ from: "a@example.com", to: "ada@example.net", subject: "Hello", text: "Hello" });
    await until(
      () => made.told.length === 1,
      60_000,
      () => "no call",
    );
    await postern.kill();
    postern = await Postern.start(state, { WEBHOOK_PRIVATE: "allow" });
    await until(
      () => made.told.length === 2,
      60_000,
      () => `${made.told.length} calls`,
    );
    for (const told of made.told) verified(secret, told);
    expect(made.told[1]!.body).toBe(made.told[0]!.body);
    await until(
      async () =>
        (await client(postern).webhooks.events.list({ webhookId: id })).data?.data[0]?.status === "success",
      60_000,
      () => "not a success",
    );
  });

  it("get every event of a bulk, though the endpoint stumbles, another is dead, and everything is killed halfway", {
    timeout: 160_000,
  }, async () => {
    const state = folder();
    const relay = new SinkRelay({ extensions: ["PIPELINING", "8BITMIME"] });
    const variables = {
      WEBHOOK_PRIVATE: "allow",
      SMTP_URL: `smtp://127.0.0.1:${await relay.listen()}?tls=none`,
    };
    let postern = await Postern.start(state, variables);
    const many = readers(600);
    const good = await endpoint(Array.from({ length: 100 }, (_, i) => (i % 20 === 7 ? { status: 503 } : {})));
    const dead = await endpoint([{ hang: true }]);
    for (const { url } of [dead, good])
      expect(
        (await client(postern).webhooks.create({ endpoint: url, events: ["email.sent"] })).error,
      ).toBeNull();
    await sendBulk(postern, many);
    await until(
      () => good.made.told.length > 200,
      60_000,
      () => `${good.made.told.length} calls`,
    );
    await postern.kill();
    postern = await Postern.start(state, variables);
    const told = () =>
      new Set(
        good.made.told.map(({ body }) =>
          String((JSON.parse(body) as { data: { recipient: string } }).data.recipient),
        ),
      );
    await until(
      () => told().size >= many.length,
      60_000,
      () => `${told().size} of ${many.length}`,
    );
    expect([...told()].sort()).toEqual([...many].sort());
    // The dead one is called, and holds up nobody.
    expect(dead.made.told.length).toBeGreaterThan(0);
    relay.close();
  });

  it("do not go to private addresses, and say what permits it", async () => {
    const postern = await Postern.start(folder());
    const { made, url } = await endpoint();
    const refused = await client(postern).webhooks.create({ endpoint: url, events: ["email.sent"] });
    expect(refused.error).toMatchObject({
      statusCode: 422,
      message: expect.stringMatching(/`endpoint`: leads to a private address.*WEBHOOK_PRIVATE=allow/),
    });
    expect(made.told).toEqual([]);
  });
});

describe("the network that webhooks use under npm start", () => {
  it("refuses what a name resolves to, when that is private", async () => {
    const secret = createServer((_, response) => response.end("inside"));
    await new Promise<void>((resolve) => secret.listen(0, "127.0.0.1", resolve));
    const { port } = secret.address() as AddressInfo;
    const dir = join(folder(), "bundle");
    mkdirSync(dir);
    writeFileSync(
      join(dir, "index.js"),
      `import { DurableObject } from "cloudflare:workers";
      export class Outbox extends DurableObject {}
      export default { async fetch(request, env) {
        if (request.url.endsWith("/healthz")) return new Response("ok");
        const ask = (by) => by("http://localhost:${port}/").then((r) => r.text(), (e) => String(e));
        return Response.json([await ask((url) => fetch(url)), await ask((url) => env.PUBLIC_INTERNET.fetch(url))]);
      } };`,
    );
    const free = createServer();
    await new Promise<void>((resolve) => free.listen(0, "127.0.0.1", resolve));
    const own = (free.address() as AddressInfo).port;
    await new Promise((resolve) => free.close(resolve));
    const serving = await serve(
      {
        bundle: {
          dir,
          modules: ["index.js"],
          store: "",
          compatibilityDate: "2026-11-01",
          compatibilityFlags: [],
          durableObjects: [{ binding: "OUTBOX", className: "Outbox" }],
        },
        dataDir: folder(),
        host: "127.0.0.1",
        port: own,
        storeApart: false,
        variables: {},
        names: VARIABLES,
        extraCaFile: null,
      },
      AbortSignal.timeout(30_000),
      () => {},
    );
    try {
      if (!serving.ok) throw new Error(serving.error);
      const [everything, publicOnly] = (await (await fetch(`http://127.0.0.1:${own}/`)).json()) as string[];
      expect(everything).toBe("inside");
      expect(publicOnly).toContain("Error");
    } finally {
      if (serving.ok) await serving.value.stop();
      secret.close();
    }
  });
});

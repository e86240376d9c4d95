/** Stored templates through Resend's own SDK: made, changed, published, copied, sent from, and gone. */
import { Resend } from "resend";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { call, eventsOf, KEY, mailFor, someone, worker } from "../support/api.ts";

const resend = new Resend(KEY, { baseUrl: "https://mail.example.com" });
const outside = globalThis.fetch;

beforeAll(() => {
  vi.stubGlobal("fetch", (input: string | URL | Request, init?: RequestInit) =>
    String(input instanceof Request ? input.url : input).startsWith("https://mail.example.com")
      ? worker().fetch(input as string, init)
      : outside(input, init),
  );
});
afterAll(() => vi.unstubAllGlobals());

let counter = 0;
const order = (more: Record<string, unknown> = {}) => ({
  name: "Order confirmation",
  alias: `order-${Date.now()}-${counter++}`,
  subject: "Order {{{PRODUCT}}}",
  from: "Shop <shop@example.com>",
  html: '<p>{{{PRODUCT}}} for {{{PRICE}}}</p><a href="https://shop.example/p/{{{PRODUCT}}}">see</a>',
  variables: [
    { key: "PRODUCT", type: "string" as const, fallbackValue: "item" },
    { key: "PRICE", type: "number" as const },
  ],
  ...more,
});

async function published(more: Record<string, unknown> = {}) {
  const template = order(more);
  const made = await resend.templates.create(template).publish();
  expect(made.error).toBeNull();
  return { ...template, id: made.data!.id };
}

describe("templates by the SDK", () => {
  it("are made as drafts, found by id and alias, listed, published, changed and published again", async () => {
    const template = order();
    const { data: made } = await resend.templates.create(template);
    expect(made).toEqual({ object: "template", id: expect.stringMatching(/^[0-9a-f-]{36}$/) });
    const { id } = made!;
    const { data: draft } = await resend.templates.get(template.alias);
    expect(draft).toEqual({
      object: "template",
      id,
      name: "Order confirmation",
      alias: template.alias,
      status: "draft",
      published_at: null,
      created_at: expect.any(String),
      updated_at: expect.any(String),
      subject: template.subject,
      from: template.from,
      reply_to: null,
      html: template.html,
      text: null,
      variables: [
        expect.objectContaining({ key: "PRODUCT", type: "string", fallback_value: "item" }),
        expect.objectContaining({ key: "PRICE", type: "number", fallback_value: null }),
      ],
      current_version_id: expect.any(String),
      has_unpublished_versions: true,
    });
    const { data: list } = await resend.templates.list({ limit: 1 });
    expect(list).toMatchObject({ object: "list", data: [{ id, status: "draft", alias: template.alias }] });
    expect((await resend.templates.publish(id)).data).toEqual({ object: "template", id });
    const { data: first } = await resend.templates.get(id);
    expect(first).toMatchObject({ status: "published", has_unpublished_versions: false });
    const change = { subject: "New {{{PRODUCT}}}", variables: template.variables.slice(0, 1) };
    expect((await resend.templates.update(template.alias, change)).data).toEqual({ object: "template", id });
    const { data: second } = await resend.templates.get(id);
    expect(second).toMatchObject({
      status: "published",
      has_unpublished_versions: true,
      subject: change.subject,
      html: template.html,
    });
    expect(second!.current_version_id).not.toBe(first!.current_version_id);
    expect(second!.variables![0]!.created_at).toBe(first!.variables![0]!.created_at);
  });

  it("are copied, and deleted", async () => {
    const { id, html } = await published();
    const { data: copy } = await resend.templates.duplicate(id);
    const { data } = await resend.templates.get(copy!.id);
    expect(data).toMatchObject({ name: "Order confirmation (copy)", alias: null, status: "draft", html });
    expect((await resend.templates.remove(id)).data).toEqual({ object: "template", id, deleted: true });
    expect((await resend.templates.get(id)).error).toMatchObject({ statusCode: 404, name: "not_found" });
    expect((await resend.templates.publish(id)).error).toMatchObject({ statusCode: 404 });
  });

  it("send: values, fallbacks, the template's from and subject; what the request says goes first", async () => {
    const { id, alias } = await published();
    const [one, two] = [someone(), someone()];
    const first = await resend.emails.send({
      to: one,
      template: { id, variables: { PRICE: 12.5, PRODUCT: "<Tea> & more" } },
    });
    expect(first.error).toBeNull();
    const second = await resend.emails.send({
      from: "other@example.com",
      subject: "Mine",
      to: two,
      template: { id: alias, variables: { PRICE: 1 } },
    });
    expect(second.error).toBeNull();
    const [[a], [b]] = [await mailFor(one), await mailFor(two)];
    expect(a!.email.subject).toBe("Order <Tea> & more");
    expect(a!.email.from).toMatchObject({ name: "Shop", address: "shop@example.com" });
    expect(a!.email.html).toContain("<p>&lt;Tea&gt; &amp; more for 12.5</p>");
    expect(a!.email.text).toContain("<Tea> & more for 12.5");
    const path = /\/c\/[\w-]+\/[\w-]+/.exec(a!.email.html!)![0];
    const answer = await worker().fetch(`https://mail.example.com${path}`, { redirect: "manual" });
    expect(answer.headers.get("location")).toBe("https://shop.example/p/<Tea>%20&%20more");
    expect([b!.from, b!.email.subject]).toEqual(["other@example.com", "Mine"]);
    expect(b!.email.html).toContain("<p>item for 1</p>");
    await eventsOf(second.data!.id, (types) => types.includes("email.sent"));
    expect((await resend.emails.get(second.data!.id)).data!.html).toContain("<p>item for 1</p>");
  });

  it("send the published version until the next is published, and then that one at once", async () => {
    const { id } = await published({ subject: "One", html: "<p>one</p>", variables: [] });
    const send = async () => {
      const to = someone();
      expect((await resend.emails.send({ to, template: { id } })).error).toBeNull();
      return (await mailFor(to))[0]!.email.html;
    };
    expect(await send()).toContain("<p>one</p>");
    await resend.templates.update(id, { html: "<p>two</p>" });
    expect(await send()).toContain("<p>one</p>");
    await resend.templates.publish(id);
    expect(await send()).toContain("<p>two</p>");
  });

  it("send in a batch, where each item names its own", async () => {
    const [{ id }, other] = [
      await published(),
      await published({ subject: "Other", html: "<p>other</p>", variables: [] }),
    ];
    const [one, two] = [someone(), someone()];
    const { data, error } = await resend.batch.send([
      { to: one, template: { id, variables: { PRICE: 3 } } },
      { to: two, template: { id: other.alias } },
    ] as Parameters<typeof resend.batch.send>[0]);
    expect(error).toBeNull();
    expect(data!.data).toHaveLength(2);
    expect((await mailFor(one))[0]!.email.html).toContain("item for 3");
    expect((await mailFor(two))[0]!.email.html).toContain("<p>other</p>");
  });
});

describe("templates in bulk", () => {
  it("give each recipient their own values, by type: html as it is, all else as text", async () => {
    const { alias } = await published({
      html: "<p>{{{NAME}}} {{BOX}} {{{OFFER|none}}}</p>",
      subject: "Hi {{{NAME}}}",
      variables: undefined,
    });
    await call("PATCH", `/templates/${alias}`, {
      variables: [
        { key: "NAME", type: "string", fallback_value: "you|{there}" },
        { key: "BOX", type: "html", fallback_value: "<hr>" },
      ],
    });
    await resend.templates.publish(alias);
    const [ann, ben] = [someone("ann"), someone("ben")];
    const posted = await call("POST", "/emails/bulk", {
      template: { id: alias, variables: { BOX: "<b>box</b>" } },
      recipients: [{ to: ann, variables: { NAME: "<Ann>", OFFER: "<i>" } }, { to: ben }],
    });
    expect(posted.status, JSON.stringify(posted.body)).toBe(200);
    const [[a], [b]] = [await mailFor(ann), await mailFor(ben)];
    expect(a!.email.html).toContain("<p>&lt;Ann&gt; <b>box</b> &lt;i&gt;</p>");
    expect(b!.email.html).toContain("<p>you|{there} <b>box</b> none</p>");
    expect([a!.email.subject, b!.email.subject]).toEqual(["Hi <Ann>", "Hi you|{there}"]);
  });
});

describe("what is refused", () => {
  const refused = async (
    body: unknown,
    path: string,
    message: string,
    method = "POST",
    url = "/templates",
  ) => {
    const answer = await call(method, url, body);
    expect(answer.status, JSON.stringify(answer.body)).toBe(422);
    expect(answer.body.errors[0]).toEqual({ path, message: expect.stringContaining(message) });
  };
  const base = { name: "x", html: "<p>x</p>" };

  it.each([
    [{ html: "x" }, "name", "is missing"],
    [{ name: "x" }, "html", "is missing"],
    [{ ...base, html: "" }, "html", "is empty"],
    [{ ...base, alias: "a b" }, "alias", "is not an alias"],
    [{ ...base, alias: "01934567-89ab-7def-8123-456789abcdef" }, "alias", "is not an alias"],
    [{ ...base, from: "nobody" }, "from", "is not an address"],
    [{ ...base, subject: "a\nb" }, "subject", "has a line break"],
    [{ ...base, html: "x".repeat(500_000) }, "html", "and text have more than"],
    [{ ...base, variables: [{ key: "1a", type: "string" }] }, "variables[0].key", "is not a key"],
    [{ ...base, variables: [{ key: "A", type: "list" }] }, "variables[0].type", "must be `string`"],
    [
      { ...base, variables: [{ key: "A", type: "number", fallback_value: "1" }] },
      "variables[0].fallback_value",
      "is not of the type",
    ],
    [
      {
        ...base,
        variables: [
          { key: "A", type: "string" },
          { key: "A", type: "number" },
        ],
      },
      "variables[1].key",
      "is there twice",
    ],
  ])("%j", async (body, path, message) => refused(body, path, message), 30_000);

  it("an alias that another template has", async () => {
    const { alias, id } = await published();
    await refused({ ...base, alias }, "alias", id);
    const { data } = await resend.templates.create(order());
    await refused({ alias }, "alias", id, "PATCH", `/templates/${data!.id}`);
  });

  it("messages that name no template, a draft, or values that do not fit", async () => {
    const { id } = await published();
    const { data: draft } = await resend.templates.create(order());
    const send = (template: unknown, path: string, message: string, more: Record<string, unknown> = {}) =>
      refused({ to: someone(), template, ...more }, path, message, "POST", "/emails");
    await send({ id: "none" }, "template.id", "neither the id nor the alias");
    await send({ id: draft!.id }, "template.id", "draft");
    await send({}, "template.id", "is missing");
    await send("x", "template", "must be an object such as");
    await send({ id }, "template.variables", "lacks `PRICE`");
    await send(
      { id, variables: { PRICE: "12" } },
      "template.variables.PRICE",
      "must be of the type `number`",
    );
    await send({ id, variables: { PRICE: { a: 1 } } }, "template.variables.PRICE", "must be text");
    await send({ id, variables: { PRICE: 1 } }, "html", "may not be given together", { html: "<p>x</p>" });
  });

  it("without a key", async () => {
    expect((await worker().fetch("https://mail.example.com/templates")).status).toBe(401);
  });
});

describe("templates that one row cannot hold", () => {
  const variables = Array.from({ length: 25 }, (_, i) => ({
    key: `V${i}`,
    type: "string",
    fallback_value: "x".repeat(99_000),
  }));

  it.each([
    ["fallback values", { name: "T", html: "<p>x</p>", variables }],
    ["characters that JSON spells in six", { name: "T", html: "\u0001".repeat(400_000) }],
  ])("are refused with the reason: %s", async (_, template) => {
    const { status, body } = await call("POST", "/templates", template);
    expect([status, body.errors?.[0]]).toEqual([
      422,
      { path: "html", message: expect.stringContaining("bytes together") },
    ]);
  });

  it("are refused when they come part by part", async () => {
    const { body: made } = await call("POST", "/templates", { name: "T", html: "\u20ac".repeat(400_000) });
    const { status, body } = await call("PATCH", `/templates/${made.id}`, { text: "\u20ac".repeat(400_000) });
    expect([status, body.errors?.[0]?.path]).toEqual([422, "html"]);
    expect((await call("GET", `/templates/${made.id}`)).body.text).toBeNull();
  });
});

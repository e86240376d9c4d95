/** Variables by the API: of one message and of many, what is sent, what is kept, and what is refused. */
import { describe, expect, it } from "vitest";
import { call, eventsOf, mailFor, someone, worker } from "../support/api.ts";

describe("POST /emails with variables", () => {
  it("fills them in, tracks links that hold them, and keeps what was sent", async () => {
    const to = someone();
    const posted = await call("POST", "/emails", {
      from: "shop@example.com",
      to,
      subject: "Order {{id}}",
      preheader: "Thank you, {{name|friend}}",
      html: '<body><p>Dear {{name|friend}}</p><a href="https://shop.example/orders/{{id}}?a=1&amp;b=2">see</a> <a href="{{unsubscribe_url}}">leave</a></body>',
      headers: { "X-Order": "{{id}}" },
      variables: { id: 7, name: "O'Brien & <Sons>" },
      unsubscribe: true,
    });
    expect(posted.status, JSON.stringify(posted.body)).toBe(200);
    const [taken] = await mailFor(to);
    const { email } = taken!;
    expect(email.subject).toBe("Order 7");
    expect(email.headers.find(({ key }) => key === "x-order")?.value).toBe("7");
    expect(email.html).toContain("Thank you, O&#39;Brien &amp; &lt;Sons&gt;&nbsp;");
    expect(email.text).toMatch(/^Dear O'Brien & <Sons>\n/);
    const path = /\/c\/[\w-]+\/[\w-]+/.exec(email.html!)![0];
    const answer = await worker().fetch(`https://mail.example.com${path}`, { redirect: "manual" });
    expect(answer.headers.get("location")).toBe("https://shop.example/orders/7?a=1&b=2");
    expect(email.html!.match(/\/c\//g)).toHaveLength(1);
    await eventsOf(posted.body.id, (types) => types.includes("email.sent"));
    const { body } = await call("GET", `/emails/${posted.body.id}`);
    expect(body.subject).toBe("Order 7");
    expect(body.headers).toEqual({ "X-Order": "7" });
    expect(body.html).toBe(
      '<body><p>Dear O&#39;Brien &amp; &lt;Sons&gt;</p><a href="https://shop.example/orders/7?a=1&amp;b=2">see</a> <a href="{{unsubscribe_url}}">leave</a></body>',
    );
  });

  it("leaves braces alone without `variables`", async () => {
    const to = someone();
    await call("POST", "/emails", { from: "a@example.com", to, subject: "{{a}}", text: "{{{b}}}" });
    const [taken] = await mailFor(to);
    expect([taken!.email.subject, taken!.email.text]).toEqual(["{{a}}", "{{{b}}}\n"]);
  });

  it.each([
    [{ variables: {} }, "variables", "lacks `a`"],
    [{ variables: { a: null } }, "variables.a", "must be text"],
    [{ variables: { a: [1] } }, "variables.a", "must be text"],
    [{ variables: "a" }, "variables", "must be an object"],
    [
      { variables: { a: "x" }, text: "{{unsubscribe_url}}" },
      "variables",
      "ask for the link with `unsubscribe: true`",
    ],
    [{ variables: { a: "x" }, html: null, preheader: "x" }, "preheader", "needs `html`"],
    [{ variables: { a: "x" }, preheader: "a\nb" }, "preheader", "has a line break"],
  ])("refuses %j", async (more, path, message) => {
    const answer = await call("POST", "/emails", {
      from: "a@example.com",
      to: someone(),
      subject: "Hi {{a}}",
      html: "<p>x</p>",
      text: "x",
      ...more,
    });
    expect(answer.status).toBe(422);
    expect(answer.body.errors).toEqual([{ path, message: expect.stringContaining(message) }]);
  });
});

it("variables that make a message of 600 MB are refused before it is made", async () => {
  const answer = await call("POST", "/emails", {
    from: "a@example.com",
    to: someone(),
    subject: "S",
    html: "{{a}}".repeat(6_000),
    variables: { a: "a".repeat(100_000) },
  });
  expect(answer.status).toBe(422);
  expect(answer.body).toMatchObject({
    name: "validation_error",
    errors: [{ path: "html", message: expect.stringMatching(/variables .*25\.0 MB/) }],
  });
});

it.each([
  ["subject", "Hi {{a}}", 1_998, "is longer than 2000 characters with its variables filled in"],
  ['headers["X-A"]', "Hi", 1_001, "is longer than 8000 characters with its variables filled in"],
])("a header that values make too long is refused: %s", async (path, subject, length, message) => {
  const send = (a: string) =>
    call("POST", "/emails", {
      from: "a@example.com",
      to: someone(),
      subject,
      text: "T",
      headers: { "X-A": path === "subject" ? "x" : "{{a}}".repeat(8) },
      variables: { a },
    });
  const answer = await send("a".repeat(length));
  expect(answer.status).toBe(422);
  expect(answer.body.errors).toEqual([{ path, message }]);
  expect((await send("a".repeat(length - 1))).status).toBe(200);
});

describe("POST /emails/bulk with variables", () => {
  const bulk = (more: Record<string, unknown>) =>
    call("POST", "/emails/bulk", {
      from: "a@example.com",
      subject: "Hi {{name}}",
      html: "<body>{{name}} {{sale}}",
      ...more,
    });

  it("takes values for everyone, and each recipient's own go first", async () => {
    const [ann, ben] = [someone("ann"), someone("ben")];
    const posted = await bulk({
      preheader: "{{name}}: {{sale}}",
      variables: { name: "you", sale: "10% & more" },
      recipients: [{ to: ann, variables: { name: "Ann" } }, { to: ben }],
    });
    expect(posted.status, JSON.stringify(posted.body)).toBe(200);
    const [[one], [two]] = [await mailFor(ann), await mailFor(ben)];
    expect([one!.email.subject, two!.email.subject]).toEqual(["Hi Ann", "Hi you"]);
    expect(one!.email.html).toContain("Ann: 10% &amp; more&nbsp;");
    expect(two!.email.html).toContain("</div>you 10% &amp; more");
  });

  it("names the variable and the recipient that lacks it", async () => {
    const answer = await bulk({
      recipients: [
        { to: "ann@example.net", variables: { name: "Ann", sale: "x" } },
        { to: "ben@example.net", variables: { sale: "x" } },
      ],
    });
    expect(answer.status).toBe(422);
    expect(answer.body.errors).toEqual([
      {
        path: "recipients[1].variables",
        message: expect.stringMatching(/^of ben@example\.net lacks `name`/),
      },
    ]);
  });

  it("names the recipient whose values make too large a copy", async () => {
    const answer = await bulk({
      subject: "Hi",
      html: "{{name}}".repeat(270),
      recipients: [
        { to: "ann@example.net", variables: { name: "Ann" } },
        { to: "ben@example.net", variables: { name: "b".repeat(100_000) } },
      ],
    });
    expect(answer.status).toBe(422);
    expect(answer.body.errors).toEqual([
      {
        path: "recipients[1].variables",
        message: expect.stringMatching(/^of ben@example\.net make a copy of \d\d\.\d MB; .* 25\.0 MB/),
      },
    ]);
  });

  it("names the recipient whose values make a header too long", async () => {
    const answer = await bulk({
      headers: { "X-Who": "{{name}} {{sale|none}}" },
      recipients: [
        { to: "ann@example.net", variables: { name: "n".repeat(1_997), sale: "s" } },
        { to: "ben@example.net", variables: { name: "n".repeat(1_998), sale: "s" } },
        { to: "cy@example.net", variables: { name: "Cy", sale: "s".repeat(8_000) } },
      ],
    });
    expect(answer.status).toBe(422);
    expect(answer.body.errors).toEqual([
      {
        path: "recipients[1].variables",
        message: "of ben@example.net make `subject` 2001 characters long; at most 2000 are taken",
      },
      {
        path: "recipients[2].variables",
        message: 'of cy@example.net make `headers["X-Who"]` 8003 characters long; at most 8000 are taken',
      },
    ]);
  });

  it("takes long values of many recipients, more together than a parameter of a statement holds", async () => {
    const readers = Array.from({ length: 100 }, () => someone());
    const answer = await bulk({
      subject: "Hi",
      html: "{{name}}",
      recipients: readers.map((to, i) => ({ to, variables: { name: `${i} ${"n".repeat(95_000)}` } })),
    });
    expect(answer.status, JSON.stringify(answer.body)).toBe(200);
    expect(answer.body.accepted).toBe(100);
    for (const i of [0, 99]) {
      const [taken] = await mailFor(readers[i]!);
      expect(taken!.email.html).toMatch(new RegExp(`^${i} n{95000}[^n]`));
    }
  });

  it("says so when all values are more than a call carries: letters beyond Latin-1 count twice", async () => {
    const answer = await bulk({
      subject: "Hi",
      html: "{{name}}",
      variables: { name: "漢".repeat(5_000) },
      recipients: Array.from({ length: 3_300 }, () => ({ to: someone(), variables: { own: "x" } })),
    });
    expect(answer.status).toBe(413);
    expect(answer.body.message).toMatch(/3\d MB, .* count twice; 30 MB are taken in one call/);
  });

  it("names a message with more links and variables than a row holds", async () => {
    const answer = await bulk({
      html: "{{name}}".repeat(100_000),
      recipients: [{ to: someone(), variables: { name: "" } }],
    });
    expect(answer.status).toBe(422);
    expect(answer.body.errors).toEqual([
      { path: "html", message: expect.stringMatching(/^has 20000\d places .* at most 1\.25 MB are taken/) },
    ]);
  });

  it.each([
    ["a", 15, 20, "1.9"],
    ['"', 3, 5, "1.9"],
    ["漢", 5, 7, "2.0"],
  ])("names the recipient who has more of %s than a row holds", async (char, fine, over, mb) => {
    const of = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`v${i}`, char.repeat(100_000)]));
    const answer = await bulk({
      subject: "Hi",
      html: "{{name|}}",
      recipients: [
        { to: "ann@example.net", variables: of(fine) },
        { to: "ben@example.net", variables: of(over) },
      ],
    });
    expect(answer.status).toBe(422);
    expect(answer.body.errors).toEqual([
      {
        path: "recipients[1].variables",
        message: `of ben@example.net take ${mb} MB to keep; at most 1.5 MB are taken for one recipient`,
      },
    ]);
  });

  it("tracks a link that holds a variable, with each recipient's own target", async () => {
    const readers = [someone("ann"), someone("ben")];
    const posted = await bulk({
      html: '<a href="https://shop.example/orders/{{name}}?a=1&amp;b=2">see</a> {{sale|}}',
      recipients: readers.map((to, i) => ({ to, variables: { name: `n${i}` } })),
    });
    expect(posted.status, JSON.stringify(posted.body)).toBe(200);
    for (const [i, to] of readers.entries()) {
      const [taken] = await mailFor(to);
      const path = /\/c\/[\w-]+\/[\w-]+/.exec(taken!.email.html!)![0];
      const answer = await worker().fetch(`https://mail.example.com${path}`, { redirect: "manual" });
      expect(answer.headers.get("location")).toBe(`https://shop.example/orders/n${i}?a=1&b=2`);
    }
  });
});

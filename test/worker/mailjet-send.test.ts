/** POST /v3.1/send: every property, every error code, and good messages sent whatever becomes of the others. */
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { readMessageNumber } from "../../src/core/message-number.ts";
import { findEmail } from "../../src/db/emails.ts";
import { dbOf, type Env } from "../../src/env.ts";
import { call, KEY, mailFor, poll, someone, worker } from "../support/api.ts";
import { basic, mailjetCall } from "../support/mailjet.ts";

const FROM = { Email: "ada@example.com", Name: "Ada" };
const message = (to: string, more: Record<string, unknown> = {}) => ({
  From: FROM,
  To: [{ Email: to }],
  Subject: "Hello",
  TextPart: "Words",
  ...more,
});
const send = (body: unknown, headers: Record<string, string> = {}) =>
  mailjetCall("POST", "/v3.1/send", body, headers);
const sendOne = (more: Record<string, unknown>, to = someone()) => send({ Messages: [message(to, more)] });
const GIF = "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7";

describe("a message", () => {
  it("is sent as every email is, and named by UUID and by a number of 63 bits", async () => {
    const [to, cc, bcc] = [someone("to"), someone("cc"), someone("bcc")] as const;
    const { status, text, body } = await send({
      Messages: [
        message(to, {
          To: [{ Email: to, Name: 'Grüße "G" World' }],
          Cc: [{ Email: cc, Name: null }],
          Bcc: [{ Email: bcc }],
          ReplyTo: { Email: "desk@example.com", Name: "Desk" },
          Sender: { Email: "robot@example.com", Name: "Robot" },
          HTMLPart: '<a href="https://example.org/?a=1">go</a><img src="cid:logo"><img src="cid:pic.gif">',
          Headers: { "X-My-Header": "mine" },
          CustomID: "order-1",
          EventPayload: "row,15",
          CustomCampaign: "spring",
          MonitoringCategory: "receipts",
          Priority: 2,
          URLTags: "utm=x",
          Attachments: [{ ContentType: "text/plain", Filename: "a b.txt", Base64Content: btoa("file") }],
          InlinedAttachments: [
            { ContentType: "image/gif", Filename: "l.gif", ContentID: "logo", Base64Content: GIF },
            { ContentType: "image/gif", Filename: "pic.gif", Base64Content: GIF },
          ],
        }),
      ],
    });
    expect(status).toBe(200);
    const [answer] = body.Messages;
    expect(answer).toMatchObject({ Status: "success", CustomID: "order-1" });
    expect(
      [answer.To, answer.Cc, answer.Bcc].map((seats) => seats.map((seat: { Email: string }) => seat.Email)),
    ).toEqual([[to], [cc], [bcc]]);
    const seats = [...answer.To, ...answer.Cc, ...answer.Bcc];
    for (const [index, seat] of seats.entries()) {
      expect(seat.MessageUUID).toBe(seats[0].MessageUUID);
      expect(text).toContain(`"MessageID":${seat.MessageID},`);
      expect(seat.MessageHref).toBe(`https://mail.example.com/v3/REST/message/${seat.MessageID}`);
      const span = readMessageNumber(BigInt(seat.MessageID))!;
      expect(span.index).toBe(index);
      expect(seat.MessageUUID > span.from && seat.MessageUUID < span.below).toBe(true);
    }
    const [taken] = await mailFor(bcc);
    const { email, raw } = taken!;
    expect(email.from).toMatchObject({ name: "Ada", address: "ada@example.com" });
    expect(email.to).toMatchObject([{ name: 'Grüße "G" World', address: to }]);
    expect(email.cc).toMatchObject([{ address: cc }]);
    expect(email.replyTo).toMatchObject([{ name: "Desk", address: "desk@example.com" }]);
    expect(email.sender).toMatchObject({ name: "Robot", address: "robot@example.com" });
    expect(email.headers.find(({ key }) => key === "x-my-header")?.value).toBe("mine");
    expect(email.text?.trim()).toBe("Words");
    expect(raw.split("\r\n\r\n")[0]).not.toContain(bcc);
    expect(
      email.attachments.map(({ filename, contentId, disposition }) => [filename, contentId, disposition]),
    ).toEqual([
      ["l.gif", "<logo>", "inline"],
      ["pic.gif", "<pic.gif>", "inline"],
      ["a b.txt", undefined, "attachment"],
    ]);
    const link = /href="([^"]*\/c\/[^"]*)"/.exec(email.html!)![1]!;
    const click = await worker().fetch(link, { redirect: "manual" });
    expect(click.headers.get("location")).toBe("https://example.org/?a=1&utm=x");
    const kept = await findEmail(dbOf(env as unknown as Env), seats[0].MessageUUID);
    expect(kept!.meta.mailjet).toEqual({
      custom_id: "order-1",
      event_payload: "row,15",
      campaign: "spring",
      monitoring_category: "receipts",
    });
    const native = await call("GET", `/emails/${seats[0].MessageUUID}`);
    expect(native.body).toMatchObject({
      to: [`Grüße "G" World <${to}>`],
      cc: [cc],
      bcc: [bcc],
      subject: "Hello",
    });
  });

  it("goes once to who is named twice", async () => {
    const to = someone();
    const { body } = await sendOne(
      { To: [{ Email: to }, { Email: to, Name: "Again" }], Cc: [{ Email: to }] },
      to,
    );
    expect(body.Messages[0].To).toHaveLength(1);
    expect(body.Messages[0].Cc).toEqual([]);
    await mailFor(to);
    expect(await mailFor(to)).toHaveLength(1);
  });

  it.each([
    ["both by default", {}, true, true],
    ["as the account has it", { TrackOpens: "account_default", TrackClicks: "account_default" }, true, true],
    ["opens only", { TrackOpens: "enabled", TrackClicks: "disabled" }, true, false],
    ["clicks only", { TrackOpens: "disabled", TrackClicks: "enabled" }, false, true],
  ])("tracks %s", async (_, more, opens, clicks) => {
    const { body } = await sendOne({ ...more, HTMLPart: '<a href="https://e.com">x</a>' });
    const { body: email } = await call("GET", `/emails/${body.Messages[0].To[0].MessageUUID}`);
    expect(email.tracking).toEqual({ opens, clicks });
  });

  it("takes a Reply-To among Headers for the property", async () => {
    const to = someone();
    await sendOne({ Headers: { "Reply-To": "Desk <desk@example.com>" } }, to);
    expect((await mailFor(to))[0]!.email.replyTo).toMatchObject([{ address: "desk@example.com" }]);
  });

  it("has Globals as defaults: objects merge, lists are appended, the rest is replaced", async () => {
    const [to, cc, other] = [someone("to"), someone("cc"), someone("other")] as const;
    const { status, body } = await send({
      Globals: {
        From: FROM,
        Subject: "Global",
        TemplateLanguage: true,
        Cc: [{ Email: cc }],
        Headers: { "X-A": "1", "X-B": "1" },
        Variables: { a: "A", b: "B" },
        CustomID: "g",
      },
      Messages: [
        {
          To: [{ Email: to }],
          From: { Name: "Bea" },
          Subject: "Own",
          Cc: [{ Email: other }],
          Headers: { "X-B": "2" },
          Variables: { b: "own" },
          TextPart: "{{var:a}} {{var:b}}",
        },
      ],
    });
    expect(status).toBe(200);
    expect(body.Messages[0].CustomID).toBe("g");
    const { email } = (await mailFor(to))[0]!;
    expect(email.from).toMatchObject({ name: "Bea", address: "ada@example.com" });
    expect(email.subject).toBe("Own");
    expect(email.cc?.map(({ address }) => address)).toEqual([cc, other]);
    const value = (name: string) => email.headers.find(({ key }) => key === name)?.value;
    expect([value("x-a"), value("x-b")]).toEqual(["1", "2"]);
    expect(email.text?.trim()).toBe("A own");
  });

  it("is only checked in SandboxMode", async () => {
    const to = someone();
    const { status, body } = await send({ SandboxMode: true, Messages: [message(to, { CustomID: "c" })] });
    expect(status).toBe(200);
    expect(body.Messages).toEqual([
      {
        Status: "success",
        CustomID: "c",
        To: [
          {
            Email: to,
            MessageUUID: "",
            MessageID: 0,
            MessageHref: "https://mail.example.com/v3/REST/message/0",
          },
        ],
        Cc: [],
        Bcc: [],
      },
    ]);
    const bad = await send({ SandboxMode: true, Messages: [message("nobody")] });
    expect(bad.body.Messages[0].Errors[0].ErrorCode).toBe("mj-0013");
    const listed = await call("GET", "/emails");
    expect(JSON.stringify(listed.body)).not.toContain(to);
  });

  it("goes the whole way but for the relay with X-Sandbox or a sandbox key", async () => {
    const { body: key } = await call("POST", "/api-keys", { name: "box", sandbox: true });
    const asked: Record<string, string>[] = [
      { "x-sandbox": "true" },
      { authorization: basic("pub", key.token) },
    ];
    for (const headers of asked) {
      const to = someone();
      const { status, body } = await send({ Messages: [message(to)] }, headers);
      expect(status).toBe(200);
      const [{ MessageID }] = body.Messages[0].To;
      const row = await poll(
        async () => (await mailjetCall("GET", `/v3/REST/message/${MessageID}`)).body.Data?.[0],
        (one) => one?.Status === "sent",
      );
      expect(row.Status).toBe("sent");
      expect(await mailFor(to, 0)).toEqual([]);
    }
  });

  it("names properties nobody knows", async () => {
    const { status, headers } = await sendOne({ Trackopens: "enabled" });
    expect(status).toBe(200);
    expect(headers.get("x-postern-unknown-fields")).toBe("Messages[0].Trackopens");
  });
});

describe("what is no message", () => {
  it.each([
    ["a list for the body", [], "mj-0004", "The body must be an object."],
    ["a number among messages", { Messages: [5] }, "mj-0004", "The message must be an object."],
    ["nothing among messages", { Messages: [null] }, "mj-0003", "The message is mandatory but missing."],
  ])("is called what it is: %s", async (_, given, code, message) => {
    const { status, body } = await mailjetCall("POST", "/v3.1/send", given);
    const error = body.Messages?.[0].Errors[0] ?? body;
    expect([status, error.ErrorCode, error.ErrorMessage]).toEqual([400, code, message]);
  });
});

describe("DeduplicateCampaign", () => {
  it("mails an address once in a campaign, within a request and over several, and records the rest as suppressed", async () => {
    const [a, b, c] = [someone("a"), someone("b"), someone("c")] as const;
    const campaign = `spring-${a}`;
    const dedup = { CustomCampaign: campaign, DeduplicateCampaign: true };
    await send({ Messages: [message(a, { CustomCampaign: campaign, Subject: "plain" })] });
    const { status, body } = await send({
      Messages: [
        message(a, { ...dedup, To: [{ Email: a }, { Email: b }] }),
        message(b, dedup),
        message(c, { ...dedup, CustomCampaign: `other-${campaign}` }),
      ],
    });
    expect(status).toBe(200);
    expect(body.Messages.map(({ Status }: { Status: string }) => Status)).toEqual([
      "success",
      "success",
      "success",
    ]);
    await Promise.all([mailFor(b), mailFor(c)]);
    expect((await mailFor(a)).map(({ email }) => email.subject)).toEqual(["plain"]);
    expect(await mailFor(b)).toHaveLength(1);
    for (const [i, address] of [a, b].entries()) {
      const { body: email } = await call("GET", `/emails/${body.Messages[i].To[0].MessageUUID}`);
      expect(email.recipients[0]).toMatchObject({
        email: address,
        status: "suppressed",
        category: "duplicate_in_campaign",
      });
    }
  });

  it("does not stand in the way of one without it", async () => {
    const to = someone();
    const campaign = { CustomCampaign: `c-${to}` };
    await sendOne(campaign, to);
    await sendOne(campaign, to);
    expect(await mailFor(to, 2)).toHaveLength(2);
  });
});

describe("TemplateID", () => {
  const stored = async (body: Record<string, unknown>, publish = true): Promise<number> => {
    const number = Math.floor(Math.random() * 1e9) + 1;
    const made = await call("POST", "/templates", { name: "t", alias: String(number), ...body });
    expect(made.status).toBe(201);
    if (publish) expect((await call("POST", `/templates/${number}/publish`)).status).toBe(200);
    return number;
  };

  it("is a stored template's alias: its parts, subject, From and fallbacks, with the message's variables", async () => {
    const TemplateID = await stored({
      from: "Shop <shop@example.com>",
      reply_to: "desk@example.com",
      subject: "Order {{var:id}}",
      html: '<p>{{name}}, {{{note}}} {% for l in var:lines %}<a href="{{l}}">x</a>{% endfor %}</p>',
      text: "Text for {{var:name}}",
      variables: [
        { key: "name", type: "string", fallback_value: "friend" },
        { key: "note", type: "html" },
      ],
    });
    const to = someone();
    const { status, body } = await send({
      Messages: [
        {
          To: [{ Email: to }],
          TemplateID,
          TemplateLanguage: true,
          URLTags: "u=1",
          Variables: { id: 7, note: "<b>now</b>", lines: ["https://example.org/1"] },
        },
      ],
    });
    expect(status).toBe(200);
    const { email } = (await mailFor(to))[0]!;
    expect(email.from).toMatchObject({ name: "Shop", address: "shop@example.com" });
    expect(email.replyTo).toMatchObject([{ address: "desk@example.com" }]);
    expect(email.subject).toBe("Order 7");
    expect(email.html).toContain("<p>friend, <b>now</b> <a href=");
    expect(email.text?.trim()).toBe("Text for friend");
    const native = await call("GET", `/emails/${body.Messages[0].To[0].MessageUUID}`);
    expect(native.body.html).toContain("https://example.org/1?u=1");
  });

  it("gives way to the message's own From, subject and text, and stays text without TemplateLanguage", async () => {
    const TemplateID = await stored({
      from: "shop@example.com",
      subject: "A",
      html: "<p>{{var:x}}</p>",
      text: "a",
    });
    const to = someone();
    await send({ Messages: [message(to, { TemplateID, TextPart: "own" })] });
    const { email } = (await mailFor(to))[0]!;
    expect([email.from?.address, email.subject, email.text?.trim()]).toEqual([
      "ada@example.com",
      "Hello",
      "own",
    ]);
    expect(email.html).toContain("<p>{{var:x}}</p>");
  });

  it("is refused when there is none, none published, html twice, or nobody to send as", async () => {
    const draft = await stored({ html: "<p>x</p>" }, false);
    const plain = await stored({ html: "<p>x</p>" });
    for (const [more, code] of [
      [{ TemplateID: draft }, "send-0010"],
      [{ TemplateID: plain, HTMLPart: "<p>y</p>" }, "send-0004"],
      [{ TemplateID: plain, From: undefined }, "mj-0003"],
    ] as const) {
      const { status, body } = await sendOne({ ...more });
      expect([status, body.Messages[0].Errors[0].ErrorCode]).toEqual([400, code]);
    }
  });
});

describe("the template language", () => {
  it("is evaluated in subject and parts when TemplateLanguage is true, and stays text when not", async () => {
    const parts = {
      Subject: "Order {{var:id}}",
      TextPart: "{% for l in var:lines %}{{l.n}};{% endfor %}",
      HTMLPart: '<p>{% if var:vip %}Dear{% else %}Hi{% endif %} {{var:name:"you"}} {{data:x:"y"}}</p>',
      Variables: { id: 7, lines: [{ n: 1 }, { n: 2 }], vip: true },
    };
    const [on, off] = [someone("on"), someone("off")] as const;
    await send({
      Messages: [message(on, { ...parts, TemplateLanguage: true }), message(off, parts)],
    });
    const evaluated = (await mailFor(on))[0]!.email;
    expect(evaluated.subject).toBe("Order 7");
    expect(evaluated.text?.trim()).toBe("1;2;");
    expect(evaluated.html).toContain("<p>Dear you y</p>");
    expect((await mailFor(off))[0]!.email.subject).toBe("Order {{var:id}}");
  });

  it("keeps a message with an error, and tells whom TemplateErrorReporting names", async () => {
    const [to, desk] = [someone("to"), someone("desk")] as const;
    const { status, body } = await sendOne(
      {
        TemplateLanguage: true,
        TextPart: "a {{var:nobody}}",
        TemplateErrorReporting: { Email: desk },
        CustomID: "c-9",
      },
      to,
    );
    expect(status).toBe(400);
    expect(body.Messages[0].Errors).toEqual([
      {
        ErrorIdentifier: expect.any(String),
        ErrorCode: "mj-0005",
        StatusCode: 400,
        ErrorMessage: expect.stringContaining("Line 1 `{{var:nobody}}` has no value"),
        ErrorRelatedTo: ["TextPart"],
      },
    ]);
    const report = (await mailFor(desk))[0]!.email;
    expect(report.subject).toBe("Template error: Hello");
    expect(report.text).toContain("was not sent");
    expect(report.text).toContain("TextPart: Line 1 `{{var:nobody}}` has no value");
    expect(report.text).toContain("CustomID: c-9");
  });

  it("sends it all the same with TemplateErrorDeliver", async () => {
    const [to, desk] = [someone("to"), someone("desk")] as const;
    const { status } = await sendOne(
      {
        TemplateLanguage: true,
        TextPart: "a {{var:nobody}} b",
        TemplateErrorDeliver: true,
        TemplateErrorReporting: { Email: desk },
      },
      to,
    );
    expect(status).toBe(200);
    expect((await mailFor(to))[0]!.email.text?.trim()).toBe("a  b");
    expect((await mailFor(desk))[0]!.email.text).toContain("was sent although");
  });
});

describe("several messages", () => {
  it("are answered in their order, the good ones sent, and the request succeeds", async () => {
    const [a, b] = [someone("a"), someone("b")] as const;
    const { status, body } = await send({
      Messages: [
        message(a),
        message("nobody"),
        message(b, { CustomID: "third" }),
        { To: [{ Email: "x@example.net" }] },
      ],
    });
    expect(status).toBe(200);
    expect(body.Messages.map(({ Status }: { Status: string }) => Status)).toEqual([
      "success",
      "error",
      "success",
      "error",
    ]);
    expect(body.Messages[2].CustomID).toBe("third");
    expect(body.Messages[3].Errors.map((one: { ErrorCode: string }) => one.ErrorCode)).toEqual(["mj-0003"]);
    expect(await mailFor(a)).toHaveLength(1);
    expect(await mailFor(b)).toHaveLength(1);
  });

  it("fail as a request when none is good", async () => {
    const { status, body } = await send({ Messages: [message("nobody"), message("no one")] });
    expect(status).toBe(400);
    expect(body.Messages).toHaveLength(2);
  });

  it("of one moment have numbers of their own", async () => {
    const { body } = await send({ Messages: Array.from({ length: 50 }, () => message(someone())) });
    const numbers = body.Messages.map((one: { To: [{ MessageID: string }] }) => one.To[0].MessageID);
    expect(new Set(numbers).size).toBe(50);
  });

  it("with more attachments than one call to the outbox carries are all sent", async () => {
    const to = [someone(), someone(), someone()];
    const file = {
      ContentType: "application/zip",
      Filename: "a.zip",
      Base64Content: "AAAA".repeat(1_500_000),
    };
    const { status } = await send({ Messages: to.map((one) => message(one, { Attachments: [file] })) });
    expect(status).toBe(200);
    for (const one of to) expect((await mailFor(one))[0]!.email.attachments).toHaveLength(1);
  });
});

describe("error codes of a message", () => {
  const many = (n: number) => Array.from({ length: n }, (_, i) => ({ Email: `r${i}@example.net` }));
  const file = { ContentType: "image/gif", Filename: "a.gif", Base64Content: GIF };
  const table: [string, Record<string, unknown>, string, string[], string?][] = [
    ["no From", { From: undefined }, "mj-0003", ["From"]],
    ["From null", { From: null }, "mj-0003", ["From"]],
    ["no address in From", { From: { Name: "A" } }, "mj-0003", ["From.Email"]],
    ["no To", { To: undefined }, "mj-0003", ["To"]],
    ["To of the wrong type", { To: "a@example.net" }, "mj-0004", ["To"]],
    ["an address of the wrong type", { To: [{ Email: 5 }] }, "mj-0004", ["To[0].Email"]],
    ["a flag of the wrong type", { TemplateLanguage: "yes" }, "mj-0004", ["TemplateLanguage"]],
    ["TemplateID of the wrong type", { TemplateID: "12" }, "mj-0004", ["TemplateID"]],
    ["Variables of the wrong type", { Variables: "x" }, "mj-0004", ["Variables"]],
    ["a header of the wrong type", { Headers: { "X-A": 5 } }, "mj-0004", ['Headers["X-A"]']],
    ["a tracking value", { TrackOpens: "yes" }, "mj-0005", ["TrackOpens"]],
    ["a click tracking value", { TrackClicks: "on" }, "mj-0005", ["TrackClicks"]],
    ["a priority", { Priority: 9 }, "mj-0005", ["Priority"]],
    ["a query with a space", { URLTags: "a b" }, "mj-0005", ["URLTags"]],
    ["a line break in the subject", { Subject: "a\r\nBcc: x@example.net" }, "mj-0005", ["Subject"]],
    ["a line break in a header", { Headers: { "X-A": "a\nb" } }, "mj-0005", ['Headers["X-A"]']],
    ["a header that is none", { Headers: { "X A": "a" } }, "mj-0005", ['Headers["X A"]']],
    [
      "no base64",
      { Attachments: [{ ...file, Base64Content: "%%%" }] },
      "mj-0005",
      ["Attachments[0].Base64Content"],
    ],
    [
      "no media type, inlined",
      { Attachments: [file], InlinedAttachments: [{ ...file, ContentType: "gif" }] },
      "mj-0005",
      ["InlinedAttachments[0].ContentType"],
    ],
    [
      "a content id with a space",
      { InlinedAttachments: [{ ...file, ContentID: "a b" }] },
      "mj-0005",
      ["InlinedAttachments[0].ContentID"],
    ],
    ["a test address that plays no story", { To: [{ Email: "x@postern.test" }] }, "mj-0005", ["To[0].Email"]],
    ["a long subject", { Subject: "x".repeat(256) }, "mj-0006", ["Subject"]],
    [
      "a subject long by its variables",
      { Subject: "{{var:x}}", TemplateLanguage: true, Variables: { x: "y".repeat(3000) } },
      "mj-0006",
      ["Subject"],
    ],
    ["long URLTags", { URLTags: "x".repeat(257) }, "mj-0006", ["URLTags"]],
    ["a long CustomID", { CustomID: "x".repeat(1001) }, "mj-0006", ["CustomID"]],
    ["a long EventPayload", { EventPayload: "x".repeat(16 * 1024 + 1) }, "mj-0006", ["EventPayload"]],
    ["an empty To", { To: [] }, "mj-0007", ["To"]],
    ["51 in To", { To: many(51) }, "mj-0008", ["To"]],
    ["51 attachments", { Attachments: Array(51).fill(file) }, "mj-0008", ["Attachments"]],
    [
      "51 headers",
      { Headers: Object.fromEntries(many(51).map((_, i) => [`X-${i}`, "a"])) },
      "mj-0008",
      ["Headers"],
    ],
    [
      "too much attached",
      { Attachments: [{ ...file, Base64Content: "AAAA".repeat(5_300_000) }] },
      "mj-0011",
      ["Attachments", "InlinedAttachments"],
    ],
    ["html larger than a mail may be", { HTMLPart: "x".repeat(27_000_000) }, "mj-0011", ["HTMLPart"]],
    ["an empty address", { To: [{ Email: "" }] }, "mj-0012", ["To[0].Email"]],
    [
      "an empty file name",
      { Attachments: [{ ...file, Filename: "" }] },
      "mj-0012",
      ["Attachments[0].Filename"],
    ],
    [
      "an empty file",
      { Attachments: [{ ...file, Base64Content: "" }] },
      "mj-0012",
      ["Attachments[0].Base64Content"],
    ],
    [
      "no media type",
      { Attachments: [{ ...file, ContentType: "" }] },
      "mj-0012",
      ["Attachments[0].ContentType"],
    ],
    ["no address", { Cc: [{ Email: "nobody" }] }, "mj-0013", ["Cc[0].Email"]],
    ["an address with a name", { To: [{ Email: "A <a@example.net>" }] }, "mj-0013", ["To[0].Email"]],
    ["a line break in a name", { From: { ...FROM, Name: "a\r\nb" } }, "mj-0013", ["From.Email"]],
    ["a Reply-To that is none", { Headers: { "Reply-To": "x" } }, "mj-0013", ["ReplyTo.Email"]],
    ["no parts", { TextPart: undefined }, "send-0003", ["HTMLPart", "TextPart", "TemplateID"]],
    ["empty parts", { TextPart: "", HTMLPart: "" }, "send-0003", ["HTMLPart", "TextPart", "TemplateID"]],
    [
      "parts that come out empty",
      { TextPart: "{% if var:x %}a{% endif %}", TemplateLanguage: true },
      "send-0003",
      ["HTMLPart", "TextPart"],
    ],
    [
      "no campaign to deduplicate",
      { DeduplicateCampaign: true },
      "send-0012",
      ["CustomCampaign", "DeduplicateCampaign"],
    ],
    ["a category of nothing", { MonitoringCategory: " " }, "send-0013", ["MonitoringCategory"]],
    ["51 recipients in all", { To: many(26), Cc: many(52).slice(26) }, "send-0015", ["To", "Cc", "Bcc"]],
    ["error options without the language", { TemplateErrorDeliver: true }, "send-0016", ["TemplateLanguage"]],
    ["a report without the language", { TemplateErrorReporting: FROM }, "send-0016", ["TemplateLanguage"]],
  ];
  it.each(table)("%s", async (_, more, code, related) => {
    const { status, body } = await sendOne(more);
    expect(status).toBe(code.startsWith("send-000") && code !== "send-0003" ? 403 : 400);
    expect(body.Messages).toHaveLength(1);
    const [answer] = body.Messages;
    expect(answer.Status).toBe("error");
    expect(answer.Errors[0]).toEqual({
      ErrorIdentifier: expect.stringMatching(/^[0-9a-f-]{36}$/),
      ErrorCode: code,
      StatusCode: status,
      ErrorMessage: expect.stringMatching(/.{10,}\.$/),
      ErrorRelatedTo: related,
    });
  });

  it.each(
    [
      "From Sender Subject To Cc Bcc Return-Path Delivered-To DKIM-Signature DomainKey-Status Received-SPF",
      "Authentication-Results Received X-Mailjet-Prio X-Mailjet-Debug User-Agent X-Mailer X-MJ-CustomID X-MJ-EventPayload",
      "X-MJ-Vars X-MJ-TemplateErrorDeliver X-MJ-TemplateErrorReporting X-MJ-TemplateLanguage X-Mailjet-TrackOpen",
      "X-Mailjet-TrackClick X-MJ-TemplateID X-MJ-WorkflowID X-Feedback-Id X-Mailjet-Segmentation List-Id X-MJ-MID",
      "X-MJ-ErrorMessage Date X-CSA-Complaints Message-Id X-Mailjet-Campaign X-MJ-StatisticsContactsListID Content-Type",
    ].flatMap((line) => line.split(" ")),
  )("the header %s is send-0011", async (name) => {
    const { body } = await sendOne({ Headers: { [name.toLowerCase()]: "x" } });
    expect(body.Messages[0].Errors).toMatchObject([
      { ErrorCode: "send-0011", StatusCode: 400, ErrorRelatedTo: [`Headers["${name.toLowerCase()}"]`] },
    ]);
  });

  it("several at once are all named", async () => {
    const { body } = await sendOne({ From: undefined, Subject: 5, Priority: 7 });
    expect(body.Messages[0].Errors.map((one: { ErrorCode: string }) => one.ErrorCode)).toEqual([
      "mj-0003",
      "mj-0004",
      "mj-0005",
    ]);
  });

  it("senders that a key or the relays do not allow are send-0008 and send-0006", async () => {
    const { body: key } = await call("POST", "/api-keys", { name: "app", domains: ["example.com"] });
    const as = { authorization: basic("pub", key.token) };
    const other = { Email: "a@example.org" };
    const from = await send({ Messages: [message(someone(), { From: other })] }, as);
    expect(from.status).toBe(403);
    expect(from.body.Messages[0].Errors[0]).toMatchObject({
      ErrorCode: "send-0008",
      ErrorRelatedTo: ["From"],
    });
    const sender = await send({ Messages: [message(someone(), { Sender: other })] }, as);
    expect(sender.status).toBe(403);
    expect(sender.body.Messages[0].Errors[0]).toMatchObject({
      ErrorCode: "send-0006",
      ErrorRelatedTo: ["Sender"],
    });
    expect((await send({ Messages: [message(someone())] }, as)).status).toBe(200);
  });
});

describe("a request refused as a whole", () => {
  it.each([
    ["no JSON", "{nope", 400, "mj-0002"],
    ["nothing", "", 400, "mj-0002"],
    ["a list", [], 400, "mj-0004"],
    ["no Messages", {}, 400, "mj-0003"],
    ["Messages of the wrong type", { Messages: {} }, 400, "mj-0004"],
    ["no message", { Messages: [] }, 400, "mj-0007"],
    ["51 messages", { Messages: Array(51).fill({}) }, 400, "mj-0008"],
    ["Globals of the wrong type", { Messages: [{}], Globals: [] }, 400, "mj-0004"],
    ["SandboxMode of the wrong type", { Messages: [{}], SandboxMode: "yes" }, 400, "mj-0004"],
    ["too large", `"${"a".repeat(41 * 1024 * 1024)}"`, 400, "mj-0011"],
  ])("%s", async (_, body, status, code) => {
    const answer = await send(body);
    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject({ ErrorCode: code, StatusCode: status });
    expect(answer.body.ErrorMessage).toMatch(/.{10,}\.$/);
    expect(answer.body.ErrorIdentifier).toMatch(/^[0-9a-f-]{36}$/);
  });

  it.each([
    ["no credentials", ""],
    ["a wrong pair", basic("a", "b")],
    ["no base64", "Basic %%%"],
    ["no colon", `Basic ${btoa("abc")}`],
    ["another scheme", "Digest abc"],
    ["a wrong token", "Bearer abc"],
  ])("%s is mj-0015", async (_, authorization) => {
    const answer = await send({ Messages: [message(someone())] }, { authorization });
    expect(answer.status).toBe(401);
    expect(answer.body).toMatchObject({ ErrorCode: "mj-0015", StatusCode: 401 });
  });

  it.each([
    ["the private half", basic("public", KEY)],
    ["the public half", basic(KEY, "anything")],
    ["alone with a colon", basic(KEY, "")],
    ["a token", `Bearer ${KEY}`],
  ])("%s of the credentials may be the key", async (_, authorization) => {
    expect((await send({ Messages: [message(someone())] }, { authorization })).status).toBe(200);
  });

  it("a key for sending only sends, and does no more; one used too often is told to wait", async () => {
    const { body: key } = await call("POST", "/api-keys", {
      name: "s",
      permission: "sending_access",
      rate_limit: "2/h",
    });
    const as = { authorization: basic("pub", key.token) };
    const other = await mailjetCall("GET", "/v3/REST/message", undefined, as);
    expect(other.status).toBe(401);
    expect(other.body.ErrorMessage).toContain("restricted");
    for (let i = 0; i < 2; i++) expect((await send({ Messages: [message(someone())] }, as)).status).toBe(200);
    const third = await send({ Messages: [message(someone())] }, as);
    expect(third.status).toBe(429);
    expect(third.body).toMatchObject({ StatusCode: 429, ErrorCode: "" });
    expect(third.headers.get("retry-after")).not.toBeNull();
  });

  it.each([
    ["GET", "/v3.1/send", 405],
    ["POST", "/v3/send", 404],
    ["POST", "/v3/REST/contactslist", 404],
    ["GET", "/v3/DATA/contactslist/1/CSVData", 404],
    ["GET", "/v3.1/other", 404],
  ])("%s %s is answered in this dialect: %i", async (method, path, status) => {
    const answer = await mailjetCall(method, path, method === "POST" ? {} : undefined);
    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject({
      StatusCode: status,
      ErrorMessage: expect.stringContaining("not served"),
    });
  });
});

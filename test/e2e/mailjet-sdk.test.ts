/** Mailjet's official SDK against the product, as an application uses it: only host and keys are changed. */
import { setTimeout as sleep } from "node:timers/promises";
import Mailjet from "node-mailjet";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { arrived, list } from "../support/inbox.ts";
import { Postern, stopAll, temporaryFolder, until } from "../support/postern.ts";
import { startTlsFront, type TlsFront } from "../support/tls-front.ts";
import { WebhookEndpoint } from "../support/webhook-endpoint.ts";

const folder = temporaryFolder();
let postern: Postern;
let front: TlsFront;
let mailjet: Mailjet;
beforeAll(async () => {
  postern = await Postern.start(folder.path, { WEBHOOK_PRIVATE: "allow" });
  front = await startTlsFront(postern.base);
  mailjet = connect("public", postern.key);
});
afterAll(async () => {
  await front?.stop();
  await stopAll();
  folder.remove();
});

const connect = (pub: string, priv: string): Mailjet =>
  Mailjet.apiConnect(pub, priv, { config: { host: front.host } }) as unknown as Mailjet;

// biome-ignore lint/suspicious/noExplicitAny: the SDK types answers by resource; tests look into them.
type Any = any;
const send = async (body: Record<string, unknown>, by = mailjet): Promise<Any> =>
  (await by.post("send", { version: "v3.1" }).request(body as Any)).body;
const refusal = async (call: Promise<unknown>): Promise<Any> => {
  try {
    await call;
  } catch (error) {
    return error;
  }
  throw new Error("the call went through");
};

const message = (subject: string, more: Record<string, unknown> = {}) => ({
  From: { Email: "pilot@example.com", Name: "Pilot" },
  To: [{ Email: "passenger@example.net", Name: "Passenger 1" }],
  Subject: subject,
  TextPart: "Welcome",
  ...more,
});

describe("POST /v3.1/send", () => {
  it("sends with everything a message may have", async () => {
    const body = await send({
      Messages: [
        message("Your flight plan, {{var:first}}", {
          Cc: [{ Email: "copilot@example.net" }],
          Bcc: [{ Email: "tower@example.net" }],
          ReplyTo: { Email: "desk@example.com" },
          HTMLPart: '<h3>Dear {{var:first}}</h3><a href="https://example.org/">Go</a><img src="cid:id1">',
          TemplateLanguage: true,
          Variables: { first: "Ada" },
          CustomID: "Eticket1234",
          EventPayload: "Eticket,1234,row,15,seat,B",
          URLTags: "utm=mail",
          TrackOpens: "enabled",
          TrackClicks: "enabled",
          Headers: { "X-My-header": "X2332X" },
          Attachments: [{ ContentType: "text/plain", Filename: "test.txt", Base64Content: "VGVzdA==" }],
          InlinedAttachments: [
            {
              ContentType: "image/gif",
              Filename: "logo.gif",
              ContentID: "id1",
              Base64Content: "R0lGODlhAQABAAAAACw=",
            },
          ],
        }),
      ],
    });
    const [answer] = body.Messages;
    expect(answer).toMatchObject({ Status: "success", CustomID: "Eticket1234" });
    expect(answer.To[0]).toMatchObject({
      Email: "passenger@example.net",
      MessageUUID: expect.stringMatching(/^[0-9a-f-]{36}$/),
      // As text, since it is beyond 2^53: nothing of it is lost.
      MessageID: expect.stringMatching(/^\d{16,19}$/),
    });
    expect(answer.To[0].MessageHref).toBe(`${postern.base}/v3/REST/message/${answer.To[0].MessageID}`);
    const mail = await arrived(postern.inbox!, "Your flight plan, Ada");
    expect(mail.html).toContain("<h3>Dear Ada</h3>");
    expect(mail.html).toContain(`${postern.base}/c/`);
    expect(mail.attachments.map(({ name }) => name).sort()).toEqual(["logo.gif", "test.txt"]);
    expect(mail.headers).toContainEqual({ name: "x-my-header", value: "X2332X" });
  });

  it("sends with a token too, and with Globals; checks only in sandbox mode", async () => {
    const bearer = new (Mailjet as Any)({
      apiToken: postern.key,
      config: { host: front.host, version: "v3.1" },
    });
    const { Subject: _, ...rest } = message("");
    await send({ Globals: { Subject: "By token" }, Messages: [rest] }, bearer);
    await arrived(postern.inbox!, "By token");
    const body = await send({ SandboxMode: true, Messages: [message("Never sent")] });
    expect(body.Messages[0].To[0]).toMatchObject({ MessageUUID: "", MessageID: 0 });
    expect((await list(postern.inbox!)).some(({ subject }) => subject === "Never sent")).toBe(false);
  });

  it("tells of each message what became of it, and throws when none was taken", async () => {
    const bad = message("Bad one", { To: [{ Email: "nobody" }] });
    const body = await send({ Messages: [bad, message("Good one", { CustomID: "good" })] });
    expect(body.Messages).toMatchObject([
      { Status: "error", Errors: [{ ErrorCode: "mj-0013", ErrorRelatedTo: ["To[0].Email"] }] },
      { Status: "success", CustomID: "good" },
    ]);
    await arrived(postern.inbox!, "Good one");
    const error = await refusal(send({ Messages: [bad] }));
    expect(error.statusCode).toBe(400);
    expect(error.message).toContain('"nobody" is not an address: it has no @.');
  });

  it("throws a global error with its code", async () => {
    const keys = await refusal(send({ Messages: [message("x")] }, connect("public", "wrong")));
    expect([keys.statusCode, keys.ErrorCode]).toEqual([401, "mj-0015"]);
    expect(keys.ErrorIdentifier).toMatch(/^[0-9a-f-]{36}$/);
    const empty = await refusal(send({ Messages: [] }));
    expect([empty.statusCode, empty.ErrorCode]).toEqual([400, "mj-0007"]);
  });
});

describe("GET /v3/REST", () => {
  const rest = async (resource: string, id?: string, query?: Record<string, unknown>): Promise<Any> => {
    const get = mailjet.get(resource, { version: "v3" });
    return (await (id === undefined ? get : get.id(id as Any)).request({}, query as Any)).body;
  };

  it("tells of a message, its history and what its reader did", async () => {
    const { body } = await mailjet.post("send", { version: "v3.1" }).request({
      Messages: [message("Read me", { CustomID: "read", HTMLPart: '<a href="https://e.com/">x</a>' })],
    } as Any);
    const number = (body as Any).Messages[0].To[0].MessageID;
    const mail = await arrived(postern.inbox!, "Read me");
    await sleep(1_100); // Sooner, it would be a scanner.
    const agent = { "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0" };
    const found = (pattern: RegExp) => pattern.exec(mail.html!)![1]!.replaceAll("&amp;", "&");
    await fetch(found(/src="([^"]*\/o\/[^"]*)"/), { headers: agent });
    await fetch(found(/href="([^"]*\/c\/[^"]*)"/), { headers: agent, redirect: "manual" });
    await until(
      async () => (await rest("message", number)).Data[0].Status === "clicked",
      20_000,
      () => "never clicked",
    );
    const [row] = (await rest("message", undefined, { CustomID: "read", ShowSubject: true })).Data;
    expect(row).toMatchObject({ ID: number, Subject: "Read me", Status: "clicked", IsClickTracked: true });
    const history = (await rest("messagehistory", number)).Data;
    expect(history.map(({ EventType }: Any) => EventType)).toEqual(["sent", "opened", "clicked"]);
    expect((await rest("messageinformation", number)).Data[0]).toMatchObject({
      ID: number,
      OpenTrackedCount: 1,
      ClickTrackedCount: 1,
    });
    expect((await rest("openinformation", number)).Data[0].UserAgentFull).toContain("Firefox");
    expect((await rest("clickstatistics", undefined, { MessageID: number })).Data[0].Url).toBe(
      "https://e.com/",
    );
    const [counter] = (
      await rest("statcounters", undefined, {
        CounterSource: "APIKey",
        CounterTiming: "Message",
        CounterResolution: "Lifetime",
      })
    ).Data;
    expect(counter.MessageClickedCount).toBe(1);
    expect(counter.MessageSentCount).toBeGreaterThan(3);
  });

  it("throws for what there is not", async () => {
    const error = await refusal(rest("message", "12345"));
    expect([error.statusCode, error.ErrorMessage]).toEqual([404, "There is no message of this ID."]);
  });
});

describe("eventcallbackurl", () => {
  it("is made, told in Mailjet's words, changed and deleted", async () => {
    const endpoint = new WebhookEndpoint();
    const port = await endpoint.listen();
    try {
      const made = (
        await mailjet
          .post("eventcallbackurl", { version: "v3" })
          .request({ EventType: "sent", Url: `http://user:pass@127.0.0.1:${port}/mailjet` })
      ).body as Any;
      const [{ ID, Status, Version }] = made.Data;
      expect([Status, Version]).toEqual(["alive", 1]);
      const number = (await send({ Messages: [message("Told", { CustomID: "told", EventPayload: "p" })] }))
        .Messages[0].To[0].MessageID;
      await until(
        () => endpoint.told.length > 0,
        20_000,
        () => "never told",
      );
      const [told] = endpoint.told;
      expect(told!.headers.authorization).toBe(`Basic ${btoa("user:pass")}`);
      expect(told!.body).toContain(`"MessageID":${number},`);
      expect(JSON.parse(told!.body)).toMatchObject({
        event: "sent",
        email: "passenger@example.net",
        CustomID: "told",
        Payload: "p",
        smtp_reply: expect.stringMatching(/^sent \(250 /),
      });
      const callback = (method: "get" | "put" | "delete") =>
        mailjet[method]("eventcallbackurl", { version: "v3" }).id(ID);
      await callback("put").request({ Version: 2, Status: "dead" });
      expect(((await callback("get").request()).body as Any).Data[0]).toMatchObject({
        Version: 2,
        Status: "dead",
      });
      await callback("delete").request();
      expect((await refusal(callback("get").request())).statusCode).toBe(404);
    } finally {
      endpoint.close();
    }
  });
});

describe("while libSQL cannot be reached", () => {
  it("messages are sent, but for those that ask who was mailed before: then nothing is", async () => {
    const data = temporaryFolder();
    const away = await Postern.start(data.path, { LIBSQL_URL: "http://127.0.0.1:9" });
    const door = await startTlsFront(away.base);
    try {
      const sdk = Mailjet.apiConnect("public", away.key, {
        config: { host: door.host },
      }) as unknown as Mailjet;
      const deduplicated = { CustomCampaign: "spring", DeduplicateCampaign: true };
      const error = await refusal(send({ Messages: [message("Plain"), message("Once", deduplicated)] }, sdk));
      expect([error.statusCode, error.ErrorCode]).toEqual([503, ""]);
      await send({ Messages: [message("After")] }, sdk);
      await arrived(away.inbox!, "After");
      expect((await list(away.inbox!)).map(({ subject }) => subject)).toEqual(["After"]);
      expect((await refusal(sdk.get("message", { version: "v3" }).request())).statusCode).toBe(503);
    } finally {
      await door.stop();
      await away.stop();
      data.remove();
    }
  });
});

describe("what is not served", () => {
  it("says so", async () => {
    const error = await refusal(mailjet.get("contactslist").request());
    expect(error.statusCode).toBe(404);
    expect(error.ErrorMessage).toContain("GET /v3/REST/contactslist is not served here");
  });
});

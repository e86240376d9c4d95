/** /v3/REST/eventcallbackurl, and events told in Mailjet's words. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it } from "vitest";
import { allLedgers, type Env } from "../../src/env.ts";
import { call, mailFor, poll, someone, worker } from "../support/api.ts";
import { basic, mailjetCall } from "../support/mailjet.ts";
import { startEndpoint } from "../support/webhooks.ts";

const PATH = "/v3/REST/eventcallbackurl";
const BROWSER =
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36";

afterEach(async () => {
  for (const { id } of (await call("GET", "/webhooks?limit=100")).body.data)
    await call("DELETE", `/webhooks/${id}`);
});

const make = (body: Record<string, unknown>) => mailjetCall("POST", PATH, body);
const exact = (text: string) => JSON.parse(text.replace(/:(\d{16,})/g, ':"$1"'));

interface Sent {
  to: string;
  number: string;
  uuid: string;
}
async function sent(to = someone(), more: Record<string, unknown> = {}): Promise<Sent> {
  const { body } = await mailjetCall("POST", "/v3.1/send", {
    Messages: [
      {
        From: { Email: "ada@example.com" },
        To: [{ Email: to }],
        Subject: "Hello",
        HTMLPart: '<a href="https://example.org/x">go</a>',
        CustomID: "c-1",
        EventPayload: "row,15",
        CustomCampaign: "spring",
        ...more,
      },
    ],
  });
  const [seat] = body.Messages[0].To;
  return { to, number: seat.MessageID, uuid: seat.MessageUUID };
}

const common = (event: string, { to, number, uuid }: Sent) => ({
  event,
  time: expect.any(Number),
  MessageID: number,
  Message_GUID: uuid,
  email: to,
  mj_campaign_id: expect.any(Number),
  mj_contact_id: expect.any(Number),
  customcampaign: "spring",
  CustomID: "c-1",
  Payload: "row,15",
});

describe("eventcallbackurl", () => {
  it("is made, listed, found by number and by key, changed and deleted", async () => {
    const made = await make({ EventType: "click", Url: "https://example.com/hook", Version: 2 });
    expect(made.status).toBe(201);
    const [row] = made.body.Data;
    expect(made.body).toMatchObject({ Count: 1, Total: 1 });
    expect(row).toEqual({
      APIKeyID: 0,
      EventType: "click",
      ID: expect.stringMatching(/^\d{16,19}$/),
      IsBackup: false,
      Status: "alive",
      Url: "https://example.com/hook",
      Version: 2,
    });
    await make({ Url: "https://example.com/open" });
    const listed = (await mailjetCall("GET", PATH)).body.Data;
    expect(listed.map(({ EventType }: { EventType: string }) => EventType)).toEqual(["click", "open"]);
    for (const key of [row.ID, "click%7Cfalse"])
      expect((await mailjetCall("GET", `${PATH}/${key}`)).body.Data).toEqual([row]);
    for (const query of ["EventType=1", "EventType=click", "Version=2", "Limit=1"])
      expect((await mailjetCall("GET", `${PATH}?${query}`)).body.Data).toEqual([row]);
    expect((await mailjetCall("GET", `${PATH}?countOnly=1`)).body.Total).toBe(2);
    const changed = await mailjetCall("PUT", `${PATH}/${row.ID}`, {
      Url: "https://user:pa%20ss@example.com/new",
      EventType: "bounce",
      Version: "1",
      Status: "dead",
    });
    expect(changed.status).toBe(200);
    expect(changed.body.Data).toEqual([
      {
        ...row,
        Url: "https://user:pa%20ss@example.com/new",
        EventType: "bounce",
        Version: 1,
        Status: "dead",
      },
    ]);
    const native = (await call("GET", "/webhooks")).body.data;
    expect(native.map(({ endpoint }: { endpoint: string }) => endpoint).sort()).toEqual([
      "https://example.com/new",
      "https://example.com/open",
    ]);
    const revived = await mailjetCall("PUT", `${PATH}/${row.ID}`, { Url: "https://example.com/third" });
    expect(revived.body.Data[0].Status).toBe("alive");
    const gone = await mailjetCall("DELETE", `${PATH}/${row.ID}`);
    expect([gone.status, gone.text]).toEqual([204, ""]);
    for (const method of ["GET", "PUT", "DELETE"])
      expect((await mailjetCall(method, `${PATH}/${row.ID}`, method === "PUT" ? {} : undefined)).status).toBe(
        404,
      );
  });

  it.each([
    ["no Url", { EventType: "open" }, '"Url"'],
    ["no URL", { Url: "nowhere" }, '"Url"'],
    ["an unknown event", { EventType: "read", Url: "https://e.com" }, '"EventType"'],
    ["an unknown version", { Version: 3, Url: "https://e.com" }, '"Version"'],
    ["a backup", { IsBackup: true, Url: "https://e.com" }, '"IsBackup"'],
    ["no object", [], "body"],
    ["no JSON", "{", "JSON"],
  ])("refuses %s", async (_, body, why) => {
    const { status, body: error } = await mailjetCall("POST", PATH, body);
    expect(status).toBe(400);
    expect(error.ErrorMessage).toContain(why);
  });

  it("takes one of each kind", async () => {
    await make({ EventType: "sent", Url: "https://example.com/1" });
    const again = await make({ EventType: "sent", Url: "https://example.com/2" });
    expect(again.status).toBe(400);
    expect(again.body.ErrorMessage).toContain('for "sent" already');
    const other = await make({ EventType: "spam", Url: "https://example.com/3" });
    const change = await mailjetCall("PUT", `${PATH}/${other.body.Data[0].ID}`, { EventType: "sent" });
    expect(change.status).toBe(400);
    expect((await mailjetCall("PATCH", PATH, {})).status).toBe(405);
  });
});

describe("events", () => {
  it("sent, open and click are told each by itself, unsigned, with the URL's user and password", async () => {
    const endpoint = await startEndpoint();
    const url = endpoint.url.replace("://", "://me:s%C3%A9cret@");
    for (const EventType of ["sent", "open", "click"])
      expect((await make({ EventType, Url: url })).status).toBe(201);
    const message = await sent();
    const html = (await mailFor(message.to))[0]!.email.html!;
    const links = {
      open: /src="([^"]*\/o\/[^"]*)"/.exec(html)![1]!,
      click: /href="([^"]*\/c\/[^"]*)"/.exec(html)![1]!,
    };
    await worker().fetch(links.open, { headers: { "user-agent": "scanner/1" } }); // At once: nobody's eyes.
    await endpoint.told(1);
    await scheduler.wait(1_100);
    const headers = { "user-agent": BROWSER };
    await worker().fetch(links.open, { headers });
    await worker().fetch(links.click, { headers, redirect: "manual" });
    const told = await endpoint.told(3);
    expect(told).toHaveLength(3);
    for (const { headers: given, method } of told) {
      expect(method).toBe("POST");
      expect(given["content-type"]).toBe("application/json");
      expect(given.authorization).toBe(`Basic ${Buffer.from("me:sécret", "utf8").toString("base64")}`);
      expect(given["webhook-signature"]).toBeUndefined();
      expect(given["svix-id"]).toBeUndefined();
    }
    const events = told.map(({ body }) => exact(body));
    expect(told[0]!.body).toContain(`"MessageID":${message.number},`);
    expect(events).toEqual([
      {
        ...common("sent", message),
        mj_message_id: message.number,
        smtp_reply: expect.stringMatching(/^sent \(250 .+\)$/),
      },
      { ...common("open", message), ip: "", geo: "", agent: BROWSER },
      { ...common("click", message), url: "https://example.org/x", ip: "", geo: "", agent: BROWSER },
    ]);
  });

  it("bounce, blocked, spam and unsub carry what went wrong", async () => {
    const endpoint = await startEndpoint();
    for (const EventType of ["bounce", "blocked", "spam", "unsub"])
      expect((await make({ EventType, Url: endpoint.url })).status).toBe(201);
    const told = async (count: number) => exact((await endpoint.told(count))[count - 1]!.body);

    const bounced = await sent(someone("unknown"));
    expect(await told(1)).toEqual({
      ...common("bounce", bounced),
      blocked: true,
      hard_bounce: true,
      error_related_to: "recipient",
      error: "user unknown",
      comment: "User unknown",
    });

    const first = await sent(someone(), { CustomCampaign: "spring" });
    await poll(
      async () => (await mailjetCall("GET", `/v3/REST/message/${first.number}`)).body.Data[0].Status,
      (status) => status === "sent",
    );
    const blocked = await sent(first.to, { DeduplicateCampaign: true });
    expect(await told(2)).toEqual({
      ...common("blocked", blocked),
      error_related_to: "mailjet",
      error: "duplicate in campaign",
    });

    const complained = await sent("complained@postern.test");
    expect(await told(3)).toEqual({ ...common("spam", complained), source: "" });

    const { body } = await call("POST", "/emails", {
      from: "ada@example.com",
      to: someone(),
      subject: "S",
      html: '<a href="{{unsubscribe_url}}">leave</a>',
      unsubscribe: true,
    });
    const [taken] = await mailFor((await call("GET", `/emails/${body.id}`)).body.to[0]);
    const leave = new URL(/<(https[^>]+)>/.exec(taken!.raw.replace(/\r\n\s/g, ""))![1]!);
    await worker().fetch(`https://mail.example.com${leave.pathname}`, {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded", "user-agent": BROWSER },
      body: "List-Unsubscribe=One-Click",
    });
    expect(await told(4)).toMatchObject({
      event: "unsub",
      Message_GUID: body.id,
      mj_list_id: 0,
      customcampaign: "",
      CustomID: "",
      Payload: "",
    });
  });

  it("come as lists with Version 2, and again until they are taken", async () => {
    const endpoint = await startEndpoint([{ status: 500 }, {}]);
    await make({ EventType: "sent", Url: endpoint.url, Version: 2 });
    const { body } = await mailjetCall("POST", "/v3.1/send", {
      Globals: { From: { Email: "ada@example.com" }, Subject: "S", TextPart: "T" },
      Messages: Array.from({ length: 20 }, () => ({ To: [{ Email: someone() }] })),
    });
    const numbers = body.Messages.map((one: { To: [{ MessageID: string }] }) => one.To[0].MessageID).sort();
    const lists = async () =>
      (await endpoint.told()).map((told) => exact(told.body) as { MessageID: string }[]);
    // The first, refused call is not counted: what it held has to come once more.
    const taken = async () => (await lists()).slice(1).flat();
    const told = await poll(taken, (got) => got.length >= numbers.length, 20_000);
    expect(told.map((one) => one.MessageID).sort()).toEqual(numbers);
    expect((await lists()).length).toBeLessThan(numbers.length);
  }, 60_000);

  it("of webhooks of our own dialect stay as they are beside them", async () => {
    const [theirs, ours] = [await startEndpoint(), await startEndpoint()];
    await make({ EventType: "sent", Url: theirs.url });
    const made = await call("POST", "/webhooks", { endpoint: ours.url, events: ["email.sent"] });
    expect(made.status).toBe(201);
    const message = await sent();
    const [told] = await ours.told(1);
    expect(JSON.parse(told!.body)).toMatchObject({ type: "email.sent", data: { email_id: message.uuid } });
    expect(told!.headers["webhook-signature"]).toMatch(/^v1,/);
    expect(exact((await theirs.told(1))[0]!.body)).toMatchObject({
      event: "sent",
      MessageID: message.number,
    });
  });

  it("forget a person whom they mention", async () => {
    const endpoint = await startEndpoint([{ status: 500 }]);
    await make({ EventType: "sent", Url: endpoint.url });
    const [to, friend] = [someone(), someone("friend")] as const;
    await sent(to, { EventPayload: `from ${friend}` });
    expect((await endpoint.told(1))[0]!.body).toContain(`from ${friend}`);
    const ledger = allLedgers(env as unknown as Env, 1)[0]!;
    expect(await ledger.erase(friend, [])).toMatchObject({ webhook_events: 1 });
    const kept = () =>
      runInDurableObject(ledger, (_, { storage }) =>
        JSON.stringify(storage.sql.exec("SELECT * FROM webhook_event").toArray()),
      );
    expect(await kept()).not.toContain(friend);
    expect(await kept()).toContain("from (erased)");
    await ledger.erase(to, []);
    expect(await kept()).not.toContain(to);
  });

  it("need a key of full access to be asked for", async () => {
    const { body: key } = await call("POST", "/api-keys", { name: "s", permission: "sending_access" });
    const { status } = await mailjetCall("GET", PATH, undefined, { authorization: basic("p", key.token) });
    expect(status).toBe(401);
  });
});

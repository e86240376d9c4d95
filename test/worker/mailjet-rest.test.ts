/** GET /v3/REST/…: what was sent and what came of it, as Mailjet's resources tell it. */
import { describe, expect, it } from "vitest";
import { messageNumber } from "../../src/core/message-number.ts";
import { call, mailFor, poll, someone, worker } from "../support/api.ts";
import { mailjetCall } from "../support/mailjet.ts";

const get = (path: string) => mailjetCall("GET", `/v3/REST/${path}`);
const BROWSER =
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36";

interface Sent {
  to: string;
  number: string;
  uuid: string;
}

/** Sends one message and answers what names it. */
async function sent(more: Record<string, unknown> = {}, to = someone()): Promise<Sent> {
  const { body } = await mailjetCall("POST", "/v3.1/send", {
    Messages: [
      {
        From: { Email: "ada@example.com" },
        To: [{ Email: to }],
        Subject: "Hello",
        HTMLPart: '<a href="https://example.org/x">go</a>',
        ...more,
      },
    ],
  });
  const [seat] = body.Messages[0].To;
  return { to, number: seat.MessageID, uuid: seat.MessageUUID };
}

/** A message's row, once it has this status. */
const withStatus = (number: string, status: string) =>
  poll(
    async () => (await get(`message/${number}`)).body.Data?.[0],
    (row) => row?.Status === status,
  );

/** Opens and clicks as a person does, some time after sending. */
async function read(to: string): Promise<void> {
  const html = (await mailFor(to))[0]!.email.html!;
  await scheduler.wait(1_100); // Sooner, it would be a scanner.
  const headers = { "user-agent": BROWSER };
  await worker().fetch(/src="([^"]*\/o\/[^"]*)"/.exec(html)![1]!, { headers });
  await worker().fetch(/href="([^"]*\/c\/[^"]*)"/.exec(html)![1]!, { headers, redirect: "manual" });
}

describe("message", () => {
  it("is found by its number, with all there is to say", async () => {
    const { to, number, uuid } = await sent({
      CustomID: "c-1",
      CustomCampaign: "spring",
      TextPart: "words",
      TrackClicks: "disabled",
      Attachments: [{ ContentType: "text/plain", Filename: "a.txt", Base64Content: "QQ==" }],
    });
    await withStatus(number, "sent");
    const { status, text, body } = await get(`message/${number}`);
    expect(status).toBe(200);
    expect(text).toContain(`"ID":${number},`);
    expect(body).toEqual({
      Count: 1,
      Total: 1,
      Data: [
        {
          ArrivedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
          AttachmentCount: 1,
          AttemptCount: 1,
          CampaignID: expect.any(Number),
          ContactAlt: to,
          ContactID: expect.any(Number),
          CustomID: "c-1",
          Delay: expect.any(Number),
          DestinationID: expect.any(Number),
          FilterTime: 0,
          ID: number,
          IsClickTracked: false,
          IsHTMLPartIncluded: true,
          IsOpenTracked: true,
          IsTextPartIncluded: true,
          IsUnsubTracked: false,
          MessageSize: expect.any(Number),
          SenderID: expect.any(Number),
          SpamassassinScore: 0,
          SpamassRules: "",
          StateID: 0,
          StatePermanent: false,
          Status: "sent",
          Subject: "Hello",
          UUID: uuid,
        },
      ],
    });
  });

  it("has a row for each recipient, with a status of its own", async () => {
    const [good, bad] = [someone("good"), someone("unknown")] as const;
    const { body } = await mailjetCall("POST", "/v3.1/send", {
      Messages: [
        {
          From: { Email: "a@example.com" },
          To: [{ Email: good }],
          Cc: [{ Email: bad }],
          Subject: "x",
          TextPart: "y",
        },
      ],
    });
    const [{ To, Cc }] = body.Messages;
    expect((await withStatus(To[0].MessageID, "sent")).ContactAlt).toBe(good);
    expect(await withStatus(Cc[0].MessageID, "hardbounced")).toMatchObject({
      ContactAlt: bad,
      StateID: 1,
      StatePermanent: true,
    });
    const history = await get(`messagehistory/${Cc[0].MessageID}`);
    expect(history.body.Data).toEqual([
      {
        Comment: "User unknown",
        EventAt: expect.any(Number),
        EventType: "bounced",
        State: "user unknown",
        Useragent: "",
        UseragentID: 0,
      },
    ]);
  });

  it("is listed by CustomID, campaign, contact, status, state and time, a page at a time", async () => {
    const mark = someone("mark");
    const before = Date.now();
    const first = await sent({ CustomID: mark, CustomCampaign: `c-${mark}` });
    const second = await sent({ CustomID: mark, CustomCampaign: `c-${mark}` });
    const bounced = await sent({ CustomID: mark }, someone("unknown"));
    await withStatus(first.number, "sent");
    await withStatus(second.number, "sent");
    await withStatus(bounced.number, "hardbounced");
    const q = `message?CustomID=${encodeURIComponent(mark)}`;
    const numbers = async (path: string) => (await get(path)).body.Data.map(({ ID }: { ID: string }) => ID);
    expect(await numbers(q)).toEqual([first.number, second.number, bounced.number]);
    expect(await numbers(`${q}&Sort=ArrivedAt+DESC`)).toEqual([bounced.number, second.number, first.number]);
    expect(await numbers(`${q}&Sort=ID%2BDESC&Limit=1&Offset=1`)).toEqual([second.number]);
    expect(await numbers(`${q}&limit=2`)).toEqual([first.number, second.number]);
    expect(await numbers(`${q}&MessageStatus=2`)).toEqual([first.number, second.number]);
    expect(await numbers(`${q}&MessageStatus=5`)).toEqual([bounced.number]);
    expect(await numbers(`${q}&MessageStatus=10`)).toEqual([bounced.number]);
    expect(await numbers(`${q}&MessageStatus=9`)).toEqual([]);
    expect(await numbers(`${q}&MessageStatus=0`)).toHaveLength(3);
    expect(await numbers(`${q}&MessageState=1`)).toEqual([bounced.number]);
    expect(await numbers(`message?CustomCampaign=c-${mark}`)).toEqual([first.number, second.number]);
    expect(await numbers(`message?Contact=${second.to}`)).toEqual([second.number]);
    expect(await numbers(`${q}&FromTS=${Math.floor(before / 1000)}`)).toHaveLength(3);
    expect(await numbers(`${q}&ToTS=${Math.floor(before / 1000) - 1}`)).toEqual([]);
    expect(await numbers(`${q}&FromTS=${new Date(before + 3_600_000).toISOString()}`)).toEqual([]);
    expect((await get(`${q}&countOnly=1`)).body).toEqual({ Count: 3, Data: [], Total: 3 });
    const [plain] = (await get(`${q}&Limit=1`)).body.Data;
    expect(plain).toMatchObject({ Subject: "", ContactAlt: "" });
    expect(plain).not.toHaveProperty("CustomID");
    const [shown] = (await get(`${q}&Limit=1&ShowSubject=true&ShowContactAlt=1&ShowCustomID=true`)).body.Data;
    expect(shown).toMatchObject({ Subject: "Hello", ContactAlt: first.to, CustomID: mark });
  });

  it("of bulk mail is found too, however far down the list its recipient stands", async () => {
    const to = Array.from({ length: 70 }, (_, i) => someone(`bulk${i}`));
    const { body } = await call("POST", "/emails/bulk", {
      from: "a@example.com",
      subject: "Bulk",
      text: "Words",
      recipients: to.map((address) => ({ to: address })),
    });
    for (const index of [0, 62, 63, 69]) {
      const number = String(messageNumber(body.id, index));
      const { Data } = (await get(`message/${number}`)).body;
      expect(Data).toMatchObject([{ ID: number, UUID: body.id, ContactAlt: to[index] }]);
    }
    expect((await get(`message/${messageNumber(body.id, 70)}`)).status).toBe(404);
  });

  it.each(["0", "12345", "9223372036854775808", "99999999999999999999", "abc", "4611686018427387904"])(
    "%s is not found",
    async (id) => {
      for (const resource of ["message", "messagehistory", "messageinformation", "openinformation"]) {
        const answer = await get(`${resource}/${id}`);
        expect(answer.status).toBe(404);
        expect(answer.body).toMatchObject({
          StatusCode: 404,
          ErrorMessage: "There is no message of this ID.",
        });
      }
    },
  );

  it.each([
    ["message?Limit=1001", "Limit"],
    ["message?Limit=x", "Limit"],
    ["message?Offset=-1", "Offset"],
    ["message?Sort=Subject", "Sort"],
    ["message?Sort=ID+UP", "Sort"],
    ["message?MessageStatus=12", "MessageStatus"],
    ["message?MessageState=22", "MessageState"],
    ["message?FromTS=yesterday", "FromTS"],
    ["message?ToTS=2026-13-01", "ToTS"],
    ["message?Contact=123", "Contact"],
    ["message?Campaign=5", "Campaign"],
    ["message?ShowSubject=maybe", "ShowSubject"],
    ["message?countOnly=2", "countOnly"],
    ["messageinformation?From=x", "From"],
    ["openinformation?Period=Day", "Period"],
    ["statcounters", "CounterSource"],
    ["statcounters?CounterSource=APIKey&CounterTiming=Never&CounterResolution=Day", "CounterTiming"],
    ["statcounters?CounterSource=List&CounterTiming=Message&CounterResolution=Day", "CounterSource"],
    ["statcounters?CounterSource=APIKey&CounterTiming=Event&CounterResolution=Hour&FromTS=1", "FromTS"],
  ])("%s is refused with the filter's name", async (path, name) => {
    const { status, body } = await get(path);
    expect(status).toBe(400);
    expect(body).toMatchObject({ StatusCode: 400, ErrorMessage: expect.stringContaining(`"${name}"`) });
  });

  it.each(["POST", "PUT", "DELETE"])("takes no %s", async (method) => {
    const { status, headers } = await mailjetCall(
      method,
      "/v3/REST/message/5",
      method === "DELETE" ? undefined : {},
    );
    expect([status, headers.get("allow")]).toEqual([405, "GET"]);
  });
});

describe("what readers did", () => {
  it("is in history, information, openinformation and clickstatistics", async () => {
    const { to, number } = await sent({ CustomCampaign: "c" });
    await withStatus(number, "sent");
    await read(to);
    await withStatus(number, "clicked");
    const history = (await get(`messagehistory/${number}`)).body.Data;
    expect(history.map(({ EventType }: { EventType: string }) => EventType)).toEqual([
      "sent",
      "opened",
      "clicked",
    ]);
    expect(history[1]).toMatchObject({ Useragent: BROWSER, UseragentID: expect.any(Number) });
    expect(history[2].Comment).toBe("https://example.org/x");
    expect((await get(`messageinformation/${number}`)).body.Data).toEqual([
      {
        CampaignID: expect.any(Number),
        ClickTrackedCount: 1,
        ContactID: expect.any(Number),
        CreatedAt: expect.any(String),
        ID: number,
        MessageSize: expect.any(Number),
        OpenTrackedCount: 1,
        QueuedCount: 0,
        SendEndAt: expect.stringMatching(/Z$/),
        SentCount: 1,
        SpamAssassinRules: { Items: [] },
        SpamAssassinScore: 0,
      },
    ]);
    const opens = (await get(`openinformation/${number}`)).body.Data;
    expect(opens).toMatchObject([
      { MessageID: number, UserAgentFull: BROWSER, UserAgentID: history[1].UseragentID },
    ]);
    const listed = (await get("openinformation?Sort=OpenedAt+DESC&Limit=1000")).body.Data;
    expect(listed.map(({ MessageID }: { MessageID: string }) => MessageID)).toContain(number);
    const clicks = await get(`clickstatistics?MessageID=${number}`);
    expect(clicks.body.Data).toMatchObject([
      {
        MessageID: number,
        Url: "https://example.org/x",
        ClickedDelay: expect.any(Number),
        ID: expect.any(String),
      },
    ]);
    expect((await get(`clickstatistics?MessageID=${number}&countOnly=true`)).body.Total).toBe(1);
    expect((await get("clickstatistics?MessageID=5")).body).toEqual({ Count: 0, Data: [], Total: 0 });
  });

  it("bounces are in bouncestatistics, with their state", async () => {
    const { number } = await sent({}, someone("unknown"));
    await withStatus(number, "hardbounced");
    expect((await get(`bouncestatistics/${number}`)).body.Data).toEqual([
      {
        BouncedAt: expect.any(String),
        CampaignID: 0,
        ContactID: expect.any(Number),
        ID: number,
        IsBlocked: true,
        IsStatePermanent: true,
        StateID: 1,
      },
    ]);
  });
});

describe("statcounters", () => {
  const counters = async (query: string) =>
    (await get(`statcounters?CounterSource=APIKey&${query}`)).body.Data as Record<string, number>[];
  it("count everything, by the time of events or of sending", async () => {
    const read1 = await sent();
    const bad = await sent({}, someone("unknown"));
    await withStatus(read1.number, "sent");
    await withStatus(bad.number, "hardbounced");
    await read(read1.to);
    await withStatus(read1.number, "clicked");
    for (const query of [
      "CounterTiming=Message&CounterResolution=Lifetime",
      "CounterTiming=Message&CounterResolution=Day&Sort=Timeslice+DESC",
      "CounterTiming=Message&CounterResolution=Hour&Sort=Timeslice+DESC",
      "CounterTiming=Event&CounterResolution=Day&Sort=Timeslice+DESC",
      "CounterTiming=Event&CounterResolution=Highest&Sort=Timeslice+DESC",
    ]) {
      const [row] = await counters(query);
      expect(Object.keys(row!)).toHaveLength(22);
      for (const name of [
        "MessageSentCount",
        "MessageOpenedCount",
        "MessageClickedCount",
        "EventOpenedCount",
        "EventClickedCount",
        "MessageHardBouncedCount",
      ])
        expect([query, name, row![name]! >= 1]).toEqual([query, name, true]);
      expect(row!.Total).toBeGreaterThanOrEqual(2);
    }
    const [day] = await counters("CounterTiming=Event&CounterResolution=Day&Sort=Timeslice+DESC");
    expect(day!.Timeslice).toMatch(/^\d{4}-\d\d-\d\dT00:00:00Z$/);
    expect((await counters("CounterTiming=Event&CounterResolution=Lifetime"))[0]!.Timeslice).toBe("");
  });

  it("agree with each other, and know nothing of the future", async () => {
    const all = await counters("CounterTiming=Event&CounterResolution=Lifetime");
    const days = await counters("CounterTiming=Event&CounterResolution=Day&Limit=0");
    const sum = (name: string) => days.reduce((total, row) => total + row[name]!, 0);
    for (const name of ["MessageSentCount", "EventOpenedCount", "MessageHardBouncedCount"])
      expect(sum(name)).toBe(all[0]![name]);
    const future = Math.floor(Date.now() / 1000) + 7_200;
    expect(
      await counters(`CounterTiming=Event&CounterResolution=Day&FromTS=${future}&ToTS=${future + 60}`),
    ).toEqual([]);
    expect(
      await counters(`CounterTiming=Message&CounterResolution=Hour&FromTS=${future}&ToTS=${future + 60}`),
    ).toEqual([]);
  });
});

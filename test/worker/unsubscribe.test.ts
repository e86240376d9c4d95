/** To leave: from the header of a mail that arrived to the event, by button and by page, and what does not act. */
import { describe, expect, it } from "vitest";
import { type Answer, call, eventsOf, mailFor, poll, someone, worker } from "../support/api.ts";

const mail = (to: string, more: Record<string, unknown> = {}) => ({
  from: "news@example.com",
  to,
  subject: "News",
  html: '<p>Hi</p><a href="{{unsubscribe_url}}">leave</a>',
  unsubscribe: { topic: "news" },
  ...more,
});

/** Sends a mail, and reads the path of its link from the header. */
async function sent(more: Record<string, unknown> = {}) {
  const to = someone("bea");
  const posted = await call("POST", "/emails", mail(to, more));
  expect(posted.status, JSON.stringify(posted.body)).toBe(200);
  const [taken] = await mailFor(to);
  const header = taken!.email.headers.find(({ key }) => key === "list-unsubscribe")?.value ?? "";
  const path = /^<https:\/\/mail\.example\.com(\/u\/[^>]+)>/.exec(header)?.[1] ?? "";
  return { id: posted.body.id as string, to, path, taken: taken! };
}

const form = (body: string, type = "application/x-www-form-urlencoded") => ({
  method: "POST",
  headers: { "content-type": type, "user-agent": "Mozilla/5.0" },
  redirect: "manual" as const,
  body,
});
const post = (path: string, init: RequestInit) => worker().fetch(`https://mail.example.com${path}`, init);
const told = (events: Answer["body"][]) => events.filter(({ type }) => /subscribed$/.test(type));

describe("a mail with a way to unsubscribe", () => {
  it("carries it in header and content, and one POST is enough", async () => {
    const { id, to, path, taken } = await sent();
    expect(taken.email.html).toContain(`href="https://mail.example.com${path}"`);
    expect(taken.raw).toContain("\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n");
    const answer = await post(path, form("List-Unsubscribe=One-Click"));
    expect([answer.status, await answer.text()]).toEqual([200, "Unsubscribed.\n"]);
    expect(answer.headers.get("set-cookie")).toBeNull();
    const events = told(await eventsOf(id, (types) => types.includes("email.unsubscribed")));
    expect(events).toMatchObject([
      {
        type: "email.unsubscribed",
        recipient: to,
        data: {
          unsubscribe: { address: to, topic: "news", via: "one_click" },
          visitor: { user_agent: "Mozilla/5.0" },
        },
      },
    ]);
  });

  it.each([
    [
      "multipart",
      form(
        '--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n',
        "multipart/form-data; boundary=b",
      ),
      "one_click",
    ],
    ["an empty body", { method: "POST" }, "page"],
    ["a body of another kind", form("{}", "application/json"), "page"],
    ["a body too large to be read", form("x".repeat(100_000)), "page"],
  ])("acts on a POST with %s", async (_, init, via) => {
    const { id, path } = await sent();
    expect((await post(path, init)).status).toBe(200);
    const [event] = told(await eventsOf(id, (types) => types.includes("email.unsubscribed")));
    expect(event.data.unsubscribe.via).toBe(via);
  });

  it("shows a page on GET and does nothing, however often; HEAD likewise", async () => {
    const { id, to, path } = await sent();
    for (let i = 0; i < 3; i++) {
      const answer = await worker().fetch(`https://mail.example.com${path}`);
      const text = await answer.text();
      expect(answer.status).toBe(200);
      expect(answer.headers.get("content-security-policy")).toContain("default-src 'none'");
      expect(answer.headers.get("cache-control")).toBe("no-store");
      expect(text).toMatch(/^<!doctype html>/i);
      expect(text).toContain("b…@example.net");
      expect(text).not.toContain(to);
      expect(text).not.toMatch(/<script|https?:\/\//);
    }
    expect((await worker().fetch(`https://mail.example.com${path}`, { method: "HEAD" })).status).toBe(200);
    expect(told(await eventsOf(id, (types) => types.includes("email.sent")))).toEqual([]);
  });

  it("offers the way back, and takes it", async () => {
    const { id, path } = await sent();
    const left = await (await post(path, form("action=leave"))).text();
    expect(left).toContain('value="return"');
    const back = await (await post(path, form("action=return"))).text();
    expect(back).toContain("subscribed again");
    const events = told(await eventsOf(id, (types) => types.includes("email.resubscribed")));
    expect(events.map(({ type, data }) => [type, data.unsubscribe.via, data.unsubscribe.topic])).toEqual([
      ["email.unsubscribed", "page", "news"],
      ["email.resubscribed", "page", "news"],
    ]);
  });

  it("is left once, however often the button is pressed or its POST sent again", async () => {
    const { id, path } = await sent();
    for (let i = 0; i < 3; i++) await post(path, form("List-Unsubscribe=One-Click"));
    await post(path, form("action=leave"));
    for (let i = 0; i < 2; i++) await post(path, form("action=return"));
    for (let i = 0; i < 2; i++) await post(path, form("List-Unsubscribe=One-Click"));
    const events = told(
      await eventsOf(id, (types) => types.filter((type) => type === "email.unsubscribed").length > 1),
    );
    expect(events.map(({ type, data }) => [type, data.unsubscribe.via])).toEqual([
      ["email.unsubscribed", "one_click"],
      ["email.resubscribed", "page"],
      ["email.unsubscribed", "one_click"],
    ]);
  });

  it("is left again by whoever was let in by hand", async () => {
    const { to, path } = await sent();
    const entry = `/suppressions/${encodeURIComponent(to)}?topic=news`;
    for (let i = 0; i < 2; i++) {
      await post(path, form("List-Unsubscribe=One-Click"));
      await poll(
        () => call("GET", entry),
        ({ status }) => status === 200,
      );
      expect((await call("DELETE", entry)).status).toBe(200);
    }
  });

  it("without a topic means everything", async () => {
    const { id, path, to } = await sent({ unsubscribe: true });
    await post(path, form("List-Unsubscribe=One-Click"));
    const [event] = told(await eventsOf(id, (types) => types.includes("email.unsubscribed")));
    expect(event.data.unsubscribe).toEqual({ address: to, topic: null, via: "one_click" });
  });

  it("gives each recipient of a bulk message a link of their own", async () => {
    const readers = [someone("ann"), someone("ben")];
    const posted = await call("POST", "/emails/bulk", {
      from: "news@example.com",
      subject: "News",
      text: "Leave: {{unsubscribe_url}}",
      topic_id: "offers",
      unsubscribe: true,
      recipients: readers.map((to) => ({ to })),
    });
    expect(posted.status, JSON.stringify(posted.body)).toBe(200);
    const links = [];
    for (const to of readers) {
      const [taken] = await mailFor(to);
      links.push(/\/u\/[\w-]+/.exec(taken!.email.text!)![0]);
    }
    expect(new Set(links).size).toBe(2);
    await post(links[1]!, form("List-Unsubscribe=One-Click"));
    const events = told(await eventsOf(posted.body.id, (types) => types.includes("email.unsubscribed")));
    expect(events).toMatchObject([
      {
        recipient: readers[1],
        recipient_index: 1,
        data: { unsubscribe: { address: readers[1], topic: "offers" } },
      },
    ]);
  });
});

describe("what does not act", () => {
  it.each([
    ["no token", ""],
    ["a short one", "x"],
    ["one of a pixel's length", "A".repeat(43)],
    ["a long one", "A".repeat(5_000)],
  ])("%s", async (_, token) => {
    const get = await worker().fetch(`https://mail.example.com/u/${token}`);
    expect(get.status).toBe(404);
    expect((await post(`/u/${token}`, form("List-Unsubscribe=One-Click"))).status).toBe(404);
  });
  it("the token of a pixel, and a link that lost its end", async () => {
    const { path, taken } = await sent();
    const pixel = /\/o\/([\w-]+)/.exec(taken.email.html!)![1];
    for (const wrong of [`/u/${pixel}`, path.slice(0, -1), `${path}A`])
      expect((await post(wrong, form("List-Unsubscribe=One-Click"))).status).toBe(404);
  });
});

describe("asking for it", () => {
  it.each([
    [{ unsubscribe: "yes" }, "unsubscribe"],
    [{ unsubscribe: { topic: "" } }, "unsubscribe"],
    [{ unsubscribe: { topic: "a b" } }, "unsubscribe"],
    [{ unsubscribe: true, headers: { "list-unsubscribe": "<https://example.com/u>" } }, "unsubscribe"],
    [{ unsubscribe: true, topic_id: "a\r\nb" }, "topic_id"],
  ])("%j is refused", async (more, path) => {
    const answer = await call("POST", "/emails", mail(someone(), more));
    expect(answer.status).toBe(422);
    expect(answer.body.errors[0].path).toMatch(new RegExp(`^${path}`));
  });
  it("passes the caller's own header through, with none of ours beside it", async () => {
    const to = someone();
    const header = "<https://example.com/leave?u=1>, <mailto:leave@example.com>";
    await call(
      "POST",
      "/emails",
      mail(to, { unsubscribe: false, html: "<p>x</p>", headers: { "List-Unsubscribe": header } }),
    );
    const [taken] = await mailFor(to);
    expect(taken!.raw).toContain(`\r\nList-Unsubscribe: ${header}\r\n`);
    expect(taken!.raw.match(/^List-Unsubscribe/gm)).toHaveLength(1);
  });
});

describe("links of the text part", () => {
  it("are tracked when asked for", async () => {
    const [off, on] = [someone(), someone()];
    const text = "See https://example.com/?a=1&b=2.";
    await call("POST", "/emails", { from: "a@example.com", to: off, subject: "x", text });
    await call("POST", "/emails", {
      from: "a@example.com",
      to: on,
      subject: "x",
      text,
      tracking: { text_clicks: true },
    });
    const [[plain], [tracked]] = [await mailFor(off), await mailFor(on)];
    expect(plain!.email.text).toBe(`${text}\n`);
    const path = /^See https:\/\/mail\.example\.com(\/c\/[\w-]+\/[\w-]+)\.\n$/.exec(
      tracked!.email.text!,
    )![1]!;
    const answer = await worker().fetch(`https://mail.example.com${path}`, { redirect: "manual" });
    expect(answer.headers.get("location")).toBe("https://example.com/?a=1&b=2");
  });
});

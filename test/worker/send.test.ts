/** The main job: POST a message, see it arrive, opened and clicked. */
import { createPublicKey } from "node:crypto";
import { describe, expect, inject, it } from "vitest";
import { call, eventsOf, mailFor, poll, someone } from "../support/api.ts";
import { check } from "../support/dkim.ts";

const HTML =
  '<html><body><p>Hello <a href="https://example.com/?a=1&amp;b=2#top">there</a></p><a href="mailto:x@example.com">write</a></body></html>';
const mail = (to: string, more: Record<string, unknown> = {}) => ({
  from: "Ada Lovelace <ada@example.com>",
  to,
  subject: "Hello",
  html: HTML,
  ...more,
});

describe("POST /emails", () => {
  it("sends, and the mail says what was asked, with tracking in it", async () => {
    const to = someone();
    const posted = await call(
      "POST",
      "/emails",
      mail(`Grüße <${to}>`, { subject: "Grüße aus 世界", headers: { "X-Campaign": "spring" } }),
    );
    expect(posted.status).toBe(200);
    expect(posted.body).toEqual({ id: expect.stringMatching(/^[0-9a-f-]{36}$/) });
    const [taken] = await mailFor(to);
    expect(taken).toMatchObject({ relay: 0, from: "ada@example.com", to });
    const { email } = taken!;
    expect(email.subject).toBe("Grüße aus 世界");
    expect(email.from).toMatchObject({ name: "Ada Lovelace", address: "ada@example.com" });
    expect(email.to).toMatchObject([{ name: "Grüße", address: to }]);
    expect(email.messageId).toBe(`<${posted.body.id}@example.com>`);
    expect(email.headers.find(({ key }) => key === "x-campaign")?.value).toBe("spring");
    expect(email.text).toContain("Hello there (https://example.com/?a=1&b=2#top)");
    expect(email.html).toMatch(/href="https:\/\/mail\.example\.com\/c\/[\w-]{43}\/[\w-]+"/);
    expect(email.html).toContain('href="mailto:x@example.com"');
    expect(email.html).toMatch(
      /<table [^>]*background="https:\/\/mail\.example\.com\/o\/[\w-]{43}">.*<!\[endif\]--><\/body>/,
    );
    const { body: record } = await call("GET", `/emails/${posted.body.id}`);
    expect(record.html).toBe(mail(to).html);
    expect(`${record.text}\n`).toBe(email.text?.replaceAll("\r\n", "\n"));
  });

  it("follows link and pixel to events on the timeline", async () => {
    const to = someone();
    const { body } = await call("POST", "/emails", mail(to));
    const [taken] = await mailFor(to);
    const html = taken!.email.html!;
    const click = await call("GET", new URL(/href="([^"]*\/c\/[^"]*)"/.exec(html)![1]!).pathname, undefined, {
      "user-agent": "Reader/1",
    });
    expect(click.status).toBe(302);
    expect(click.headers.get("location")).toBe("https://example.com/?a=1&b=2#top");
    const open = await call("GET", new URL(/src="([^"]*\/o\/[^"]*)"/.exec(html)![1]!).pathname);
    expect(open.status).toBe(200);
    expect(open.headers.get("content-type")).toBe("image/gif");
    expect(open.headers.get("cache-control")).toContain("no-store");
    expect(open.body.startsWith("GIF89a")).toBe(true);
    const events = await eventsOf(
      body.id,
      (types) => types.includes("email.opened") && types.includes("email.clicked"),
    );
    expect(events.map(({ type }) => type).sort()).toEqual(["email.clicked", "email.opened", "email.sent"]);
    const clicked = events.find(({ type }) => type === "email.clicked");
    expect(clicked).toMatchObject({
      recipient: to,
      data: {
        click: { link: "https://example.com/?a=1&b=2#top" },
        visitor: { user_agent: "Reader/1", verdict: expect.any(String) },
      },
    });
    const sent = events.find(({ type }) => type === "email.sent");
    expect(sent.data.attempt).toMatchObject({
      number: 1,
      relay: "main",
      code: 250,
      tls: false,
      category: "accepted",
    });
  });

  it("gives every recipient a copy of their own, headers as written and no Bcc", async () => {
    const [a, b, c, d] = [someone("a"), someone("b"), someone("c"), someone("d")] as const;
    await call("POST", "/emails", mail(a, { to: [a, `Bea <${b}>`], cc: c, bcc: [d, a] }));
    const copies = (await Promise.all([a, b, c, d].map((to) => mailFor(to)))).map((taken) => taken[0]!);
    const tokens = new Set(copies.map(({ email }) => /\/o\/([\w-]{43})/.exec(email.html!)![1]));
    expect(tokens.size).toBe(4);
    for (const { email, raw } of copies) {
      expect(email.to?.map(({ address }) => address)).toEqual([a, b]);
      expect(email.cc?.map(({ address }) => address)).toEqual([c]);
      expect(raw).not.toMatch(/^bcc:/im);
      expect(raw.split("\r\n\r\n")[0]).not.toContain(d);
    }
    expect(await mailFor(a)).toHaveLength(1); // In To and Bcc: one mail.
  });

  it("is found by a GET straight after the POST, with recipients and their status", async () => {
    const to = someone();
    const { body } = await call(
      "POST",
      "/emails",
      mail(to, { cc: [], tags: [{ name: "kind", value: "welcome" }] }),
    );
    const got = await call("GET", `/emails/${body.id}`);
    expect(got.status).toBe(200);
    expect(got.body).toMatchObject({
      object: "email",
      id: body.id,
      to: [to],
      from: "Ada Lovelace <ada@example.com>",
      subject: "Hello",
      html: HTML,
      bcc: null,
      cc: null,
      reply_to: null,
      scheduled_at: null,
      tags: [{ name: "kind", value: "welcome" }],
    });
    expect(got.body.created_at).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}\+00$/);
    expect(got.body.recipients).toHaveLength(1);
    const done = await poll(
      async () => (await call("GET", `/emails/${body.id}`)).body,
      (email) => email.last_event === "sent",
    );
    expect(done.recipients[0]).toMatchObject({
      email: to,
      kind: "to",
      status: "sent",
      attempts: 1,
      category: "accepted",
    });
    expect(done.recipients[0].last_reply.code).toBe(250);
    const list = await call("GET", "/emails?limit=100");
    expect(list.body.data.map((item: { id: string }) => item.id)).toContain(body.id);
    expect(list.body.data[0]).not.toHaveProperty("html");
  });

  it.each([
    ["text only", { html: undefined, text: "Just words.\n.\nFrom here on" }],
    ["html only, without a body", { html: "<p>Unclosed <b>tags" }],
    ["both", { text: "Words", html: "<b>Words</b>" }],
  ])("%s", async (_, content) => {
    const to = someone();
    expect(
      (await call("POST", "/emails", mail(to, { ...content, tracking: { opens: false, clicks: false } })))
        .status,
    ).toBe(200);
    const [taken] = await mailFor(to);
    if ("text" in content) expect(taken!.email.text?.trim()).toBe(content.text);
    if (content.html !== undefined) expect(taken!.email.html?.trim()).toBe(content.html);
  });

  it("keeps attachments and inline images byte for byte", async () => {
    const to = someone();
    const bytes = crypto.getRandomValues(new Uint8Array(10_000));
    const content = btoa(String.fromCharCode(...bytes));
    await call(
      "POST",
      "/emails",
      mail(to, {
        html: '<img src="cid:logo">',
        attachments: [
          { filename: "Prüfbericht 世界.pdf", content },
          { filename: "logo.png", content, content_type: "image/png", content_id: "logo" },
        ],
      }),
    );
    const { attachments } = (await mailFor(to))[0]!.email;
    expect(attachments.map(({ filename }) => filename).sort()).toEqual(["Prüfbericht 世界.pdf", "logo.png"]);
    for (const { content: got } of attachments) expect(new Uint8Array(got as ArrayBuffer)).toEqual(bytes);
    expect(attachments.find(({ filename }) => filename === "logo.png")).toMatchObject({
      contentId: "<logo>",
      mimeType: "image/png",
    });
  });

  it("refuses a batch that one call cannot carry with the reason, also when its letters make it so", async () => {
    const html = `${"x".repeat(99)}ł`.repeat(1_450);
    const { status, body } = await call(
      "POST",
      "/emails/batch",
      Array.from({ length: 84 }, () => ({
        from: "a@example.com",
        to: someone(),
        subject: "s",
        html,
        text: "t",
      })),
    );
    expect([status, body.message]).toEqual([413, expect.stringContaining("30 MB are taken in one call")]);
  });

  it("takes 25 MB of html and attachment in parts, and the mail is whole", async () => {
    const to = someone();
    const content = "A".repeat(16 * 1024 * 1024);
    const posted = await call(
      "POST",
      "/emails",
      mail(to, { attachments: [{ filename: "big.bin", content }] }),
    );
    expect(posted.status).toBe(200);
    const taken = await poll(
      () => mailFor(to),
      (mails) => mails.length > 0,
      20_000,
    );
    const { content: got } = taken[0]!.email.attachments[0]!;
    expect((got as ArrayBuffer).byteLength).toBe((content.length / 4) * 3);
  }, 40_000);

  it("names fields it does not know, and sends all the same", async () => {
    const to = someone();
    const posted = await call(
      "POST",
      "/emails",
      mail(to, { topicid: "x", tags: [{ name: "a", value: "b", colour: "red" }], htlm: "typo" }),
    );
    expect(posted.status).toBe(200);
    expect(posted.headers.get("x-postern-unknown-fields")).toBe("topicid, tags[0].colour, htlm");
  });
});

describe("DKIM", () => {
  it("signs mail of a domain that has a key, and of its subdomains, and no other", async () => {
    const [signed, below, other] = [someone(), someone(), someone()];
    await call("POST", "/emails", mail(signed, { from: "ada@signed.example" }));
    await call("POST", "/emails", mail(below, { from: "ada@news.signed.example" }));
    await call("POST", "/emails", mail(other));
    for (const to of [signed, below]) {
      const [taken] = await mailFor(to);
      const [signature] = check(taken!.raw, () => createPublicKey(inject("dkimKey")));
      expect(signature).toMatchObject({
        bodyIsGood: true,
        signatureIsGood: true,
        tags: { d: "signed.example" },
      });
    }
    expect((await mailFor(other))[0]!.raw).not.toContain("DKIM-Signature");
  });
});

describe("a request's id", () => {
  it("goes from the caller through to the transcript", async () => {
    const to = someone("unknown");
    const { headers, body } = await call("POST", "/emails", mail(to), { "x-request-id": "shop-7:order.1" });
    expect(headers.get("x-request-id")).toBe("shop-7:order.1");
    const [event] = await eventsOf(body.id, (types) => types.length > 0);
    expect(event.data.transcript.split("\n")[0]).toBe(
      `request shop-7:order.1, email ${body.id}, recipient 0`,
    );
    expect((await call("GET", `/emails/${body.id}`)).body.request_id).toBe("shop-7:order.1");
  });

  it("is ours when the caller's could not stand in a log line", async () => {
    const { headers } = await call("GET", "/healthz", undefined, { "x-request-id": 'a" b' });
    expect(headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe("outcomes", () => {
  it("says bounced, with what the server said and what it means", async () => {
    const to = someone("unknown");
    const { body } = await call("POST", "/emails", mail(to));
    const events = await eventsOf(body.id, (types) => types.length > 0);
    expect(events).toMatchObject([
      {
        type: "email.bounced",
        recipient: to,
        data: { category: "unknown_mailbox", attempt: { code: 550, enhanced: "5.1.1" } },
      },
    ]);
    expect(events[0].data.transcript).toContain(`RCPT TO:<${to}>`);
    const { body: email } = await call("GET", `/emails/${body.id}`);
    expect(email).toMatchObject({ last_event: "bounced", counts: { bounced: 1 } });
    expect(email.recipients[0]).toMatchObject({ status: "bounced", last_reply: { code: 550 } });
  });

  it("tries again later on a temporary refusal, and says when", async () => {
    const to = someone("later");
    const { body } = await call("POST", "/emails", mail(to));
    const events = await eventsOf(body.id, (types) => types.length > 0);
    expect(events).toMatchObject([
      { type: "email.delivery_delayed", data: { attempt: { number: 1, code: 451 } } },
    ]);
    const ms = (moment: string) => Date.parse(moment.replace("+00", "Z"));
    const wait = ms(events[0].data.next_attempt_at) - ms(events[0].created_at);
    expect(wait).toBeGreaterThan(40_000);
    expect(wait).toBeLessThan(80_000);
  });

  it("one recipient's refusal is nobody else's", async () => {
    const [good, bad] = [someone(), someone("unknown")];
    const { body } = await call("POST", "/emails", mail(good, { to: [bad, good] }));
    expect(await mailFor(good)).toHaveLength(1);
    const email = await poll(
      async () => (await call("GET", `/emails/${body.id}`)).body,
      ({ counts }) => counts.sent === 1 && counts.bounced === 1,
    );
    expect(email.counts).toMatchObject({ sent: 1, bounced: 1 });
  });
});

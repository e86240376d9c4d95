/** The local inbox: what it keeps, what it shows, and what it does not let a mail or another site do. */

import { request } from "node:http";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { displayHtml } from "../../scripts/inbox/html.ts";
import { type Inbox, openInbox } from "../../scripts/inbox/inbox.ts";
import { Mailbox } from "../../scripts/inbox/mailbox.ts";

const envelope = { from: "a@example.com", to: ["b@example.com"] };
const at = new Date("2026-01-02T03:04:05Z");
const mail = (subject: string, body = "x") =>
  Buffer.from(`From: a@example.com\r\nSubject: ${subject}\r\n\r\n${body}\r\n`);

describe("the mailbox", () => {
  it("has the newest first, and forgets the oldest beyond its count", async () => {
    const mailbox = new Mailbox({ messages: 2, bytes: 1_000 });
    for (const subject of ["one", "two", "three"]) await mailbox.add(envelope, mail(subject), at);
    expect(mailbox.list().map((entry) => entry.subject)).toEqual(["three", "two"]);
    expect(mailbox.get("1")).toBeNull();
  });

  it("forgets the oldest beyond its bytes, but never the newest", async () => {
    const mailbox = new Mailbox({ messages: 9, bytes: 500 });
    await mailbox.add(envelope, mail("small"), at);
    await mailbox.add(envelope, mail("large", "y".repeat(1_000)), at);
    expect(mailbox.list().map((entry) => entry.subject)).toEqual(["large"]);
    await mailbox.add(envelope, mail("small again"), at);
    expect(mailbox.list().map((entry) => entry.subject)).toEqual(["small again"]);
  });

  it("reads names and subjects in any language", async () => {
    const raw = Buffer.from(
      "From: =?utf-8?q?Zo=C3=AB?= <z@example.com>\r\nTo: =?utf-8?b?5pel5pys?= <j@example.com>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\nx\r\n",
    );
    const entry = await new Mailbox().add(envelope, raw, at);
    expect(entry).toMatchObject({
      from: "Zoë <z@example.com>",
      to: ["日本 <j@example.com>"],
      subject: "Grüße",
      at: "2026-01-02T03:04:05.000Z",
    });
  });

  it.each([
    ["nothing", ""],
    ["no mail at all", "\xff\x00\r\n"],
    ["an endless header", `A: ${"x".repeat(100_000)}`],
  ])("keeps %s as it is", async (_, text) => {
    const mailbox = new Mailbox();
    const raw = Buffer.from(text, "latin1");
    const { id } = await mailbox.add(envelope, raw, at);
    expect(mailbox.get(id)!.raw).toEqual(raw);
  });
});

describe("HTML for the frame", () => {
  const image = { contentId: "<logo@x>", mimeType: "image/png", content: new Uint8Array() } as never;
  const rows: [string, string, string][] = [
    ["opens links in new tabs", '<a href="x">y</a>', '<base target="_blank"><a href="x">y</a>'],
    ["keeps standards mode", "<!doctype html><p>", '<!doctype html><base target="_blank"><p>'],
    [
      "after comments too",
      "\n<!-- a --><!DOCTYPE html>\n<p>",
      '\n<!-- a --><!DOCTYPE html><base target="_blank">\n<p>',
    ],
    ["shows inline images", '<img src="cid:logo@x">', '<base target="_blank"><img src="/m/0">'],
    ["however they are spelled", "<img src=cid:logo%40x>", '<base target="_blank"><img src=/m/0>'],
  ];
  it.each(rows)("%s", (_, html, expected) => expect(displayHtml(html, [image], "/m/")).toBe(expected));
});

describe("the inbox as a server", () => {
  let inbox: Inbox;
  beforeAll(async () => {
    inbox = await openInbox({ smtpPort: 0, webPort: 0 });
  });
  afterAll(() => inbox.close());

  /** Speaks SMTP line by line; the last reply. */
  const smtp = (lines: string[]): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect(Number(new URL(inbox.smtpUrl).port), "127.0.0.1");
      let last = "";
      socket.on("data", (data) => {
        last = data.toString();
        const next = lines.shift();
        if (next === undefined) socket.end();
        else socket.write(next);
      });
      socket.on("close", () => resolve(last));
      socket.on("error", reject);
    });
  const transaction = (body: string) => [
    "EHLO x\r\n",
    "MAIL FROM:<>\r\n",
    "RCPT TO:<ü@example.com>\r\n",
    "DATA\r\n",
    `${body}\r\n.\r\n`,
  ];
  const get = (path: string) => fetch(`${inbox.pageUrl}${path}`);
  /** fetch does not let Host be set. */
  const call = (method: string, path: string, headers: Record<string, string>): Promise<number> =>
    new Promise((resolve, reject) => {
      const made = request(`${inbox.pageUrl}${path}`, { method, headers }, (response) => {
        response.resume();
        resolve(response.statusCode!);
      });
      made.on("error", reject);
      made.end();
    });

  it("takes mail from the null sender for anyone, and shows every part of it", async () => {
    const parts = [
      "Subject: Parts",
      'Content-Type: multipart/mixed; boundary="b"',
      "",
      "--b",
      "Content-Type: text/html; charset=utf-8",
      "",
      "<p>Grüße</p><script>1</script>",
      "--b",
      "Content-Type: image/svg+xml; name=x.svg",
      "Content-Disposition: attachment; filename*=utf-8''%C3%BC%27.svg",
      "",
      "<svg/>",
      "--b--",
    ];
    expect(await smtp(transaction(parts.join("\r\n")))).toMatch(/^250 /);
    const [entry] = inbox.mailbox.list();
    expect(entry!.envelope).toEqual({ from: "", to: ["ü@example.com"] });
    const whole = (await (await get(`/messages/${entry!.id}`)).json()) as {
      html: string;
      attachments: { name: string }[];
    };
    expect(whole.html).toContain("Grüße");
    expect(whole.attachments).toMatchObject([{ name: "ü'.svg", type: "image/svg+xml" }]);

    const html = await get(`/messages/${entry!.id}/html`);
    expect(html.headers.get("content-security-policy")).toMatch(
      /^sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'/,
    );
    const svg = await get(`/messages/${entry!.id}/attachments/0`);
    expect(svg.headers.get("content-type")).toBe("application/octet-stream");
    expect(svg.headers.get("content-disposition")).toBe("attachment; filename*=UTF-8''%C3%BC%27.svg");
    expect(await (await get(`/messages/${entry!.id}/raw`)).text()).toContain("Subject: Parts");
  });

  it.each([
    ["a space", '"a b"@example.com'],
    ["an @", '"a@b"@example.com'],
    ["brackets and a colon", '"<a>: b"@example.com'],
    ["escapes", '"a\\"b\\\\\\ c"@example.com'],
    ["nothing", '""@example.com'],
    ["dots as it likes, and letters of the world", '".ü..ü."@example.com'],
  ])("takes a quoted local part (RFC 5321, 4.1.2), from and to: %s", async (_, address) => {
    const paths = [`MAIL FROM:<${address}> SIZE=20\r\n`, `RCPT TO:<@relay.example:${address}>\r\n`];
    const reply = await smtp(["EHLO x\r\n", ...paths, "DATA\r\n", "Subject: Quoted\r\n\r\nx\r\n.\r\n"]);
    expect(reply).toMatch(/^250 /);
    expect(inbox.mailbox.list()[0]!.envelope).toEqual({ from: address, to: [address] });
  });

  it.each([
    ["is not closed", '"a b@example.com'],
    ["is not all of it", '"a b"c@example.com'],
    ["has no domain", '"a b"@'],
    ["has a wrong domain", '"a b"@exa mple'],
    ["has a control character", '"a\tb"@example.com'],
    ["is longer than a path", `"${"a ".repeat(130)}"@example.com`],
  ])("refuses a quoted local part that %s", async (_, address) => {
    const to = await smtp(["EHLO x\r\n", "MAIL FROM:<a@example.com>\r\n", `RCPT TO:<${address}>\r\n`]);
    expect(to).toMatch(/^501 /);
    expect(await smtp(["EHLO x\r\n", `MAIL FROM:<${address}>\r\n`])).toMatch(/^501 /);
  });

  it("has nothing at a path that is none", async () => {
    expect(await call("GET", "//", {})).toBe(404);
  });

  it("answers 204 while nothing is new", async () => {
    const { version } = (await (await get("/messages")).json()) as { version: number };
    expect((await get(`/messages?since=${version}`)).status).toBe(204);
    await smtp(transaction("Subject: New"));
    expect((await get(`/messages?since=${version}`)).status).toBe(200);
  });

  it("survives a client that resets its connection", async () => {
    await new Promise<void>((resolve) => {
      const socket = connect(Number(new URL(inbox.smtpUrl).port), "127.0.0.1");
      socket.once("data", () => {
        socket.write("EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\nhalf a mai");
        socket.once("data", () => {
          socket.resetAndDestroy();
          resolve();
        });
      });
    });
    expect(await smtp(transaction("Subject: After a reset"))).toMatch(/^250 /);
  });

  const rows: [string, string, string, Record<string, string>, number][] = [
    ["another site's name for this address", "GET", "/messages", { Host: "evil.example" }, 403],
    ["localhost", "GET", "/messages", { Host: "localhost:1" }, 200],
    ["another site's script that empties it", "DELETE", "/messages", { Origin: "http://evil.example" }, 403],
    ["a sandboxed mail that empties it", "DELETE", "/messages", { Origin: "null" }, 403],
    ["a message that is not there", "GET", "/messages/999", {}, 404],
    ["an attachment that is not there", "GET", "/messages/1/attachments/7", {}, 404],
    ["a path out of the folder", "GET", "/../inbox.ts", {}, 404],
    ["another method", "POST", "/messages", {}, 405],
    ["a program that empties it", "DELETE", "/messages", {}, 200],
  ];
  it.each(rows)("%s", async (_, method, path, headers, status) =>
    expect(await call(method, path, headers)).toBe(status),
  );
});

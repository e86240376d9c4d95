/**
 * Through a real postfix with STARTTLS and SASL, and read by Python's email package: neither knows anything of us.
 * Needs postfix, sasl2-bin and python3, and root; without them it fails.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { testCertificates } from "../support/certificates.ts";
import { Postern, stopAll, temporaryFolder, until } from "../support/postern.ts";
import { DOMAIN, PASSWORD, Postfix, USER } from "../support/postfix.ts";

interface ParsedMail {
  from: [string, string][];
  to: [string, string][];
  cc: [string, string][];
  bcc: [string, string][];
  replyTo: [string, string][];
  subject: string;
  messageId: string;
  date: string;
  custom: string | null;
  deliveredTo: string;
  received: string[];
  structure: string[];
  text: string | null;
  html: string | null;
  attachments: {
    name: string | null;
    type: string;
    disposition: string | null;
    contentId: string | null;
    sha256: string;
  }[];
  /** Name of the header, and what is wrong. */
  defects: [string, string][];
}

const parse = (raw: Buffer): ParsedMail =>
  JSON.parse(
    execFileSync("python3", [join(import.meta.dirname, "../support/parse_mail.py")], {
      input: raw,
      encoding: "utf8",
    }),
  );

const postfixFolder = temporaryFolder();
const dataFolder = temporaryFolder();
let postfix: Postfix;

const smtpUrl = (query: string, password = PASSWORD) =>
  `smtp://${USER}:${encodeURIComponent(password)}@localhost:${postfix.port}?${query}`;

/** Messages with this subject, as many as there should be, sorted by recipient. */
async function received(subject: string, count: number): Promise<ParsedMail[]> {
  let found: ParsedMail[] = [];
  await until(
    () => {
      found = postfix
        .messages()
        .map(parse)
        .filter((mail) => mail.subject === subject);
      return found.length >= count;
    },
    30_000,
    () => `${found.length} of ${count} with the subject ${subject}; postfix logged:\n${postfix.log()}`,
  );
  return found.sort((a, b) => (a.deliveredTo < b.deliveredTo ? -1 : 1));
}

beforeAll(async () => {
  postfix = await Postfix.start(postfixFolder.path);
});
afterAll(async () => {
  await stopAll();
  await postfix?.stop();
  postfixFolder.remove();
  dataFolder.remove();
});

const start = (name: string, variables: Record<string, string>) =>
  Postern.start(join(dataFolder.path, name), {
    NODE_EXTRA_CA_CERTS: testCertificates().authorityFile,
    ...variables,
  });

describe("with PLAIN over STARTTLS", () => {
  let postern: Postern;
  beforeAll(async () => {
    postern = await start("plain", { SMTP_URL: smtpUrl("tls=required") });
  });
  afterAll(() => postern?.stop());

  it("everything that was sent arrives as it was sent, for each recipient", async () => {
    const photo = Buffer.from(Array.from({ length: 70_000 }, (_, i) => (i * 7919) & 255));
    const notes = Buffer.from("Zeile eins\r\n.\r\n..\r\nFrom here on\r\n", "utf8");
    const text = `Grüße aus Zürich, 你好, שלום.\n.\n.. zwei Punkte\nFrom the start\n\n${"lang ".repeat(400)}\nEnde = Schluss\t\n`;
    const html = `<!doctype html>\n<html><body>\n<p style="color:#333">Grüße &amp; 你好</p>\n.\n<img src="cid:logo@example.com" alt="=3D">${"<b>x</b>".repeat(300)}\n</body></html>\n`;
    const subject =
      "Grüße, 世界 – eine recht lange Betreffzeile mit Umlauten äöüß, damit sie gefaltet werden muss 🎉";
    const id = await postern.send({
      from: "Zoë Müller, Dr. <zoe@example.com>",
      to: [`"Last, First" <first@${DOMAIN}>`, `日本 太郎 <second@${DOMAIN}>`],
      cc: `copy@${DOMAIN}`,
      bcc: `secret@${DOMAIN}`,
      reply_to: "Antwort <reply@example.com>",
      subject,
      text,
      html,
      headers: { "X-Custom": "Wert mit Ümlaut" },
      tracking: { opens: false, clicks: false },
      attachments: [
        {
          filename: "Übersicht – 你好 (1).bin",
          content: photo.toString("base64"),
          content_type: "application/x-test",
        },
        { filename: "notes.txt", content: notes.toString("base64") },
        {
          filename: "logo.png",
          content: photo.subarray(0, 999).toString("base64"),
          content_type: "image/png",
          content_id: "logo@example.com",
        },
      ],
    });
    const mails = await received(subject, 4);
    expect(mails.map((mail) => mail.deliveredTo)).toEqual(
      ["copy", "first", "second", "secret"].map((name) => `${name}@${DOMAIN}`),
    );
    for (const mail of mails) {
      // name= in Content-Type holds encoded words on purpose, for old Outlooks (src/message/file-name.ts).
      expect(mail.defects.filter(([header]) => header !== "Content-Type")).toEqual([]);
      expect(mail.from).toEqual([["Zoë Müller, Dr.", "zoe@example.com"]]);
      expect(mail.to).toEqual([
        ["Last, First", `first@${DOMAIN}`],
        ["日本 太郎", `second@${DOMAIN}`],
      ]);
      expect(mail.cc).toEqual([["", `copy@${DOMAIN}`]]);
      expect(mail.bcc).toEqual([]);
      expect(mail.replyTo).toEqual([["Antwort", "reply@example.com"]]);
      expect(mail.custom).toBe("Wert mit Ümlaut");
      expect(mail.text).toBe(text);
      expect(mail.html).toBe(html);
      const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
      expect(mail.attachments).toEqual(
        expect.arrayContaining([
          {
            name: "Übersicht – 你好 (1).bin",
            type: "application/x-test",
            disposition: "attachment",
            contentId: null,
            sha256: sha256(photo),
          },
          {
            name: "notes.txt",
            type: "text/plain",
            disposition: "attachment",
            contentId: null,
            sha256: sha256(notes),
          },
          {
            name: "logo.png",
            type: "image/png",
            disposition: "inline",
            contentId: "<logo@example.com>",
            sha256: sha256(photo.subarray(0, 999)),
          },
        ]),
      );
      expect(mail.attachments).toHaveLength(3);
      expect(Math.abs(Date.parse(mail.date) - Date.now())).toBeLessThan(300_000);
      // ESMTPSA: over TLS, and logged in (RFC 3848).
      expect(mail.received[0]).toMatch(/with (UTF8SMTPSA|ESMTPSA) id/);
    }
    // Copies of one message, as To and Cc say, so one Message-ID; in bulk each would have its own.
    const { body } = await postern.api("GET", `/emails/${id}`);
    expect([...new Set(mails.map((mail) => mail.messageId))]).toEqual([body.message_id]);
    const sent = async () => (await postern.events(id)).filter((event) => event.type === "email.sent").length;
    await until(
      async () => (await sent()) === 4,
      30_000,
      () => "not four times email.sent",
    );
  });

  it("a tracked link leads to its exact target, and both hits are on the timeline", async () => {
    const target = "https://example.com/a?x=1&y=%C3%BC&z=a+b#frag";
    const id = await postern.send({
      from: "a@example.com",
      to: `tracked@${DOMAIN}`,
      subject: "Tracked",
      html: `<p><a href="${target.replaceAll("&", "&amp;")}">here</a></p>`,
    });
    const [mail] = await received("Tracked", 1);
    const attribute = (name: string) =>
      new RegExp(`${name}="([^"]+)"`).exec(mail!.html!)![1]!.replaceAll("&amp;", "&");
    const redirect = await fetch(attribute("href"), { redirect: "manual" });
    expect([redirect.status, redirect.headers.get("location")]).toEqual([302, target]);
    expect((await fetch(attribute("src"))).headers.get("content-type")).toBe("image/gif");
    await postern.eventsOf(id, ["email.sent", "email.opened", "email.clicked"]);
  });

  it("a recipient that postfix refuses is bounced with its reply; the others get their mail", async () => {
    const id = await postern.send({
      from: "a@example.com",
      to: [`good@${DOMAIN}`, "nobody@elsewhere.invalid"],
      subject: "Half",
      text: "x",
    });
    await received("Half", 1);
    // postfix takes the other one and fails it itself (default_transport), or refuses it: either is an outcome on record.
    const email = await postern.eventsOf(id, ["email.sent"]);
    expect(email.find((event) => event.recipient === `good@${DOMAIN}`)?.type).toBe("email.sent");
  });
});

describe("other ways to log in", () => {
  it.each(["login", "cram-md5"])("%s", async (mechanism) => {
    const postern = await start(mechanism, { SMTP_URL: smtpUrl(`tls=required&auth=${mechanism}`) });
    await postern.send({ from: "a@example.com", to: `b@${DOMAIN}`, subject: `By ${mechanism}`, text: "x" });
    await received(`By ${mechanism}`, 1);
    await postern.stop();
  });
});

describe("what must not go through", () => {
  it("a wrong password: the mail waits, and the reason is on the timeline", async () => {
    const postern = await start("wrong-password", { SMTP_URL: smtpUrl("tls=required", "not-the-password") });
    const id = await postern.send({
      from: "a@example.com",
      to: `b@${DOMAIN}`,
      subject: "Wrong password",
      text: "x",
    });
    const events = await postern.eventsOf(id, ["email.delivery_delayed"]);
    expect(JSON.stringify(events)).toMatch(/authentication/);
    expect(JSON.stringify(events)).not.toContain("not-the-password");
    await postern.stop();
  });

  it("a certificate of an unknown authority: nothing is said to that server, and the mail waits", async () => {
    const before = postfix.log().length;
    const postern = await start("unknown-authority", {
      SMTP_URL: smtpUrl("tls=required"),
      NODE_EXTRA_CA_CERTS: "",
    });
    const id = await postern.send({
      from: "a@example.com",
      to: `b@${DOMAIN}`,
      subject: "Unknown authority",
      text: "x",
    });
    await postern.eventsOf(id, ["email.delivery_delayed"]);
    expect(postfix.log().slice(before)).not.toMatch(/sasl_username/);
    await postern.stop();
  });
});

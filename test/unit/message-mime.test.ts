/** Our MIME against nodemailer's composer: the same inputs, both read by postal-mime, must say the same. */

import fc from "fast-check";
import MailComposer from "nodemailer/lib/mail-composer";
import PostalMime, { decodeWords, type Email } from "postal-mime";
import { describe, expect, it } from "vitest";
import { compile } from "../../src/message/compile.ts";
import type { Attachment } from "../../src/schema/attachment.ts";
import type { Content } from "../../src/schema/email.ts";
import { content, context, ID, mailbox, unstuffed, wire } from "../support/mail.ts";

const file = (bytes: string | Uint8Array, change: Partial<Attachment> = {}): Attachment => {
  const buffer = Buffer.from(bytes as string);
  return {
    filename: "a.txt",
    content: buffer.toString("base64"),
    size: buffer.length,
    content_type: null,
    content_id: null,
    ...change,
  };
};
const PNG = Uint8Array.from({ length: 300 }, (_, i) => (i * 37) & 255);
const people = (list: Content["to"]) =>
  list.map(({ name, address }) => ({ name: name ?? "", address: address as string }));

function nodemailers(given: Content): Promise<Buffer> {
  const composer = new MailComposer({
    from: people([given.from])[0],
    to: people(given.to),
    cc: people(given.cc),
    replyTo: people(given.reply_to),
    subject: given.subject,
    messageId: `<${ID}@${given.from.domain}>`,
    date: new Date(1_800_000_000_000),
    ...(given.text === null ? {} : { text: given.text }),
    ...(given.html === null ? {} : { html: given.html }),
    headers: given.headers.map(({ name, value }) => ({ key: name, value })),
    attachments: given.attachments.map(({ filename, content, content_type, content_id }) => ({
      filename: filename ?? false,
      content,
      encoding: "base64",
      ...(content_type === null ? {} : { contentType: content_type }),
      ...(content_id === null ? {} : { cid: content_id }),
    })),
  });
  return composer.compile().build();
}

const line = (text: string | undefined) => text?.replace(/\r\n|\r/g, "\n").replace(/\n+$/, "");
const essence = (mail: Email) => ({
  from: mail.from,
  to: mail.to,
  cc: mail.cc,
  replyTo: mail.replyTo,
  subject: mail.subject,
  messageId: mail.messageId,
  date: mail.date,
  html: line(mail.html),
  text: line(mail.text),
  attachments: mail.attachments.map(({ filename, mimeType, disposition, related, contentId, content }) => ({
    filename,
    mimeType,
    disposition,
    related,
    contentId,
    content: Buffer.from(content as ArrayBuffer).toString("base64"),
  })),
  headers: mail.headers
    .filter(({ key }) => key.startsWith("x-") || key.startsWith("list-"))
    .map(({ key, value }) => [key, decodeWords(value)]),
});

async function same(change: Partial<Content>): Promise<void> {
  const given = content(change);
  const ours = essence(await PostalMime.parse(unstuffed(wire(change))));
  const theirs = essence(await PostalMime.parse(await nodemailers(given)));
  expect(ours).toEqual(theirs);
  expect(ours.text).toBe(line(given.text ?? ours.text));
  expect(ours.html).toBe(line(given.html ?? undefined));
}

const long = "word ".repeat(400).trim();
describe("says the same as nodemailer", () => {
  const cases: [name: string, change: Partial<Content>][] = [
    ["text", {}],
    ["text and html", { html: "<p>Hi</p>" }],
    [
      "unicode everywhere",
      {
        subject: "Grüße 🎉 日本語",
        text: "Grüße\n日本語 🎉",
        html: "<p>Grüße 日本語 🎉</p>",
        from: mailbox("Jürgen Müller <j@bücher.example>"),
        to: [mailbox("山田 <y@例え.jp>")],
      },
    ],
    ["a long subject", { subject: `${"Ein sehr langer Betreff mit Umlauten: äöü ".repeat(12)}Ende` }],
    ["a long ascii subject", { subject: long.slice(0, 900) }],
    [
      "names with everything",
      {
        from: mailbox('"Doe, John \\"JD\\" <x>" <a@b.com>'),
        to: [mailbox("a.b <a@b.com>"), mailbox('"@home" <c@d.com>')],
      },
    ],
    [
      "many recipients",
      {
        to: Array.from({ length: 40 }, (_, i) => mailbox(`Përson ${i} <p${i}@example.net>`)),
        cc: [mailbox("c@d.com")],
        reply_to: [mailbox("R <r@e.com>"), mailbox("s@e.com")],
      },
    ],
    ["a quoted local part", { to: [mailbox('"john doe"@x.com')] }],
    ["an international local part", { to: [mailbox("Jö <jö@x.com>")] }],
    ["dots at the start of lines", { text: ".\n..\n.hidden\n. x\n\n.", html: ".<p>\n.</p>\n." }],
    ["spaces at the end of lines", { text: "a \nb\t\n  \nc  ", html: "<p> \n</p> " }],
    ["long lines", { text: long, html: `<p>${"x".repeat(3_000)}</p>` }],
    ["line ends of all kinds", { text: "a\r\nb\nc\rd", html: "<p>\r\n</p>\n\n" }],
    ["equals signs", { text: "a=b =3D = =\n=", html: '<a href="x?a=1">=</a>' }],
    ["control characters", { text: "a\u0001b\u007fc", html: "<p>\u000b</p>" }],
    ["an attachment", { attachments: [file("hello")] }],
    [
      "an attachment without a name",
      { attachments: [file("hello", { filename: null, content_type: "application/x-thing" })] },
    ],
    [
      "attachments of all kinds",
      {
        html: "<p>x</p>",
        attachments: [
          "a.pdf",
          "b.png",
          "c.jpg",
          "d.csv",
          "e.docx",
          "f.ics",
          "g.zip",
          "h.unknownext",
          "noext",
          "i.html",
          "j.json",
        ].map((filename) => file("x", { filename })),
      },
    ],
    [
      "names outside ascii",
      {
        attachments: [
          "naïve – résumé.pdf",
          "日本語のとても長いファイル名がここにありますのでご注意ください.pdf",
          "🎉🎉.png",
          "مرحبا.txt",
        ].map((filename) => file("x", { filename })),
      },
    ],
    [
      "names with specials",
      {
        attachments: ["a b.txt", "a;b.txt", "a'b.txt", "a%20b.txt", "a(1).txt", "=?x.txt"].map((filename) =>
          file("x", { filename }),
        ),
      },
    ],
    ["a long name", { attachments: [file("x", { filename: `${"n".repeat(250)}.txt` })] }],
    [
      "bytes of all values",
      {
        attachments: [
          file(
            Uint8Array.from({ length: 1_000 }, (_, i) => i & 255),
            { filename: "x.bin" },
          ),
        ],
      },
    ],
    ["an empty attachment", { attachments: [file("", { filename: "x.bin" })] }],
    [
      "exactly a line of base64",
      {
        attachments: [
          file("x".repeat(57), { filename: "x.bin" }),
          file("x".repeat(58), { filename: "y.bin" }),
        ],
      },
    ],
    [
      "inline images",
      {
        html: '<img src="cid:a@x"><img src="cid:b">',
        attachments: [
          file(PNG, { filename: "a.png", content_id: "a@x" }),
          file(PNG, { filename: "b.png", content_id: "b" }),
        ],
      },
    ],
    [
      "inline images and attachments, no text",
      {
        text: null,
        html: '<img src="cid:b">',
        attachments: [file(PNG, { filename: "b.png", content_id: "b" }), file("x")],
      },
    ],
    [
      "headers of the caller",
      {
        headers: [
          { name: "X-Entity-Ref-ID", value: "1" },
          { name: "X-Uni", value: "Grüße aus München" },
          {
            name: "List-Unsubscribe",
            value: `<https://example.com/${"u".repeat(100)}>, <mailto:u@example.com>`,
          },
        ],
      },
    ],
    [
      "a content type with parameters",
      {
        attachments: [
          file("BEGIN:VCALENDAR", {
            filename: "i.ics",
            content_type: 'text/calendar; charset=utf-8; method="REQUEST"',
          }),
        ],
      },
    ],
  ];
  it.each(cases)("%s", async (_, change) => {
    const html = change.html;
    // Text made from html is ours alone.
    await same(html !== undefined && change.text === null ? { ...change, text: "x" } : change);
  });

  it("any text and html", async () => {
    const text = fc.string({
      unit: fc.constantFrom(
        "a",
        " ",
        ".",
        "=",
        "\n",
        "\r\n",
        "\t",
        "ü",
        "🎉",
        "日",
        "x".repeat(70),
        "\u0001",
        "--",
        "From ",
      ),
      minLength: 1,
      maxLength: 120,
    });
    await fc.assert(
      fc.asyncProperty(text, text, async (one, two) => {
        const mail = await PostalMime.parse(unstuffed(wire({ text: one, html: two })));
        const read = (given: string) => `${given.replace(/\r\n|\r/g, "\n")}\n`;
        expect(mail.text).toBe(read(one));
        expect(mail.html).toBe(read(two));
      }),
      { numRuns: 500 },
    );
  });
});

describe("what nodemailer cannot show", () => {
  it("a message attached goes as 7bit when it is that, else as a plain file (RFC 2045 section 6.4)", () => {
    const eml = "From: a@b.com\nSubject: x\n\n.\n..dots\nend";
    const good = wire({ attachments: [file(eml, { filename: "m.eml", content_type: "message/rfc822" })] });
    expect(good).toContain(
      'Content-Type: message/rfc822;\r\n name="m.eml"\r\nContent-Transfer-Encoding: 7bit\r\n',
    );
    expect(good).toContain("\r\n\r\nFrom: a@b.com\r\nSubject: x\r\n\r\n..\r\n...dots\r\nend\r\n\r\n--=_");
    for (const bytes of ["ü", "a\rb", "a\0b", "x".repeat(1_000)]) {
      const bad = wire({ attachments: [file(bytes, { filename: "m.eml", content_type: "message/rfc822" })] });
      expect(bad).toContain(
        'Content-Type: application/octet-stream;\r\n name="m.eml"\r\nContent-Transfer-Encoding: base64\r\n',
      );
    }
    expect(wire({ attachments: [file("x", { content_type: "multipart/mixed; boundary=x" })] })).not.toContain(
      "boundary=x",
    );
  });

  it("compiles to exact bytes", () => {
    expect(
      wire({
        to: [mailbox("b@c.com"), mailbox("Ü <d@e.com>")],
        cc: [mailbox("f@g.com")],
        text: "Hallö\n.\n",
        headers: [{ name: "X-A", value: "1" }],
      }),
    ).toBe(
      [
        "From: Ada <ada@example.com>",
        "To: b@c.com, =?UTF-8?B?w5w=?= <d@e.com>",
        "Cc: f@g.com",
        "Subject: Hello",
        `Message-ID: <${ID}@example.com>`,
        "Date: Fri, 15 Jan 2027 08:00:00 +0000",
        "MIME-Version: 1.0",
        "X-A: 1",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: quoted-printable",
        "",
        "Hall=C3=B6",
        "=2E",
        "",
      ].join("\r\n"),
    );
  });

  it("takes the caller's Message-ID for a single message, once", () => {
    const text = wire({ headers: [{ name: "message-id", value: "<own@example.com>" }] });
    expect(text.match(/^message-id:.*$/gim)).toEqual(["Message-ID: <own@example.com>"]);
  });

  const fault = (change: Partial<Content>, bulk = false) => {
    const result = compile(content(change), context({ bulk }));
    return result.ok ? "compiled" : result.error.map(({ path, message }) => `${path}: ${message}`).join("\n");
  };
  it.each([
    [{ subject: "a\r\nBcc: x@y.com" }, /^subject: .*line break/],
    [{ subject: "\ud800" }, /^subject: .*Unicode/],
    [{ headers: [{ name: "X-A", value: "a\nb" }] }, /^headers\["X-A"\]: .*line break/],
    [{ headers: [{ name: "Message-ID", value: "x" }] }, /^headers\["Message-ID"\]: .*form/],
    [
      { headers: [{ name: "List-Unsubscribe", value: `<https://x.com/${"x".repeat(1_000)}>` }] },
      /without a space/,
    ],
    [{ attachments: [file("x", { filename: "a\r\nb" })] }, /^attachments\[0\]\.filename/],
    [{ attachments: [file("x", { content_type: "a/b\r\nX: y" })] }, /^attachments\[0\]\.content_type/],
    [{ attachments: [file("x", { content_id: "a\n" })] }, /^attachments\[0\]\.content_id/],
    [{ text: null }, /^html: is missing/],
    [{ text: "ü".repeat(5 * 1024 * 1024) }, /^text: is .* MB/],
    [
      { attachments: [file("x"), { ...file("x"), content: "A".repeat(26 * 1024 * 1024) }] },
      /^attachments\[1\]: is 26\.7 MB of a message of/,
    ],
  ] as [Partial<Content>, RegExp][])("names the fault: %#", (change, why) =>
    expect(fault(change)).toMatch(why),
  );
  it("a bulk message has no Message-ID of the caller's", () =>
    expect(fault({ headers: [{ name: "Message-ID", value: "<a@b.com>" }] }, true)).toMatch(/each copy/));

  it("the compiled bytes own their buffer, and say whether they need SMTPUTF8", () => {
    const result = compile(content({ to: [mailbox("jö@x.com")] }), context());
    expect(result.ok && result.value.compiled.bytes.buffer.byteLength).toBe(
      result.ok && result.value.compiled.bytes.length,
    );
    expect(result.ok && result.value.compiled.smtputf8).toBe(true);
    const plain = compile(content({ to: [mailbox("Jö <jo@bücher.example>")] }), context());
    expect(plain.ok && plain.value.compiled.smtputf8).toBe(false);
  });
});

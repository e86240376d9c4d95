/** Variables of a single message, filled in before it is compiled; and the preheader. */
import fc from "fast-check";
import { type DefaultTreeAdapterMap, parse } from "parse5";
import PostalMime from "postal-mime";
import { describe, expect, it } from "vitest";
import { startOf, withPreheader } from "../../src/message/preheader.ts";
import { render } from "../../src/message/render.ts";
import { secretName } from "../../src/message/unsubscribe.ts";
import type { Content } from "../../src/schema/email.ts";
import { sealUnsubscribe } from "../../src/tracking/unsubscribe.ts";
import { content, ID, targetsIn, unstuffed, untracked, wire } from "../support/mail.ts";

type Node = DefaultTreeAdapterMap["node"];

const nasty = fc.string({
  unit: fc.constantFrom(
    ..."<>\"'&=/`-! \t\n\r:,.@aü".split(""),
    "🎉",
    "-->",
    "<!--",
    "</style>",
    "{{a}}",
    "{{unsubscribe_url}}",
    "{{{b}}}",
    "\r\n\r\n",
    "\r\nBcc: x@y.com",
    "--=_",
    "=?utf-8?q?",
    "?=",
    "https://evil.example/",
    "\u2028",
  ),
  maxLength: 20,
});
const filled = (given: Partial<Content>, values: Record<string, string>, name: string | null = null) => {
  const made = render(content(given), values, name);
  if (!made.ok) throw new Error(JSON.stringify(made.error));
  return made.value;
};
const read = (text: string) => PostalMime.parse(unstuffed(text));

describe("variables of a single message", () => {
  it("fill subject, preheader, html, text and headers, each in its own spelling", () => {
    const made = filled(
      {
        subject: "Hi {{name}}",
        preheader: "For {{name}} & {{other|you}}",
        html: "<b title='{{name}}' {{name}}>{{name}}</b>{{{name}}}",
        text: "Hi {{ name }} {{#if x}}",
        headers: [
          { name: "X-Who", value: "{{name}}" },
          { name: "List-Id", value: "<{{name}}.example.com>" },
        ],
      },
      { name: "A&\n<b>" },
    );
    expect(made).toMatchObject({
      subject: "Hi A& <b>",
      preheader: "For A&\n<b> & you",
      html: "<b title='A&amp;\n&lt;b&gt;' &#65;&amp;&#10;&lt;b&gt;>A&amp;\n&lt;b&gt;</b>A&\n<b>",
      text: "Hi A&\n<b> {{#if x}}",
      headers: [
        { name: "X-Who", value: "A& <b>" },
        { name: "List-Id", value: "<A%26%0A%3Cb%3E.example.com>" },
      ],
    });
  });

  it("are named when they have neither value nor fallback, each once", () => {
    const made = render(
      content({ subject: "{{a}} {{b|x}}", html: "{{c}} {{a}}", text: "{{d}}" }),
      { c: "" },
      null,
    );
    expect(made).toEqual({ ok: false, error: { missing: ["a", "d"], issues: [] } });
  });

  it.each([
    ["html", { html: "{{a}}".repeat(6_000), text: null }, "a"],
    ["html", { html: "{{a}}".repeat(50), text: null }, '"'],
    ["text", { html: "{{a}}", text: "{{a}}".repeat(6_000) }, "a"],
    ["preheader", { html: "x", preheader: "{{a}}".repeat(300) }, "a"],
    ["html", { html: "{{b|".concat("x".repeat(100_000), "}}").repeat(300), text: null }, "a"],
    ['headers["X-Who"]', { headers: [{ name: "X-Who", value: "{{a}}".repeat(300) }] }, "a"],
  ] satisfies [string, Partial<Content>, string][])(
    "are filled in no further once %s passes what a message may hold",
    (path, given, char) => {
      const made = render(content(given), { a: char.repeat(100_000) }, null);
      expect(made.ok || made.error).toEqual({
        missing: [],
        issues: [{ path, message: expect.stringMatching(/variables .*25\.0 MB/) }],
      });
    },
  );

  it("may fill a message to what it may hold", () => {
    const made = filled({ html: "{{a}}".repeat(240), text: null }, { a: "a".repeat(100_000) });
    expect(made.html).toHaveLength(24_000_000);
  });

  it("in a link make it the recipient's own, and it is tracked", () => {
    const made = filled(
      { html: '<a href="https://x.com/{{id}}?a=1&amp;b={{id}}">a</a><a href="{{url}}">b</a>' },
      { id: "7&8", url: "https://y.com/?q=1&z=2" },
    );
    const mail = wire(made, { clicks: true });
    expect(targetsIn(unstuffed(mail).toString().replaceAll("=\r\n", ""))).toEqual([
      "https://x.com/7&8?a=1&b=7&8",
      "https://y.com/?q=1&z=2",
    ]);
  });

  it("cannot hold an unsubscribe link: a value that spells one stays as it is", async () => {
    const name = secretName(new Uint8Array(16).fill(3));
    const evil = "{{unsubscribe_url}} {{RESEND_UNSUBSCRIBE_URL}}";
    const made = filled(
      { html: "<p>{{a}} {{unsubscribe_url}}</p>", text: "{{a}} {{unsubscribe_url}}" },
      { a: evil },
      name,
    );
    const seal = (topic: string | null) =>
      sealUnsubscribe("secret", { id: ID, recipient: 0, address: "b@x.com", topic });
    const mail = await read(
      wire(
        made,
        { unsubscribe: { topic: null, mailDomain: null, name } },
        { unsubscribe: seal, unsubscribe_mail: () => "" },
      ),
    );
    expect(mail.text).toBe(`${evil} https://t.example.com/u/${seal(null)}\n`);
    expect(mail.html).toBe(`<p>${evil} https://t.example.com/u/${seal(null)}</p>\n`);
  });

  it("never break out of header, html or part", async () => {
    const html = '<!doctype html><body><p>{{a}}</p><i title="{{a}}">1</i><i title={{a}} id=z>2</i>';
    await fc.assert(
      fc.asyncProperty(nasty, async (a) => {
        const made = filled(
          {
            subject: "S {{a}}",
            preheader: "P {{a}}",
            html,
            text: "T {{a}}",
            headers: [
              { name: "X-A", value: "{{a}}" },
              { name: "List-Id", value: "<{{a}}>" },
            ],
          },
          { a },
        );
        const text = wire(made, { clicks: true, opens: true });
        const head = text.slice(0, text.indexOf("\r\n\r\n"));
        expect(head.match(/^[A-Za-z-]+:/gm)).toEqual([
          "From:",
          "To:",
          "Subject:",
          "Message-ID:",
          "Date:",
          "MIME-Version:",
          "X-A:",
          "List-Id:",
          "Content-Type:",
        ]);
        const mail = await read(text);
        const lines = a.replace(/\r\n|\r/g, "\n");
        expect(mail.text).toBe(`T ${lines}\n`);
        expect([mail.attachments.length, mail.bcc]).toEqual([0, undefined]);
        const tags: string[] = [];
        const visit = (node: Node): void => {
          if ("tagName" in node) tags.push(`${node.tagName} ${node.attrs.length}`);
          if ("childNodes" in node) for (const child of node.childNodes) visit(child);
        };
        visit(parse(untracked(mail.html!, [])));
        expect(tags).toEqual(["html 0", "head 0", "body 0", "div 1", "p 0", "i 1", "i 2"]);
      }),
      { numRuns: 500 },
    );
  });
});

describe("the preheader", () => {
  it.each([
    ["<!doctype html><html><head><title>x</title></head><body class='a>b'>|<p>x</p></body></html>"],
    ["<!DOCTYPE html><html><head></head>|<p>x"],
    ["<!doctype html><html lang=en>|<p>x"],
    ["<!doctype html>|<p>x"],
    ["|<p>x</p>"],
    ["|text"],
    ["<html><!-- <body> --><head><style>/*<body>*/</style></head><BODY\n bgcolor=red>|<table>"],
    ["<html><head><title></head><body></title></head><body>|x"],
    ["<body>|<p>x</p><body>"],
    ["<!--[if mso]><body class=mso><![endif]--><!--[if !mso]><!--><body>|<!--<![endif]-->"],
  ])("stands where what is shown begins: %s", (marked) => {
    const html = marked.replace("|", "");
    expect(startOf(html)).toBe(marked.indexOf("|"));
    const out = withPreheader(html, "Soon & <cheap>", false);
    const block = /<div style="display:none[^>]*>Soon &amp; &lt;cheap&gt;(?:&nbsp;&zwnj;)*<\/div>/;
    expect(out.replace(block, "|")).toBe(marked);
  });

  it("is hidden text in the mail, is not in the text part, and needs html", async () => {
    const mail = await read(wire({ preheader: "Look", html: "<body><p>Hi</p></body>", text: null }));
    expect(mail.html).toMatch(
      /^<body><div style="display:none;[^"]*">Look(&nbsp;&zwnj;)+<\/div><p>Hi<\/p><\/body>\n$/,
    );
    expect(mail.text).toBe("Hi\n");
    expect(() => wire({ preheader: "Look", html: null, text: "Hi" })).toThrow("preheader");
  });

  it("in bulk holds each recipient's values, as text", async () => {
    const mail = await read(
      wire(
        { preheader: "For <{{name|you}}> {{{name}}}", html: "<body>x", text: "x" },
        { bulk: true },
        { to: { address: "x@y.com", name: null }, message_id: "1@x.com", variables: { name: "<b>" } },
      ),
    );
    expect(mail.html).toContain('opacity:0;mso-hide:all">For &lt;&lt;b&gt;&gt; &lt;b&gt;&nbsp;');
  });

  it("goes into any html without changing another byte", () => {
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.constantFrom(
            "<body>",
            "</head>",
            "<html>",
            "<!doctype html>",
            "<!--",
            "-->",
            "<p>",
            '"',
            ">",
            "<",
            "x",
            "<script>",
            "</script>",
            "body",
          ),
          maxLength: 20,
        }),
        (html) => {
          const at = startOf(html);
          expect(at).toBeGreaterThanOrEqual(0);
          expect(at).toBeLessThanOrEqual(html.length);
          const out = withPreheader(html, "x", false);
          expect(out.slice(0, at) + out.slice(out.length - (html.length - at))).toBe(html);
        },
      ),
    );
  });
});

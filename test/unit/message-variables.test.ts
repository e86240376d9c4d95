import fc from "fast-check";
import PostalMime, { decodeWords } from "postal-mime";
import { describe, expect, it } from "vitest";
import { compile } from "../../src/message/compile.ts";
import { demandsOf, missingVariables } from "../../src/message/demands.ts";
import { render } from "../../src/message/render.ts";
import type { Content } from "../../src/schema/email.ts";
import { linkSigner } from "../../src/tracking/link.ts";
import { content, context, ID, SECRET, targetsIn, unstuffed, untracked, wire } from "../support/mail.ts";

const bulk = (given: Partial<Content>, variables: Record<string, string> = {}, clicks = false) =>
  wire(
    given,
    { bulk: true, clicks, opens: clicks },
    {
      to: { address: "x@y.com", name: "Ann" },
      message_id: "1@example.com",
      variables,
      signLink: linkSigner(SECRET, ID),
    },
  );
const read = (text: string) => PostalMime.parse(unstuffed(text));

describe("variables in bulk", () => {
  it("fills subject, html, text and headers, each in its own spelling", async () => {
    const mail = await read(
      bulk(
        {
          subject: "Hi {{name}}",
          html: "<b title='{{name}}'>{{name}}</b>{{{name}}}",
          text: "Hi {{ name }}!",
          headers: [{ name: "X-Who", value: "{{name}}" }],
        },
        { name: "Jö <i>&\"'" },
      ),
    );
    expect(mail.subject).toBe("Hi Jö <i>&\"'");
    expect(mail.html).toBe(
      "<b title='Jö &lt;i&gt;&amp;&quot;&#39;'>Jö &lt;i&gt;&amp;&quot;&#39;</b>Jö <i>&\"'\n",
    );
    expect(mail.text).toBe("Hi Jö <i>&\"'!\n");
    expect(decodeWords(mail.headers.find(({ key }) => key === "x-who")!.value)).toBe("Jö <i>&\"'");
    expect(mail.to).toEqual([{ name: "Ann", address: "x@y.com" }]);
    expect(mail.messageId).toBe("<1@example.com>");
  });
  it.each([
    ["{{name|friend}}", {}, "friend"],
    ["{{name | dear friend }}", {}, "dear friend"],
    ["{{name|}}", {}, ""],
    ["{{name|friend}}", { name: "" }, ""],
    ["{{name|friend}}", { name: "Bo" }, "Bo"],
    ["{{a.b-c_d}}", { "a.b-c_d": "x" }, "x"],
    ["{{toString}}", { toString: "own" }, "own"],
    ["{{toString|none}}", {}, "none"],
    ["{{a}}{{b}}{{a}}", { a: "1", b: "2" }, "121"],
    [
      "{ {a} } {{}} {{ }} {{1}} {{#if a}} {{a|b|c}} {{f(x)}} {{a b}} {{ünï}}",
      {},
      "{ {a} } {{}} {{ }} {{1}} {{#if a}} {{a|b|c}} {{f(x)}} {{a b}} {{ünï}}",
    ],
    ["{{a}}\n.\n{{a}}", { a: "." }, ".\n.\n."],
    ["{{a}} \n", { a: "x \ny" }, "x \ny \n"],
    ["{{a}}", { a: "z".repeat(5_000) }, "z".repeat(5_000)],
  ])("%s with %j", async (text, variables, expected) => {
    expect((await read(bulk({ text, html: "x" }, variables as Record<string, string>))).text).toBe(
      `${expected}\n`,
    );
    expect((await read(bulk({ html: text, text: "x" }, variables as Record<string, string>))).html).toBe(
      `${expected}\n`,
    );
  });
  it.each([
    ["<!--{{a}}>x-->", "x--", "<!--x-&#45;>x-->"],
    ["<!-- -{{a}}>x-->", "-", "<!-- -&#45;>x-->"],
    ["<!-- --{{a}}>x-->", "!", "<!-- --&#33;>x-->"],
    ["<!-{{a}}>", "-x", "<!-&#45;x>"],
    ["{{a}}", "well-known!", "well-known&#33;"],
    ["{{a}}", "a-b", "a-b"],
    ["{{a}}", "", ""],
  ])("%s with %j neither opens nor ends a comment", async (html, a, expected) => {
    expect((await read(bulk({ html, text: "x" }, { a }))).html).toBe(`${expected}\n`);
  });
  it("are plain text in a single message", async () => {
    const mail = await read(wire({ subject: "{{a}}", text: "{{a}}" }));
    expect([mail.subject, mail.text]).toEqual(["{{a}}", "{{a}}\n"]);
  });
  it.each([
    ['<a href="https://x.com/{{id}}">', { id: "7&8" }, ["https://x.com/7&8"]],
    ["<a href=https://x.com/{{id}}>", { id: "7 8" }, ["https://x.com/7%208"]],
    ['<a href="https://x.com/?a=1&amp;b={{id|none}}&copy=2">', {}, ["https://x.com/?a=1&b=none&copy=2"]],
    ['<a href="{{url}}">', { url: " https://y.com/ü?a=1&b=2\n" }, ["https://y.com/ü?a=1&b=2"]],
    ['<a href="{{url}}/{{{path}}}">', { url: "https://y.com", path: "<a>" }, ["https://y.com/<a>"]],
    [
      "<a href=\"https://x.com/b\">{{id}}</a><v:rect href='https://x.com/{{id}}'/>",
      { id: "1" },
      ["https://x.com/b"],
    ],
    ['<!--[if mso]><v:rect href="https://x.com/{{id}}"><![endif]-->', { id: "1" }, ["https://x.com/1"]],
  ])(
    "a link that holds one is tracked with the recipient's value: %s with %j",
    async (html, variables, targets) => {
      const mail = await read(bulk({ html, text: "x" }, variables as Record<string, string>, true));
      const found = targetsIn(mail.html!);
      expect(found.slice(0, targets.length)).toEqual(targets);
    },
  );
  it.each([
    ['<a href="{{url}}">', { url: "mailto:a@b.com?x=<1>" }, '<a href="mailto:a@b.com?x=&lt;1&gt;">'],
    ['<a href="{{url}}">', { url: 'javascript:alert("1")' }, '<a href="javascript:alert(&quot;1&quot;)">'],
    ['<a href="{{url}}">', { url: "https://x.com/{{b}}" }, '<a href="https://x.com/{{b}}">'],
    [
      '<a href="{{url}}">',
      { url: `https://x.com/${"y".repeat(4_001)}` },
      `<a href="https://x.com/${"y".repeat(4_001)}">`,
    ],
    [
      '<a href="https://x.com/{{id}}" data-track=off>',
      { id: "1" },
      '<a href="https://x.com/1" data-track=off>',
    ],
    [
      '<a href="{{unsubscribe_link}}">',
      { unsubscribe_link: "https://x.com/u" },
      '<a href="https://x.com/u">',
    ],
    ['<a href="https://x.com/{{id}}/*|X|*">', { id: "1" }, '<a href="https://x.com/1/*|X|*">'],
    ['<a href="/{{id}}">', { id: "1" }, '<a href="/1">'],
    ["<a href={{id}}>", { id: "" }, "<a href=&#32;>"],
  ])("or stays: %s with %j", async (html, variables, expected) => {
    const mail = await read(bulk({ html, text: "x" }, variables as Record<string, string>, true));
    expect(untracked(mail.html!, [])).toBe(`${expected}\n`);
  });
  it("a link's variable may be missing like any other", () => {
    const made = compile(
      content({ html: '<a href="https://x.com/{{id}}">' }),
      context({ bulk: true, clicks: true }),
    );
    expect(made.ok && missingVariables(demandsOf(made.value.compiled, 0), {})).toEqual(["id"]);
  });
  it("percent-encodes in headers with a grammar, and leaves out one that no line can hold", async () => {
    const headers = [{ name: "List-Unsubscribe", value: "<https://x.com/u?e={{e}}>" }];
    expect(bulk({ headers }, { e: "a b>, <https://evil.com" })).toContain(
      "List-Unsubscribe: <https://x.com/u?e=a%20b%3E%2C%20%3Chttps%3A%2F%2Fevil.com>\r\n",
    );
    expect(bulk({ headers }, { e: "x".repeat(2_000) })).not.toContain("List-Unsubscribe");
  });
  it("leaves a whole URI or identifier in angle brackets what it is, and nothing in it ends it", () => {
    const headers = [
      { name: "List-Unsubscribe", value: "<{{url}}>, <https://x.com/{{m}}>" },
      { name: "In-Reply-To", value: "<{{ id }}>" },
    ];
    const values = {
      url: "https://x.com/u?e=a%20b&f=100%> ,<é\r\n",
      m: "a@b.com?c",
      id: "CA+1=z@mail.example.com",
    };
    const expected = [
      "List-Unsubscribe: <https://x.com/u?e=a%20b&f=100%25%3E%20%2C%3C%C3%A9%0D%0A>, <https://x.com/a%40b.com%3Fc>\r\n",
      "In-Reply-To: <CA+1=z@mail.example.com>\r\n",
    ];
    const rendered = render(content({ headers }), values, null);
    for (const line of expected) {
      expect(bulk({ headers }, values)).toContain(line);
      expect(rendered.ok && wire(rendered.value)).toContain(line);
    }
  });
  it("refuses them in headers that hold a mailbox, where a value would be read as another", () => {
    const of = (value: string) =>
      compile(content({ headers: [{ name: "Sender", value }] }), context({ bulk: true }));
    for (const value of ["{{x}} <a@example.com>", "{{x|y}}@example.com"])
      expect(of(value)).toEqual({
        ok: false,
        error: [{ path: "headers.Sender", message: expect.stringContaining("variables") }],
      });
    expect(of("{x} <a@example.com>").ok).toBe(true);
  });
  it("names those without value or fallback", () => {
    const made = compile(
      content({
        subject: "{{a}} {{b|x}}",
        html: "{{c}} {{d|}}",
        text: "{{a}}",
        headers: [{ name: "X", value: "{{e}}" }],
      }),
      context({ bulk: true }),
    );
    expect(made.ok && missingVariables(demandsOf(made.value.compiled, 0), { c: "" })).toEqual(["a", "e"]);
  });
});

describe("no value breaks out", () => {
  const nasty = fc.oneof(
    fc.string({
      unit: fc.constantFrom(
        "\r\n",
        "\n",
        "\r",
        "\0",
        ".",
        "<",
        ">",
        '"',
        "'",
        "&",
        "=",
        " ",
        "a",
        "ü",
        "🎉",
        "--",
        "=_",
        "?=",
        "=?",
        "/",
        "`",
        "Bcc: x@y.com",
        "\r\n\r\n",
        "<script>",
        "{{a}}",
      ),
      maxLength: 30,
    }),
    fc.string({ unit: "binary", maxLength: 60 }),
  );
  const clean = (text: string) => text.toWellFormed().replace(/\r\n|\r/g, "\n");

  it("of header or MIME part", async () => {
    await fc.assert(
      fc.asyncProperty(nasty, async (a) => {
        const text = bulk(
          {
            subject: "S {{a}} E",
            text: "T {{a}} E",
            html: "<p>{{{a}}}</p>",
            headers: [
              { name: "X-A", value: "{{a}}" },
              { name: "List-Id", value: "<{{a}}>" },
            ],
          },
          { a },
        );
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
        expect(mail.text).toBe(`T ${clean(a)} E\n`);
        expect(mail.html).toBe(`<p>${clean(a)}</p>\n`);
        expect(mail.attachments).toEqual([]);
        expect(mail.bcc).toBeUndefined();
      }),
      { numRuns: 1_000 },
    );
  });

  it("of a subject without its control characters changing", async () => {
    await fc.assert(
      fc.asyncProperty(nasty, async (a) => {
        const value = a.replace(/\p{Cc}/gu, "").toWellFormed();
        if (/=\?[^ ]*\?[bq]\?[^ ]*\?=/i.test(value)) return;
        expect((await read(bulk({ subject: "S {{a}} E" }, { a: value }))).subject).toBe(
          `S ${value.replace(/[\u2028\u2029]+/g, " ")} E`,
        );
      }),
      { numRuns: 500 },
    );
  });

  it("of html: not text, nor an attribute, quoted or not, nor a tag", async () => {
    const html =
      "<p>{{a}}</p><i title=\"{{a}}\">1</i><i title='{{a}}'>2</i><i title={{a}} id=z>3</i><i {{a}} id=z>4</i><{{a}} id=z>5<u>6</u>";
    await fc.assert(
      fc.asyncProperty(nasty, async (a) => {
        const mail = await read(bulk({ html, text: "x" }, { a }));
        const tags = [...mail.html!.matchAll(/<[a-z][^<>]*>|<\/[a-z]+>/g)].map(([tag]) =>
          tag.replace(/^(<\/?[a-z]+)[\s\S]*$/, "$1"),
        );
        expect(tags).toEqual(["<p", "</p", "<i", "</i", "<i", "</i", "<i", "</i", "<i", "</i", "<u", "</u"]);
        expect(mail.html!.match(/<i title=[^\s"'=`<>]+ id=z>3<\/i>/)).not.toBeNull();
        expect(mail.html!.match(/<i [^\s"'=`<>]+ id=z>4<\/i>/)).not.toBeNull();
      }),
      { numRuns: 1_000 },
    );
  });
});

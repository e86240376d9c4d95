/** Any value of a variable, at any place of any html, header or part: it stays what it is, a value. */
import fc from "fast-check";
import { type DefaultTreeAdapterMap, parse } from "parse5";
import PostalMime from "postal-mime";
import { describe, expect, it } from "vitest";
import type { Content } from "../../src/schema/email.ts";
import { linkSigner } from "../../src/tracking/link.ts";
import { ID, SECRET, unstuffed, untracked, wire } from "../support/mail.ts";
import { makeTemplate } from "../support/template-maker.ts";

type Node = DefaultTreeAdapterMap["node"];

const bulk = (
  given: Partial<Content>,
  variables: Record<string, string>,
  to = { address: "x@y.com", name: "Ann" as string | null },
) =>
  wire(
    given,
    { bulk: true, opens: true, clicks: true },
    { to, message_id: "1@example.com", variables, signLink: linkSigner(SECRET, ID) },
  );
const read = (text: string) => PostalMime.parse(unstuffed(text));

const nasty = fc.oneof(
  fc.string({
    unit: fc.constantFrom(
      ..."<>\"'&=/`-!?[] \t\n\r\0;:,.@a1ü",
      "🎉",
      "-->",
      "--!>",
      "<!--",
      "]]>",
      "</style>",
      "</script>",
      "</title>",
      "</textarea>",
      "<![endif]-->",
      "onload=x",
      "javascript:",
      "&lt;",
      "&#60;",
      "{{a}}",
      "\r\n\r\n",
      "\r\n.\r\n",
      "\r\nBcc: x@y.com",
      "--=_",
      "=?utf-8?q?",
      "?=",
      "\u2028",
      "\ud800",
    ),
    maxLength: 20,
  }),
  fc.string({ unit: "binary", maxLength: 40 }),
);
/** Leading white space and NULs may be dropped by a parser, or moved with what follows; that is no break-out. */
const visible = nasty.filter((value) => /^[^\s\0]/.test(value.toWellFormed()));

/** Elements and how many attributes each has, in order: what a value must not change. */
function skeleton(html: string): string[] {
  const out: string[] = [];
  const visit = (node: Node, depth: number): void => {
    // A name that holds the value differs behind the `&` of its first character.
    if ("tagName" in node) out.push(`${depth} ${node.tagName.replace(/&.*$/s, "&")} ${node.attrs.length}`);
    if (node.nodeName === "#comment") out.push(`${depth} comment`);
    if ("content" in node) visit(node.content, depth + 1);
    if ("childNodes" in node) for (const child of node.childNodes) visit(child, depth + 1);
  };
  visit(parse(html, { scriptingEnabled: false }), 0);
  return out;
}

describe("a value in html", () => {
  it("changes no element, attribute or comment, wherever in any html it stands", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(99_999), fc.nat(), visible, async (seed, place, a) => {
        const { html } = makeTemplate(seed, 2);
        const at = place % (html.length + 1);
        // Not where a half comment opener stands: `<!-{{a}}` is nobody's template.
        if (
          /<!-?$/.test(html.slice(0, at)) ||
          /[{}]$/.test(html.slice(0, at)) ||
          /^[{}]/.test(html.slice(at))
        )
          return;
        const given = `${html.slice(0, at)}{{a}}${html.slice(at)}`;
        const [plain, tried] = await Promise.all(
          ["x", a].map((value) => read(bulk({ html: given, text: "t" }, { a: value }))),
        );
        expect(skeleton(tried!.html!)).toEqual(skeleton(plain!.html!));
      }),
      { numRuns: 600 },
    );
  }, 30_000);

  it("changes nothing from the preheader either", async () => {
    await fc.assert(
      fc.asyncProperty(visible, async (a) => {
        const given = {
          html: "<!doctype html><body><p>x</p>",
          text: "t",
          preheader: 'P "{{a}}" {{{a}}} <{{a|b}}>',
        };
        const [plain, tried] = await Promise.all(["x", a].map((value) => read(bulk(given, { a: value }))));
        expect(skeleton(tried!.html!)).toEqual(skeleton(plain!.html!));
        expect(skeleton(plain!.html!).filter((one) => / (div|p|table) /.test(one))).toHaveLength(3);
      }),
      { numRuns: 500 },
    );
  });

  it("is tracked or stays, as the target of a link, and breaks out of neither", async () => {
    const html = `<!doctype html><body><a id=1 href="{{a}}">1</a><a id=2 href='https://x.com/{{a}}'>2</a><a id=3 href={{a}}>3</a>`;
    await fc.assert(
      fc.asyncProperty(visible, async (a) => {
        const [plain, tried] = await Promise.all(
          ["x", a].map((value) => read(bulk({ html, text: "t" }, { a: value }))),
        );
        expect(skeleton(tried!.html!)).toEqual(skeleton(plain!.html!));
      }),
      { numRuns: 500 },
    );
  });

  it("comes back exactly from text and attributes", async () => {
    const html = `<p id=p>{{a}}</p><i title="{{a}}">1</i><i title='{{a}}'>2</i><i title={{a}} id=z>3</i><title>{{a}}</title>`;
    await fc.assert(
      fc.asyncProperty(visible, async (a) => {
        const mail = await read(bulk({ html: `<!doctype html><body>${html}`, text: "t" }, { a }));
        const titles: string[] = [];
        let text = "";
        const visit = (node: Node): void => {
          if ("tagName" in node && node.tagName === "i")
            titles.push(node.attrs.find(({ name }) => name === "title")!.value);
          if ("tagName" in node && node.tagName === "p")
            text = node.childNodes.map((child) => ("value" in child ? child.value : "")).join("");
          if ("childNodes" in node) for (const child of node.childNodes) visit(child);
        };
        visit(parse(mail.html!));
        const lines = a.toWellFormed().replace(/\r\n|\r/g, "\n"); // mail has one kind of line end
        expect(text).toBe(lines.replaceAll("\0", ""));
        expect(titles.slice(0, 2)).toEqual([0, 1].map(() => lines.replaceAll("\0", "\ufffd")));
        expect(titles).toHaveLength(3);
      }),
      { numRuns: 500 },
    );
  });
});

describe("a value in a header", () => {
  it("adds no header, no line break and no part", async () => {
    const headers = [
      { name: "X-A", value: "{{a}}" },
      { name: "List-Unsubscribe", value: "<https://x.com/u?e={{a}}>, <mailto:u@x.com?subject={{a}}>" },
      { name: "List-Id", value: "News <{{a}}.example.com>" },
      { name: "X-B", value: "é {{a}} é" },
    ];
    await fc.assert(
      fc.asyncProperty(nasty, async (a) => {
        const text = bulk({ subject: "{{a}} S", html: "<p>{{{a}}}</p>", text: "{{a}}", headers }, { a });
        const head = text.slice(0, text.indexOf("\r\n\r\n"));
        const names = [...head.matchAll(/^([^\s:]+):/gm)].map(([, name]) => name!);
        const optional = names.filter((name) => !["List-Unsubscribe", "List-Id"].includes(name));
        expect(optional).toEqual([
          "From",
          "To",
          "Subject",
          "Message-ID",
          "Date",
          "MIME-Version",
          "X-A",
          "X-B",
          "Content-Type",
        ]);
        const mail = await read(text);
        expect([mail.attachments.length, mail.bcc]).toEqual([0, undefined]);
        const lines = a.toWellFormed().replace(/\r\n|\r/g, "\n");
        expect(mail.text).toBe(`${lines}\n`);
        expect(untracked(mail.html!, [])).toBe(`<p>${lines}</p>\n`);
      }),
      { numRuns: 800 },
    );
  });

  it("a recipient's name is a name whatever it holds", async () => {
    await fc.assert(
      fc.asyncProperty(nasty, async (given) => {
        // Those three the schema refuses, and the header writer again.
        const name = given.replace(/[\r\n\0]/g, "");
        const mail = await read(bulk({ text: "t" }, {}, { address: "x@y.com", name }));
        expect(mail.to?.map(({ address }) => address)).toEqual(["x@y.com"]);
        expect([mail.bcc, mail.cc, mail.subject, mail.text]).toEqual([undefined, undefined, "Hello", "t\n"]);
      }),
      { numRuns: 800 },
    );
  });
});

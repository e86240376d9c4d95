/** What a message with a way to unsubscribe carries: header lines, the link in its content, and what is no click. */
import PostalMime from "postal-mime";
import { describe, expect, it } from "vitest";
import type { CompileContext } from "../../src/message/compile.ts";
import { render } from "../../src/message/render.ts";
import type { Content } from "../../src/schema/email.ts";
import { linkSigner } from "../../src/tracking/link.ts";
import { sealUnsubscribe } from "../../src/tracking/unsubscribe.ts";
import { BASE, content, ID, SECRET, targetsIn, unstuffed, wire } from "../support/mail.ts";

const seal = (address: string) => (topic: string | null) =>
  sealUnsubscribe("secret", { id: ID, recipient: 0, address, topic });
const fill = (address = "bea@example.net") => ({
  unsubscribe: seal(address),
  unsubscribe_mail: () => "m".repeat(43),
});
const asked = { topic: "news", mailDomain: "bounces.example.com" };
const sent = (given: Partial<Content>, how: Partial<CompileContext> = {}, address?: string) =>
  wire(given, { unsubscribe: asked, ...how }, fill(address));
const URL_ = `${BASE}/u/${seal("bea@example.net")("news")}`;

describe("a message with a way to unsubscribe", () => {
  it("has both URIs on one line, and the line that allows one click", () => {
    expect(sent({})).toContain(
      `\r\nList-Unsubscribe: <${URL_}>, <mailto:unsubscribe+${"m".repeat(43)}@bounces.example.com?subject=unsubscribe>\r\n` +
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n",
    );
  });

  it("says which list it is of (RFC 2919), unless it says so itself", () => {
    const listIds = (mail: string) => [...mail.matchAll(/^list-id: (.*)\r$/gim)].map(([, value]) => value);
    expect(listIds(sent({}))).toEqual(["<news.example.com>"]);
    expect(listIds(sent({}, { unsubscribe: { topic: null, mailDomain: null } }))).toEqual([
      "<mail.example.com>",
    ]);
    const own = { headers: [{ name: "list-id", value: "Ours <ours.example.org>" }] };
    expect(listIds(sent(own))).toEqual(["Ours <ours.example.org>"]);
    expect(listIds(sent({}, { unsubscribe: null }))).toEqual([]);
    expect(listIds(sent({}, { unsubscribe: { topic: "a..b.-", mailDomain: null } }))).toEqual([
      "<a.b.-.example.com>",
    ]);
    expect(listIds(sent({}, { unsubscribe: { topic: "a...", mailDomain: null } }))).toEqual([
      "<a.example.com>",
    ]);
  });

  it("without a domain for mail has the link alone", () => {
    expect(sent({}, { unsubscribe: { topic: "news", mailDomain: null } })).toContain(
      `\r\nList-Unsubscribe: <${URL_}>\r\nList-Unsubscribe-Post:`,
    );
  });

  it("promises no POST without https (RFC 8058 section 3.1)", () => {
    const mail = sent({}, { trackingBase: "http://127.0.0.1:8787" });
    expect(mail).toContain("\r\nList-Unsubscribe: <http://127.0.0.1:8787/u/");
    expect(mail).not.toContain("List-Unsubscribe-Post");
  });

  it("never parts a URI, however long the address", () => {
    const address = `${"l".repeat(64)}@${"d".repeat(240)}.example`;
    const mailDomain = `${"b".repeat(200)}.example.com`;
    const base = `https://${"t".repeat(135)}.com`;
    const mail = sent(
      {},
      { trackingBase: base, unsubscribe: { topic: "t".repeat(64), mailDomain } },
      address,
    );
    const lines = /^List-Unsubscribe: ([\s\S]*?)\r\n(?! )/m.exec(mail)![1]!.split("\r\n ");
    expect(lines).toHaveLength(2);
    expect(lines[0]).toBe(`<${base}/u/${seal(address)("t".repeat(64))}>,`);
    expect(lines[1]).toMatch(/^<mailto:unsubscribe\+m{43}@b+\.example\.com\?subject=unsubscribe>$/);
  });

  it.each([false, true])("puts the link into html, text and headers (bulk: %s)", async (bulk) => {
    const mail = await PostalMime.parse(
      unstuffed(
        wire(
          {
            html: '<a href="{{unsubscribe_url}}">leave</a> <a href={{ unsubscribe_url }}>x</a> {{{RESEND_UNSUBSCRIBE_URL}}}',
            text: "Leave: {{unsubscribe_url}}",
            headers: [{ name: "X-Leave", value: "{{unsubscribe_url|none}}" }],
          },
          { unsubscribe: asked, bulk, clicks: true, textClicks: true },
          { ...fill(), to: { address: "bea@example.net", name: null }, message_id: "1@x.com" },
        ),
      ),
    );
    expect(mail.html!.replaceAll("&#104;ttps", "https").replaceAll("&#x3D;", "=")).toContain(
      `<a href="${URL_}">leave</a>`,
    );
    expect(mail.html).toContain(`${URL_}\n`);
    expect(mail.text).toBe(`Leave: ${URL_}\n`);
    expect(mail.headers.find(({ key }) => key === "x-leave")?.value).toBe(URL_);
    expect(targetsIn(mail.html!)).toEqual([]);
  });

  it("has it in a text part made of the html too", async () => {
    const mail = await PostalMime.parse(
      unstuffed(sent({ html: '<p>Hi</p><a href="{{unsubscribe_url}}">leave</a>', text: null })),
    );
    expect(mail.text).toBe(`Hi\n\nleave (${URL_})\n`);
  });

  it("leaves other braces of a single message alone", () => {
    expect(sent({ text: "{{name}} {{unsubscribe_url}}", html: null })).toContain("\r\n\r\n{{name}} =\r\n");
  });
});

describe("a message without", () => {
  it("has no such header, and its braces are text", () => {
    const mail = wire({ text: "{{unsubscribe_url}}" });
    expect(mail).not.toContain("List-Unsubscribe");
    expect(mail).toContain("\r\n\r\n{{unsubscribe_url}}\r\n");
  });

  it("keeps the caller's own headers as they are, and their link is no click", () => {
    const value = "<https://news.example.com/leave?u=1&x=2>, <mailto:leave@example.com>";
    const mail = wire(
      {
        headers: [
          { name: "List-Unsubscribe", value },
          { name: "List-Unsubscribe-Post", value: "List-Unsubscribe=One-Click" },
        ],
        html: '<a href="https://news.example.com/leave?u=1&amp;x=2">leave</a> <a href="https://example.com/">read</a>',
        text: "x",
      },
      { clicks: true },
    );
    expect(mail).toContain(
      `\r\nList-Unsubscribe: ${value}\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n`,
    );
    expect(targetsIn(unstuffed(mail).toString().replaceAll("=\r\n", ""))).toEqual(["https://example.com/"]);
  });

  it.each([
    ["https://n.example/leave?e={{e}}", "https://n.example/leave?e={{{ e }}}"],
    ["https://n.example/leave?e={{e}}", "HTTPS://N.example/leave?e={{e}}"],
    ["{{ url }}", "{{url}}"],
  ])("nor is one that holds variables: <%s> and %s", (uri, href) => {
    const variables = { e: "bea+x@example.net", url: "https://n.example/u?e=bea%20x@example.net" };
    const given = {
      headers: [{ name: "List-Unsubscribe", value: `<${uri}>` }],
      html: `<a href="${href}">leave</a>`,
      text: "x",
    };
    const to = { to: { address: "bea@example.net", name: null }, message_id: "1@example.com" };
    const signLink = linkSigner(SECRET, ID);
    expect(wire(given, { clicks: true, bulk: true }, { ...to, signLink, variables })).not.toContain("/c/");
    const rendered = render(content(given), variables, null);
    expect(rendered.ok && wire(rendered.value, { clicks: true })).not.toContain("/c/");
  });

  it.each([`<a href="${URL_}">`, '<a data-unsubscribe href="https://example.com/leave">'])(
    "does not count %s as a click",
    (html) => expect(wire({ html, text: "x" }, { clicks: true })).not.toContain("/c/"),
  );
});

import fc from "fast-check";
import PostalMime from "postal-mime";
import { describe, expect, it } from "vitest";
import { instrumentText } from "../../src/message/text-links.ts";
import { context, TOKEN, targetsIn, unstuffed, untracked, wire } from "../support/mail.ts";

const track = (text: string): string =>
  instrumentText(text, context())
    .map((piece) => (typeof piece === "string" ? piece : TOKEN))
    .join("");

describe("links in text that are followed", () => {
  it.each<[string, string[]]>([
    ["https://x.com/a", ["https://x.com/a"]],
    ["See https://x.com/a.", ["https://x.com/a"]],
    ["See https://x.com/a?b=1&c=2#d, and http://y.com!", ["https://x.com/a?b=1&c=2#d", "http://y.com"]],
    ["(https://x.com/a)", ["https://x.com/a"]],
    ["https://en.wikipedia.org/wiki/Foo_(bar)", ["https://en.wikipedia.org/wiki/Foo_(bar)"]],
    ["(see https://x.com/Foo_(bar)).", ["https://x.com/Foo_(bar)"]],
    ["[https://x.com/a] {https://x.com/b}", ["https://x.com/a", "https://x.com/b"]],
    ["<https://x.com/a>", ["https://x.com/a"]],
    ['"https://x.com/a"', ["https://x.com/a"]],
    ["“https://x.com/a”…", ["https://x.com/a"]],
    ["HTTPS://X.COM/A", ["HTTPS://X.COM/A"]],
    ["a\r\nhttps://x.com/a\r\nb", ["https://x.com/a"]],
    ["https://bücher.example/ö?ü=é", ["https://bücher.example/ö?ü=é"]],
    ["请看https://x.com/a，谢谢", []],
    ["请看 https://x.com/a，谢谢", ["https://x.com/a"]],
    ["https://x.com/?a=[1]&b=2", ["https://x.com/?a=[1]&b=2"]],
    ["https://x.com/a&amp;b", ["https://x.com/a&amp;b"]], // text has no entities
    ["https://x.com/%20%C3%B6", ["https://x.com/%20%C3%B6"]],
    ["https://x.com/a https://x.com/a", ["https://x.com/a", "https://x.com/a"]],
    ["Go: Link (https://x.com/a?b=1)", ["https://x.com/a?b=1"]],
    ["{{name}}: https://x.com/a", ["https://x.com/a"]],
  ])("%j", (text, targets) => {
    const out = track(text);
    expect(targetsIn(out)).toEqual(targets);
    expect(untracked(out, targets)).toBe(text);
  });
});

describe("text that stays", () => {
  it.each([
    "",
    "no links",
    "www.x.com",
    "mailto:a@x.com ftp://x.com x.com/a",
    "xhttps://x.com",
    "https://",
    "https:// x.com",
    "https://x.com/{{id}}",
    "https://x.com/{{ id }}",
    "{{url|https://x.com/a}}",
    "{{ url | https://x.com/a }}",
    "https://x.com/*|ID|*",
    "https://x.com/%%id%%",
    "https://x.com/<%= id %>",
    "https://x.com/?e=%recipient%",
    "https://[nonsense/",
    `https://x.com/${"a".repeat(5_000)}`,
  ])("%j", (text) => expect(track(text)).toBe(text));
});

it("is off by default, and through the whole message changes nothing else", async () => {
  const text = "Hi {{name}},\n\nhttps://x.com/a?b=1 and {{url|https://y.com}}.\n.\n";
  const fill = { to: { address: "x@y.com", name: null }, message_id: "1@x", variables: { name: "Ann" } };
  const read = async (how: object) =>
    (await PostalMime.parse(unstuffed(wire({ text }, { bulk: true, clicks: true, ...how }, fill)))).text!;
  const plain = "Hi Ann,\n\nhttps://x.com/a?b=1 and https://y.com.\n.\n";
  expect((await read({})).trimEnd()).toBe(plain.trimEnd());
  const tracked = await read({ textClicks: true });
  expect(targetsIn(tracked)).toEqual(["https://x.com/a?b=1"]);
  expect(untracked(tracked, ["https://x.com/a?b=1"]).trimEnd()).toBe(plain.trimEnd());
});

it("reaches the links of a text part made from html", async () => {
  const html = '<p><a href="https://x.com/a?b=1&amp;c=2">Link</a></p>';
  const bytes = wire({ html, text: null }, { textClicks: true, clicks: true });
  const mail = await PostalMime.parse(unstuffed(bytes));
  expect(targetsIn(mail.text!)).toEqual(["https://x.com/a?b=1&c=2"]);
  expect(targetsIn(mail.html!)).toEqual(["https://x.com/a?b=1&c=2"]);
});

it("any text: no throw, and all but tracking is the same", () => {
  const piece = fc.constantFrom(
    "https://",
    "http://x.com/",
    "a",
    ".",
    ")",
    "(",
    "]",
    "{{",
    "}}",
    "<%",
    " ",
    "\r",
    "\n",
    "%",
    "ü",
    "🎉",
    "\ud800",
    "\0",
    "x.com",
    "?",
    "#",
    "'",
    '"',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (list) => {
      const text = list.join("");
      const out = track(text);
      expect(untracked(out, targetsIn(out))).toBe(text);
    }),
    { numRuns: 3_000 },
  );
  expect(track(`https://x.com/${")".repeat(200_000)}`)).toHaveLength(
    200_000 + track("https://x.com/").length,
  );
  expect(track("{{".repeat(200_000))).toHaveLength(400_000);
});

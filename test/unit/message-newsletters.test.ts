/**
 * Newsletters in the style of ten makers, against an oracle that shares nothing with the product: parse5 for html, and
 * a parser of conditional comments of its own.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type DefaultTreeAdapterMap, parse, parseFragment } from "parse5";
import PostalMime from "postal-mime";
import { describe, expect, it } from "vitest";
import { targetsIn, unstuffed, untracked, wire } from "../support/mail.ts";

const FOLDER = join(import.meta.dirname, "../fixtures/newsletters");
type Node = DefaultTreeAdapterMap["node"];

interface Found {
  at: number;
  raw: string;
  target: string;
}

/** The raw value of an attribute, given the source of the whole attribute. */
const rawValue = (source: string): { skip: number; raw: string } => {
  const head = /^[^\s=]+\s*=\s*/.exec(source)?.[0].length ?? source.length;
  const quoted = /^["']/.test(source.slice(head));
  return quoted
    ? { skip: head + 1, raw: source.slice(head + 1, -1) }
    : { skip: head, raw: source.slice(head) };
};

function oracle(html: string): Found[] {
  const found = new Map<number, Found>();
  const visit = (node: Node, source: string, offset: number): void => {
    if ("attrs" in node && /^(?:a|area|v:.*)$/.test(node.tagName)) {
      const href = node.attrs.find((attr) => attr.name === "href" && attr.prefix === undefined);
      const place = node.sourceCodeLocation?.attrs?.href;
      const off = node.attrs.some(
        ({ name, value }) =>
          name === "ses:no-track" ||
          name === "data-pm-no-track" ||
          ((name === "data-track" || name === "clicktracking") && value === "off"),
      );
      if (href !== undefined && place !== undefined && !off) {
        const { skip, raw } = rawValue(source.slice(place.startOffset, place.endOffset));
        const target = href.value
          .trim()
          .split(/[\t\r\n]/)
          .join("")
          .split(" ")
          .join("%20");
        const tag =
          ["{{", "{%", "*|", "%%", "<%"].some((form) => target.includes(form)) ||
          /%[a-z_.]{5,}%/i.test(target);
        const at = offset + place.startOffset + skip;
        if (/^https?:\/\//i.test(target) && !tag) found.set(at, { at, raw, target });
      }
    }
    if (node.nodeName === "#comment" && "data" in node) {
      const start = node.sourceCodeLocation!.startOffset;
      const end = node.sourceCodeLocation!.endOffset;
      const text = source.slice(start, end);
      const inside = /^<!--\s*\[if[^\]]*\]>([\s\S]*?)<!\[endif\]\s*-->$/.exec(text);
      if (inside !== null && offset === 0) {
        const from = start + text.indexOf("]>") + 2;
        const part = html.slice(from, from + inside[1]!.length);
        visit(parseFragment(part, { sourceCodeLocationInfo: true, scriptingEnabled: false }), part, from);
      }
    }
    if ("childNodes" in node) for (const child of node.childNodes) visit(child, source, offset);
  };
  visit(parse(html, { sourceCodeLocationInfo: true, scriptingEnabled: false }), html, 0);
  return [...found.values()].sort((a, b) => a.at - b.at);
}

/** How many links each must give, counted by hand, so that oracle and product cannot be blind together. */
const LINKS: Record<string, number> = {
  "broken.html": 14,
  "hubspot.html": 11,
  "mailchimp.html": 10,
  "mjml.html": 10,
  "outlook-first.html": 19,
  "plain.html": 11,
  "rtl-arabic.html": 11,
  "salesforce.html": 11,
  "stripo.html": 11,
  "thai-emoji.html": 10,
};

describe.each(readdirSync(FOLDER))("%s", (name) => {
  const html = readFileSync(join(FOLDER, name), "utf8").replaceAll("\r\n", "\n");
  const expected = oracle(html);

  it("every http link is found and leads exactly where it led", async () => {
    const mail = await PostalMime.parse(unstuffed(wire({ html, text: null }, { opens: true, clicks: true })));
    expect(targetsIn(mail.html!)).toEqual(expected.map(({ target }) => target));
    expect(expected.length).toBe(LINKS[name]);
  });

  it("every other byte is as it was", async () => {
    const mail = await PostalMime.parse(unstuffed(wire({ html, text: null }, { opens: true, clicks: true })));
    const back = untracked(
      mail.html!,
      expected.map(({ raw }) => raw),
    );
    expect(back).toBe(`${html}\n`); // postal-mime ends every part with a line break of its own
  });

  it("has a text part to read", async () => {
    const mail = await PostalMime.parse(unstuffed(wire({ html, text: null }, { opens: true, clicks: true })));
    expect(mail.text!.length).toBeGreaterThan(100);
    expect(mail.text).not.toMatch(
      /<\/?(?:a|p|td|div|table|v:)|\{ color|&(?:nbsp|euro|middot|[ou]uml);|\n{3}|https:\/\/t\.example\.com/,
    );
  });
});

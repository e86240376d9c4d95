/** Newsletters in the style of ten makers as they arrive, against the oracle of link-oracle.ts. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import PostalMime from "postal-mime";
import { describe, expect, it } from "vitest";
import { linksOf } from "../support/link-oracle.ts";
import { targetsIn, unstuffed, untracked, wire } from "../support/mail.ts";

const FOLDER = join(import.meta.dirname, "../fixtures/newsletters");
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
  const expected = linksOf(html);

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

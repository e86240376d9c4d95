/**
 * Mails of many makers, whole and broken: every link is found, leads exactly where it led, and every other byte is as it
 * was. The oracle is `link-oracle.ts`.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import PostalMime from "postal-mime";
import { describe, expect, it } from "vitest";
import { LINK_TARGET_BYTES } from "../../src/core/limits.ts";
import { instrument } from "../../src/message/instrument.ts";
import { scanHtml } from "../../src/message/scan.ts";
import { linksOf, replaced } from "../support/link-oracle.ts";
import { context, TOKEN, targetsIn, unstuffed, untracked, wire, withoutPixel } from "../support/mail.ts";
import { makeTemplate } from "../support/template-maker.ts";

const FOLDER = join(import.meta.dirname, "../fixtures/templates");
const file = (name: string): string => readFileSync(join(FOLDER, name), "utf8");

/** The html with links tracked and a pixel in it, as text. */
const tracked = (html: string): string =>
  instrument(html, scanHtml(html), context({ clicks: true, opens: true }))
    .map((piece) => ("kind" in piece ? TOKEN : piece.text))
    .join("");

const trackable = (html: string) =>
  linksOf(html).filter(({ target }) => Buffer.byteLength(target) <= LINK_TARGET_BYTES);

/** Exact: what was found where, what it leads to, and everything between. */
function check(html: string): number {
  const expected = trackable(html);
  const out = tracked(html);
  expect(targetsIn(out)).toEqual(expected.map(({ target }) => target));
  const marked = (text: string) => `\u0001${text}\u0002`;
  const base = /https:\/\/t\.example\.com\/c\/[A-Za-z0-9_-]+\/[A-Za-z0-9_-]+/g;
  let n = 0;
  const mine = untracked(out, []) === "" ? "" : out;
  expect(withoutPixel(mine).replace(base, () => marked(String(n++)))).toBe(
    replaced(html, expected, (_, i) => marked(String(i))),
  );
  return expected.length;
}

/** Through compile, splice and another program's parser: the same, but for line ends, which become those of mail. */
async function checkMail(html: string): Promise<void> {
  const expected = trackable(html);
  const mail = await PostalMime.parse(unstuffed(wire({ html, text: "x" }, { opens: true, clicks: true })));
  const lines = (text: string) => text.toWellFormed().replaceAll(/\r\n|\r/g, "\n");
  expect(targetsIn(mail.html!)).toEqual(expected.map(({ target }) => target));
  const back = untracked(
    mail.html!,
    expected.map(({ raw }) => raw),
  );
  expect(lines(back)).toBe(`${lines(html)}\n`);
}

/** How many links each must give, counted by hand, so that oracle and product cannot be blind together. */
const LINKS: Record<string, number> = {
  "acoustic.html": 6,
  "amp4email.html": 4,
  "beefree.html": 7,
  "braze.html": 6,
  "broken-attributes.html": 21,
  "broken-comments.html": 12,
  "broken-quotes.html": 11,
  "broken-tags.html": 17,
  "cerberus.html": 3,
  "cjk.html": 6,
  "constant-contact.html": 4,
  "foundation.html": 5,
  "github-notification.html": 5,
  "gmail-forward.html": 2,
  "klaviyo.html": 3,
  "marketo.html": 5,
  "nested-conditionals.html": 13,
  "outlook-word.html": 4,
  "plain-fragment.html": 1,
  "postmark-receipt.html": 4,
  "raw-text.html": 12,
  "rtl-hebrew.html": 5,
  "sendgrid-dynamic.html": 1,
  "substack.html": 4,
  "thai-hindi.html": 7,
  "ticket-inline.html": 5,
  "vml-background.html": 12,
};

describe("templates written by hand", () => {
  it("are all counted", () => expect(readdirSync(FOLDER).sort()).toEqual(Object.keys(LINKS).sort()));
  it.each(Object.entries(LINKS))("%s: %i links", async (name, links) => {
    expect(check(file(name))).toBe(links);
    await checkMail(file(name));
  });
  it.each(Object.keys(LINKS))("%s with the line ends of Windows and of old Macs", (name) => {
    const lines = file(name).split("\n");
    expect(check(lines.join("\r\n"))).toBe(LINKS[name]);
    expect(check(lines.join("\r"))).toBe(LINKS[name]);
  });
});

describe("templates made from seeds", () => {
  const seeds = Array.from({ length: 60 }, (_, seed) => makeTemplate(seed));
  it("differ in layout, language and damage", () => {
    const kinds = [0, 1, 2].map(
      (part) => new Set(seeds.map(({ name }) => name.split(/: |, /)[part + 1])).size,
    );
    expect(kinds.every((kind, i) => kind >= [5, 5, 8][i]!)).toBe(true);
    expect(
      seeds.map(({ html }) => trackable(html).length).filter((links) => links > 0).length,
    ).toBeGreaterThan(50);
  });
  it.each(seeds)("$name", async ({ html }) => {
    check(html);
    await checkMail(html);
  });
  it("of 300 kB", async () => {
    const { html } = makeTemplate(7, 1_500);
    expect(html.length).toBeGreaterThan(300_000);
    expect(check(html)).toBeGreaterThan(100);
    await checkMail(html);
  });
  it("and a thousand more", () => {
    for (let seed = 1_000; seed < 2_000; seed++) {
      const { html, name } = makeTemplate(seed);
      try {
        check(html);
      } catch (cause) {
        throw new Error(`${name}\n${html}`, { cause });
      }
    }
  });
});

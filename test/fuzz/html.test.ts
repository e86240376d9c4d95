/** Any html at all: it is compiled without a throw, and all but tracking comes out as it went in. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compile } from "../../src/message/compile.ts";
import { instrument } from "../../src/message/instrument.ts";
import { isBare, scanHtml } from "../../src/message/scan.ts";
import { splice } from "../../src/message/splice.ts";
import { textOf } from "../../src/message/text.ts";
import { linksOf } from "../support/link-oracle.ts";
import { content, context, TOKEN, untracked, wire } from "../support/mail.ts";
import { makeTemplate } from "../support/template-maker.ts";

/** A template with pieces of it, or of another, cut out, doubled and moved. */
const mangled = fc
  .tuple(
    fc.nat(9_999),
    fc.array(fc.tuple(fc.nat(), fc.nat(200), fc.nat(), fc.string({ unit: "binary", maxLength: 4 })), {
      maxLength: 6,
    }),
  )
  .map(([seed, cuts]) => {
    let { html } = makeTemplate(seed, 4);
    for (const [from, length, to, extra] of cuts) {
      const at = from % (html.length + 1);
      const piece = html.slice(at, at + length);
      const rest = html.slice(0, at) + html.slice(at + length);
      const there = to % (rest.length + 1);
      html = rest.slice(0, there) + extra + piece + rest.slice(there);
    }
    return html;
  });
const html = fc.oneof(mangled, fc.string({ unit: "binary", maxLength: 300 }));
const runs = { numRuns: 1_500 };

describe("scripts that hold what looks like scripts", () => {
  it("end where a browser ends them, whatever is in them", () => {
    const piece = fc.constantFrom(
      ...'<!-- --> <script> <script/ </script> </script <SCRIPT\n <!--> --!> <scripts> - x "'.split(" "),
      '<a href="https://example.com/a">',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 14 }), (pieces) => {
        const given = `<script>${pieces.join("")}`;
        expect(scanHtml(given).links.map(({ start }) => start)).toEqual(linksOf(given).map(({ at }) => at));
      }),
      { numRuns: 5_000 },
    );
  });
});

describe("any html", () => {
  it("is tracked, and every byte outside links is as it was", () => {
    fc.assert(
      fc.property(html, (given) => {
        const scan = scanHtml(given);
        const originals: string[] = [];
        const pieces = instrument(given, scan, context({ clicks: true, opens: true }));
        // What stands between two constant runs of the html given is what was replaced.
        let from = 0;
        let kept = "";
        for (const piece of pieces) {
          if ("kind" in piece || piece.at < 0) continue;
          expect(given.startsWith(piece.text, piece.at)).toBe(true);
          expect(piece.at).toBeGreaterThanOrEqual(from);
          if (piece.at > from) originals.push(given.slice(from, piece.at));
          kept += given.slice(from, piece.at) + piece.text;
          from = piece.at + piece.text.length;
        }
        if (from < given.length) originals.push(given.slice(from));
        expect(kept + given.slice(from)).toBe(given);
        const out = pieces.map((piece) => ("kind" in piece ? TOKEN : piece.text)).join("");
        expect(untracked(out, originals)).toBe(given);
        for (const link of originals)
          expect(scan.links.some(({ start, end }) => given.slice(start, end) === link)).toBe(true);
      }),
      runs,
    );
  });

  it("is scanned into stretches that lie in order and within it", () => {
    fc.assert(
      fc.property(html, fc.nat(), (given, n) => {
        const { links, bare, bodyEnd } = scanHtml(given);
        let last = 0;
        for (const { start, end } of links) {
          expect(start >= last && end >= start && end <= given.length).toBe(true);
          last = end;
        }
        for (const [start, end] of bare) expect(start <= end && end <= given.length).toBe(true);
        if (bodyEnd >= 0) expect(given.slice(bodyEnd, bodyEnd + 6).toLowerCase()).toBe("</body");
        isBare(given, scanHtml(given), n % (given.length + 1));
      }),
      runs,
    );
  });

  it("gives a text part without markup's white space", () => {
    fc.assert(
      fc.property(html, (given) => {
        const text = textOf(given);
        expect(text).toBe(text.trim());
        expect(text).not.toMatch(/\n{3}| \n/);
      }),
      runs,
    );
  });

  it("makes a message that may go over the wire, single and bulk", () => {
    fc.assert(
      fc.property(html, (given) => {
        wire({ html: given, text: null }, { opens: true, clicks: true, textClicks: true });
        const bulk = compile(content({ html: given, text: null }), context({ bulk: true, clicks: true }));
        if (!bulk.ok) throw new Error(JSON.stringify(bulk.error));
        const fill = {
          token: TOKEN,
          to: { address: "a@b.com", name: null },
          message_id: "1@x",
          variables: {},
        };
        expect(splice(bulk.value.compiled, fill).length).toBeGreaterThan(0);
      }),
      { numRuns: 500 },
    );
  });
});

/**
 * One pass over html that notes offsets and changes nothing: links, the end of the body, and where inside a tag text
 * stands outside quotes. Conditional comments (`<!--[if mso]>…<![endif]-->`) are markup to Outlook, so their inside
 * is read too.
 *
 * Read as mail programs read, with scripting off: `<noscript>` is markup; `<script>`, `<style>`, `<title>`,
 * `<textarea>`, `<xmp>`, `<iframe>`, `<noembed>`, `<noframes>` and `<plaintext>` hold text; `<template>` holds nothing
 * that is shown. `xlink:href` of SVG and `<base href>` are not links of a mail and are not noted.
 */
import { Tokenizer } from "htmlparser2";

export interface Link {
  /** Offsets of the href's value, without quotes. */
  start: number;
  end: number;
  /** The tag carries one of the opt-out attributes. */
  optedOut: boolean;
}

export interface Scan {
  /** In order. `href` of `a` and `area`, and of VML shapes (`v:roundrect`, …), which are Outlook's buttons. */
  links: Link[];
  /** Offset of the last `</body`'s `<` outside comments and text elements; -1 when there is none. */
  bodyEnd: number;
  /** Whether there is an `<img>`, outside comments. */
  hasImage: boolean;
  /** Start and end of every stretch inside a tag and outside quotes, in order. */
  bare: [start: number, end: number][];
}

/** Attributes that opt a link out of tracking, with the value they need (null: any, or none), and whose they are. */
const OPT_OUT = new Map<string, string | null>([
  ["data-track", "off"], // ours
  ["data-unsubscribe", null], // ours, for a link that unsubscribes: to leave is not to click
  ["clicktracking", "off"], // SendGrid
  ["ses:no-track", null], // Amazon SES
  ["data-pm-no-track", null], // Postmark
]);

/** Where the text of a `<script>` may end, and what makes it not end there (HTML, script data states). */
const SCRIPT_MARK = /<!--|-->|<(\/?)script(?=[\t\n\f\r />])/gi;

/**
 * The end of a script's text that holds `<!-- <script`, where a first `</script>` ends nothing (HTML, script data double
 * escaped state) and the tokenizer, which knows no such state, would go on too early. Null: it ends at the first.
 */
function doubleEscapedEnd(html: string, from: number): number | null {
  let state: "plain" | "escaped" | "double" = "plain";
  let doubled = false;
  SCRIPT_MARK.lastIndex = from;
  for (let mark = SCRIPT_MARK.exec(html); mark !== null; mark = SCRIPT_MARK.exec(html)) {
    if (mark[0] === "<!--") {
      if (state === "plain") state = "escaped";
      SCRIPT_MARK.lastIndex = mark.index + 2; // `<!-->` is closed at once.
    } else if (mark[0] === "-->") state = "plain";
    else if (mark[1] === "/") {
      if (state !== "double") return doubled ? mark.index : null;
      state = "escaped";
    } else if (state === "escaped") {
      state = "double";
      doubled = true;
    }
  }
  return doubled ? html.length : null;
}

/** What opens a downlevel-hidden conditional comment; `<!--[if !mso]><!-->` has no inside beyond it. */
const CONDITIONAL = /^\s*\[if\s[^\]>]*\]>/i;
/** `<!--[if mso]><!--[if gte mso 12]>` occurs; deeper is nobody's mail. Each level reads its inside once more. */
const CONDITIONAL_DEPTH = 3;

export function scanHtml(html: string): Scan {
  const scan: Scan = { links: [], bodyEnd: -1, hasImage: false, bare: [] };
  scanPart(html, 0, scan, 0);
  return scan;
}

function scanPart(part: string, partOffset: number, scan: Scan, depth: number): void {
  let html = part;
  let offset = partOffset;
  /** Where another tokenizer has to take over; -1: nowhere. */
  let resumeAt = -1;
  let script = false;
  let linkTag = false;
  let templates = 0;
  let template = false;
  let attribute = "";
  let valueStart = -1;
  let valueEnd = -1;
  let hrefStart = -1;
  let hrefEnd = -1;
  let optedOut = false;
  const optOuts: string[] = [];
  let bareFrom = -1;

  const endOfTag = (at: number): void => {
    if (at > bareFrom) scan.bare.push([bareFrom + offset, at + offset]);
    if (linkTag && hrefStart >= 0 && templates === 0) {
      scan.links.push({ start: hrefStart + offset, end: hrefEnd + offset, optedOut });
    }
    if (template) templates++;
    bareFrom = -1;
    const end = script ? doubleEscapedEnd(html, at + 1) : null;
    if (end === null) return;
    resumeAt = end;
    tokenizer.pause();
  };

  const tokenizer = new Tokenizer(
    { decodeEntities: false },
    {
      onopentagname(start, end) {
        const name = html.slice(start, end).toLowerCase();
        linkTag = name === "a" || name === "area" || name.startsWith("v:");
        template = name === "template";
        script = name === "script";
        if (depth === 0 && name === "img") scan.hasImage = true;
        hrefStart = -1;
        optedOut = false;
        if (optOuts.length > 0) optOuts.length = 0;
        bareFrom = start;
      },
      onattribname(start, end) {
        attribute = linkTag ? html.slice(start, end).toLowerCase() : "";
        valueStart = -1;
      },
      onattribdata(start, end) {
        if (valueStart < 0) valueStart = start;
        valueEnd = end;
      },
      onattribend(quote, end) {
        if (quote > 1) {
          const opening = valueStart < 0 ? end - 2 : valueStart - 1;
          scan.bare.push([bareFrom + offset, opening + offset]);
          bareFrom = end;
        }
        if (!linkTag) return;
        // The first of two equal attributes counts (HTML, attribute name state).
        if (attribute === "href" && hrefStart < 0 && valueStart >= 0) {
          hrefStart = valueStart;
          hrefEnd = valueEnd;
        } else if (OPT_OUT.has(attribute) && !optOuts.includes(attribute)) {
          optOuts.push(attribute);
          const wanted = OPT_OUT.get(attribute);
          const value = valueStart < 0 ? "" : html.slice(valueStart, valueEnd).trim().toLowerCase();
          if (wanted === null || value === wanted) optedOut = true;
        }
      },
      onopentagend: endOfTag,
      onselfclosingtag: endOfTag,
      onclosetag(start, end) {
        const name = html.slice(start, end).toLowerCase();
        if (name === "body" && depth === 0) scan.bodyEnd = start - 2;
        else if (name === "template" && templates > 0) templates--;
      },
      oncomment(start, end, endOffset) {
        // A comment of `<!` or `<?` has no dashes, and its inside is not markup to anyone.
        if (depth > CONDITIONAL_DEPTH || templates > 0 || html.slice(start - 2, start) !== "--") return;
        const inside = html.slice(start, Math.max(start, end - endOffset));
        const opening = CONDITIONAL.exec(inside)?.[0].length;
        if (opening !== undefined) scanPart(inside.slice(opening), offset + start + opening, scan, depth + 1);
      },
      oncdata() {},
      ondeclaration() {},
      onprocessinginstruction() {},
      onattribentity() {},
      ontext() {},
      ontextentity() {},
      onend() {},
    },
  );
  tokenizer.write(html);
  while (resumeAt >= 0) {
    html = html.slice(resumeAt);
    offset += resumeAt;
    resumeAt = -1;
    tokenizer.reset();
    tokenizer.write(html);
  }
  tokenizer.end();
  // A tag that the end cuts off: whatever is added after it falls inside it.
  if (bareFrom >= 0) scan.bare.push([bareFrom + offset, html.length + offset]);
}

/** Whether an offset lies inside a tag and outside quotes, or right behind a `<` that a value could make a tag of. */
export function isBare(html: string, scan: Scan, at: number): boolean {
  if (/<[/!?]?$/.test(html.slice(Math.max(0, at - 2), at))) return true;
  let low = 0;
  let high = scan.bare.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (scan.bare[middle]![1] <= at) low = middle + 1;
    else high = middle;
  }
  const range = scan.bare[low];
  return range !== undefined && range[0] <= at;
}

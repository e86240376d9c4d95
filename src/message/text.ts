/**
 * A text part from html, for mails that come without one. Reads like the html looks: paragraphs, lists, tables by
 * row, links as `text (url)`, images as their alt. What is hidden (preheaders, style, script, comments) is left out.
 * Lines are not wrapped. Takes the html as the caller sent it, before tracking.
 */
import { decodeHTML, decodeHTMLAttribute } from "entities";
import { Parser } from "htmlparser2";
import { keep } from "../core/kept.ts";

/** Elements by what they do to the lines around them: this many line ends before and after. */
const BREAKS = new Map<string, number>();
for (const name of "p h1 h2 h3 h4 h5 h6 ul ol dl blockquote pre table hr figure".split(" "))
  BREAKS.set(name, 2);
for (const name of "div section article header footer main nav aside address center form fieldset li dt dd tr caption figcaption option body html title".split(
  " ",
))
  BREAKS.set(name, 1);
const SKIPPED = new Set([
  "head",
  "style",
  "script",
  "template",
  "textarea",
  "select",
  "iframe",
  "object",
  "noembed",
  "noframes",
  "xmp",
  "svg",
  "math",
]);
const VOID = new Set([
  "area",
  "base",
  "br",
  "col",
  "embed",
  "hr",
  "img",
  "input",
  "link",
  "meta",
  "source",
  "track",
  "wbr",
]);
/** Inline styles that take an element off the page. Not `font-size:0` and `mso-hide`: MJML's visible columns carry them. */
const HIDDEN =
  /(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*hidden|max-height\s*:\s*0(?:px)?\s*(?:;|!|$)|opacity\s*:\s*0\s*(?:;|!|$))/i;
/** What a style without which it hides nothing. */
const HIDING = /none|hidden|max-height|opacity/i;
/** Soft hyphens and invisible joiners, with which preheaders are padded out. */
const INVISIBLE = /(?:\u00ad|\u034f|\u200b|\u2060|\ufeff)+/g;
const NON_ASCII = /[^\0-\x7f]/;
const SPACE = /[ \t\r\n\f\u00a0]+/g;
const UNEVEN = /[\t\r\n\f\u00a0]| {2}/;
const BLANK = /[\t\r\n]/;
/** What a reader of text can follow; a variable may hold such a thing, and `{{unsubscribe_url}}` does. */
const LINKABLE = /^(?:(?:https?|mailto|tel|sms):|\{\{)/i;

interface List {
  ordered: boolean;
  next: number;
}

/** An attribute's value; "" when there is none. */
const decoded = (value: string | undefined): string =>
  value === undefined ? "" : value.includes("&") ? decodeHTMLAttribute(value) : value;

const isHidden = (style: string | undefined): boolean =>
  style !== undefined && HIDING.test(decoded(style)) && HIDDEN.test(decoded(style));

/** The text of a html part. Any html gives text; none throws. */
export function textOf(html: string): string {
  const page = new Page();
  const lists: List[] = [];
  const links: { href: string; from: number }[] = [];
  let skipped = 0;
  let pre = 0;
  let firstCell = true;

  const parser = new Parser(
    {
      onopentag(name, attributes) {
        if (skipped > 0) {
          if (!VOID.has(name)) skipped++;
          return;
        }
        if (SKIPPED.has(name) || "hidden" in attributes || isHidden(attributes.style)) {
          if (!VOID.has(name)) skipped = 1;
          return;
        }
        const nested = (name === "ul" || name === "ol") && lists.length > 0;
        page.break(nested ? 1 : (BREAKS.get(name) ?? 0));
        if (name === "br") page.newline();
        else if (name === "hr") page.write("---");
        else if (name === "img") page.inline(decoded(attributes.alt));
        else if (name === "a") {
          // A link within a link ends the outer one (HTML, "in body").
          const open = links.pop();
          if (open !== undefined) page.link(open.href, open.from);
          links.push({ href: decoded(attributes.href).trim(), from: page.mark() });
        } else if (name === "ul" || name === "ol") {
          lists.push({ ordered: name === "ol", next: Number.parseInt(attributes.start ?? "1", 10) || 1 });
          page.indent += lists.length > 1 ? 2 : 0;
        } else if (name === "li") {
          const list = lists.at(-1);
          page.write(list?.ordered ? `${list.next++}. ` : "- ");
        } else if (name === "blockquote") page.quote++;
        else if (name === "pre") pre++;
        else if (name === "tr") firstCell = true;
        else if (name === "td" || name === "th") {
          if (!firstCell) page.gap();
          firstCell = false;
        }
        if (name === "hr") page.break(2);
      },
      ontext(text) {
        if (skipped > 0) return;
        const read = text.includes("&") ? decodeHTML(text) : text;
        const shown = NON_ASCII.test(read) ? read.replace(INVISIBLE, "") : read;
        if (pre > 0) page.preformatted(shown);
        else page.inline(shown);
      },
      onclosetag(name) {
        if (skipped > 0) {
          if (!VOID.has(name)) skipped--;
          return;
        }
        if (VOID.has(name)) return;
        if (name === "a") {
          const link = links.pop();
          if (link !== undefined) page.link(link.href, link.from);
        } else if (name === "ul" || name === "ol") {
          if (lists.length > 1) page.indent -= 2;
          lists.pop();
        }
        page.break((name === "ul" || name === "ol") && lists.length > 0 ? 1 : (BREAKS.get(name) ?? 0));
        if (name === "blockquote" && page.quote > 0) page.quote--;
        else if (name === "pre" && pre > 0) pre--;
      },
    },
    // Decoded here, where there is anything to decode: the tokenizer then leaps from tag to tag.
    { decodeEntities: false },
  );
  parser.write(html);
  parser.end();
  return page.finish();
}

/** Lines as they are written: white space collapses, and line ends are only noted until something follows. */
class Page {
  private out: string[] = [];
  private length = 0;
  private pendingBreaks = 0;
  private pendingSpace = "";
  private lineEmpty = true;
  indent = 0;
  quote = 0;

  break(count: number): void {
    if (count === 0) return;
    this.pendingBreaks = Math.max(this.pendingBreaks, this.lineEmpty && count === 1 ? 0 : count);
    this.pendingSpace = "";
  }

  newline(): void {
    this.pendingBreaks = Math.min(this.pendingBreaks + 1, 2);
    this.pendingSpace = "";
  }

  /** Between two cells of a row. */
  gap(): void {
    if (!this.lineEmpty && this.pendingBreaks === 0) this.pendingSpace = "  ";
  }

  private push(text: string): void {
    this.out.push(text);
    this.length += text.length;
  }

  write(text: string): void {
    if (text === "") return;
    if (this.pendingBreaks > 0 && this.length > 0) this.push("\n".repeat(this.pendingBreaks));
    if (this.pendingBreaks > 0 || this.length === 0) {
      this.push("> ".repeat(this.quote) + " ".repeat(this.indent));
      this.lineEmpty = true;
    }
    this.pendingBreaks = 0;
    if (!this.lineEmpty) this.push(this.pendingSpace);
    this.pendingSpace = "";
    this.push(text);
    this.lineEmpty = false;
  }

  inline(text: string): void {
    // Most text is words with single spaces between: nothing to collapse.
    const collapsed = UNEVEN.test(text) ? text.replace(SPACE, " ") : text;
    if (collapsed === " " || collapsed === "") {
      if (collapsed !== "") this.pendingSpace ||= " ";
      return;
    }
    const last = collapsed.length - 1;
    const spaceBefore = collapsed.charCodeAt(0) === 32;
    const spaceAfter = collapsed.charCodeAt(last) === 32;
    if (spaceBefore) this.pendingSpace ||= " ";
    this.write(collapsed.slice(spaceBefore ? 1 : 0, spaceAfter ? last : undefined).trim());
    if (spaceAfter) this.pendingSpace = " ";
  }

  preformatted(text: string): void {
    for (const [i, line] of text.split(/\r\n|\r|\n/).entries()) {
      if (i > 0) this.newline();
      this.write(line);
    }
  }

  /** Where a link's text will begin. */
  mark(): number {
    return this.out.length;
  }

  link(href: string, from: number): void {
    if (!LINKABLE.test(href)) return;
    const shown = this.out.length - from;
    const text = (shown === 1 ? this.out[from]! : this.out.slice(from).join("")).trim();
    const joined = BLANK.test(href) ? href.replace(/[\t\r\n]+/g, "") : href;
    const url = joined.includes("{") ? joined : joined.replaceAll(" ", "%20"); // `{{ name }}` stays one
    if (text === "") {
      // Words on either side would become part of it.
      this.pendingSpace ||= " ";
      this.inline(url);
      this.pendingSpace = " ";
    } else if ((text.includes(" ") && !url.includes(" ")) || plain(text) !== plain(url)) {
      const space = this.pendingSpace;
      this.pendingSpace = " ";
      const breaks = this.pendingBreaks;
      this.pendingBreaks = 0;
      this.write(`(${url})`);
      this.pendingBreaks = breaks;
      this.pendingSpace = space;
    }
  }

  finish(): string {
    const text = this.out.join("");
    const lines = /\s\n/.test(text) ? text.split("\n").map((line) => line.trimEnd()) : [text];
    const joined = lines.length === 1 ? text : lines.join("\n");
    return (joined.includes("\n\n\n") ? joined.replace(/\n{3,}/g, "\n\n") : joined).trim();
  }
}

/** A link as people write it. */
const plain = (url: string): string =>
  url.replace(/^(?:https?:\/\/(?:www\.)?|mailto:|tel:)/i, "").replace(/\/$/, "");

keep(new Parser({}));
keep(new Page());

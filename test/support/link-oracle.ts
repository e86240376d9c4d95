/**
 * The links of html as an oracle that shares nothing with the product finds them: parse5 for html, and a parser of
 * conditional comments of its own.
 */
import { type DefaultTreeAdapterMap, parse, parseFragment } from "parse5";

type Node = DefaultTreeAdapterMap["node"];
type Element = DefaultTreeAdapterMap["element"];

export interface Found {
  /** Offset of the href's value, without quotes. */
  at: number;
  raw: string;
  target: string;
}

const OPTIONS = { sourceCodeLocationInfo: true, scriptingEnabled: false } as const;

/** The raw value of an attribute, given the source of the whole attribute. */
const rawValue = (source: string): { skip: number; raw: string } => {
  const head = /^[^\s=]+\s*=\s*/.exec(source)?.[0].length ?? source.length;
  const quoted = /^["']/.test(source.slice(head));
  return quoted
    ? { skip: head + 1, raw: source.slice(head + 1, -1) }
    : { skip: head, raw: source.slice(head) };
};

const optsOut = ({ attrs }: Element): boolean =>
  attrs.some(
    ({ name, value }) =>
      name === "ses:no-track" ||
      name === "data-pm-no-track" ||
      name === "data-unsubscribe" ||
      ((name === "data-track" || name === "clicktracking") && value.trim().toLowerCase() === "off"),
  );

const isMergeTag = (target: string): boolean =>
  ["{{", "{%", "*|", "%%", "<%"].some((form) => target.includes(form)) || /%[a-z_.]{5,}%/i.test(target);

/** Every http(s) link that is to be tracked, in order. */
export function linksOf(html: string): Found[] {
  const found = new Map<number, Found>();

  const link = (node: Element, source: string, offset: number): void => {
    const href = node.attrs.find((attr) => attr.name === "href" && attr.prefix === undefined);
    const place = node.sourceCodeLocation?.attrs?.href;
    if (href === undefined || place === undefined || optsOut(node)) return;
    const { skip, raw } = rawValue(source.slice(place.startOffset, place.endOffset));
    const target = href.value
      .replace(/^[\0-\x20]+|[\0-\x20]+$/g, "")
      .split(/[\t\r\n]/)
      .join("");
    if (!/^https?:\/\//i.test(target) || isMergeTag(target)) return;
    // What no browser can follow, and what a header cannot carry: NUL reads as U+FFFD in an attribute.
    if (/\p{Cc}/u.test(target) || raw.includes("\0") || !target.isWellFormed() || !URL.canParse(target))
      return;
    const at = offset + place.startOffset + skip;
    found.set(at, { at, raw, target: target.split(" ").join("%20") });
  };

  const visit = (node: Node, source: string, offset: number): void => {
    if ("attrs" in node && /^(?:a|area|v:.*)$/.test(node.tagName)) link(node, source, offset);
    if (node.nodeName === "#comment" && "data" in node) {
      const { startOffset, endOffset } = node.sourceCodeLocation!;
      const inside = conditional(source.slice(startOffset, endOffset));
      if (inside !== null) {
        const from = startOffset + inside.from;
        const part = source.slice(from, from + inside.length);
        visit(parseFragment(part, OPTIONS), part, offset + from);
      }
    }
    if ("childNodes" in node) for (const child of node.childNodes) visit(child, source, offset);
  };

  visit(parse(html, OPTIONS), html, 0);
  return [...found.values()].sort((a, b) => a.at - b.at);
}

/**
 * What a downlevel-hidden conditional comment holds for Outlook: from behind `<!--[if …]>` to `<![endif]`, or to the
 * comment's end where the endif is missing. Null: not one.
 */
function conditional(comment: string): { from: number; length: number } | null {
  if (!comment.startsWith("<!--")) return null;
  let at = 4;
  while (/\s/.test(comment[at] ?? "")) at++;
  if (!/^\[if\s/i.test(comment.slice(at, at + 4))) return null;
  const closed = comment.indexOf("]", at);
  if (closed < 0 || comment[closed + 1] !== ">" || comment.slice(at, closed).includes(">")) return null;
  const from = closed + 2;
  const tail = /(?:<!\[endif\]\s*)?--!?>$/i.exec(comment);
  return { from, length: Math.max(0, (tail?.index ?? comment.length) - from) };
}

/** Html with each link found replaced. */
export function replaced(
  html: string,
  links: readonly Found[],
  by: (link: Found, n: number) => string,
): string {
  let out = "";
  let from = 0;
  for (const [n, link] of links.entries()) {
    out += html.slice(from, link.at) + by(link, n);
    from = link.at + link.raw.length;
  }
  return out + html.slice(from);
}

/** URLTags: a query put into every followed link of a html part. Nothing else changes by a byte. Pure. */
import { linkTarget } from "../links.ts";
import { scanHtml } from "../scan.ts";

/** A numeric reference, or the # that begins a fragment. */
const FRAGMENT = /&#(?:x[0-9a-f]+|\d+);?|#/gi;

/** `tags` is a query without `?`, percent-encoded. Links that we would not follow keep their form. */
export function addUrlTags(html: string, tags: string): string {
  if (tags === "") return html;
  const escaped = tags.replaceAll("&", "&amp;");
  let out = "";
  let from = 0;
  for (const { start, end } of scanHtml(html).links) {
    const value = html.slice(start, end);
    if (linkTarget(value) === null) continue;
    const fragment =
      [...value.matchAll(FRAGMENT)].find(([text]) => text === "#")?.index ?? value.trimEnd().length;
    const address = value.slice(0, fragment);
    const joint = !address.includes("?") ? "?" : /(?:[?&]|&amp;)$/.test(address) ? "" : "&amp;";
    out += html.slice(from, start + fragment) + joint + escaped;
    from = start + fragment;
  }
  return out + html.slice(from);
}

/**
 * A mail's HTML as the inbox shows it: inline images point at its attachments, and links open in a new tab. Pure. Nothing
 * is removed; what keeps its scripts from running is the sandbox in the headers that web.ts sends.
 */
import type { Attachment } from "postal-mime";

/** `base` is the URL path of the message's attachments, ending in a slash. */
export function displayHtml(html: string, attachments: Attachment[], base: string): string {
  let shown = html;
  for (const [index, attachment] of attachments.entries()) {
    const id = attachment.contentId?.replace(/^<|>$/g, "");
    if (id === undefined || id === "") continue;
    for (const spelling of new Set([id, encodeURIComponent(id)]))
      shown = shown.replaceAll(`cid:${spelling}`, `${base}${index}`);
  }
  // Before the doctype it would switch the browser to quirks mode. Of several <base target>, the first counts.
  const doctype = /^(?:\s|<!--[\s\S]*?-->)*<!doctype[^>]*>/i.exec(shown)?.[0] ?? "";
  return `${doctype}<base target="_blank">${shown.slice(doctype.length)}`;
}

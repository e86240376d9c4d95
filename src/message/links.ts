/**
 * Which links of a html part are followed through us, and their exact targets. A link is left as it is when it is
 * not absolute http(s), when it holds a merge tag, when its tag opts out, or when `signLink` refuses it.
 *
 * Left too, on purpose: `//host/…` (it means the scheme of the page, and a mail has none), and relative links whatever a
 * `<base href>` says. Links that hold variables of ours are in `link-template.ts`.
 */
import { decodeHTMLAttribute } from "entities";

/** Merge tags: another program further down the line, or nobody, will replace them, so the target is not known. */
const MERGE_TAGS: readonly (readonly [form: RegExp, whose: string])[] = [
  [/\{\{/, "Handlebars, Mustache, Liquid, SparkPost, Postmark, MJML templates, and ours"],
  [/\{%/, "Liquid, Jinja, HubSpot, Klaviyo"],
  [/\*\|/, "Mailchimp, Mandrill"],
  [/%%/, "Salesforce Marketing Cloud, ExactTarget"],
  [/<%/, "ERB, EJS, Adobe Campaign"],
  // Not `%20` and not `%C3%B6`: where the closing % begins an escape of its own, all of it is percent-encoding.
  [/%[A-Za-z_][\w.:-]*%(?![0-9A-Fa-f]{2})/, "Mailgun's %recipient%, ActiveCampaign's %NAME%"],
];
/** Finds any of them in a link. */
export const MERGE_TAG = new RegExp(MERGE_TAGS.map(([form]) => form.source).join("|"));
const HTTP = /^https?:\/\//i;
const BLANK = /[\0-\x20]/;

/** The value of an href attribute as a browser follows it, or null when it is not a link we could follow. */
export function linkTarget(value: string): string | null {
  // A NUL reads as U+FFFD (HTML, attribute value states), so around a URL it is no white space.
  if (value.includes("\0")) return null;
  return followed(value.includes("&") ? decodeHTMLAttribute(value) : value);
}

/** Likewise for a value whose references are decoded already. */
export function followed(decoded: string): string | null {
  // WHATWG URL section 4.4: C0 controls and spaces around a URL and tabs and line breaks in it do not count.
  const spaced = BLANK.test(decoded);
  const url = spaced ? decoded.replace(/^[\0-\x20]+|[\0-\x20]+$|[\t\r\n]+/g, "") : decoded;
  if (!HTTP.test(url) || MERGE_TAG.test(url)) return null;
  return spaced ? url.replaceAll(" ", "%20") : url;
}

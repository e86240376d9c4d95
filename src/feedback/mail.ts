/** A raw message, read: headers, its text for people, and the parts for machines. The only user of postal-mime. */
import PostalMime, { decodeWords, type Email } from "postal-mime";
import {
  FEEDBACK_DEPTH,
  FEEDBACK_HEADER_BYTES,
  FEEDBACK_HTML_CHARS,
  FEEDBACK_PART_CHARS,
  FEEDBACK_PARTS,
  FEEDBACK_TEXT_CHARS,
} from "../core/limits.ts";
import { normalLines } from "./lines.ts";

export interface Part {
  /** In lower case: "message/delivery-status". */
  type: string;
  text: string;
}

export interface Mail {
  /** Names in lower case, values unfolded, encoded words still in place: see `headerOf`. In order. */
  headers: { key: string; value: string }[];
  /** What a person would read, from HTML where there is no more than that. */
  text: string;
  /** All other parts that are text of some kind, the returned message among them. In order. */
  parts: Part[];
}

const HEADER_CHARS = 2_000;
/** Text this short beside HTML is a courtesy ("This is a MIME message"), not the notice. */
const COURTESY_CHARS = 60;
const READABLE = /^(text|message)\/|^application\/json$/;

/**
 * Reads at most FEEDBACK_BYTES of any bytes, and never throws: what cannot be parsed has no headers, text or parts.
 * `textOf` makes text of HTML.
 */
export async function readMail(raw: Uint8Array, textOf: (html: string) => string): Promise<Mail> {
  let email: Email;
  try {
    email = await PostalMime.parse(normalLines(raw), {
      // The returned message is evidence, not content.
      forceRfc822Attachments: true,
      maxNestingDepth: FEEDBACK_DEPTH,
      maxHeadersSize: FEEDBACK_HEADER_BYTES,
    });
  } catch {
    // Nested or headed beyond the bounds: no report looks like that.
    return { headers: [], text: "", parts: [] };
  }
  const parts: Part[] = [];
  for (const { mimeType, content } of email.attachments) {
    if (parts.length >= FEEDBACK_PARTS) break;
    if (typeof content === "string" || !READABLE.test(mimeType)) continue;
    const text = decode(new Uint8Array(content).subarray(0, FEEDBACK_PART_CHARS));
    parts.push({ type: mimeType, text: mimeType === "text/html" ? textOf(text) : text });
  }
  return { headers: email.headers, text: readable(email, textOf), parts };
}

function readable(email: Email, textOf: (html: string) => string): string {
  const plain = (email.text ?? "").slice(0, FEEDBACK_TEXT_CHARS);
  if (email.html === undefined || plain.trim().length > COURTESY_CHARS) return plain;
  const html = textOf(email.html.slice(0, FEEDBACK_HTML_CHARS)).slice(0, FEEDBACK_TEXT_CHARS);
  return `${plain}\n${html}`;
}

/** The first header of a name (in lower case), decoded; null when there is none. */
export function headerOf(mail: Pick<Mail, "headers">, name: string): string | null {
  const found = mail.headers.find(({ key }) => key === name);
  return found === undefined ? null : decoded(found.value);
}

/** Every header of a name, decoded; the first ten. */
export function headersOf(mail: Pick<Mail, "headers">, name: string): string[] {
  return mail.headers
    .filter(({ key }) => key === name)
    .slice(0, 10)
    .map(({ value }) => decoded(value));
}

const decoded = (value: string): string => decodeWords(value.slice(0, HEADER_CHARS));

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });
const japanese = new TextDecoder("iso-2022-jp");
const western = new TextDecoder("windows-1252");

/** Parts for machines carry no charset: UTF-8 (RFC 6533), what announces itself as ISO-2022-JP, or single bytes. */
function decode(bytes: Uint8Array): string {
  try {
    const text = strict.decode(bytes);
    return text.includes("\u001b$") ? japanese.decode(bytes) : text;
  } catch {
    return western.decode(bytes);
  }
}

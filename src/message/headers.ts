/**
 * Header lines: folded, encoded, and checked. The last gate before the wire: whatever came before, a CR, LF or NUL
 * never gets past it. Values are text; a value that is already encoded words (RFC 2047) goes out as it is.
 */
import { encodeWord } from "nodemailer/lib/mime-funcs";
import { HEADER_LINE_BYTES } from "../core/limits.ts";

/** A defect of the code that called: values are checked before they come here. */
export class RefusedHeader extends Error {
  override readonly name = "RefusedHeader";
}

export interface NamedAddress {
  name: string | null;
  address: string;
}

/** RFC 5322 section 2.1.1: lines should be at most 78. 76 with a fold's space and an encoded word's rule of 76. */
const LINE = 76;
/** An encoded word may have 75; at 52 the first still fits behind the header's name. */
const WORD = 52;
/** A run without a space longer than this is encoded where that is legal, so that it can be folded. */
const UNFOLDABLE = 800;
const ENCODED_WORD = /^=\?[\w-]+(?:\*[\w-]+)?\?[bq]\?[!-<>@-~=]*\?=$/i;
const ASCII = /^[\x20-\x7e]*$/;
const ATOMS = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/;
const FIELD = /^[!-9;-~]+:(?: [^\r\n\0]+(?:\r\n[ \t][^\r\n\0]*[^\r\n\0 \t][^\r\n\0]*)*)?\r\n$/;

const isEncodedWord = (word: string): boolean => word.length <= 75 && ENCODED_WORD.test(word);
const looksEncoded = (word: string): boolean => word.includes("=?") && !isEncodedWord(word);

/** Throws when a value holds what would end a header line. */
function refuse(name: string, value: string): void {
  if (/[\r\n\0]/.test(value)) throw new RefusedHeader(`${name} holds CR, LF or NUL`);
}

/** The finished line, or a throw: the gate itself. */
function sealed(name: string, value: string): string {
  const line = value === "" ? `${name}:\r\n` : `${name}: ${value}\r\n`;
  if (!FIELD.test(line)) throw new RefusedHeader(`${name.slice(0, 100)} is not a legal header line`);
  if (line.length > HEADER_LINE_BYTES && line.split("\r\n").some((part) => part.length > HEADER_LINE_BYTES))
    throw new RefusedHeader(`${name} has a line over ${HEADER_LINE_BYTES} bytes`);
  return line;
}

/** Tokens joined by single spaces, with a fold before each that would pass column 76. */
function foldTokens(name: string, tokens: readonly string[]): string {
  let out = "";
  let column = name.length + 2;
  for (const [i, token] of tokens.entries()) {
    if (i > 0 && column + 1 + token.length > LINE) {
      out += "\r\n ";
      column = 1;
    } else if (i > 0) {
      out += " ";
      column++;
    }
    out += token;
    column += token.length;
  }
  return out;
}

/** Text folded before spaces that are there already; unfolding (RFC 5322 section 2.2.3) gives it back exactly. */
function foldSpaces(name: string, text: string): string {
  if (name.length + 2 + text.length <= LINE) return text;
  let out = "";
  let column = name.length + 2;
  for (const [part] of text.matchAll(/ *[^ ]+/g)) {
    if (out !== "" && column + part.length > LINE && part.startsWith(" ")) {
      out += "\r\n";
      column = 0;
    }
    out += part;
    column += part.length;
  }
  return out;
}

/** Encoded words of the shorter spelling, separated by spaces. */
export function encodedWords(text: string): string {
  const bytes = new TextEncoder().encode(text);
  let q = 0;
  for (const byte of bytes)
    q += (byte >= 48 && byte <= 57) || ((byte | 32) >= 97 && (byte | 32) <= 122) || byte === 32 ? 1 : 3;
  const b = Math.ceil(bytes.length / 3) * 4;
  return encodeWord(text, q <= b ? "Q" : "B", WORD);
}

/** Unstructured text with encoded words from the first word that needs it to the last. */
function encodeText(text: string): string {
  const passable = ASCII.test(text);
  const foreign = passable ? looksEncoded : (word: string) => word.includes("=?");
  let start = -1;
  let end = -1;
  for (const match of text.matchAll(/[^ ]+/g)) {
    const word = match[0];
    if (ASCII.test(word) && word.length <= UNFOLDABLE && !foreign(word)) continue;
    if (start < 0) start = match.index;
    end = match.index + word.length;
  }
  if (start < 0) return text;
  return text.slice(0, start) + encodedWords(text.slice(start, end)) + text.slice(end);
}

/** A header of free text: Subject, Comments, X-… */
export function textField(name: string, value: string): string {
  refuse(name, value);
  const text = value.trim();
  if (ASCII.test(text) && name.length + 2 + text.length <= LINE && !text.includes("=?"))
    return sealed(name, text);
  return sealed(name, foldSpaces(name, encodeText(text)));
}

/**
 * A header with a grammar, such as References: ASCII, folded only at spaces that are there. With `fold` false it
 * stays on one line for as long as a line may be: signers and receivers have been seen to mistake a folded
 * List-Unsubscribe (nodemailer issue 1654).
 */
export function structuredField(name: string, value: string, fold: boolean): string {
  refuse(name, value);
  const text = value.trim();
  if (!ASCII.test(text)) throw new RefusedHeader(`${name} holds characters outside ASCII`);
  const whole = name.length + 2 + text.length;
  return sealed(name, fold || whole > HEADER_LINE_BYTES ? foldSpaces(name, text) : text);
}

/** A display name as a phrase (RFC 5322 section 3.2.5): bare, quoted, or encoded words. */
function phrase(name: string): string {
  const words = name.split(" ");
  if (words.every((word) => ATOMS.test(word) && !looksEncoded(word))) return name;
  if (ASCII.test(name) && !name.includes("=?")) return `"${name.replace(/["\\]/g, "\\$&")}"`;
  return encodedWords(name);
}

/** Mailboxes of a From, To, Cc or Reply-To header. */
export function addressField(name: string, mailboxes: readonly NamedAddress[]): string {
  return sealed(name, addressValue(name, mailboxes));
}

/** The value alone, folded as for that header. */
export function addressValue(header: string, mailboxes: readonly NamedAddress[]): string {
  const tokens: string[] = [];
  for (const [i, { name, address }] of mailboxes.entries()) {
    refuse(header, address);
    const comma = i + 1 < mailboxes.length ? "," : "";
    // A quoted local part stands in angle brackets: readers are seen to take the quotes of a bare one for a name's.
    if (name === null || name === "")
      tokens.push((address.startsWith('"') ? `<${address}>` : address) + comma);
    else {
      refuse(header, name);
      const spelled = phrase(name);
      if (spelled.startsWith('"')) tokens.push(spelled);
      else tokens.push(...spelled.split(" "));
      tokens.push(`<${address}>${comma}`);
    }
  }
  return foldTokens(header, tokens);
}

/** RFC 5322 section 3.3, in UTC. `now` in milliseconds since 1970. */
export const dateText = (now: number): string => new Date(now).toUTCString().replace("GMT", "+0000");

/** A MIME header: value and parameters, each parameter on a line of its own. */
export function parameterField(name: string, value: string, parameters: readonly string[]): string {
  refuse(name, value);
  for (const parameter of parameters) refuse(name, parameter.replaceAll("\r\n ", ""));
  return sealed(name, [value, ...parameters].join(";\r\n "));
}

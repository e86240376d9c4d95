/**
 * `{{name}}`, `{{name|fallback}}` and `{{{raw}}}`: found when a message is compiled, so that nothing is parsed per
 * recipient. Anything else between braces (`{{#if x}}`, `{{a | b | c}}`, `{{f(x)}}`) is not ours and stays as text.
 * A fallback is plain text and is spelled like a value. Values are not percent-encoded in links.
 */
import type { OwnValue, Slot, Variable, VariableSpelling } from "./compiled.ts";

const NAME = "[A-Za-z_][A-Za-z0-9_.-]{0,99}";
const FORM = `\\s*(${NAME})\\s*(?:\\|([^{}|]*))?`;
const VARIABLE = new RegExp(`\\{\\{\\{${FORM}\\}\\}\\}|\\{\\{${FORM}\\}\\}`, "g");

export interface Found extends Variable {
  at: number;
  end: number;
  triple: boolean;
}

/** Variables in text, in order. */
export function* findVariables(text: string): Generator<Found> {
  if (!text.includes("{{")) return;
  for (const match of text.matchAll(VARIABLE)) {
    const triple = match[1] !== undefined;
    const fallback = (triple ? match[2] : match[4]) ?? null;
    yield {
      at: match.index,
      end: match.index + match[0].length,
      triple,
      name: (match[1] ?? match[3])!,
      fallback: fallback === null ? null : fallback.trim(),
    };
  }
}

/** Html with three braces around the variables that are html themselves, and two around all others. */
export function rebrace(html: string, isHtml: (name: string) => boolean): string {
  let out = "";
  let from = 0;
  for (const { at, end, triple, name } of findVariables(html)) {
    const inner = triple ? html.slice(at + 3, end - 3) : html.slice(at + 2, end - 2);
    out += html.slice(from, at) + (isHtml(name) ? `{{{${inner}}}}` : `{{${inner}}}`);
    from = end;
  }
  return out + html.slice(from);
}

/** Text with its variables spelled at their shortest, so that texts can be compared. */
export function evenBraces(text: string): string {
  let out = "";
  let from = 0;
  for (const { at, end, name, fallback } of findVariables(text)) {
    out += `${text.slice(from, at)}{{${fallback === null ? name : `${name}|${fallback}`}}}`;
    from = end;
  }
  return out + text.slice(from);
}

/** Which names are variables of a message, and what fills them. Null: not ours, it stays as text. */
export type Bind = (name: string) => "recipient" | OwnValue | null;

const bound = (bind: Bind, name: string, fallback: string | null): Variable | null => {
  const filler = bind(name);
  if (filler === null) return null;
  return filler === "recipient" ? { name, fallback } : { name, fallback: null, own: filler };
};

/** Text as runs and variables. `spellingAt` says how a variable at an offset of the text is spelled; `{{{…}}}` is raw. */
export function splitVariables(
  text: string,
  bind: Bind,
  spellingAt: (at: number) => Exclude<VariableSpelling, "raw">,
): (string | Slot)[] {
  const pieces: (string | Slot)[] = [];
  let from = 0;
  for (const { at, end, triple, name, fallback } of findVariables(text)) {
    const variable = bound(bind, name, fallback);
    if (variable === null) continue;
    if (at > from) pieces.push(text.slice(from, at));
    pieces.push({ kind: "variable", ...variable, spelling: triple ? "raw" : spellingAt(at) });
    from = end;
  }
  if (from < text.length) pieces.push(text.slice(from));
  return pieces;
}

/** A header's value as runs and variables; null when it holds none. `{{{…}}}` is nothing special there. */
export function headerTemplate(value: string, bind: Bind): (string | Variable)[] | null {
  const pieces: (string | Variable)[] = [];
  let from = 0;
  for (const { at, end, name, fallback } of findVariables(value)) {
    const variable = bound(bind, name, fallback);
    if (variable === null) continue;
    if (at > from) pieces.push(value.slice(from, at));
    pieces.push(variable);
    from = end;
  }
  if (from === 0) return null;
  if (from < value.length) pieces.push(value.slice(from));
  return pieces;
}

/** text: a header without a grammar. component: part of a URI or identifier. whole: all that stands in its angle brackets. */
export type HeaderSpelling = "text" | "component" | "whole";

/** How a value is spelled that stands between two pieces of a header's value. */
export const headerSpelling = (structured: boolean, before: string, after: string): HeaderSpelling => {
  if (!structured) return "text";
  return before.endsWith("<") && after.startsWith(">") ? "whole" : "component";
};

/**
 * A value as part of a header's text. Control characters become spaces. In a header with a grammar (such as
 * List-Unsubscribe) it is percent-encoded, since what such headers hold is URIs; a whole one keeps its signs and its own
 * escapes, and loses only what would end it. A comma parts URIs, for readers that look for nothing else.
 */
export function headerText(value: string, spelling: HeaderSpelling): string {
  if (spelling === "text") return value.replace(/[\p{Cc}\u2028\u2029]+/gu, " ");
  const text = value.toWellFormed();
  if (spelling === "component") return encodeURIComponent(text);
  return encodeURI(text)
    .replace(/%25(?=[0-9A-F]{2})/gi, "%")
    .replaceAll(",", "%2C");
}

const ESCAPES: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/**
 * A value as html text or inside a quoted attribute. Inside a comment nothing is decoded, but `--` before the `>` of the
 * template would end it: a hyphen at either end and a `!` at the end become references too.
 */
export function escapeHtml(value: string): string {
  const escaped = value.replace(/[&<>"']/g, (char) => ESCAPES[char]!);
  const first = escaped.startsWith("-") ? "&#45;" : "";
  const rest = first === "" ? escaped : escaped.slice(1);
  if (rest.endsWith("-")) return `${first}${rest.slice(0, -1)}&#45;`;
  return rest.endsWith("!") ? `${first}${rest.slice(0, -1)}&#33;` : first + rest;
}

/**
 * A value inside a tag but outside quotes: nothing in it may end the attribute or make a tag, and it may not be
 * empty. Its first character is always a reference, so that `<{{name}}` cannot become `<script`.
 */
export function escapeUnquoted(value: string): string {
  const first = value.codePointAt(0) ?? 0x20;
  const rest = value.slice(first > 0xffff ? 2 : 1);
  return `&#${first};${rest.replace(/[&<>"'\s=`/\0]/g, (char) => ESCAPES[char] ?? `&#${char.charCodeAt(0)};`)}`;
}

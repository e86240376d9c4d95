/**
 * Variables of a message whose recipients all get the same: filled in before it is compiled, so that links, the text part
 * and the record hold what was sent. In bulk, where they differ, they are slots (`compile.ts`). Pure.
 */
import type { FieldIssue } from "../core/errors.ts";
import { MB, MESSAGE_BYTES } from "../core/limits.ts";
import { err, ok, type Result } from "../core/result.ts";
import type { Content } from "../schema/email.ts";
import type { Variable } from "./compiled.ts";
import { isBare, scanHtml } from "./scan.ts";
import { headerPath, isStructured } from "./structured.ts";
import { UNSUBSCRIBE_NAMES } from "./unsubscribe.ts";
import { escapeHtml, escapeUnquoted, findVariables, headerSpelling, headerText } from "./variables.ts";

/** Text with its variables found, each with what its value is spelled by. Made once for a text that is sent often. */
export interface Prepared {
  pieces: readonly (string | PreparedVariable)[];
}
interface PreparedVariable extends Variable {
  spell: (value: string) => string;
}

const TOO_LARGE = `makes the message larger than relays take, with the variables filled in: at most ${(MESSAGE_BYTES / MB).toFixed(1)} MB in all, encoded`;

const asIs = (value: string): string => value;

function prepare(
  text: string,
  spellAt: (at: number, triple: boolean, end: number) => (value: string) => string,
): Prepared {
  const pieces: (string | PreparedVariable)[] = [];
  let from = 0;
  for (const { at, end, triple, name, fallback } of findVariables(text)) {
    if (at > from) pieces.push(text.slice(from, at));
    pieces.push({ name, fallback, spell: spellAt(at, triple, end) });
    from = end;
  }
  if (from < text.length) pieces.push(text.slice(from));
  return { pieces };
}

export const prepareText = (text: string): Prepared => prepare(text, () => asIs);

export function prepareHtml(html: string): Prepared {
  const scan = html.includes("{{") ? scanHtml(html) : null;
  return prepare(html, (at, triple) =>
    triple || scan === null ? asIs : isBare(html, scan, at) ? escapeUnquoted : escapeHtml,
  );
}

export interface Unrendered {
  /** Variables that have neither value nor fallback, each once. */
  missing: string[];
  /** The part at which the message became too large. */
  issues: FieldIssue[];
}

/**
 * Content with its variables filled in. No more is made of it than a message may hold: a value may stand in thousands of
 * places. `unsubscribeName`: what
 * `{{unsubscribe_url}}` is called from here on, when there is such a link: a name that no value can hold, lest a value that
 * says `{{unsubscribe_url}}` becomes one. `ready`: parts that were prepared before, which are taken for the content's own.
 */
export function render(
  content: Content,
  values: Readonly<Record<string, string>>,
  unsubscribeName: string | null,
  ready: { html: Prepared | null; text: Prepared | null } = { html: null, text: null },
): Result<Content, Unrendered> {
  const missing = new Set<string>();
  const issues: FieldIssue[] = [];
  // Each character of it will be a byte of the message, or more.
  let room = MESSAGE_BYTES;
  const fill = ({ pieces }: Prepared, path: string): string => {
    let out = "";
    for (const piece of pieces) {
      if (out.length > room) break;
      if (typeof piece === "string") out += piece;
      else if (unsubscribeName !== null && UNSUBSCRIBE_NAMES.has(piece.name)) out += `{{${unsubscribeName}}}`;
      else {
        const value = Object.hasOwn(values, piece.name) ? values[piece.name]! : piece.fallback;
        if (value === null) missing.add(piece.name);
        else out += piece.spell(value);
      }
    }
    room -= out.length;
    if (room < 0 && issues.length === 0) issues.push({ path, message: TOO_LARGE });
    return out;
  };
  const line = (text: string, structured: boolean, path: string): string =>
    fill(
      prepare(text, (at, _triple, end) => {
        const spelling = headerSpelling(structured, text.slice(0, at), text.slice(end));
        return (value) => headerText(value, spelling);
      }),
      path,
    );
  const html = ready.html ?? (content.html === null ? null : prepareHtml(content.html));
  const text = ready.text ?? (content.text === null ? null : prepareText(content.text));
  const filled: Content = {
    ...content,
    subject: line(content.subject, false, "subject"),
    html: html === null ? null : fill(html, "html"),
    text: text === null ? null : fill(text, "text"),
    preheader: content.preheader == null ? null : fill(prepareText(content.preheader), "preheader"),
    headers: content.headers.map(({ name, value }) => ({
      name,
      value: line(value, isStructured(name), headerPath(name)),
    })),
  };
  return missing.size > 0 || issues.length > 0 ? err({ missing: [...missing], issues }) : ok(filled);
}

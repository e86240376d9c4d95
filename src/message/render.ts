/**
 * Variables of a message whose recipients all get the same: filled in before it is compiled, so that links, the text part
 * and the record hold what was sent. In bulk, where they differ, they are slots (`compile.ts`). Pure.
 */
import { err, ok, type Result } from "../core/result.ts";
import type { Content } from "../schema/email.ts";
import type { Variable } from "./compiled.ts";
import { isBare, scanHtml } from "./scan.ts";
import { isStructured } from "./structured.ts";
import { UNSUBSCRIBE_NAMES } from "./unsubscribe.ts";
import { escapeHtml, escapeUnquoted, findVariables, headerSpelling, headerText } from "./variables.ts";

/** Text with its variables found, each with what its value is spelled by. Made once for a text that is sent often. */
export interface Prepared {
  pieces: readonly (string | PreparedVariable)[];
}
interface PreparedVariable extends Variable {
  spell: (value: string) => string;
}

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

/**
 * Content with its variables filled in, or the names of those that have neither value nor fallback. `unsubscribeName`: what
 * `{{unsubscribe_url}}` is called from here on, when there is such a link: a name that no value can hold, lest a value that
 * says `{{unsubscribe_url}}` becomes one. `ready`: parts that were prepared before, which are taken for the content's own.
 */
export function render(
  content: Content,
  values: Readonly<Record<string, string>>,
  unsubscribeName: string | null,
  ready: { html: Prepared | null; text: Prepared | null } = { html: null, text: null },
): Result<Content, string[]> {
  const missing = new Set<string>();
  const fill = ({ pieces }: Prepared): string => {
    let out = "";
    for (const piece of pieces) {
      if (typeof piece === "string") out += piece;
      else if (unsubscribeName !== null && UNSUBSCRIBE_NAMES.has(piece.name)) out += `{{${unsubscribeName}}}`;
      else {
        const value = Object.hasOwn(values, piece.name) ? values[piece.name]! : piece.fallback;
        if (value === null) missing.add(piece.name);
        else out += piece.spell(value);
      }
    }
    return out;
  };
  const line = (text: string, structured: boolean): string =>
    fill(
      prepare(text, (at, _triple, end) => {
        const spelling = headerSpelling(structured, text.slice(0, at), text.slice(end));
        return (value) => headerText(value, spelling);
      }),
    );
  const html = ready.html ?? (content.html === null ? null : prepareHtml(content.html));
  const text = ready.text ?? (content.text === null ? null : prepareText(content.text));
  const filled: Content = {
    ...content,
    subject: line(content.subject, false),
    html: html === null ? null : fill(html),
    text: text === null ? null : fill(text),
    preheader: content.preheader == null ? null : fill(prepareText(content.preheader)),
    headers: content.headers.map(({ name, value }) => ({ name, value: line(value, isStructured(name)) })),
  };
  return missing.size > 0 ? err([...missing]) : ok(filled);
}

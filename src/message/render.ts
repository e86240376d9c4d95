/**
 * Variables of a message whose recipients all get the same: filled in before it is compiled, so that links, the text part
 * and the record hold what was sent. In bulk, where they differ, they are slots (`compile.ts`). Pure.
 */
import { err, ok, type Result } from "../core/result.ts";
import type { Content } from "../schema/email.ts";
import { isBare, scanHtml } from "./scan.ts";
import { isStructured } from "./structured.ts";
import { UNSUBSCRIBE_NAMES } from "./unsubscribe.ts";
import { escapeHtml, escapeUnquoted, findVariables, headerText } from "./variables.ts";

type Spell = (value: string, at: number, triple: boolean) => string;

/**
 * Content with its variables filled in, or the names of those that have neither value nor fallback. `unsubscribeName`: what
 * `{{unsubscribe_url}}` is called from here on, when there is such a link: a name that no value can hold, lest a value that
 * says `{{unsubscribe_url}}` becomes one.
 */
export function render(
  content: Content,
  values: Readonly<Record<string, string>>,
  unsubscribeName: string | null,
): Result<Content, string[]> {
  const missing = new Set<string>();
  const fill = (text: string, spell: Spell): string => {
    let out = "";
    let from = 0;
    for (const { at, end, triple, name, fallback } of findVariables(text)) {
      out += text.slice(from, at);
      from = end;
      if (unsubscribeName !== null && UNSUBSCRIBE_NAMES.has(name)) {
        out += `{{${unsubscribeName}}}`;
        continue;
      }
      const value = Object.hasOwn(values, name) ? values[name]! : fallback;
      if (value === null) missing.add(name);
      else out += spell(value, at, triple);
    }
    return out + text.slice(from);
  };
  const asIs: Spell = (value) => value;
  const { html, text, preheader } = content;
  const filled: Content = {
    ...content,
    subject: fill(content.subject, (value) => headerText(value, false)),
    html: html === null ? null : fill(html, htmlSpelling(html)),
    text: text === null ? null : fill(text, asIs),
    preheader: preheader == null ? null : fill(preheader, asIs),
    headers: content.headers.map(({ name, value }) => ({
      name,
      value: fill(value, (one) => headerText(one, isStructured(name))),
    })),
  };
  return missing.size > 0 ? err([...missing]) : ok(filled);
}

function htmlSpelling(html: string): Spell {
  const scan = html.includes("{{") ? scanHtml(html) : null;
  return (value, at, triple) => {
    if (triple || scan === null) return value;
    return isBare(html, scan, at) ? escapeUnquoted(value) : escapeHtml(value);
  };
}

/**
 * Reading SQL text just far enough to find its parameters, its first keyword, and where a second statement would begin.
 * Pure. It follows SQLite's tokenizer (sqlite.org/lang_expr.html, "Literal Values" and "Parameters").
 */

export interface Parameter {
  /** Where it stands in the text, and how long it is there. */
  at: number;
  length: number;
  /** 1 for the first. Equal names share an index. */
  index: number;
  /** With its prefix, such as `:id`; null for `?` and `?7`. */
  name: string | null;
}

export interface SqlText {
  /** First word in upper case, or "" when there is no statement. */
  keyword: string;
  parameters: Parameter[];
  /** How many values SQLite wants: the highest index. */
  count: number;
  /** Whether something follows the first statement. Not told for CREATE, whose triggers hold statements. */
  many: boolean;
  /** Where the last word ends. Comments behind it count as an empty statement on some engines, and as an error. */
  end: number;
}

/** A doubled quote reads as two quoted texts side by side, which is the same for our purpose. */
const TOKEN =
  /(?<space>\s+|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$))|(?<quoted>'[^']*'?|"[^"]*"?|`[^`]*`?|\[[^\]]*\]?)|(?<param>\?\d*|[:@#$][\p{ID_Continue}$]+(?:::[\p{ID_Continue}$]+)*)|(?<word>[\p{ID_Continue}$]+)|(?<end>;)|[\s\S]/gu;

export function readSql(sql: string): SqlText {
  const parameters: Parameter[] = [];
  const byName = new Map<string, number>();
  let keyword = "";
  let count = 0;
  let ended = false;
  let many = false;
  let last = 0;
  for (const match of sql.matchAll(TOKEN)) {
    const { space, param, word, end } = match.groups as Record<string, string | undefined>;
    if (space !== undefined) continue;
    last = match.index + match[0].length;
    if (end !== undefined) {
      if (keyword !== "") ended = true;
      continue;
    }
    if (ended) many = true;
    if (word !== undefined && keyword === "") keyword = word.toUpperCase();
    if (param === undefined) continue;
    const text = param;
    const known = byName.get(text);
    let index: number;
    if (known !== undefined) index = known;
    else if (text.length > 1 && text.startsWith("?")) index = Number(text.slice(1));
    else index = count + 1;
    if (text.length > 1) byName.set(text, index);
    if (index > count) count = index;
    const name = text.startsWith("?") ? null : text;
    parameters.push({ at: match.index, length: text.length, index, name });
  }
  return { keyword, parameters, count, many: many && keyword !== "CREATE", end: last };
}

/** The text with every parameter spelled as `spell` says. */
export function respell(sql: string, { parameters }: SqlText, spell: (index: number) => string): string {
  let out = "";
  let at = 0;
  for (const parameter of parameters) {
    out += sql.slice(at, parameter.at) + spell(parameter.index);
    at = parameter.at + parameter.length;
  }
  return out + sql.slice(at);
}

/** TypeScript source as the architecture test sees it: its imports, and its code without comments and texts. */

export interface Import {
  /** As written: "../core/ids.ts", "zod", "cloudflare:workers". */
  from: string;
  /** `import type`: gone at run time. */
  typeOnly: boolean;
  /** `export … from`: handed on. */
  reexport: boolean;
}

const QUOTES = new Set(['"', "'", "`"]);

/** Where a `/` begins a regular expression rather than a division. */
const BEFORE_REGEX = /(?:^|[=(,:;!&|?{}[+\-*%~<>]|\b(?:return|typeof|case|in|of))\s*$/;

/**
 * The code with comments blanked, and with texts and regular expressions emptied when `texts` is false. Line breaks
 * stay, so that positions keep their lines. What stands in `${…}` of a template stays.
 */
export function strip(source: string, texts: boolean): string {
  let out = "";
  let i = 0;
  const templates: number[] = [];
  let depth = 0;
  const blank = (end: number) => {
    out += source.slice(i, end).replace(/[^\n]/g, " ");
    i = end;
  };
  const text = (end: number) => {
    out += texts ? source.slice(i, end) : source.slice(i, end).replace(/[^\n]/g, " ");
    i = end;
  };
  /** Inside a template: on to its end, or to the next `${`. */
  const template = () => {
    let end = i;
    while (end < source.length && source[end] !== "`" && !source.startsWith("${", end))
      end += source[end] === "\\" ? 2 : 1;
    text(end);
    if (source.startsWith("${", i)) {
      templates.push(depth);
      out += "${";
      i += 2;
    } else {
      out += "`";
      i++;
    }
  };
  while (i < source.length) {
    const c = source[i]!;
    if (source.startsWith("//", i)) blank(endOr(source, source.indexOf("\n", i)));
    else if (source.startsWith("/*", i)) blank(endOr(source, source.indexOf("*/", i), 2));
    else if (c === "`") {
      out += c;
      i++;
      template();
    } else if (QUOTES.has(c)) {
      out += c;
      i++;
      let end = i;
      while (end < source.length && source[end] !== c && source[end] !== "\n")
        end += source[end] === "\\" ? 2 : 1;
      text(end);
      out += c;
      i++;
    } else if (c === "/" && BEFORE_REGEX.test(out.slice(-40))) {
      let end = i + 1;
      let inClass = false;
      while (end < source.length && source[end] !== "\n" && (inClass || source[end] !== "/")) {
        if (source[end] === "[") inClass = true;
        if (source[end] === "]") inClass = false;
        end += source[end] === "\\" ? 2 : 1;
      }
      text(end + 1);
    } else if (c === "}" && templates.at(-1) === depth) {
      templates.pop();
      out += c;
      i++;
      template();
    } else {
      if (c === "{") depth++;
      if (c === "}") depth--;
      out += c;
      i++;
    }
  }
  return out;
}

const endOr = (source: string, found: number, length = 0): number =>
  found === -1 ? source.length : found + length;

/** Every static and dynamic import, and every `export … from`. */
export function importsOf(source: string): Import[] {
  const code = strip(source, true);
  const found: Import[] = [];
  const statement =
    /(?:^|[;\n])[ \t]*(import|export)\b((?:[^;"'`]|\n)*?)(?:\bfrom\s*|(?<=\bimport)\s*)["']([^"'\n]+)["']/g;
  for (const [, keyword, between, from] of code.matchAll(statement)) {
    found.push({
      from: from!,
      typeOnly: /^\s*type\b/.test(between!) || onlyTypes(between!),
      reexport: keyword === "export",
    });
  }
  for (const [, from] of code.matchAll(/\bimport\s*\(\s*["']([^"'\n]+)["']/g)) {
    found.push({ from: from!, typeOnly: false, reexport: false });
  }
  return found;
}

/** `{ type A, type B }`: every name of it is a type. */
const onlyTypes = (between: string): boolean => {
  const names = /^\s*\{([^}]*)\}\s*$/.exec(between)?.[1];
  return names?.split(",").every((name) => name.trim() === "" || /^type\s/.test(name.trim())) ?? false;
};

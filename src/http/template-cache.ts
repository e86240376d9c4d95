/**
 * Published templates as messages are made of them: asked of the registry, made ready once, and believed for
 * TEMPLATE_CACHE_MS. So soon a newly published version is what every isolate sends; the one that published it sends it at
 * once.
 */
import { TEMPLATE_CACHE_CHARS, TEMPLATE_CACHE_MS } from "../core/limits.ts";
import { type Env, registryOf } from "../env.ts";
import { type Prepared, prepareHtml, prepareText } from "../message/render.ts";
import { textOf } from "../message/text.ts";
import { rebrace } from "../message/variables.ts";
import type { TemplateContent } from "../schema/template.ts";

export interface ReadyTemplate {
  id: string;
  version: string;
  /** Its html with the braces that its variables' types ask for: three for html, two for the rest. */
  content: TemplateContent;
  /** Its parts with their variables found, for messages whose recipients all get the same. */
  html: Prepared;
  text: Prepared | null;
}

const known = new Map<string, { template: ReadyTemplate; until: number }>();
let chars = 0;

/** After a template was changed here, nothing is believed any longer. */
export function forgetTemplates(): void {
  known.clear();
  chars = 0;
}

/** The published version of a template by id or alias; "draft": there is none yet. */
export async function readyTemplate(
  env: Env,
  ref: string,
  now: number,
): Promise<ReadyTemplate | "draft" | "unknown"> {
  const before = known.get(ref);
  if (before !== undefined && before.until > now) return before.template;
  const found = await registryOf(env).sendableTemplate(ref);
  if (found.kind !== "published") return found.kind;
  // The same version needs no work again.
  const template = before?.template.version === found.version ? before.template : ready(found);
  keep(ref, template, now);
  return template;
}

function ready({
  id,
  version,
  content,
}: {
  id: string;
  version: string;
  content: TemplateContent;
}): ReadyTemplate {
  const raw = new Set(content.variables.filter(({ type }) => type === "html").map(({ key }) => key));
  const html = rebrace(content.html, (name) => raw.has(name));
  // Values that are html would be html in a text made before them.
  const text = content.text ?? (raw.size > 0 ? null : textOf(content.html));
  return {
    id,
    version,
    content: { ...content, html },
    html: prepareHtml(html),
    text: text === null ? null : prepareText(text),
  };
}

const sizeOf = ({ content }: ReadyTemplate): number => content.html.length + (content.text?.length ?? 0);

function keep(ref: string, template: ReadyTemplate, now: number): void {
  const before = known.get(ref);
  if (before !== undefined) chars -= sizeOf(before.template);
  known.delete(ref);
  chars += sizeOf(template);
  for (const [oldest, { template: old }] of known) {
    if (chars <= TEMPLATE_CACHE_CHARS) break;
    known.delete(oldest);
    chars -= sizeOf(old);
  }
  known.set(ref, { template, until: now + TEMPLATE_CACHE_MS });
}

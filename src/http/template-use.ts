/**
 * A request that names a stored template, made one that holds its content: `from`, `subject` and `reply_to` of the request
 * go before the template's, html and text are the template's alone (as with Resend).
 */
import type { FieldIssue, Problem } from "../core/errors.ts";
import { err, ok, type Result } from "../core/result.ts";
import type { Env } from "../env.ts";
import { parse } from "../schema/parse.ts";
import { isOfType, type TemplateContent } from "../schema/template.ts";
import { TemplateNamed, type VariableValue } from "../schema/template-use.ts";
import { type ReadyTemplate, readyTemplate } from "./template-cache.ts";

export interface Templated {
  /** The request as it would be without a template. */
  value: unknown;
  /** Null: the request named none. */
  template: ReadyTemplate | null;
}

const invalid = (...issues: FieldIssue[]) => err<Problem>({ kind: "invalid", issues });

/** `value`: the request as it came. */
export async function withTemplate(
  env: Env,
  value: unknown,
  now: number,
): Promise<Result<Templated, Problem>> {
  if (typeof value !== "object" || value === null || !("template" in value) || value.template == null)
    return ok({ value, template: null });
  const named = parse(TemplateNamed, { template: value.template });
  if (!named.ok) return named;
  const use = named.value.template;
  const given = value as Record<string, unknown>;
  const both = ["html", "text"].find((part) => given[part] != null);
  if (both !== undefined)
    return invalid({ path: both, message: "may not be given together with `template`, which has its own" });
  const template = await readyTemplate(env, use.id, now);
  if (template === "unknown")
    return invalid({ path: "template.id", message: "is neither the id nor the alias of a template here" });
  if (template === "draft")
    return invalid({ path: "template.id", message: "is that of a draft: publish the template first" });
  const { content } = template;
  const values = valuesOf(content, use.variables ?? {});
  if (!values.ok) return invalid(...values.error);
  const shared = given.variables;
  return ok({
    template,
    value: {
      ...given,
      from: given.from ?? content.from ?? undefined,
      subject: given.subject ?? content.subject ?? undefined,
      reply_to: given.reply_to ?? content.reply_to,
      html: content.html,
      text: content.text,
      variables:
        shared === undefined || shared === null
          ? values.value
          : typeof shared === "object"
            ? { ...fallbacks(content), ...shared, ...use.variables }
            : shared,
    },
  });
}

const fallbacks = ({ variables }: TemplateContent): Record<string, VariableValue> =>
  Object.fromEntries(
    variables.flatMap(({ key, fallback_value }) => (fallback_value === null ? [] : [[key, fallback_value]])),
  );

/** Values of the template's variables: those given, of their type, else the fallbacks. */
function valuesOf(
  content: TemplateContent,
  given: Record<string, VariableValue>,
): Result<Record<string, VariableValue>, FieldIssue[]> {
  const issues = content.variables
    .filter(({ key, type }) => Object.hasOwn(given, key) && !isOfType(given[key]!, type))
    .map(({ key, type }) => ({
      path: `template.variables.${key}`,
      message: `must be of the type \`${type}\``,
    }));
  return issues.length > 0 ? err(issues) : ok({ ...fallbacks(content), ...given });
}

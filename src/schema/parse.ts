/** From unknown JSON to a value of a schema, or every field at fault; and the fields nobody asked for. */
import type { z } from "zod";
import type { FieldIssue, Problem } from "../core/errors.ts";
import { err, ok, type Result } from "../core/result.ts";
import { beginning } from "../core/text.ts";

/** At most this many are listed: enough to mend a request, too few to fill a log. */
const ISSUES_MAX = 20;

/** A path as a developer would write it: `attachments[0].content`. */
export function spellPath(path: readonly PropertyKey[]): string {
  let text = "";
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else if (/^[A-Za-z_][A-Za-z0-9_]{0,99}$/.test(String(part)))
      text += text === "" ? String(part) : `.${String(part)}`;
    else if (part !== "") text += `[${JSON.stringify(beginning(String(part), 100))}]`;
  }
  return text;
}

const valueAt = (value: unknown, path: readonly PropertyKey[]): unknown => {
  let here = value;
  for (const part of path) {
    // One address stands for a list of one.
    if (typeof here === "string" && part === 0) continue;
    if (typeof here !== "object" || here === null) return undefined;
    here = (here as Record<PropertyKey, unknown>)[part];
  }
  return here;
};

/** What zod says where a schema has no sentence of its own for something else than an object. */
const OBJECT_WANTED = /^Invalid input: expected object, .*$/;

/** The value a schema makes of `given`, or a Problem that names every field at fault. */
export function parse<T extends z.ZodType>(schema: T, given: unknown): Result<z.output<T>, Problem> {
  const parsed = schema.safeParse(given);
  if (parsed.success) return ok(parsed.data);
  let missing = true;
  let attachment = true;
  const issues: FieldIssue[] = [];
  for (const issue of parsed.error.issues.slice(0, ISSUES_MAX)) {
    const absent = issue.path.length > 0 && valueAt(given, issue.path) === undefined;
    missing &&= absent;
    attachment &&= issue.path[0] === "attachments";
    const message =
      issue.path.length === 0 && issue.code === "invalid_type"
        ? "The body must be a JSON object."
        : issue.message.replace(OBJECT_WANTED, "must be a JSON object");
    issues.push({
      path: spellPath(issue.path),
      message: absent && !message.startsWith("is missing") ? "is missing" : message,
    });
  }
  return err({ kind: attachment ? "invalid_attachment" : missing ? "missing_field" : "invalid", issues });
}

/**
 * Paths of fields that a schema does not know, so that a typo is found: `tracking.open`. At most ISSUES_MAX.
 * Looks into objects and lists; records (free keys) and transformed values end the search.
 */
export function unknownFields(
  schema: z.ZodType,
  given: unknown,
  path: PropertyKey[] = [],
  found: string[] = [],
): string[] {
  if (found.length >= ISSUES_MAX || typeof given !== "object" || given === null) return found;
  const def = schema.def as unknown as {
    type: string;
    innerType?: z.ZodType;
    element?: z.ZodType;
    in?: z.ZodType;
    out?: z.ZodType;
  };
  if (def.innerType !== undefined) return unknownFields(def.innerType, given, path, found);
  if (def.type === "pipe") {
    const inner = def.in?.def.type === "transform" ? def.out : def.in;
    return inner === undefined ? found : unknownFields(inner, given, path, found);
  }
  if (def.type === "array" && Array.isArray(given) && def.element !== undefined) {
    for (const [i, item] of given.entries()) unknownFields(def.element, item, [...path, i], found);
  } else if (def.type === "object" && !Array.isArray(given)) {
    const shape = (schema as z.ZodObject).shape;
    for (const [key, value] of Object.entries(given)) {
      // A caller may call a field `__proto__` or `constructor`, which every object inherits.
      const field = Object.hasOwn(shape, key) ? shape[key] : undefined;
      if (field === undefined) found.push(spellPath([...path, key]));
      else unknownFields(field as z.ZodType, value, [...path, key], found);
      if (found.length >= ISSUES_MAX) break;
    }
  }
  return found;
}

/** JSON Schema (draft 2020-12, what OpenAPI 3.1 speaks) of the schemas that validate: there is no second copy. */
import { z } from "zod";

export type JsonSchema = { [key: string]: unknown };

/**
 * What a zod schema takes. A schema that takes one item in the place of a list says so by `.meta({ oneOrMore: true })`, since
 * a function in front of a schema tells nobody what it takes.
 */
export function jsonSchemaOf(schema: z.ZodType): JsonSchema {
  const made = z.toJSONSchema(schema, {
    io: "input",
    unrepresentable: "any",
    override: ({ jsonSchema }) => {
      // A pattern for dates that fills half a page tells less than the format beside it.
      if (jsonSchema.format === "date-time") delete jsonSchema.pattern;
    },
  }) as JsonSchema;
  delete made.$schema;
  return eased(made) as JsonSchema;
}

function eased(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(eased);
  if (typeof value !== "object" || value === null) return value;
  const { oneOrMore, ...rest } = value as JsonSchema;
  const out: JsonSchema = Object.fromEntries(Object.entries(rest).map(([key, one]) => [key, eased(one)]));
  if (oneOrMore === true) {
    const { description, ...list } = out;
    return {
      ...(description === undefined ? {} : { description }),
      anyOf: [out.items, list, { type: "null" }],
    };
  }
  const { properties } = value as { properties?: Record<string, JsonSchema> };
  if (properties !== undefined && Array.isArray(out.required)) {
    const required = (out.required as string[]).filter((name) => properties[name]?.oneOrMore !== true);
    if (required.length > 0) out.required = required;
    else delete out.required;
  }
  return out;
}

/** Any schema of this room. */
export type Schema = z.ZodType;
export const isSchema = (value: object): value is Schema => value instanceof z.ZodType;

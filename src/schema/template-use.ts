/** How a message names its template, and the values it brings along. */
import { z } from "zod";
import { TEMPLATE_ALIAS_CHARS, VARIABLE_CHARS } from "../core/limits.ts";

export type VariableValue = string | number | boolean;

export const TemplateUse = z.object(
  {
    /** Id or alias. */
    id: z
      .string("must be text: the template's id or alias")
      .min(1, "is empty")
      .max(TEMPLATE_ALIAS_CHARS, "is longer than any id or alias"),
    /** Values of the types that the template says. Absent: its fallbacks. */
    variables: z
      .record(
        z.string().max(100),
        z.union(
          [z.string().max(VARIABLE_CHARS), z.number(), z.boolean()],
          `must be text of up to ${VARIABLE_CHARS} characters, a number, true or false`,
        ),
        "must be an object of names and values",
      )
      .nullish(),
  },
  'must be an object such as {"id": "order", "variables": {"PRICE": 12.5}}',
);
export type TemplateUse = z.output<typeof TemplateUse>;

/** The part of a request that names a template. */
export const TemplateNamed = z.object({ template: TemplateUse });

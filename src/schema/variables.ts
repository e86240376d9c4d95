/** Values for variables of a message, `{{name}}`: names and texts. */
import { z } from "zod";
import { VARIABLE_CHARS, VARIABLES_PER_RECIPIENT } from "../core/limits.ts";

/** A variable's value as text; numbers and booleans are spelled as JSON spells them. */
const value = z
  .union([z.string(), z.number(), z.boolean()], "must be text, a number, true or false")
  .transform(String)
  .refine((text) => text.length <= VARIABLE_CHARS, `is longer than ${VARIABLE_CHARS} characters`)
  .refine((text) => text.isWellFormed(), "is not well-formed Unicode (a lone surrogate)");

export const variables = z
  .record(z.string().max(100), value, "must be an object of names and values")
  .refine(
    (record) => Object.keys(record).length <= VARIABLES_PER_RECIPIENT,
    `has more than ${VARIABLES_PER_RECIPIENT} variables`,
  );

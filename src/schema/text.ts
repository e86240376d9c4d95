/** Text as requests carry it: what a header can hold, and well-formed Unicode. */
import { z } from "zod";

export const CONTROL = /\p{Cc}/u;
export const oneLine = (what: string, max: number) =>
  z
    .string(`must be text: ${what}`)
    .max(max, `is longer than ${max} characters`)
    .refine(
      (text) => !CONTROL.test(text),
      "has a line break or another control character, which a header cannot carry",
    )
    .refine((text) => text.isWellFormed(), "is not well-formed Unicode (a lone surrogate)");
export const wellFormed = (what: string) =>
  z
    .string(`must be text: ${what}`)
    .refine((text) => text.isWellFormed(), "is not well-formed Unicode (a lone surrogate)");

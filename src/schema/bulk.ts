/** The body of POST /emails/bulk: one content, many recipients, each with a private copy. */
import { z } from "zod";
import { BULK_RECIPIENTS, VARIABLE_CHARS, VARIABLES_PER_RECIPIENT } from "../core/limits.ts";
import { type Content, contentFields, hasContent, mailbox, NO_CONTENT } from "./email.ts";

/** A variable's value as text; numbers and booleans are spelled as JSON spells them. */
const value = z
  .union([z.string(), z.number(), z.boolean()], "must be text, a number, true or false")
  .transform(String)
  .refine((text) => text.length <= VARIABLE_CHARS, `is longer than ${VARIABLE_CHARS} characters`)
  .refine((text) => text.isWellFormed(), "is not well-formed Unicode (a lone surrogate)");

const recipient = z.object({
  to: mailbox,
  /** Absent: none. What the content asks for must then have a fallback. */
  variables: z
    .record(z.string().max(100), value, "must be an object of names and values")
    .refine(
      (variables) => Object.keys(variables).length <= VARIABLES_PER_RECIPIENT,
      `has more than ${VARIABLES_PER_RECIPIENT} variables`,
    )
    .nullish(),
});

export const BulkEmail = z
  .object({
    ...contentFields,
    recipients: z
      .array(recipient, "must be a list of {to, variables}")
      .min(1, "is empty: at least one recipient")
      .max(BULK_RECIPIENTS, `has more than ${BULK_RECIPIENTS} recipients; send the rest with another call`),
  })
  .superRefine((request, ctx) => {
    if (!hasContent(request)) ctx.addIssue({ code: "custom", path: ["html"], message: NO_CONTENT });
  });
export type BulkEmail = z.output<typeof BulkEmail>;

/** The compiled part of a request: To is each recipient's own. */
export function contentOfBulk(request: BulkEmail): Content {
  return {
    from: request.from,
    to: [],
    cc: [],
    reply_to: request.reply_to,
    subject: request.subject,
    html: request.html || null,
    text: request.text || null,
    headers: request.headers ?? [],
    attachments: request.attachments ?? [],
  };
}

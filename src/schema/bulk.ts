/** The body of POST /emails/bulk: one content, many recipients, each with a private copy. */
import { z } from "zod";
import { BULK_RECIPIENTS } from "../core/limits.ts";
import { type Content, contentFields, hasContent, mailbox, NO_CONTENT } from "./email.ts";
import { variables } from "./variables.ts";

const recipient = z.object({
  to: mailbox,
  /** Absent: none. What the content asks for must then have a fallback. */
  variables: variables.nullish(),
});

export const BulkEmail = z
  .object({
    ...contentFields,
    variables: variables.nullish().describe("For everyone; a recipient's own go first. Absent: none."),
    recipients: z
      .array(recipient, "must be a list of {to, variables}")
      .min(1, "is empty: at least one recipient")
      .max(BULK_RECIPIENTS, `has more than ${BULK_RECIPIENTS} recipients; send the rest with another call`)
      .describe("Everyone who gets a copy, each with variables of their own."),
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
    preheader: request.preheader ?? null,
    html: request.html || null,
    text: request.text || null,
    headers: request.headers ?? [],
    attachments: request.attachments ?? [],
  };
}

/**
 * The body of POST /emails: Resend's, plus `tracking`, `relay` and `ttl`. Parsed once, here; what comes out is proof.
 */
import { z } from "zod";
import {
  ATTACHMENTS_PER_EMAIL,
  BATCH_EMAILS,
  HEADER_NAME_CHARS,
  HEADER_VALUE_CHARS,
  HEADERS_PER_EMAIL,
  PREHEADER_CHARS,
  RECIPIENTS_PER_EMAIL,
  SUBJECT_CHARS,
  TAG_CHARS,
  TAGS_PER_EMAIL,
  TOPIC_CHARS,
  TTL_MAX_SECONDS,
  TTL_MIN_SECONDS,
} from "../core/limits.ts";
import { beginning } from "../core/text.ts";
import { type Mailbox, parseMailbox } from "./address.ts";
import { type Attachment, attachment } from "./attachment.ts";
import { forbiddenHeader, isHeaderName } from "./header.ts";
import { TemplateUse } from "./template-use.ts";
import { CONTROL, oneLine, wellFormed } from "./text.ts";
import { variables } from "./variables.ts";

/** What a message says, whoever it goes to: the part of a request that `message/` compiles. */
export interface Content {
  from: Mailbox;
  to: Mailbox[];
  cc: Mailbox[];
  reply_to: Mailbox[];
  subject: string;
  /** Hidden in the html, shown beside the subject. Null and absent: none. */
  preheader?: string | null;
  /** At least one of html and text is not null. */
  html: string | null;
  text: string | null;
  /** The caller's own headers, in their order; names are unique without regard to case and none is forbidden. */
  headers: { name: string; value: string }[];
  attachments: Attachment[];
}

/** One address, `Name <local@domain>` or bare. */
export const mailbox = z
  .string("must be text such as `Ada <ada@example.com>`")
  .transform((text, ctx): Mailbox => {
    const parsed = parseMailbox(text);
    if (parsed.ok) return parsed.value;
    ctx.addIssue({ code: "custom", message: parsed.error });
    return z.NEVER;
  });

/** One mailbox or a list of them; `null` and absent are an empty list. */
const mailboxes = z
  .preprocess(
    (value) => (value === null || value === undefined ? [] : typeof value === "string" ? [value] : value),
    z
      .array(mailbox, "must be an address or a list of addresses")
      .max(
        RECIPIENTS_PER_EMAIL,
        `has more than ${RECIPIENTS_PER_EMAIL} addresses; use POST /emails/bulk for more`,
      ),
  )
  .meta({ oneOrMore: true });

const tagText = (what: string) =>
  z
    .string(`must be text: a tag's ${what}`)
    .min(1, "is empty")
    .max(TAG_CHARS, `is longer than ${TAG_CHARS} characters`)
    .regex(/^[A-Za-z0-9_-]+$/, "may hold only ASCII letters, digits, `_` and `-`");

const headers = z
  .record(z.string(), z.string("must be text"), "must be an object of header names and values")
  .transform((record, ctx) => {
    const seen = new Set<string>();
    const list: { name: string; value: string }[] = [];
    const complain = (name: string, message: string) =>
      ctx.addIssue({ code: "custom", path: [name], message });
    for (const [name, value] of Object.entries(record)) {
      const forbidden = forbiddenHeader(name);
      if (name.length > HEADER_NAME_CHARS)
        complain(name, `is a name longer than ${HEADER_NAME_CHARS} characters`);
      else if (!isHeaderName(name))
        complain(name, "is not a header name: ASCII letters, digits and `-`, without spaces or a colon");
      else if (forbidden !== null) complain(name, `may not be set here: ${forbidden}`);
      else if (seen.has(name.toLowerCase())) complain(name, "is there twice, written differently");
      else if (CONTROL.test(value))
        complain(name, "has a line break or another control character, which a header cannot carry");
      else if (value.length > HEADER_VALUE_CHARS)
        complain(name, `is longer than ${HEADER_VALUE_CHARS} characters`);
      else if (!value.isWellFormed()) complain(name, "is not well-formed Unicode (a lone surrogate)");
      seen.add(name.toLowerCase());
      list.push({ name, value });
    }
    if (list.length > HEADERS_PER_EMAIL) complain("", `has more than ${HEADERS_PER_EMAIL} headers`);
    return list;
  });

const topic = z
  .string("must be text: the topic's key")
  .min(1, "is empty")
  .max(TOPIC_CHARS, `is longer than ${TOPIC_CHARS} characters`)
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]*$/, "may hold only ASCII letters, digits, `.`, `_` and `-`");

/** What every way of sending shares. Each field says what absent means, here and in the contract. */
export const contentFields = {
  from: mailbox.describe("The sender, such as `Ada <ada@example.com>`."),
  reply_to: mailboxes.describe("Absent: replies go to `from`."),
  subject: oneLine("the subject", SUBJECT_CHARS).describe("The subject; variables may stand in it."),
  template: TemplateUse.nullish().describe(
    "A stored template and its values. Absent: the content stands in the request.",
  ),
  preheader: oneLine("the preheader", PREHEADER_CHARS)
    .nullish()
    .describe("Shown beside the subject, hidden in the mail. Absent: inboxes show the mail's first words."),
  html: wellFormed("the html part").nullish().describe("The html part. Absent: none."),
  text: wellFormed("the text part").nullish().describe("The text part. Absent: made from the html."),
  headers: headers.nullish().describe("Headers of your own, by name. Absent: none."),
  attachments: z
    .array(attachment, "must be a list of attachments")
    .max(ATTACHMENTS_PER_EMAIL, `has more than ${ATTACHMENTS_PER_EMAIL} attachments`)
    .nullish()
    .describe("Files, each as `content` in base64 or by its address in `path`. Absent: none."),
  tags: z
    .array(z.object({ name: tagText("name"), value: tagText("value") }), "must be a list of {name, value}")
    .max(TAGS_PER_EMAIL, `has more than ${TAGS_PER_EMAIL} tags`)
    .nullish()
    .describe("What figures and webhooks can be told apart by. Absent: none."),
  tracking: z
    .strictObject(
      {
        opens: z.boolean("must be true or false").default(true),
        clicks: z.boolean("must be true or false").default(true),
        text_clicks: z.boolean("must be true or false").default(false),
      },
      // A typo passed over would leave mail tracked that was not to be.
      {
        error: (issue) =>
          issue.code === "unrecognized_keys"
            ? `has no ${JSON.stringify(beginning(issue.keys[0] ?? "", 100))}; there are opens, clicks and text_clicks`
            : undefined,
      },
    )
    .nullish()
    .describe("Absent: opens and clicks are both tracked, links of the text part are not."),
  unsubscribe: z
    .union([z.boolean(), z.object({ topic })], "must be true, false or {topic}")
    .nullish()
    .describe("true, or the topic that is left by it: headers and `{{unsubscribe_url}}`. Absent: neither."),
  topic_id: topic
    .nullish()
    .describe(
      "Resend's name for the topic, which may stand without `unsubscribe`. Absent: that of `unsubscribe`, or none.",
    ),
  relay: z
    .string("must be the name of a relay")
    .max(100)
    .nullish()
    .describe("Name of the relay to use. Absent: routing chooses among those configured."),
  ttl: z
    .number("must be a number of seconds")
    .int("must be whole seconds")
    .min(TTL_MIN_SECONDS, `must be at least ${TTL_MIN_SECONDS} seconds`)
    .max(TTL_MAX_SECONDS, `must be at most ${TTL_MAX_SECONDS} seconds (7 days)`)
    .nullish()
    .describe("Seconds that delivery is tried. Absent: 72 hours."),
  scheduled_at: z
    .string("must be text: ISO 8601, or such as `in 10 min`")
    .max(100)
    .nullish()
    .describe("When to send: ISO 8601, or such as `in 10 min`, up to 30 days ahead. Absent: at once."),
};

export const hasContent = (value: { html?: string | null | undefined; text?: string | null | undefined }) =>
  (value.html ?? "") !== "" || (value.text ?? "") !== "";
export const NO_CONTENT = "is missing: give `html`, `text` or both";

export const SendEmail = z
  .object({
    ...contentFields,
    to: mailboxes.describe("Up to 50 recipients, who see one another."),
    cc: mailboxes.describe("Likewise."),
    bcc: mailboxes.describe("Recipients nobody sees."),
    /** The same for every recipient. Absent: `{{…}}` in the content is text. */
    variables: variables.nullish().describe("Values for `{{name}}`. Absent: braces are plain text."),
  })
  .superRefine((value, ctx) => {
    if (value.to.length === 0)
      ctx.addIssue({ code: "custom", path: ["to"], message: "is missing: at least one address" });
    const all = value.to.length + value.cc.length + value.bcc.length;
    if (value.to.length <= RECIPIENTS_PER_EMAIL && all > RECIPIENTS_PER_EMAIL)
      ctx.addIssue({
        code: "custom",
        path: ["to"],
        message: `and cc and bcc have ${all} addresses together; at most ${RECIPIENTS_PER_EMAIL} are taken`,
      });
    if (!hasContent(value)) ctx.addIssue({ code: "custom", path: ["html"], message: NO_CONTENT });
  });
export type SendEmail = z.output<typeof SendEmail>;

/** POST /emails/batch takes each by itself, so that one wrong message need not refuse the others; this is what it takes in all. */
export const SendBatch = z.array(SendEmail).min(1).max(BATCH_EMAILS);

/** PATCH /emails/:id. */
export const Reschedule = z.object({
  scheduled_at: z.string("must be text: ISO 8601, or such as `in 10 min`").max(100),
});

/** The compiled part of a request. */
export function contentOf(request: SendEmail): Content {
  return {
    from: request.from,
    to: request.to,
    cc: request.cc,
    reply_to: request.reply_to,
    subject: request.subject,
    preheader: request.preheader ?? null,
    html: request.html || null,
    text: request.text || null,
    headers: request.headers ?? [],
    attachments: request.attachments ?? [],
  };
}

/**
 * The body of POST /emails: Resend's, plus `tracking`, `relay` and `ttl`. Parsed once, here; what comes out is proof.
 */
import { z } from "zod";
import {
  ATTACHMENTS_PER_EMAIL,
  BATCH_EMAILS,
  FILE_NAME_CHARS,
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
import { type Mailbox, parseMailbox } from "./address.ts";
import { base64Of, checkBase64 } from "./base64.ts";
import { forbiddenHeader, isHeaderName } from "./header.ts";
import { TemplateUse } from "./template-use.ts";
import { variables } from "./variables.ts";

export interface Attachment {
  filename: string | null;
  /** Base64 (RFC 4648 section 4) as the caller sent it, checked, white space removed. Empty while `path` is set. */
  content: string;
  /** Bytes after decoding. */
  size: number;
  /** An address that the file is still to be fetched from. Absent: it is here. */
  path?: string;
  /** Null: from the file name's extension, else application/octet-stream. */
  content_type: string | null;
  /** Set: the part is inline, and `cid:` links in the html refer to it. */
  content_id: string | null;
}

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

const CONTROL = /\p{Cc}/u;
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

/** type/subtype with parameters (RFC 2045 section 5.1), without anything that could end the header. */
const MEDIA_TYPE =
  /^[a-z0-9!#$&^_.+-]{1,127}\/[a-z0-9!#$&^_.+-]{1,127}(\s*;\s*[a-z0-9_.*-]{1,40}=("[\x20\x21\x23-\x5b\x5d-\x7e]{0,100}"|[a-z0-9!#$&^_.+-]{1,100})){0,5}$/i;

/** What JSON makes of Node's Buffer, as older SDKs of Resend send it. */
interface NodeBuffer {
  type: "Buffer";
  data: number[];
}
const isNodeBuffer = (value: unknown): boolean => {
  const { type, data } = (typeof value === "object" && value !== null ? value : {}) as Partial<NodeBuffer>;
  return (
    type === "Buffer" &&
    Array.isArray(data) &&
    data.every((byte) => Number.isInteger(byte) && byte >= 0 && byte <= 255)
  );
};

const attachment = z
  .object({
    filename: oneLine("a file name", FILE_NAME_CHARS).nullish(),
    content: z
      .union([z.string(), z.custom<NodeBuffer>(isNodeBuffer)], "must be the file's bytes as base64 text")
      .describe("The file's bytes as base64.")
      .nullish(),
    path: z
      .string("must be the address of the file")
      .describe("Address to fetch the file from, instead of `content`.")
      .nullish(),
    content_type: z
      .string("must be text such as `image/png`")
      .regex(MEDIA_TYPE, "is not a media type such as `image/png`")
      .nullish(),
    content_id: z
      .string("must be text")
      .regex(
        /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~.@-]{1,128}$/,
        "may hold 1 to 128 letters, digits and . _ - @ without spaces or brackets",
      )
      .nullish(),
  })
  .transform((value, ctx): Attachment => {
    const fail = (path: string, message: string): never => {
      ctx.addIssue({ code: "custom", path: [path], message });
      return z.NEVER;
    };
    const remote = value.content == null ? (value.path ?? null) : null;
    if (value.content == null && remote === null)
      return fail("content", "is missing: the file's bytes as base64 text, or its address in `path`");
    const text = typeof value.content === "string" ? value.content : base64Of(value.content?.data ?? []);
    const checked = checkBase64(text);
    if (!checked.ok) return fail("content", checked.error);
    return {
      filename: value.filename ?? null,
      content: checked.value.text,
      size: checked.value.size,
      ...(remote === null ? {} : { path: remote }),
      content_type: value.content_type ?? null,
      content_id: value.content_id ?? null,
    };
  });

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

/** What every way of sending shares. Each field says what absent means. */
export const contentFields = {
  from: mailbox,
  /** Absent: replies go to `from`. */
  reply_to: mailboxes,
  subject: oneLine("the subject", SUBJECT_CHARS),
  /** Absent: the content stands in the request. */
  template: TemplateUse.nullish(),
  /** Absent: inboxes show the mail's first words beside the subject. */
  preheader: oneLine("the preheader", PREHEADER_CHARS).nullish(),
  /** Absent: no html part. */
  html: wellFormed("the html part").nullish(),
  /** Absent: made from the html. */
  text: wellFormed("the text part").nullish(),
  headers: headers.nullish(),
  attachments: z
    .array(attachment, "must be a list of attachments")
    .max(ATTACHMENTS_PER_EMAIL, `has more than ${ATTACHMENTS_PER_EMAIL} attachments`)
    .nullish(),
  tags: z
    .array(z.object({ name: tagText("name"), value: tagText("value") }), "must be a list of {name, value}")
    .max(TAGS_PER_EMAIL, `has more than ${TAGS_PER_EMAIL} tags`)
    .nullish(),
  /** Absent: opens and clicks are both tracked, links of the text part are not. */
  tracking: z
    .object({
      opens: z.boolean("must be true or false").default(true),
      clicks: z.boolean("must be true or false").default(true),
      text_clicks: z.boolean("must be true or false").default(false),
    })
    .nullish(),
  /** true, or the topic that is left by it: headers and `{{unsubscribe_url}}`. Absent: neither. */
  unsubscribe: z.union([z.boolean(), z.object({ topic })], "must be true, false or {topic}").nullish(),
  /** Resend's name for the topic, which may stand without `unsubscribe`. Absent: that of `unsubscribe`, or none. */
  topic_id: topic.nullish(),
  /** Absent: routing chooses among the configured relays. */
  relay: z.string("must be the name of a relay").max(100).nullish(),
  /** Seconds that delivery is tried. Absent: 72 hours. */
  ttl: z
    .number("must be a number of seconds")
    .int("must be whole seconds")
    .min(TTL_MIN_SECONDS, `must be at least ${TTL_MIN_SECONDS} seconds`)
    .max(TTL_MAX_SECONDS, `must be at most ${TTL_MAX_SECONDS} seconds (7 days)`)
    .nullish(),
  /** ISO 8601 or `in 10 min`. Absent: at once. */
  scheduled_at: z.string("must be text: ISO 8601, or such as `in 10 min`").max(100).nullish(),
};

export const hasContent = (value: { html?: string | null | undefined; text?: string | null | undefined }) =>
  (value.html ?? "") !== "" || (value.text ?? "") !== "";
export const NO_CONTENT = "is missing: give `html`, `text` or both";

export const SendEmail = z
  .object({
    ...contentFields,
    to: mailboxes,
    cc: mailboxes,
    bcc: mailboxes,
    /** The same for every recipient. Absent: `{{…}}` in the content is text. */
    variables: variables.nullish(),
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

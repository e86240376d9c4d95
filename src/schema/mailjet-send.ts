/**
 * The body of POST /v3.1/send: what a message looks like, and which properties go together. Addresses are parsed here, so
 * that the code says which; all other content is checked where every email is, in email.ts.
 */
import { z } from "zod";
import {
  CUSTOM_CAMPAIGN_CHARS,
  CUSTOM_ID_CHARS,
  EVENT_PAYLOAD_CHARS,
  MAILJET_ATTACHMENTS_BYTES,
  MAILJET_LIST_MAX,
  MAILJET_MESSAGES,
  MAILJET_SUBJECT_CHARS,
  MAILJET_URL_TAGS_CHARS,
  MB,
  MONITORING_CATEGORY_CHARS,
  RECIPIENTS_PER_EMAIL,
  VARIABLES_PER_RECIPIENT,
} from "../core/limits.ts";
import { beginning } from "../core/text.ts";
import { type Mailbox, parseMailbox } from "./address.ts";
import type { MailjetCode, MailjetIssue } from "./mailjet-codes.ts";
import { forbiddenMailjetHeader } from "./mailjet-headers.ts";

/** The body as a whole: its messages are looked at one by one. */
export const SendRequest = z.object({
  Messages: z
    .array(z.unknown(), "must be a list of messages")
    .min(1, "is empty: at least one message")
    .max(MAILJET_MESSAGES, `has more than ${MAILJET_MESSAGES} messages`),
  /** Defaults of every message. Absent: none. */
  Globals: z.record(z.string(), z.unknown(), "must be an object").nullish(),
  /** Everything is checked, nothing is sent or kept. Absent: false. */
  SandboxMode: z.boolean("must be true or false").nullish(),
  /** Taken; what it asks for is done always. */
  AdvanceErrorHandling: z.boolean("must be true or false").nullish(),
});

const text = (what: string) => z.string(`must be text: ${what}`);
const flag = z.boolean("must be true or false").nullish();

/** A mailbox, with the address as the caller wrote it. */
export interface Named {
  email: string;
  mailbox: Mailbox;
}

const named = z
  .object(
    {
      Email: text("an address").min(1, "is empty"),
      Name: text("a name").nullish(),
    },
    "must be an object {Email, Name}",
  )
  .transform(({ Email, Name }, ctx): Named => {
    const issue = (field: string, message: string): never => {
      ctx.addIssue({ code: "custom", path: [field], message, params: { code: "mj-0013" } });
      return z.NEVER;
    };
    if (/[<>]/.test(Email))
      return issue("Email", `"${beginning(Email, 100)}" is not an address: names go into Name.`);
    const name = Name?.trim() ?? "";
    const parsed = parseMailbox(name === "" ? Email : `"${name.replace(/["\\]/g, "\\$&")}" <${Email}>`);
    if (!parsed.ok) return issue("Email", `"${beginning(Email, 100)}" ${parsed.error}.`);
    return { email: Email, mailbox: parsed.value };
  });

const people = z
  .array(named, "must be a list of {Email, Name}")
  .max(RECIPIENTS_PER_EMAIL, `has more than ${RECIPIENTS_PER_EMAIL} addresses`);

const attachmentFields = {
  ContentType: text("a media type such as image/png").min(1, "is empty"),
  Filename: text("a file name").min(1, "is empty"),
  Base64Content: text("the file's bytes as base64").min(1, "is empty"),
};
const files = <T extends z.ZodType>(file: T) =>
  z
    .array(file, "must be a list of files")
    .max(MAILJET_LIST_MAX, `has more than ${MAILJET_LIST_MAX} files`)
    .nullish();

const TRACKING = ["account_default", "disabled", "enabled"] as const;
const tracking = z.enum(TRACKING, `must be one of ${TRACKING.join(", ")}`).nullish();
const keyed = <T extends z.ZodType>(name: string, value: T, max: number) =>
  z
    .record(z.string(), value, "must be an object")
    .refine((record) => Object.keys(record).length <= max, {
      message: `"${name}" has more than ${max} entries.`,
      params: { code: "mj-0008" },
    })
    .nullish();

/** What may stand in a query (RFC 3986 section 3.4). */
const QUERY = /^[A-Za-z0-9\-._~!$&'()*+,;=:@/?%]*$/;

const fields = {
  From: named,
  Sender: named.nullish(),
  To: people.min(1, "is empty: at least one address"),
  Cc: people.nullish(),
  Bcc: people.nullish(),
  ReplyTo: named.nullish(),
  /** Absent: the template's, or none. */
  Subject: text("the subject")
    .max(MAILJET_SUBJECT_CHARS, `is longer than ${MAILJET_SUBJECT_CHARS} characters`)
    .nullish(),
  TextPart: text("the text part").nullish(),
  HTMLPart: text("the html part").nullish(),
  TemplateID: z
    .number("must be a number")
    .int("must be a whole number")
    .positive("must be above 0")
    .nullish(),
  TemplateLanguage: flag,
  TemplateErrorReporting: named.nullish(),
  TemplateErrorDeliver: flag,
  Attachments: files(z.object(attachmentFields, "must be an object {ContentType, Filename, Base64Content}")),
  InlinedAttachments: files(
    z.object(
      { ...attachmentFields, ContentID: text("what cid: links name").min(1, "is empty").nullish() },
      "must be an object {ContentType, Filename, ContentID, Base64Content}",
    ),
  ),
  /** Taken; there is one queue here. */
  Priority: z
    .number("must be a number")
    .int("must be 0 to 3")
    .min(0, "must be 0 to 3")
    .max(3, "must be 0 to 3")
    .nullish(),
  CustomCampaign: text("a campaign's name")
    .max(CUSTOM_CAMPAIGN_CHARS, `is longer than ${CUSTOM_CAMPAIGN_CHARS} characters`)
    .nullish(),
  DeduplicateCampaign: flag,
  TrackOpens: tracking,
  TrackClicks: tracking,
  CustomID: text("your own id")
    .max(CUSTOM_ID_CHARS, `is longer than ${CUSTOM_ID_CHARS} characters`)
    .nullish(),
  EventPayload: text("what events carry")
    .max(EVENT_PAYLOAD_CHARS, `is longer than ${EVENT_PAYLOAD_CHARS} characters`)
    .nullish(),
  MonitoringCategory: text("a category").nullish(),
  URLTags: text("a query")
    .max(MAILJET_URL_TAGS_CHARS, `is longer than ${MAILJET_URL_TAGS_CHARS} characters`)
    .regex(QUERY, "is not a query, percent-encoded and without ? and #")
    .nullish(),
  Headers: keyed("Headers", z.string("must be text"), MAILJET_LIST_MAX),
  Variables: keyed("Variables", z.unknown(), VARIABLES_PER_RECIPIENT),
};

/** With a template, `From` may be the template's. */
const TemplatedMessage = z.object({ ...fields, From: named.nullish() }, "must be an object");
export type MailjetMessage = z.output<typeof TemplatedMessage>;

const WholeMessage = z.object(fields, "must be an object");

/** What a message is parsed by. */
export const messageSchema = (given: unknown): typeof TemplatedMessage | typeof WholeMessage =>
  isObject(given) && given.TemplateID != null ? TemplatedMessage : WholeMessage;

/** Which properties do not go together, of a message that is well-formed. Empty: all is well. */
export function messageIssues(message: MailjetMessage): MailjetIssue[] {
  const issues: MailjetIssue[] = [];
  const complain = (code: MailjetCode, related: string[], sentence: string) =>
    issues.push({ code, related, message: sentence });
  const empty = (value: string | null | undefined) => (value ?? "") === "";
  if (empty(message.HTMLPart) && empty(message.TextPart) && message.TemplateID == null)
    complain(
      "send-0003",
      ["HTMLPart", "TextPart", "TemplateID"],
      'At least "HTMLPart", "TextPart" or "TemplateID" must be provided.',
    );
  if (
    message.TemplateLanguage == null &&
    (message.TemplateErrorReporting != null || message.TemplateErrorDeliver != null)
  )
    complain(
      "send-0016",
      ["TemplateLanguage"],
      '"TemplateErrorReporting" and "TemplateErrorDeliver" mean nothing without "TemplateLanguage".',
    );
  if (message.DeduplicateCampaign === true && empty(message.CustomCampaign))
    complain(
      "send-0012",
      ["CustomCampaign", "DeduplicateCampaign"],
      '"DeduplicateCampaign" needs the name of a campaign in "CustomCampaign".',
    );
  const category = message.MonitoringCategory ?? null;
  if (
    category !== null &&
    !(category.trim() !== "" && category.length <= MONITORING_CATEGORY_CHARS && !/\p{Cc}/u.test(category))
  )
    complain(
      "send-0013",
      ["MonitoringCategory"],
      `"MonitoringCategory" must be a name of 1 to ${MONITORING_CATEGORY_CHARS} characters.`,
    );
  for (const name of Object.keys(message.Headers ?? {})) {
    const reason = forbiddenMailjetHeader(name);
    if (reason !== null)
      complain(
        "send-0011",
        [`Headers[${JSON.stringify(name)}]`],
        `The header "${name}" may not be set: ${reason}.`,
      );
  }
  const addresses = new Set(
    [...message.To, ...(message.Cc ?? []), ...(message.Bcc ?? [])].map(({ mailbox }) => mailbox.address),
  );
  if (addresses.size > RECIPIENTS_PER_EMAIL)
    complain(
      "send-0015",
      ["To", "Cc", "Bcc"],
      `There are ${addresses.size} recipients; at most ${RECIPIENTS_PER_EMAIL} are taken in one message.`,
    );
  const bytes = [...(message.Attachments ?? []), ...(message.InlinedAttachments ?? [])].reduce(
    (sum, { Base64Content }) => sum + Math.floor((Base64Content.length * 3) / 4),
    0,
  );
  if (bytes > MAILJET_ATTACHMENTS_BYTES)
    complain(
      "mj-0011",
      ["Attachments", "InlinedAttachments"],
      `The attachments have ${(bytes / MB).toFixed(1)} MB; at most ${MAILJET_ATTACHMENTS_BYTES / MB} MB are taken.`,
    );
  return issues;
}

/** Merged as objects are: the message's own values go first, key by key. */
const MERGED = new Set(["From", "Sender", "ReplyTo", "TemplateErrorReporting", "Headers", "Variables"]);
/** Appended: what is global comes before what is the message's. */
const APPENDED = new Set(["Cc", "Bcc", "Attachments", "InlinedAttachments"]);

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A message with the request's Globals as defaults. What is no object is left for the schema to complain about. */
export function withGlobals(globals: Record<string, unknown> | null | undefined, message: unknown): unknown {
  if (globals == null || !isObject(message)) return message;
  const merged: Record<string, unknown> = { ...globals, ...message };
  for (const [name, value] of Object.entries(globals)) {
    if (name === "__proto__") continue;
    const own = message[name];
    if (own === undefined || own === null) merged[name] = value;
    else if (MERGED.has(name) && isObject(value) && isObject(own)) merged[name] = { ...value, ...own };
    else if (APPENDED.has(name) && Array.isArray(value) && Array.isArray(own))
      merged[name] = [...value, ...own];
  }
  return merged;
}

/** What POST /v3.1/send takes in all; each message is parsed by itself, so that one wrong message does not refuse the others. */
export const MailjetBatch = SendRequest.extend({ Messages: z.array(TemplatedMessage) });

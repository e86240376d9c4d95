/**
 * A message of Mailjet's as a request of our own: the body of POST /emails, which everything that sends goes through. Pure.
 * Who sits where is kept, so that answers and errors can name the caller's own properties.
 */
import type { FieldIssue } from "../../core/errors.ts";
import { FILE_NAME_CHARS } from "../../core/limits.ts";
import { renderTemplate } from "../../message/mailjet/template.ts";
import { addUrlTags } from "../../message/mailjet/url-tags.ts";
import type { Mailbox } from "../../schema/address.ts";
import { NO_CONTENT } from "../../schema/email.ts";
import type { EmailMeta } from "../../schema/event.ts";
import type { MailjetCode, MailjetIssue } from "../../schema/mailjet-codes.ts";
import type { MailjetMessage, Named } from "../../schema/mailjet-send.ts";
import type { TemplateContent } from "../../schema/template.ts";

/** One recipient: the address as given, the index within the email, and the property it came from. */
export interface Seat {
  email: string;
  index: number;
  property: string;
}

export interface Translated {
  /** The body of POST /emails, to be parsed as one. */
  email: Record<string, unknown>;
  to: Seat[];
  cc: Seat[];
  bcc: Seat[];
  meta: NonNullable<EmailMeta["mailjet"]>;
  /** What went wrong in the template language, by property. */
  templateErrors: { property: string; message: string }[];
}

/** A mailbox as text that parses back to itself. */
export const spellMailbox = ({ name, address }: Mailbox): string =>
  name === null ? address : `"${name.replace(/["\\]/g, "\\$&")}" <${address}>`;

/** Braces that ask for html as it is: all values are, here. */
const TRIPLE = /\{\{\{([^{}]*)\}\}\}/g;
const doubled = (text: string): string => text.replace(TRIPLE, "{{$1}}");

/** `template`: the stored one that the message names, whose parts stand for those the message has not. */
export function translate(message: MailjetMessage, template: TemplateContent | null): Translated {
  const templateErrors: Translated["templateErrors"] = [];
  const variables = { ...fallbacksOf(template), ...message.Variables };
  const render = (property: string, source: string | null | undefined): string | null => {
    if (source == null || message.TemplateLanguage !== true) return source ?? null;
    const { text, errors } = renderTemplate(source, variables, template !== null);
    templateErrors.push(...errors.map((error) => ({ property, message: error })));
    return text;
  };
  const stored = template === null ? null : { text: template.text, html: doubled(template.html) };
  const subject = render("Subject", message.Subject ?? template?.subject);
  const text = render("TextPart", message.TextPart || stored?.text);
  const html = render("HTMLPart", message.HTMLPart || stored?.html);
  const seats = seatsOf(message);
  const { headers, replyTo } = headersOf(message, template?.reply_to ?? []);
  return {
    email: {
      from: message.From == null ? (template?.from ?? null) : spellMailbox(message.From.mailbox),
      to: seats.to.map(({ spelled }) => spelled),
      cc: seats.cc.map(({ spelled }) => spelled),
      bcc: seats.bcc.map(({ spelled }) => spelled),
      reply_to: replyTo,
      subject: subject ?? "",
      text,
      html: html === null ? null : addUrlTags(html, message.URLTags ?? ""),
      headers,
      attachments: [
        ...(message.Attachments ?? []).map((file) => attachment(file, null)),
        ...(message.InlinedAttachments ?? []).map((file) =>
          attachment(file, file.ContentID ?? idOfFile(file.Filename)),
        ),
      ],
      tracking: { opens: message.TrackOpens !== "disabled", clicks: message.TrackClicks !== "disabled" },
    },
    to: seats.to,
    cc: seats.cc,
    bcc: seats.bcc,
    meta: metaOf(message),
    templateErrors,
  };
}

const fallbacksOf = (template: TemplateContent | null): Record<string, unknown> =>
  Object.fromEntries(
    (template?.variables ?? []).flatMap(({ key, fallback_value }) =>
      fallback_value === null ? [] : [[key, fallback_value]],
    ),
  );

/** In order, each address once: who is named twice has the first seat alone. */
function seatsOf(message: MailjetMessage) {
  const taken = new Set<string>();
  const seat = (property: string, list: readonly Named[] | null | undefined) => {
    const seats: (Seat & { spelled: string })[] = [];
    for (const [i, { email, mailbox }] of (list ?? []).entries()) {
      if (taken.has(mailbox.address)) continue;
      seats.push({
        email,
        index: taken.size,
        property: `${property}[${i}].Email`,
        spelled: spellMailbox(mailbox),
      });
      taken.add(mailbox.address);
    }
    return seats;
  };
  return { to: seat("To", message.To), cc: seat("Cc", message.Cc), bcc: seat("Bcc", message.Bcc) };
}

/** Reply-To is no forbidden header of Mailjet's, and a field of ours. */
function headersOf(message: MailjetMessage, otherwise: readonly string[]) {
  const all = Object.entries(message.Headers ?? {});
  const isReplyTo = ([name]: [string, string]) => name.trim().toLowerCase() === "reply-to";
  const headers = Object.fromEntries(all.filter((header) => !isReplyTo(header)));
  if (message.Sender != null) headers.Sender = spellMailbox(message.Sender.mailbox);
  const replyTo = message.ReplyTo != null ? spellMailbox(message.ReplyTo.mailbox) : all.find(isReplyTo)?.[1];
  return { headers, replyTo: replyTo === undefined ? otherwise : [replyTo] };
}

type File = NonNullable<MailjetMessage["Attachments"]>[number];
const attachment = (file: File, content_id: string | null) => ({
  filename: file.Filename,
  content: file.Base64Content,
  content_type: file.ContentType,
  content_id,
});

/** `cid:` and the file's name lead to a file without a ContentID, as far as a name can be one. */
const idOfFile = (name: string): string =>
  name.slice(0, FILE_NAME_CHARS >> 1).replace(/[^A-Za-z0-9._@+-]/g, "_");

function metaOf(message: MailjetMessage): Translated["meta"] {
  const meta: Translated["meta"] = {};
  if (message.CustomID) meta.custom_id = message.CustomID;
  if (message.EventPayload) meta.event_payload = message.EventPayload;
  if (message.CustomCampaign) meta.campaign = message.CustomCampaign;
  if (message.MonitoringCategory) meta.monitoring_category = message.MonitoringCategory;
  return meta;
}

/** Where a field of ours came from, and the code of a fault in it. */
const ORIGINS: readonly [path: RegExp, property: string, code: MailjetCode][] = [
  [/^from/, "From.Email", "send-0008"],
  [/^reply_to/, "ReplyTo.Email", "mj-0013"],
  [/^subject/, "Subject", "mj-0005"],
  [/^html/, "HTMLPart", "mj-0005"],
  [/^text/, "TextPart", "mj-0005"],
  [/^headers\.Sender$/, "Sender.Email", "mj-0013"],
  [/^headers/, "Headers", "mj-0005"],
];
const FILE_FIELDS: Record<string, string> = {
  filename: "Filename",
  content: "Base64Content",
  content_type: "ContentType",
  content_id: "ContentID",
};

/** A fault found in the translation, told of the message it came from. */
export function issueOf({ path, message }: FieldIssue, from: Translated, attachments: number): MailjetIssue {
  const issue = (code: MailjetCode, property: string): MailjetIssue => ({
    code,
    message: `"${property}" ${message}.`,
    related: [property],
  });
  if (message === NO_CONTENT)
    return {
      code: "send-0003",
      message: "Nothing is left of the message's parts: both are empty.",
      related: ["HTMLPart", "TextPart"],
    };
  const [, kind, at] = /^(to|cc|bcc)\[(\d+)\]/.exec(path) ?? [];
  if (kind !== undefined)
    return issue("mj-0005", from[kind as "to" | "cc" | "bcc"][Number(at)]?.property ?? kind);
  const [, file, field] = /^attachments\[(\d+)\](?:\.(\w+))?/.exec(path) ?? [];
  if (file !== undefined) {
    const index = Number(file);
    const list = index < attachments ? `Attachments[${index}]` : `InlinedAttachments[${index - attachments}]`;
    // A fault of a file as a whole is its size.
    return field === undefined
      ? issue("mj-0011", list)
      : issue("mj-0005", `${list}.${FILE_FIELDS[field] ?? field}`);
  }
  const header = /^headers(?:\.([\w-]+)|\[(".*")\])/.exec(path);
  const named = header?.[1] ?? header?.[2];
  if (named !== undefined && named !== "Sender")
    return issue("mj-0005", `Headers[${named.startsWith('"') ? named : JSON.stringify(named)}]`);
  const [, property, code] = ORIGINS.find(([pattern]) => pattern.test(path)) ?? [
    null,
    "",
    "mj-0005" as const,
  ];
  const sized = / of a message of /.test(message)
    ? "mj-0011"
    : /^is longer than/.test(message)
      ? "mj-0006"
      : code;
  return issue(sized, property);
}

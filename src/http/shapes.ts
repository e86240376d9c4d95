/** Rows of libSQL as the JSON callers see: Resend's email object, and what Postern adds. Pure. */
import type { EmailRecord } from "../db/emails.ts";
import type { RecipientRecord } from "../db/recipients.ts";
import type { Wait } from "../outbox/rpc.ts";
import type { EventData, MailEvent } from "../schema/event.ts";

/** Resend's spelling of a moment: `2023-04-03 22:13:42.674000+00`. */
export const moment = (ms: number): string =>
  new Date(ms).toISOString().replace("T", " ").replace("Z", "000+00");
export const momentOrNull = (ms: number | null): string | null => (ms === null ? null : moment(ms));
/** Resend says null for a list that is empty. */
const listOrNull = (list: readonly string[]): readonly string[] | null => (list.length === 0 ? null : list);

/** An email in a list. */
export function listItem(email: EmailRecord) {
  return {
    id: email.id,
    message_id: email.message_id,
    to: email.to,
    from: email.from,
    created_at: moment(email.created_at),
    subject: email.subject,
    bcc: listOrNull(email.bcc),
    cc: listOrNull(email.cc),
    reply_to: listOrNull(email.reply_to),
    last_event: email.last_event,
    scheduled_at: momentOrNull(email.scheduled_at),
  };
}

/** One email, whole. */
export function emailObject(email: EmailRecord, html: string | null, text: string | null) {
  return {
    object: "email",
    ...listItem(email),
    html,
    text,
    tags: email.tags,
    headers: email.headers,
    attachments: email.attachments,
    tracking: email.tracking,
    kind: email.kind,
    relay: email.relay,
    size: email.size,
    expires_at: moment(email.expires_at),
    request_id: email.meta.request_id ?? null,
    sandbox: email.meta.sandbox ?? false,
    topic_id: email.meta.topic ?? null,
  };
}

/** One recipient, with where the copy stands, what the relay last said, and what it waits for. */
export function recipientObject(recipient: RecipientRecord, wait?: Wait) {
  const {
    index,
    address,
    kind,
    status,
    attempts,
    relay,
    code,
    enhanced,
    reply,
    category,
    sentence,
    updated_at,
    first_opened_at,
    first_clicked_at,
  } = recipient;
  return {
    index,
    email: address,
    kind,
    status,
    attempts,
    relay,
    last_reply: code === null && reply === null ? null : { code, enhanced, text: reply },
    category,
    explanation: sentence,
    waiting: wait === undefined ? null : { until: momentOrNull(wait.until), reason: wait.reason },
    first_opened_at: momentOrNull(first_opened_at),
    first_clicked_at: momentOrNull(first_clicked_at),
    updated_at: momentOrNull(updated_at),
  };
}

/** One event. */
export function eventObject(event: MailEvent & { address?: string | null; first?: boolean | null }) {
  return {
    object: "event",
    id: event.id,
    type: event.type,
    created_at: moment(event.at),
    email_id: event.email_id,
    recipient: event.address ?? null,
    recipient_index: event.recipient,
    // Opens and clicks: the recipient's first that was no scanner's.
    ...(event.first == null ? {} : { first: event.first }),
    data: spelled(event.data),
  };
}

/** What an event carries, its moments spelled as all others of the API are. */
function spelled({ next_attempt_at, scheduled_at, ...data }: EventData) {
  return {
    ...data,
    ...(next_attempt_at === undefined ? {} : { next_attempt_at: moment(next_attempt_at) }),
    ...(scheduled_at === undefined ? {} : { scheduled_at: moment(scheduled_at) }),
  };
}

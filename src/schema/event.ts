/**
 * What is told about a message after it was accepted: events, and the rows that go with them.
 * The outbox, tracking and feedback make these; the ledger keeps them; libSQL is where they end.
 */

/** Each type says what it does not promise. */
export const EVENT_TYPES = [
  "email.scheduled", // accepted, to be sent at a later time
  "email.canceled", // will never be sent
  "email.sent", // the relay took it (250 after the final dot); not that it reached a mailbox
  "email.delivered", // a delivery report said so, or the relay is declared final
  "email.delivery_delayed", // an attempt failed in a way that may pass; it is tried again
  "email.bounced", // refused for good by a server, at once or by a bounce mail
  "email.failed", // given up by us: ttl over, no relay would take it, or it cannot be sent as it is
  "email.suppressed", // never tried: the address is on the suppression list
  "email.complained", // the recipient called it spam
  "email.opened", // an image was fetched; see the verdict for by whom
  "email.clicked", // a link was followed; see the verdict for by whom
  "email.unsubscribed", // by a link, a mail program's button or a mail; see `unsubscribe` for from what
  "email.resubscribed", // took an unsubscribe back, by the same link
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

/** Counted once for each recipient: of any visitor, of any but scanners, of persons. */
export const UNIQUE_METRICS = [
  "unique_opened_all",
  "unique_opened",
  "unique_opened_person",
  "unique_clicked_all",
  "unique_clicked",
  "unique_clicked_person",
] as const;
export type UniqueMetric = (typeof UNIQUE_METRICS)[number];

/** Where one recipient's copy stands. `sent` and later are never taken back by an earlier state. */
export const RECIPIENT_STATUSES = [
  "queued",
  "scheduled",
  "delivery_delayed",
  "sent",
  "delivered",
  "bounced",
  "failed",
  "suppressed",
  "canceled",
  "complained",
  "opened",
  "clicked",
  "unsubscribed",
] as const;
export type RecipientStatus = (typeof RECIPIENT_STATUSES)[number];

/** One attempt to hand a copy to a relay, as it is told to people. Times in milliseconds. */
export interface AttemptRecord {
  /** 1 for the first. */
  number: number;
  relay: string;
  host: string;
  port: number;
  /** Whether the session was encrypted when the copy went. */
  tls: boolean;
  /** How far it got: connect, greeting, ehlo, starttls, auth, mail, rcpt, data or body. */
  step: string;
  /** The reply's code and enhanced code (RFC 3463), when there was a reply. */
  code: number | null;
  enhanced: string | null;
  /** The reply's text, or what went wrong where no reply came. */
  text: string;
  category: string;
  /** For a person. */
  sentence: string;
  duration_ms: number;
}

/** What an event carries beyond who and when. Absent means: does not apply to this type. */
export interface EventData {
  attempt?: AttemptRecord;
  /** Masked SMTP dialogue of the attempt, when it did not end in acceptance. */
  transcript?: string;
  /** When the next attempt is due, in milliseconds since 1970. */
  next_attempt_at?: number;
  /** Why, in a sentence (failed, suppressed, canceled). */
  reason?: string;
  category?: string;
  click?: { link: string };
  visitor?: { user_agent: string | null; ip: string | null; verdict?: string; reason?: string };
  scheduled_at?: number;
  /** The mail that told it (bounced, delivery_delayed, delivered, complained, unsubscribed). Absent: the relay did, or a link. */
  report?: MailReport;
  /** Who left what, or came back (unsubscribed, resubscribed). Absent: known by the email alone, as with a mail to leave. */
  unsubscribe?: Unsubscribe;
}

/** What a mail that came in says of a copy. */
export interface MailReport {
  /** As the report names them; null: it does not. */
  recipient: string | null;
  /** RFC 3464's word, `complained` or `unsubscribed`. */
  action: string;
  /** RFC 3463; null: none given. */
  status: string | null;
  /** The refusing server's words, or the notice's; of a complaint its feedback type. */
  diagnostic: string | null;
  /** Failed, and the same would fail again tomorrow. */
  permanent: boolean;
  /** How the copy was found. */
  matched_by: "token" | "message_id";
}

export interface Unsubscribe {
  /** The envelope address that the email went to. */
  address: string;
  /** Null: everything of the sender. */
  topic: string | null;
  /** one_click: a mail program's button (RFC 8058). page: the page behind the link. mail: a message to leave. */
  via: "one_click" | "page" | "mail";
}

export interface MailEvent {
  /** UUIDv7. Primary key from birth to libSQL: a repeated insert is ignored, so each event is there once. */
  id: string;
  type: EventType;
  email_id: string;
  /** Index of the recipient within the email; null for the email as a whole. */
  recipient: number | null;
  /** Milliseconds since 1970. */
  at: number;
  data: EventData;
  /** The recipient's address, where whoever made the event knew it. Goes with the event as far as the ledger, not to libSQL. */
  to?: string;
}

/** What a message was accepted with besides its content. Absent means: does not apply. */
export interface EmailMeta {
  /** Id of the API key that sent it; absent: the root key. */
  key_id?: string;
  /** Of the request, as its `x-request-id` said. */
  request_id?: string;
  /** It ran without the dialogue with a relay. */
  sandbox?: true;
  template_id?: string;
  /** Its unsubscribe topic. */
  topic?: string;
  /** Mailjet's dialect. */
  mailjet?: {
    custom_id?: string;
    event_payload?: string;
    campaign?: string;
    monitoring_category?: string;
  };
}

/** An email as libSQL keeps it. Addresses are in the form the caller wrote, `Name <addr>`. */
export interface EmailRow {
  id: string;
  created_at: number;
  kind: "single" | "bulk";
  from: string;
  to: string[];
  cc: string[];
  bcc: string[];
  reply_to: string[];
  subject: string;
  /** With angle brackets. For bulk, null: each copy has its own. */
  message_id: string | null;
  headers: Record<string, string>;
  tags: { name: string; value: string }[];
  attachments: { filename: string; content_type: string; size: number; content_id: string | null }[];
  tracking: { opens: boolean; clicks: boolean };
  /** Relay asked for by name, or null. */
  relay: string | null;
  /** Bytes of the message on the wire; for bulk, without what differs per recipient. */
  size: number;
  scheduled_at: number | null;
  expires_at: number;
  meta: EmailMeta;
}

export interface RecipientRow {
  index: number;
  /** The envelope address. */
  address: string;
  kind: "to" | "cc" | "bcc";
  /** What it starts as: `queued`, `scheduled` or `suppressed`. */
  status: RecipientStatus;
}

/** What the ledger takes. Every entry stays below LEDGER_BATCH_CHARS as JSON; bodies and recipients are chunked. */
export type LedgerEntry =
  | { kind: "email"; email: EmailRow }
  | { kind: "recipients"; email_id: string; rows: RecipientRow[] }
  | { kind: "body"; email_id: string; part: "html" | "text"; seq: number; data: string }
  | { kind: "event"; event: MailEvent };

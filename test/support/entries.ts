/** Ledger entries for tests: one valid object each, to be changed where the test wants it. */
import { uuidv7 } from "../../src/core/ids.ts";
import type {
  AttemptRecord,
  EmailRow,
  LedgerEntry,
  MailEvent,
  RecipientStatus,
} from "../../src/schema/event.ts";

export const T0 = Date.UTC(2026, 10, 1);

let counter = 0;
/** A new id that sorts after all earlier ones of the same `at`. */
export function idAt(at: number): string {
  const random = new Uint8Array(10);
  new DataView(random.buffer).setUint32(0, ++counter);
  crypto.getRandomValues(random.subarray(6));
  return uuidv7(at, random);
}

export function emailEntry(over: Partial<EmailRow> = {}): Extract<LedgerEntry, { kind: "email" }> {
  const created_at = over.created_at ?? T0;
  const email: EmailRow = {
    id: idAt(created_at),
    created_at,
    kind: "single",
    from: "Ünal <from@example.com>",
    to: ["a@example.com"],
    cc: [],
    bcc: [],
    reply_to: [],
    subject: "Grüße 🚀 \"quoted\" \\ 'single'",
    message_id: "<1@example.com>",
    headers: { "X-One": "1" },
    tags: [{ name: "campaign", value: "May" }],
    attachments: [],
    tracking: { opens: true, clicks: false },
    relay: null,
    size: 1_234,
    scheduled_at: null,
    expires_at: created_at + 72 * 3_600_000,
    meta: { request_id: "r-1" },
    ...over,
  };
  return { kind: "email", email };
}

export const recipientsEntry = (
  email_id: string,
  count: number,
  { from = 0, status = "queued" as RecipientStatus } = {},
): Extract<LedgerEntry, { kind: "recipients" }> => ({
  kind: "recipients",
  email_id,
  rows: Array.from({ length: count }, (_, i) => ({
    index: from + i,
    address: `r${from + i}@Example.org`,
    kind: "to",
    status,
  })),
});

export function eventEntry(
  email_id: string,
  type: MailEvent["type"],
  over: Partial<MailEvent> = {},
): Extract<LedgerEntry, { kind: "event" }> {
  const at = over.at ?? T0;
  return { kind: "event", event: { id: idAt(at), type, email_id, recipient: 0, at, data: {}, ...over } };
}

export const attempt = (number: number, over: Partial<AttemptRecord> = {}): AttemptRecord => ({
  number,
  relay: "main",
  host: "mail.example.net",
  port: 587,
  tls: true,
  step: "body",
  code: 250,
  enhanced: "2.0.0",
  text: "Ok: queued",
  category: "accepted",
  sentence: "The relay took it.",
  duration_ms: 12,
  ...over,
});

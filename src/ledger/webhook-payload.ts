/**
 * What an endpoint is told of an event: Resend's envelope and data, with more beside it. Pure; made once per event, and
 * sent again as it is. A field that is not known of this event or email is absent.
 */
import { WEBHOOK_HEADERS_CHARS } from "../core/limits.ts";
import type { EmailFacts } from "../db/webhook-facts.ts";
import { bounceKind } from "../policy/bounce-kind.ts";
import type { MailEvent } from "../schema/event.ts";

const iso = (ms: number): string => new Date(ms).toISOString();

/** `email` and `address` are null when libSQL knows neither: erased, or never taken. */
export function payloadOf(event: MailEvent, email: EmailFacts | null, address: string | null): string {
  return JSON.stringify({
    type: event.type,
    created_at: iso(event.at),
    data: {
      email_id: event.email_id,
      created_at: iso(email?.created_at ?? event.at),
      ...(email === null ? {} : emailPart(event, email, address)),
      ...eventPart(event),
      ...ourPart(event, address),
    },
  });
}

function emailPart(event: MailEvent, email: EmailFacts, address: string | null) {
  const headers = Object.entries(email.headers).map(([name, value]) => ({ name, value }));
  const small = JSON.stringify(headers).length <= WEBHOOK_HEADERS_CHARS;
  return {
    message_id: email.message_id ?? copyMessageId(event, email),
    from: email.from,
    to: email.to.length > 0 || address === null ? email.to : [address],
    subject: email.subject,
    tags: Object.fromEntries(email.tags.map(({ name, value }) => [name, value])),
    ...(headers.length > 0 && small ? { headers } : {}),
    ...(email.meta.template_id === undefined ? {} : { template_id: email.meta.template_id }),
  };
}

/** In bulk each copy has a Message-ID of its own (outbox/copy.ts). */
function copyMessageId(event: MailEvent, email: EmailFacts): string | null {
  if (event.recipient === null) return null;
  const domain = /@([^@>]+)>?$/.exec(email.from)?.[1];
  return domain === undefined ? null : `<${event.recipient}.${event.email_id}@${domain}>`;
}

/** What Resend adds for a type. */
function eventPart({ type, at, data }: MailEvent): Record<string, unknown> {
  const { attempt } = data;
  const category = attempt?.category ?? data.category;
  const reason = data.reason ?? attempt?.sentence ?? "";
  const diagnosticCode = diagnosticOf(data);
  switch (type) {
    case "email.bounced":
      return { bounce: { ...bounceKind(category), message: attempt?.sentence ?? reason, diagnosticCode } };
    case "email.failed":
      return { failed: { reason } };
    case "email.suppressed":
      return {
        suppressed: {
          message: reason,
          type: "OnAccountSuppressionList",
          reason: category ?? "suppressed",
          diagnosticCode,
        },
      };
    case "email.clicked":
      return {
        click: {
          ipAddress: data.visitor?.ip ?? "",
          link: data.click?.link ?? "",
          timestamp: iso(at),
          userAgent: data.visitor?.user_agent ?? "",
        },
      };
    default:
      return {};
  }
}

/** As a delivery report would spell it (RFC 3464 section 2.3.6). */
function diagnosticOf({ attempt, report }: MailEvent["data"]): string[] {
  if (report?.diagnostic != null) return [`smtp; ${report.diagnostic}`];
  if (attempt === undefined || attempt.code === null) return [];
  const { code, enhanced, text } = attempt;
  const words = enhanced === null || text.startsWith(enhanced) ? text : `${enhanced} ${text}`;
  return [`smtp; ${code} ${words}`.trim()];
}

/** What Resend has no name for. */
function ourPart({ data, recipient }: MailEvent, address: string | null): Record<string, unknown> {
  const { attempt, visitor } = data;
  const category = attempt?.category ?? data.category;
  return {
    ...(address === null ? {} : { recipient: address }),
    ...(recipient === null ? {} : { recipient_index: recipient }),
    ...(category === undefined ? {} : { category }),
    ...(attempt === undefined
      ? {}
      : {
          relay: attempt.relay,
          attempt: attempt.number,
          explanation: attempt.sentence,
          reply: { code: attempt.code, enhanced: attempt.enhanced, text: attempt.text },
        }),
    ...(data.next_attempt_at === undefined ? {} : { next_attempt_at: iso(data.next_attempt_at) }),
    ...(data.scheduled_at === undefined ? {} : { scheduled_at: iso(data.scheduled_at) }),
    ...(data.unsubscribe === undefined
      ? {}
      : { unsubscribe: { topic: data.unsubscribe.topic, via: data.unsubscribe.via } }),
    ...(visitor?.verdict === undefined
      ? {}
      : { visitor: { verdict: visitor.verdict, reason: visitor.reason ?? null } }),
  };
}

/** From what a mail told, and whom of ours it was found to be about, to the events people read. Pure. */

import { utf8 } from "../core/bytes.ts";
import { type EmailId, timeOf, uuidv7 } from "../core/ids.ts";
import { CATEGORIES } from "../policy/category.ts";
import type { EventData, EventType, MailEvent } from "../schema/event.ts";
import type { Feedback, Report, ReportAction } from "./report.ts";

/** A report, and the copy of ours that it is about. */
export interface Match {
  email: EmailId;
  recipient: number;
  report: Report;
  /** What proved it: a signed token, or a Message-ID of ours together with the recipient's address. */
  by: "token" | "message_id";
}

const TYPES: Readonly<Record<ReportAction, EventType | null>> = {
  failed: "email.bounced",
  delayed: "email.delivery_delayed",
  delivered: "email.delivered",
  // RFC 3464 section 2.3.3: delivered to the address, and sent on from there.
  expanded: "email.delivered",
  // Passed to a system that reports nothing: no more than `sent` says already.
  relayed: null,
  complained: "email.complained",
  unsubscribed: "email.unsubscribed",
};

/** One event per match that tells something. The same mail a second time makes the same ids, which libSQL ignores. */
export async function eventsOf(
  feedback: Feedback,
  matches: readonly Match[],
  now: number,
): Promise<MailEvent[]> {
  const events = new Map<string, MailEvent>();
  for (const { email, recipient, report, by } of matches) {
    const type = TYPES[report.action];
    if (type === null) continue;
    const id = await idOf([email, String(recipient), type, fingerprint(feedback, report)], email);
    events.set(id, { id, type, email_id: email, recipient, at: now, data: dataOf(report, by) });
  }
  return [...events.values()];
}

/** The mail's own Message-ID, which a repeated delivery keeps; without one what it says. */
const fingerprint = ({ messageId }: Feedback, { status, diagnostic }: Report): string =>
  messageId ?? `${status} ${diagnostic}`;

/** A UUIDv7 of the message's own time, and 74 bits of a hash in the place of random ones. */
async function idOf(parts: readonly string[], email: EmailId): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", utf8(`feedback\0${parts.join("\0")}`));
  return uuidv7(timeOf(email), new Uint8Array(digest).subarray(0, 10));
}

function dataOf(
  { action, status, diagnostic, category, permanent, recipient }: Report,
  by: Match["by"],
): EventData {
  const report = { recipient, action, status, diagnostic, permanent, matched_by: by };
  switch (action) {
    case "failed":
    case "delayed":
      return category === null ? { report } : { category, reason: CATEGORIES[category].sentence, report };
    case "complained":
      return { reason: "The recipient called the message spam.", report };
    default:
      return { report };
  }
}

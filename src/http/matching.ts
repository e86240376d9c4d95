/**
 * Which copies of ours a mail that came in is about. A signed token says it by itself. Without one it takes a Message-ID of
 * ours and the address of a recipient of that message. The id holds 74 random bits (66 with an Idempotency-Key, which sets
 * one byte): who knows it has seen the message. Nothing else is believed, so that no stranger can have an address closed.
 */
import type { EmailId } from "../core/ids.ts";
import type { Reported } from "../db/reported.ts";
import type { Match } from "../feedback/events.ts";
import { normalAddress } from "../feedback/recipient.ts";
import type { Feedback, Report } from "../feedback/report.ts";
import { type Subject, verifyToken } from "../tracking/token.ts";

export interface MatchingParts {
  secrets: readonly string[];
  /** Throws while libSQL is away. Not asked when a token says it. */
  find: (emails: readonly string[], addresses: readonly string[]) => Promise<Reported[]>;
}

export async function matchesOf(feedback: Feedback, { secrets, find }: MatchingParts): Promise<Match[]> {
  const { reports, clues } = feedback;
  if (reports.length === 0) return [];
  const subject = signedBy(secrets, feedback);
  // Each copy has a token of its own: whatever addresses a report names (forwarding changes them), it is about this recipient.
  if (subject !== null)
    return worst(reports).map((report) => ({
      email: subject.id,
      recipient: subject.recipient,
      report,
      by: "token",
    }));
  // A wish to leave is only believed with the token of the address it was written to.
  if (feedback.kind === "unsubscribe" || clues.messages.length === 0) return [];
  const emails = [...new Set(clues.messages.map(({ email }) => email))];
  const found = await find(emails, clues.recipients);
  return reports.flatMap((report) => {
    const one = aboutWhom(report, feedback, found);
    return one === null
      ? []
      : [{ email: one.email as EmailId, recipient: one.recipient, report, by: "message_id" as const }];
  });
}

/** The address a mail came to goes first; the returned message has a token too, where case was folded on the way. */
function signedBy(secrets: readonly string[], { clues }: Feedback): Subject | null {
  for (const { purpose, token } of [...clues.address, ...clues.tokens]) {
    const subject = verifyToken(secrets, token, purpose);
    if (subject !== null) return subject;
  }
  return null;
}

/** One report per action, and of those that failed one that is permanent, if there is any. */
function worst(reports: readonly Report[]): Report[] {
  const byAction = new Map<string, Report>();
  for (const report of reports) {
    const before = byAction.get(report.action);
    if (before === undefined || (report.permanent && !before.permanent)) byAction.set(report.action, report);
  }
  return [...byAction.values()];
}

/** The recipient whose address the report gives; of a report about one, any that the mail names, and a message's only one. */
function aboutWhom(
  report: Report,
  { reports, clues }: Feedback,
  found: readonly Reported[],
): Reported | null {
  const named = report.recipient === null ? null : normalAddress(report.recipient);
  const exact = found.find(({ address }) => address === named);
  if (exact !== undefined) return exact;
  if (reports.length > 1) return null;
  return (
    found.find(({ address }) => clues.recipients.includes(address)) ??
    found.find(({ alone }) => alone) ??
    null
  );
}

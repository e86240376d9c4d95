/** Complaints: feedback reports (RFC 5965), and the forms of those who do not follow it. Pure. */
import { FEEDBACK_REPORTS } from "../core/limits.ts";
import { fieldGroups } from "./fields.ts";
import { headerOf, type Mail } from "./mail.ts";
import { returnedRecipients } from "./original.ts";
import { addressesIn, typedAddress } from "./recipient.ts";
import type { FeedbackKind, Report } from "./report.ts";

/** What each feedback type asks for (IANA, "Feedback Report Type Values"; the opt-outs are of its drafts and still sent). */
const FEEDBACK_TYPES: Readonly<Record<string, { kind: FeedbackKind; why: string }>> = {
  abuse: { kind: "complaint", why: "Spam, says the reader." },
  fraud: { kind: "complaint", why: "Fraud or phishing." },
  virus: { kind: "complaint", why: "A virus." },
  other: { kind: "complaint", why: "Anything else that a reader complains about." },
  miscategorized: { kind: "complaint", why: "Filed wrongly by the sender, as some boxes offer." },
  "opt-out": { kind: "unsubscribe", why: "The reader wants out of the list." },
  "opt-out-list": { kind: "unsubscribe", why: "The reader wants out of one list." },
  "not-spam": {
    kind: "unknown",
    why: "The reader took it out of the spam folder: the opposite of a complaint.",
  },
  "auth-failure": { kind: "unknown", why: "RFC 6591: a failed DKIM, SPF or DMARC check, of no reader." },
  dmarc: { kind: "unknown", why: "RFC 9990: likewise." },
};

interface SignRow {
  header: string;
  says: RegExp;
  why: string;
}

/** Mail that is a complaint without being a feedback report. */
const SIGNS: readonly SignRow[] = [
  {
    header: "x-hmxmroriginalrecipient",
    says: /@/,
    why: "Outlook.com's Junk Mail Reporting Program, in mail without an attachment.",
  },
  {
    header: "subject",
    says: /^complaint about message from\b/i,
    why: "Hotmail's Junk Mail Reporting Program: the message attached, the recipient in X-HmXmrOriginalRecipient.",
  },
  { header: "subject", says: /^\[spamcop\b/i, why: "SpamCop's reports: text, the message below." },
  { header: "x-arf", says: /^(yes|plain)/i, why: "X-ARF 0.1: text and YAML." },
  { header: "x-xarf", says: /^(plain|secure|bulk|yes)/i, why: "X-ARF 0.2 and later." },
  {
    header: "subject",
    says: /^(re: )?(spam|abuse|junk( mail)?|uce) (complaint|report|feedback|notification)\b/i,
    why: "Abuse desks that forward by hand or by script.",
  },
];

export interface Complaint {
  kind: FeedbackKind;
  reports: Report[];
  recipients: string[];
}

/** Null: it is no complaint of any form. */
export function readComplaint(mail: Mail): Complaint | null {
  return readFeedbackReport(mail) ?? readOtherForms(mail);
}

function readFeedbackReport(mail: Mail): Complaint | null {
  const part =
    mail.parts.find(({ type }) => type === "message/feedback-report")?.text ??
    [...mail.parts.map(({ text }) => text), mail.text].find(
      (text) => /^feedback-type[ \t]*:/im.test(text) && /^(user-agent|version)[ \t]*:/im.test(text),
    );
  if (part === undefined) return null;
  const fields = fieldGroups(part).flat();
  const type = fields.find(({ name }) => name === "feedback-type")?.value.toLowerCase() ?? "other";
  // An unknown type counts as "other" (RFC 5965 section 3.1).
  const kind = (FEEDBACK_TYPES[type.split(/[\s;]/)[0]!] ?? FEEDBACK_TYPES.other!).kind;
  const named = fields
    .filter(({ name }) => /^(original-rcpt-to|removal-recipient|redacted-address)$/.test(name))
    .map(({ value }) => typedAddress(value))
    .filter((address) => address !== null);
  return complaint(kind, type, named.length > 0 ? named : (returnedRecipients(mail)[0] ?? []));
}

function readOtherForms(mail: Mail): Complaint | null {
  const found = SIGNS.some(({ header, says }) => says.test(headerOf(mail, header)?.trim() ?? ""));
  if (!found && !mail.parts.some(({ text }) => /^x-hmxmroriginalrecipient:/im.test(text))) return null;
  const own = headerOf(mail, "x-hmxmroriginalrecipient");
  const named = own === null ? (returnedRecipients(mail)[0] ?? []) : addressesIn(own, 1);
  return complaint("complaint", null, named);
}

function complaint(kind: FeedbackKind, type: string | null, named: string[]): Complaint {
  const recipients = [...new Set(named)].slice(0, FEEDBACK_REPORTS);
  const action = kind === "unsubscribe" ? "unsubscribed" : "complained";
  // Providers take the reader's address out of what they send: a complaint without one still is one.
  const reports: Report[] =
    kind === "unknown"
      ? []
      : (recipients.length === 0 ? [null] : recipients).map((recipient) => ({
          recipient,
          action,
          status: null,
          diagnostic: type,
          category: null,
          permanent: false,
        }));
  return { kind, reports, recipients };
}

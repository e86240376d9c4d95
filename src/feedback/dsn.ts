/** Delivery status notifications: message/delivery-status (RFC 3464) and its international form (RFC 6533). Pure. */
import { FEEDBACK_REPORTS } from "../core/limits.ts";
import { type Field, fieldGroups, fieldOf } from "./fields.ts";
import { judged, statusIn } from "./judgement.ts";
import type { Mail } from "./mail.ts";
import { typedAddress } from "./recipient.ts";
import type { Report, ReportAction } from "./report.ts";

const TYPES = /^message\/(global-)?delivery-status$/;
const OF_RECIPIENT: ReadonlySet<string> = new Set([
  "final-recipient",
  "original-recipient",
  "action",
  "status",
  "diagnostic-code",
]);

export interface DeliveryStatus {
  reports: Report[];
  /** Every address it names, original and final. */
  recipients: string[];
}

/**
 * What a report says of each recipient; null when the mail holds no report. Also finds one that lost its MIME type on the way:
 * relays and lists turn parts into plain text.
 */
export function readDeliveryStatus(mail: Mail): DeliveryStatus | null {
  const part =
    mail.parts.find(({ type }) => TYPES.test(type))?.text ??
    [...mail.parts.filter(({ type }) => type === "text/plain").map(({ text }) => text), mail.text].find(
      (text) => /^(final|original)-recipient[ \t]*:/im.test(text) && /^(action|status)[ \t]*:/im.test(text),
    );
  if (part === undefined) return null;
  const reports: Report[] = [];
  const recipients: string[] = [];
  for (const group of recipientGroups(fieldGroups(part))) {
    if (reports.length >= FEEDBACK_REPORTS) break;
    const original = addressOf(group, "original-recipient");
    const final = addressOf(group, "final-recipient");
    recipients.push(...[original, final].filter((address) => address !== null));
    reports.push(reportOf(original ?? final, group));
  }
  return { reports, recipients };
}

/**
 * The groups that speak of a recipient. Some mailers leave out the empty lines between them: a second Final-Recipient then
 * begins another.
 */
function recipientGroups(groups: Field[][]): Field[][] {
  const found: Field[][] = [];
  for (const group of groups) {
    let current: Field[] = [];
    for (const field of group) {
      const begins = field.name === "final-recipient" || field.name === "original-recipient";
      if (begins && current.some(({ name }) => name === field.name)) {
        found.push(current);
        current = [];
      }
      current.push(field);
    }
    found.push(current);
  }
  return found.filter((group) => group.some(({ name }) => OF_RECIPIENT.has(name)));
}

function addressOf(group: Field[], name: string): string | null {
  const value = fieldOf(group, name);
  return value === null ? null : typedAddress(value);
}

function reportOf(recipient: string | null, group: Field[]): Report {
  const diagnostic = words(fieldOf(group, "diagnostic-code"));
  const status = statusIn(fieldOf(group, "status") ?? "") ?? statusIn(diagnostic ?? "");
  const action = actionOf(fieldOf(group, "action"), status);
  if (action === "failed" || action === "delayed") return judged(recipient, action, status, diagnostic);
  return { recipient, action, status, diagnostic, category: "accepted", permanent: false };
}

/** Actions people write besides the five of RFC 3464, and what the status says where there is none. */
function actionOf(value: string | null, status: string | null): ReportAction {
  const word = /[a-z]+/i.exec(value ?? "")?.[0].toLowerCase() ?? "";
  if (/^(delayed|delay|deferred)$/.test(word)) return "delayed";
  if (/^(delivered|success|relayed|expanded)$/.test(word))
    return word === "success" ? "delivered" : (word as ReportAction);
  if (word === "" && status?.[0] === "2") return "delivered";
  return "failed";
}

/** Without the type in front ("smtp;"), and without the comments around it. */
function words(value: string | null): string | null {
  if (value === null) return null;
  const text = value.replace(/^[A-Za-z][\w-]{0,30}\s*;\s*/, "").trim();
  return text === "" ? null : text;
}

/** Mail in, meaning out: reads any message, and says what it tells about mail of ours. Pure; never throws at any bytes. */

import { isAutoReply } from "./auto-reply.ts";
import { signsOf } from "./bounce-signs.ts";
import { readComplaint } from "./complaint.ts";
import { readDeliveryStatus } from "./dsn.ts";
import { isTelling, judged, statusIn } from "./judgement.ts";
import { headerOf, headersOf, type Mail, readMail } from "./mail.ts";
import { noticeOf } from "./notice.ts";
import { cameTo, messagesIn, normalRecipients, returnedRecipients, textsOf, tokensIn } from "./original.ts";
import { readNotice } from "./prose.ts";
import { addressesIn } from "./recipient.ts";
import type { Feedback, FeedbackKind, Report, TokenClue } from "./report.ts";

export interface Incoming {
  /** The message as it came; at most FEEDBACK_BYTES are looked at. */
  raw: Uint8Array;
  /** The envelope's recipient where it is known, else null: then the headers are asked. */
  to: string | null;
  /** Makes text of HTML. */
  textOf: (html: string) => string;
}

export async function understand({ raw, to, textOf }: Incoming): Promise<Feedback> {
  const mail = await readMail(raw, textOf);
  const addresses = to === null ? cameTo(mail) : [to];
  const address = tokensIn(addresses);
  const { kind, reports, recipients } = meaningOf(mail, address, addresses);
  return {
    kind,
    reports,
    clues: {
      address,
      tokens: tokensIn(textsOf(mail)),
      messages: messagesIn(textsOf(mail)),
      recipients: normalRecipients([
        ...reports.map(({ recipient }) => recipient),
        ...recipients,
        ...headersOf(mail, "x-failed-recipients").flatMap((value) => addressesIn(value, 20)),
        ...returnedRecipients(mail).flat(),
      ]),
    },
    messageId: headerOf(mail, "message-id"),
  };
}

interface Meaning {
  kind: FeedbackKind;
  reports: Report[];
  recipients: string[];
}

const nothing = (kind: FeedbackKind): Meaning => ({ kind, reports: [], recipients: [] });

/** The surest form first: reports for machines, a wish by its address, notices by several signs, and only then replies. */
function meaningOf(mail: Mail, address: readonly TokenClue[], addresses: readonly string[]): Meaning {
  const complaint = readComplaint(mail);
  if (complaint !== null) return complaint;
  const status = readDeliveryStatus(mail);
  if (status !== null && status.reports.length > 0) {
    const reports = status.reports.map((report) => explained(report, mail));
    return { kind: kindOf(reports), reports, recipients: status.recipients };
  }
  const wish = address.some(({ purpose }) => purpose === "unsubscribe");
  // A machine that replies to that address is a loop, no wish. Some mail programs say "auto-generated" of their own button.
  if (wish && !/^auto-replied/i.test(headerOf(mail, "auto-submitted")?.trim() ?? ""))
    return { kind: "unsubscribe", reports: [unsubscribed], recipients: [] };
  const notice = noticeOf(mail.text);
  const signs = signsOf(mail, notice);
  if (signs !== null) {
    const failed = headersOf(mail, "x-failed-recipients").flatMap((value) => addressesIn(value, 100));
    const from = headersOf(mail, "from");
    const ours = new Set([...addresses, ...from].flatMap((text) => addressesIn(text.toLowerCase(), 20)));
    const reports = readNotice(notice, signs === "delayed" ? "delayed" : "failed", failed, ours);
    return { kind: signs, reports, recipients: [] };
  }
  return nothing(isAutoReply(mail) ? "auto_reply" : "unknown");
}

const unsubscribed: Report = {
  recipient: null,
  action: "unsubscribed",
  status: null,
  diagnostic: null,
  category: null,
  permanent: false,
};

/** A report whose fields say nothing more than "failed" is explained by the text beside it. */
function explained(report: Report, mail: Mail): Report {
  const { recipient, action, status, diagnostic } = report;
  if (action !== "failed" && action !== "delayed") return report;
  if (isTelling(status, diagnostic ?? "")) return report;
  // A status of its own and words beside it are all there is to say, even where the table finds them vague.
  if (diagnostic !== null && status !== null && !/\.0\.0$/.test(status)) return report;
  const given = recipient === null ? [] : [recipient];
  const [said] = readNotice(noticeOf(mail.text), action, given, new Set());
  const words = said?.diagnostic ?? null;
  if (words === null || !isTelling(statusIn(words), words)) return report;
  // The class of the report's own status stays: it knows whether it gave up.
  const better = status === null || /\.0\.0$/.test(status) ? statusIn(words) : status;
  return { ...judged(recipient, action, better ?? status, words), status: better ?? status };
}

/** What a mail with several reports is: its worst. */
function kindOf(reports: readonly Report[]): FeedbackKind {
  const has = (action: Report["action"]) => reports.some((report) => report.action === action);
  if (has("failed")) return "bounce";
  if (has("delayed")) return "delayed";
  return "delivered";
}

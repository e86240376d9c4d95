/** Mailjet's error codes: the HTTP status of each, and when it is given here. Its documentation names more; those never arise. */

const row = (status: number, when: string) => ({ status, when });

export const MAILJET_CODES = {
  "mj-0002": row(400, "the body is not JSON, or not an object"),
  "mj-0003": row(400, "a mandatory property is missing or null"),
  "mj-0004": row(400, "a property has another type than it should"),
  "mj-0005": row(400, "a value is not among those allowed, or the template language cannot be evaluated"),
  "mj-0006": row(400, "a text is longer than allowed"),
  "mj-0007": row(400, "a list is empty that may not be"),
  "mj-0008": row(400, "a list or object has too many elements"),
  "mj-0011": row(400, "the request, the attachments or the finished message are too large"),
  "mj-0012": row(400, "a text is empty that may not be"),
  "mj-0013": row(400, "an address is not valid"),
  "mj-0015": row(401, "no key, or one that is not known here"),
  "send-0003": row(400, "neither HTMLPart nor TextPart nor TemplateID is given"),
  "send-0004": row(400, "HTMLPart is given as well as a template that has html of its own"),
  "send-0006": row(403, "the key may not send as the address in Sender"),
  "send-0008": row(403, "the key, or every relay here, may not send as the address in From"),
  "send-0010": row(400, "there is no such template, or it has no published version"),
  "send-0011": row(400, "a header is set that has a property of its own, or that only servers write"),
  "send-0012": row(400, "DeduplicateCampaign is asked for without CustomCampaign"),
  "send-0013": row(400, "MonitoringCategory is not a name"),
  "send-0015": row(400, "To, Cc and Bcc have more addresses together than allowed"),
  "send-0016": row(400, "options of the template language are given without TemplateLanguage"),
} as const;

export type MailjetCode = keyof typeof MAILJET_CODES;

/** One thing wrong with a message. */
export interface MailjetIssue {
  code: MailjetCode;
  message: string;
  /** Properties, as Mailjet spells them: `To[0].Email`. */
  related: string[];
}

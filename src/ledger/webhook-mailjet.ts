/** What an endpoint of Mailjet's dialect is told of an event. Pure but for digests; made once per event, beside our own payload. */
import { exactJson } from "../core/exact-json.ts";
import type { EmailId } from "../core/ids.ts";
import { messageNumber } from "../core/message-number.ts";
import { numberOf } from "../core/name-number.ts";
import type { EmailFacts } from "../db/webhook-facts.ts";
import {
  isHard,
  STATES,
  type StateName,
  stateOfCategory,
  stateOfSuppression,
} from "../policy/mailjet-state.ts";
import type { MailEvent } from "../schema/event.ts";
import { type CallbackEvent, callbackOfType } from "../schema/mailjet-callback.ts";

/** Of an event that `isCallback` is true of; null for any other. `email` and `address` are null when libSQL knows neither. */
export async function callbackPayload(
  event: MailEvent,
  email: EmailFacts | null,
  address: string | null,
): Promise<string | null> {
  const name = callbackOfType(event.type);
  if (name === null || event.recipient === null) return null;
  const number = messageNumber(event.email_id as EmailId, event.recipient);
  const mailjet = email?.meta.mailjet;
  return exactJson({
    event: name,
    time: Math.floor(event.at / 1000),
    MessageID: number,
    Message_GUID: event.email_id,
    email: address ?? "",
    mj_campaign_id: await numberOf(mailjet?.campaign),
    mj_contact_id: await numberOf(address),
    customcampaign: mailjet?.campaign ?? "",
    CustomID: mailjet?.custom_id ?? "",
    Payload: mailjet?.event_payload ?? "",
    ...own(name, event, number),
  });
}

/** What each kind of event has of its own. */
function own(name: CallbackEvent, { type, data }: MailEvent, number: bigint): Record<string, unknown> {
  const { attempt } = data;
  const category = attempt?.category ?? data.category ?? null;
  const reader = { ip: data.visitor?.ip ?? "", geo: "", agent: data.visitor?.user_agent ?? "" };
  switch (name) {
    case "sent": {
      const reply = [attempt?.code, attempt?.enhanced, attempt?.text].filter(
        (part) => part != null && part !== "",
      );
      return { mj_message_id: String(number), smtp_reply: `sent (${reply.join(" ")})` };
    }
    case "open":
      return reader;
    case "click":
      return { url: data.click?.link ?? "", ...reader };
    case "bounce":
      return {
        // Given up by us, an address is still good.
        blocked: type === "email.bounced" && isHard(category),
        hard_bounce: type === "email.bounced" && isHard(category),
        ...fault(stateOfCategory(category) ?? "system issue"),
        comment: attempt?.text ?? data.reason ?? "",
      };
    case "blocked":
      return fault(stateOfSuppression(category));
    case "spam":
      return { source: "" };
    case "unsub":
      return { mj_list_id: 0, ...reader };
  }
}

const fault = (name: StateName) => ({ error_related_to: STATES[name].relatedTo, error: name });

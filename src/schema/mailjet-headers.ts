/** Headers that a Mailjet message may not set. Names are Mailjet's own list; reasons are what to do instead. Pure. */
import { forbiddenHeader } from "./header.ts";

/** In lower case. */
const INSTEAD: readonly (readonly [name: string, reason: string])[] = [
  ["from", "use the property From"],
  ["sender", "use the property Sender"],
  ["subject", "use the property Subject"],
  ["to", "use the property To"],
  ["cc", "use the property Cc"],
  ["bcc", "use the property Bcc"],
  ["x-mailjet-prio", "use the property Priority"],
  ["x-mailjet-campaign", "use the property CustomCampaign"],
  ["x-mj-customid", "use the property CustomID"],
  ["x-mj-eventpayload", "use the property EventPayload"],
  ["x-mj-vars", "use the property Variables"],
  ["x-mj-templateid", "use the property TemplateID"],
  ["x-mj-templatelanguage", "use the property TemplateLanguage"],
  ["x-mj-templateerrordeliver", "use the property TemplateErrorDeliver"],
  ["x-mj-templateerrorreporting", "use the property TemplateErrorReporting"],
  ["x-mailjet-trackopen", "use the property TrackOpens"],
  ["x-mailjet-trackclick", "use the property TrackClicks"],
];

/** Written by servers, or of Mailjet's own making. */
const RESERVED = new Set([
  "return-path",
  "delivered-to",
  "dkim-signature",
  "domainkey-status",
  "received-spf",
  "authentication-results",
  "received",
  "x-mailjet-debug",
  "user-agent",
  "x-mailer",
  "x-mj-workflowid",
  "x-feedback-id",
  "x-mailjet-segmentation",
  "list-id",
  "x-mj-mid",
  "x-mj-errormessage",
  "date",
  "x-csa-complaints",
  "message-id",
  "x-mj-statisticscontactslistid",
]);

const PROPERTIES = new Map(INSTEAD);

/** Why a header may not be set, as the end of a sentence; null when it may. Reply-To may: it is taken for the property. */
export function forbiddenMailjetHeader(name: string): string | null {
  const lower = name.trim().toLowerCase();
  if (lower === "reply-to") return null;
  return (
    PROPERTIES.get(lower) ??
    (RESERVED.has(lower) ? "it is written on the way, not by senders" : forbiddenHeader(name))
  );
}

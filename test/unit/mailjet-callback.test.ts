/** Events in Mailjet's words, one by one, and URLs with a user and a password. */
import { describe, expect, it } from "vitest";
import type { EmailId } from "../../src/core/ids.ts";
import { messageNumber } from "../../src/core/message-number.ts";
import type { EmailFacts } from "../../src/db/webhook-facts.ts";
import { callbackPayload } from "../../src/ledger/webhook-mailjet.ts";
import { parseEndpoint, splitCredentials } from "../../src/schema/endpoint.ts";
import { EVENT_TYPES, type EventData, type EventType, type MailEvent } from "../../src/schema/event.ts";
import {
  CALLBACK_EVENTS,
  callbackOfType,
  isCallback,
  typesOfCallback,
} from "../../src/schema/mailjet-callback.ts";

const ID = "01a20f35-9042-7207-a93d-921ba261dc16" as EmailId;
const event = (type: EventType, data: EventData = {}, recipient: number | null = 2): MailEvent => ({
  id: "01a20f35-9042-7207-a93d-921ba261dc17",
  type,
  email_id: ID,
  recipient,
  at: 1_795_552_167_900,
  data,
});
const email = {
  meta: { mailjet: { custom_id: "c", event_payload: "p", campaign: "k" } },
} as unknown as EmailFacts;
const attempt = (more: object): Pick<EventData, "attempt"> => ({
  attempt: { number: 1, relay: "main", code: null, enhanced: null, text: "", category: "", ...more } as never,
});

const told = async (
  one: MailEvent,
  facts: EmailFacts | null = email,
  address: string | null = "a@example.net",
) => JSON.parse((await callbackPayload(one, facts, address))!.replace(/:(\d{16,})/g, ':"$1"'));

describe("a callback", () => {
  const visitor = { user_agent: "UA/1", ip: "192.0.2.0" };
  it.each<[EventType, EventData, string, object]>([
    [
      "email.sent",
      attempt({ code: 250, enhanced: "2.0.0", text: "OK queued" }),
      "sent",
      { smtp_reply: "sent (250 2.0.0 OK queued)", mj_message_id: String(messageNumber(ID, 2)) },
    ],
    ["email.opened", { visitor }, "open", { ip: "192.0.2.0", geo: "", agent: "UA/1" }],
    [
      "email.clicked",
      { visitor, click: { link: "https://e.com" } },
      "click",
      { url: "https://e.com", ip: "192.0.2.0", geo: "", agent: "UA/1" },
    ],
    [
      "email.bounced",
      attempt({ code: 550, text: "No such user", category: "unknown_mailbox" }),
      "bounce",
      {
        blocked: true,
        hard_bounce: true,
        error_related_to: "recipient",
        error: "user unknown",
        comment: "No such user",
      },
    ],
    [
      "email.bounced",
      attempt({ code: 552, text: "Full", category: "mailbox_full" }),
      "bounce",
      {
        blocked: false,
        hard_bounce: false,
        error_related_to: "recipient",
        error: "quota exceeded",
        comment: "Full",
      },
    ],
    [
      "email.failed",
      { category: "expired", reason: "Time was over." },
      "bounce",
      {
        blocked: false,
        hard_bounce: false,
        error_related_to: "system",
        error: "connection issue",
        comment: "Time was over.",
      },
    ],
    ["email.suppressed", {}, "blocked", { error_related_to: "mailjet", error: "preblocked" }],
    [
      "email.suppressed",
      { category: "duplicate_in_campaign" },
      "blocked",
      { error_related_to: "mailjet", error: "duplicate in campaign" },
    ],
    ["email.complained", {}, "spam", { source: "" }],
    ["email.unsubscribed", { visitor }, "unsub", { mj_list_id: 0, ip: "192.0.2.0", geo: "", agent: "UA/1" }],
  ])("of %s with %j is %s", async (type, data, name, own) => {
    expect(await told(event(type, data))).toEqual({
      event: name,
      time: 1_795_552_167,
      MessageID: String(messageNumber(ID, 2)),
      Message_GUID: ID,
      email: "a@example.net",
      mj_campaign_id: expect.any(Number),
      mj_contact_id: expect.any(Number),
      customcampaign: "k",
      CustomID: "c",
      Payload: "p",
      ...own,
    });
  });

  it("of what libSQL does not know any more has empty texts", async () => {
    expect(await told(event("email.sent"), null, null)).toMatchObject({
      email: "",
      mj_contact_id: 0,
      mj_campaign_id: 0,
      CustomID: "",
      Payload: "",
      customcampaign: "",
      smtp_reply: "sent ()",
    });
  });

  it("is only of one recipient's event that Mailjet has a word for, and never of a scanner's", async () => {
    const words = EVENT_TYPES.filter((type) => callbackOfType(type) !== null);
    expect([...new Set(words.map(callbackOfType))].sort()).toEqual([...CALLBACK_EVENTS].sort());
    for (const name of CALLBACK_EVENTS)
      for (const type of typesOfCallback(name)) expect(callbackOfType(type)).toBe(name);
    for (const type of EVENT_TYPES) {
      expect(isCallback(event(type))).toBe(words.includes(type));
      expect(isCallback(event(type, {}, null))).toBe(false);
    }
    const seen = { user_agent: null, ip: null };
    expect(isCallback(event("email.opened", { visitor: { ...seen, verdict: "scanner" } }))).toBe(false);
    expect(isCallback(event("email.opened", { visitor: { ...seen, verdict: "proxy" } }))).toBe(true);
    expect(await callbackPayload(event("email.delivered"), email, "a@example.net")).toBeNull();
    expect(await callbackPayload(event("email.sent", {}, null), email, null)).toBeNull();
  });
});

describe("an endpoint's user and password", () => {
  it.each([
    ["https://example.com/x?y=1", "https://example.com/x?y=1", null],
    ["https://u:p@example.com/x", "https://example.com/x", "u:p"],
    ["https://u@example.com/", "https://example.com/", "u:"],
    ["https://u:p%40%C3%A9@example.com/", "https://example.com/", "u:p@é"],
    ["https://u:100%@example.com/", "https://example.com/", "u:100%"],
  ])("of %s", (text, url, pair) => {
    const authorization = pair === null ? null : `Basic ${Buffer.from(pair, "utf8").toString("base64")}`;
    expect(splitCredentials(text)).toEqual({ url, authorization });
  });

  it("are refused unless asked for, and change nothing of what else is refused", () => {
    expect(parseEndpoint("https://u:p@example.com/", false).ok).toBe(false);
    expect(parseEndpoint("https://u:p@example.com/", false, true).ok).toBe(true);
    expect(parseEndpoint("https://u:p@10.0.0.1/", false, true).ok).toBe(false);
    expect(parseEndpoint("http://u:p@example.com/", false, true).ok).toBe(false);
  });
});

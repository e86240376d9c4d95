/** Mailjet's event callbacks: what they may ask for, and which events of ours each kind is. */
import { z } from "zod";
import type { EventType, MailEvent } from "./event.ts";

export const CALLBACK_EVENTS = ["open", "click", "bounce", "spam", "blocked", "unsub", "sent"] as const;
export type CallbackEvent = (typeof CALLBACK_EVENTS)[number];

/** 1: an event a call. 2: a list of events. */
export type CallbackVersion = 1 | 2;

const OF_EVENT: Record<CallbackEvent, readonly EventType[]> = {
  open: ["email.opened"],
  click: ["email.clicked"],
  bounce: ["email.bounced", "email.failed"],
  spam: ["email.complained"],
  blocked: ["email.suppressed"],
  unsub: ["email.unsubscribed"],
  sent: ["email.sent"],
};
export const typesOfCallback = (event: CallbackEvent): EventType[] => [...OF_EVENT[event]];

/** Null: Mailjet knows no such event. */
export const callbackOfType = (type: EventType): CallbackEvent | null =>
  CALLBACK_EVENTS.find((event) => OF_EVENT[event].includes(type)) ?? null;

/** Whether an event can be told in Mailjet's words: it is one recipient's, and nobody takes a scanner for them. */
export const isCallback = ({ type, recipient, data }: MailEvent): boolean =>
  recipient !== null && data.visitor?.verdict !== "scanner" && callbackOfType(type) !== null;

/** SDKs differ in whether they send numbers and flags as such or as text. */
const version = z
  .union([z.literal([1, 2]), z.literal(["1", "2"])], "must be 1 or 2")
  .transform((value) => Number(value) as CallbackVersion);
const backup = z
  .union([z.boolean(), z.literal(["true", "false"])], "must be true or false")
  .transform(String);

const fields = {
  EventType: z.enum(CALLBACK_EVENTS, `must be one of ${CALLBACK_EVENTS.join(", ")}`),
  Url: z.string("must be text: a URL").trim().min(1, "is empty"),
  Version: version,
  /** Only false: there are no backups here. */
  IsBackup: backup.refine((text) => text === "false", "must be false: backups are not served here"),
  Status: z.enum(["alive", "dead"], "must be alive or dead"),
};

export const NewCallback = z.object({
  /** Absent: open, as with Mailjet. */
  EventType: fields.EventType.default("open"),
  Url: fields.Url,
  Version: fields.Version.default(1),
  IsBackup: fields.IsBackup.nullish(),
  Status: fields.Status.default("alive"),
});

/** Absent: as it is. */
export const ChangedCallback = z.object({
  EventType: fields.EventType.optional(),
  Url: fields.Url.optional(),
  Version: fields.Version.optional(),
  IsBackup: fields.IsBackup.nullish(),
  Status: fields.Status.optional(),
});

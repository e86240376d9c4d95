/** Webhooks as callers ask for them (Resend's bodies) and as the ledgers are told of them. */
import { z } from "zod";
import { EVENT_TYPES } from "./event.ts";
import type { CallbackVersion } from "./mailjet-callback.ts";

/** What is told. */
export const WEBHOOK_TYPES = [...EVENT_TYPES, "suppression.added", "suppression.removed"] as const;
export type WebhookType = (typeof WEBHOOK_TYPES)[number];

/** Resend's other names (SDK 6.38): an endpoint may ask for them, and there is nothing of the kind to tell. */
const NEVER_TOLD = /^(email\.received|(contact|domain|topic|inbox)\.[a-z_]+(\.[a-z_]+){0,2})$/;

const known = new Set<string>(WEBHOOK_TYPES);
const type = z
  .string("must be an event's name such as `email.bounced`")
  .refine(
    (name) => name === "*" || known.has(name) || NEVER_TOLD.test(name),
    `is no event that is known here; known are ${WEBHOOK_TYPES.map((name) => `\`${name}\``).join(", ")}, and \`*\` for all`,
  );

/** Null: every type. */
const events = z
  .union(
    [z.literal("*"), z.array(type).max(100, "has more than 100 names")],
    "must be a list of events such as `email.bounced`, or `*`",
  )
  .transform((list): string[] | null =>
    list === "*" || list.length === 0 || list.includes("*") ? null : [...new Set(list)],
  );
const endpoint = z.string("must be a URL such as `https://example.com/webhooks`").trim().min(1, "is empty");

export const CreateWebhook = z.object({
  endpoint,
  events: events.nullish().describe("Types to tell. Absent, empty or `*`: every type."),
});
export type CreateWebhook = z.output<typeof CreateWebhook>;

/** Absent: as it is. */
export const UpdateWebhook = z.object({
  endpoint: endpoint.optional().describe("Absent: as it is."),
  events: events.optional().describe("Types to tell. Absent: as they are."),
  status: z
    .enum(["enabled", "disabled"], "must be `enabled` or `disabled`")
    .optional()
    .describe("Absent: as it is."),
});
export type UpdateWebhook = z.output<typeof UpdateWebhook>;

export const TestWebhook = z.object({
  type: z
    .enum(WEBHOOK_TYPES, `must be one of ${WEBHOOK_TYPES.join(", ")}`)
    .optional()
    .describe("Absent: `email.delivered`."),
});

/** An endpoint as a ledger knows it. */
export interface Endpoint {
  id: string;
  url: string;
  /** Types it wants; null: every one. */
  events: string[] | null;
  enabled: boolean;
  /** Each signs until its time, in milliseconds since 1970; null: without end. */
  secrets: { secret: string; until: number | null }[];
  /** It speaks Mailjet's dialect: its own payload, unsigned, with HTTP Basic from its URL. Absent: it does not. */
  mailjet?: CallbackVersion;
}

/** All endpoints there are. A higher version replaces a lower one. */
export interface EndpointSet {
  version: number;
  endpoints: Endpoint[];
}

export const SECRET_PREFIX = "whsec_";

/** A secret of random bytes, as people are shown it (Standard Webhooks). */
export const spellSecret = (bytes: Uint8Array): string =>
  `${SECRET_PREFIX}${btoa(String.fromCharCode(...bytes))}`;

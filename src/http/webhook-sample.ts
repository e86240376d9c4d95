/** What POST /webhooks/:id/test sends: an event of the type asked for, about a message that never was. Pure. */
import type { WebhookType } from "../schema/webhook.ts";

const ID = "00000000-0000-7000-8000-000000000000";

export function samplePayload(type: WebhookType, now: number): string {
  const created_at = new Date(now).toISOString();
  const data = type.startsWith("suppression.")
    ? { id: ID, email: "reader@example.com", origin: "manual", source_id: null, created_at }
    : {
        email_id: ID,
        created_at,
        message_id: `<${ID}@example.com>`,
        from: "Postern <postern@example.com>",
        to: ["reader@example.com"],
        subject: "A test of this webhook",
        tags: {},
        recipient: "reader@example.com",
        ...SPECIFIC[type]?.(created_at),
      };
  return JSON.stringify({ type, created_at, test: true, data });
}

const SPECIFIC: Partial<Record<WebhookType, (created_at: string) => Record<string, unknown>>> = {
  "email.bounced": () => ({
    bounce: {
      type: "Permanent",
      subType: "NoEmail",
      message: "There is no such mailbox.",
      diagnosticCode: ["smtp; 550 5.1.1 User unknown"],
    },
    category: "unknown_mailbox",
  }),
  "email.failed": () => ({
    failed: { reason: "Its time to live was over after 9 attempts." },
    category: "expired",
  }),
  "email.suppressed": () => ({
    suppressed: {
      message: "The address is on the suppression list.",
      type: "OnAccountSuppressionList",
      reason: "suppressed",
      diagnosticCode: [],
    },
  }),
  "email.opened": () => ({ visitor: { verdict: "person", reason: "a test" } }),
  "email.clicked": (timestamp) => ({
    click: {
      ipAddress: "192.0.2.0",
      link: "https://example.com/",
      timestamp,
      userAgent: "Postern-Webhooks/1.0",
    },
    visitor: { verdict: "person", reason: "a test" },
  }),
};

/** Whether a bounce says that the address itself is no good, or that another message may get through. Pure. */
import type { Category } from "./category.ts";

export type Permanence = "permanent" | "transient" | "undetermined";

const PERMANENT: readonly Category[] = [
  "unknown_mailbox",
  "mailbox_disabled", // It was one, and is none now.
  "mailbox_moved",
  "invalid_recipient",
  "host_unknown",
  "no_mail_domain",
  "recipient_refused", // This sender's mail is not wanted there.
  "refused",
];
const TRANSIENT: readonly Category[] = [
  "mailbox_full",
  "message_too_large",
  "spam_blocked",
  "content_refused",
  "policy_refused",
  "unauthenticated", // The sender's to mend.
  "reputation_blocked",
  "sender_refused",
  "relay_denied",
  "loop_detected",
  "delivery_failed",
  "expired",
  "smtputf8_unsupported", // Another relay may carry it.
];

/** A category that no row knows tells nothing about the address. */
export function permanence(category: string): Permanence {
  if ((PERMANENT as readonly string[]).includes(category)) return "permanent";
  return (TRANSIENT as readonly string[]).includes(category) ? "transient" : "undetermined";
}

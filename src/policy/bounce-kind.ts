/**
 * Our categories in the words that Resend's bounces use, which are Amazon SES's. Permanent: the address itself is no good.
 * Transient: another message may get through. Pure.
 */
import type { Category } from "./category.ts";

export interface BounceKind {
  type: "Permanent" | "Transient" | "Undetermined";
  subType:
    | "General"
    | "NoEmail"
    | "MailboxFull"
    | "MessageTooLarge"
    | "ContentRejected"
    | "AttachmentRejected"
    | "Undetermined";
}

const NO_EMAIL: BounceKind = { type: "Permanent", subType: "NoEmail" };
const CONTENT: BounceKind = { type: "Transient", subType: "ContentRejected" };
const PASSING: BounceKind = { type: "Transient", subType: "General" };

const KINDS: Partial<Record<Category, BounceKind>> = {
  unknown_mailbox: NO_EMAIL,
  mailbox_disabled: NO_EMAIL, // It was one, and is none now.
  mailbox_moved: NO_EMAIL,
  invalid_recipient: NO_EMAIL,
  host_unknown: NO_EMAIL,
  no_mail_domain: NO_EMAIL,
  mailbox_full: { type: "Transient", subType: "MailboxFull" },
  message_too_large: { type: "Transient", subType: "MessageTooLarge" },
  spam_blocked: CONTENT,
  content_refused: CONTENT,
  policy_refused: CONTENT,
  unauthenticated: PASSING, // The sender's to mend.
  reputation_blocked: PASSING,
  sender_refused: PASSING,
  relay_denied: PASSING,
  loop_detected: PASSING,
  delivery_failed: PASSING,
  expired: PASSING,
  smtputf8_unsupported: PASSING, // Another relay may carry it.
  recipient_refused: { type: "Permanent", subType: "General" }, // This sender's mail is not wanted there.
  refused: { type: "Permanent", subType: "General" },
};

/** A category that no row knows tells nothing about the address. */
export const bounceKind = (category: string | undefined): BounceKind =>
  KINDS[category as Category] ?? { type: "Undetermined", subType: "Undetermined" };

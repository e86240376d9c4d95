/**
 * Which bounces close an address, after how many of them, and for how long: the policy table. Its rows are the categories
 * that replies and bounce mails are judged by (category.ts), and what recipients themselves can say.
 *
 * The measure: an address is closed where the fault is the recipient's side's and will last. What may be our own fault (the
 * sender, the content, the relay) closes nothing, or one bad day would close a whole list. Pure.
 */
import type { Category } from "./category.ts";

/** What recipients say, rather than servers. */
export type Signal = "complaint" | "unsubscribe";

export type SuppressionRule =
  /** The first one closes the address for `days`; null: for good. */
  | { when: "at_once"; days: number | null; why: string }
  /**
   * So many messages that bounced for this within `withinDays` close it, each on another day: who asks for a new password
   * five times in an hour is no worse reached than who asks once.
   */
  | { when: "repeated"; times: number; withinDays: number; days: number | null; why: string }
  | { when: "never"; why: string };

const atOnce = (days: number | null, why: string): SuppressionRule => ({ when: "at_once", days, why });
const after = (times: number, withinDays: number, days: number, why: string): SuppressionRule => ({
  when: "repeated",
  times,
  withinDays,
  days,
  why,
});
const never = (why: string): SuppressionRule => ({ when: "never", why });

const OURS = "It is about the sender, not the recipient.";
const CONTENT = "It is about this message, not the recipient.";
const RELAY = "It is between us and the relay.";
const PASSES = "It passes by itself.";

export const SUPPRESSION = {
  complaint: atOnce(null, "Who calls mail spam must not get another; mailbox providers count it."),
  unsubscribe: atOnce(
    null,
    "A wish, and in most countries the law. For its topic alone, where the mail had one.",
  ),
  unknown_mailbox: atOnce(null, "There is nobody to read it; going on marks a sender as one who buys lists."),
  mailbox_disabled: atOnce(180, "Closed accounts are seldom opened again, but some are."),
  mailbox_moved: atOnce(null, "The person said that they are somewhere else."),
  invalid_recipient: atOnce(null, "An address that cannot be written to does not become another one."),
  no_mail_domain: atOnce(90, "The domain says so itself (RFC 7505); it may change its mind."),
  host_unknown: after(
    3,
    30,
    90,
    "A domain may be gone, or its name servers have a bad day: three of them tell.",
  ),
  mailbox_full: after(3, 14, 30, "Full for two weeks is abandoned, or on leave: ask again in a month."),
  recipient_refused: after(
    3,
    30,
    90,
    "The recipient does not want this sender; insisting costs its good name.",
  ),
  delivery_failed: after(5, 30, 14, "Their system is down for longer than an outage."),
  expired: after(5, 30, 14, "Likewise, found out by a later hop."),
  loop_detected: after(3, 30, 30, "Their forwarding is broken until somebody mends it."),
  refused: never("Nobody said why, so it may be our own fault, and then it happens to everyone at once."),
  recipient_rate_limited: never(PASSES),
  sender_refused: never(OURS),
  reputation_blocked: never(OURS),
  unauthenticated: never(OURS),
  policy_refused: never(
    "A policy may be about the sender or the content, and then it hits everyone at once.",
  ),
  spam_blocked: never(CONTENT),
  content_refused: never(CONTENT),
  message_too_large: never(CONTENT),
  smtputf8_unsupported: never("Another relay may carry it."),
  too_many_recipients: never(PASSES),
  greylisted: never(PASSES),
  rate_limited: never(PASSES),
  quota_exceeded: never(RELAY),
  too_many_connections: never(PASSES),
  server_busy: never(PASSES),
  session_full: never(PASSES),
  server_closing: never(PASSES),
  relay_denied: never(RELAY),
  relay_refused: never(RELAY),
  authentication_required: never(RELAY),
  authentication_failed: never(RELAY),
  authentication_unavailable: never(RELAY),
  no_auth_mechanism: never(RELAY),
  tls_required: never(RELAY),
  tls_not_offered: never(RELAY),
  tls_failed: never(RELAY),
  tls_injection: never(RELAY),
  wrong_tls_mode: never(RELAY),
  connect_failed: never(RELAY),
  relay_unresolved: never(RELAY),
  port_prohibited: never(RELAY),
  connection_lost: never(RELAY),
  timed_out: never(RELAY),
  protocol_error: never(RELAY),
  unspecified: never("Nothing is known."),
  accepted: never("It went."),
} as const satisfies Record<Category | Signal, SuppressionRule>;

const RULES: Readonly<Record<string, SuppressionRule>> = SUPPRESSION;
const UNKNOWN = never("Not a category of ours.");

/** The rule for a category or signal; a name that is neither closes nothing. */
export const suppressionRule = (category: string): SuppressionRule =>
  Object.hasOwn(RULES, category) ? RULES[category]! : UNKNOWN;

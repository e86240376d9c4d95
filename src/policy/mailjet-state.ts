/**
 * What went wrong with a copy, in Mailjet's terms: its 21 states with `error_related_to` and `error` of its events, and which
 * of them each of our categories is. Pure.
 */
import { CATEGORIES, type Category } from "./category.ts";

export type RelatedTo = "recipient" | "domain" | "content" | "spam" | "system" | "mailjet";

interface State {
  /** StateID. */
  id: number;
  relatedTo: RelatedTo;
}
const state = (id: number, relatedTo: RelatedTo): State => ({ id, relatedTo });

/** By `error`. Those that never arise here are there for whoever filters by them. */
export const STATES = {
  "user unknown": state(1, "recipient"),
  "mailbox inactive": state(2, "recipient"),
  "quota exceeded": state(3, "recipient"),
  "invalid domain": state(4, "domain"),
  "no mail host": state(5, "domain"),
  "relay/access denied": state(6, "domain"),
  "sender blocked": state(7, "spam"),
  "content blocked": state(8, "spam"),
  "policy issue": state(9, "spam"),
  "system issue": state(10, "system"),
  "protocol issue": state(11, "system"),
  "connection issue": state(12, "system"),
  greylisted: state(13, "domain"),
  preblocked: state(14, "mailjet"),
  "duplicate in campaign": state(15, "mailjet"),
  "spam preblocked": state(16, "mailjet"),
  "bad or empty template": state(17, "content"),
  "error in template language": state(18, "content"),
  typofix: state(19, "domain"),
  blacklisted: state(20, "domain"),
  "spam reporter": state(21, "recipient"),
} as const satisfies Record<string, State>;
export type StateName = keyof typeof STATES;

/** Null: nothing went wrong. A new category does not compile until it has a row. */
const OF_CATEGORY: Record<Category, StateName | null> = {
  accepted: null,
  unknown_mailbox: "user unknown",
  mailbox_disabled: "mailbox inactive",
  mailbox_full: "quota exceeded",
  mailbox_moved: "mailbox inactive",
  invalid_recipient: "user unknown",
  recipient_refused: "relay/access denied",
  recipient_rate_limited: "policy issue",
  host_unknown: "invalid domain",
  no_mail_domain: "no mail host",
  delivery_failed: "connection issue",
  expired: "connection issue",
  loop_detected: "protocol issue",
  sender_refused: "sender blocked",
  spam_blocked: "content blocked",
  reputation_blocked: "sender blocked",
  unauthenticated: "policy issue",
  policy_refused: "policy issue",
  content_refused: "content blocked",
  message_too_large: "content blocked",
  smtputf8_unsupported: "protocol issue",
  too_many_recipients: "policy issue",
  greylisted: "greylisted",
  rate_limited: "policy issue",
  quota_exceeded: "policy issue",
  too_many_connections: "connection issue",
  server_busy: "system issue",
  session_full: "system issue",
  server_closing: "connection issue",
  relay_denied: "relay/access denied",
  relay_refused: "relay/access denied",
  authentication_required: "system issue",
  authentication_failed: "system issue",
  authentication_unavailable: "system issue",
  no_auth_mechanism: "system issue",
  tls_required: "system issue",
  tls_not_offered: "system issue",
  tls_failed: "system issue",
  tls_injection: "system issue",
  wrong_tls_mode: "system issue",
  connect_failed: "connection issue",
  relay_unresolved: "connection issue",
  port_prohibited: "connection issue",
  connection_lost: "connection issue",
  timed_out: "connection issue",
  protocol_error: "protocol issue",
  refused: "relay/access denied",
  unspecified: "system issue",
};

/** How copies withheld by DeduplicateCampaign are told from others that are suppressed. */
export const DUPLICATE = "duplicate_in_campaign";

const isCategory = (name: string): name is Category => Object.hasOwn(OF_CATEGORY, name);

/** The state of a copy that bounced, failed or was delayed. Null: none, or the category says nothing. */
export function stateOfCategory(category: string | null): StateName | null {
  if (category === null) return null;
  return isCategory(category) ? OF_CATEGORY[category] : null;
}

/** The state of a copy that was never tried. */
export const stateOfSuppression = (category: string | null): StateName =>
  category === DUPLICATE ? "duplicate in campaign" : "preblocked";

/** Whether a bounce of this category is a hard one: the address will never take mail. */
export const isHard = (category: string | null): boolean =>
  category !== null && isCategory(category) && CATEGORIES[category].action === "suppress";

/** Every category whose bounces are hard. */
export const HARD_CATEGORIES: readonly string[] = Object.keys(CATEGORIES).filter(isHard);

/** The categories of a StateID. */
export const categoriesOfState = (id: number): string[] =>
  Object.entries(OF_CATEGORY).flatMap(([category, name]) =>
    name !== null && STATES[name].id === id ? [category] : [],
  );

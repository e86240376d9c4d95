/**
 * Enhanced status codes, one row each: part of the policy table. "X.1.1" rows hold for 4 and 5.
 * Meanings: the IANA registry "SMTP Enhanced Status Codes" (RFC 3463, RFC 5248 and later), and Microsoft's own codes
 * (learn.microsoft.com, "Email non-delivery reports and SMTP errors in Exchange Online").
 */

import type { Category } from "./category.ts";
import type { Disposition } from "./reply.ts";

export interface StatusRow {
  /** "subject.detail" for both classes, or the whole code for one. */
  status: string;
  category: Category;
  /** Overrides the class: a 5 that means later, a 4 that means never. */
  means?: Disposition;
  /** The code says exactly this wherever it is used. Unsure ones give way to what the text says. */
  sure: boolean;
  why: string;
}

const sure = (status: string, category: Category, why: string, means?: Disposition): StatusRow =>
  means === undefined ? { status, category, sure: true, why } : { status, category, sure: true, why, means };
const vague = (status: string, category: Category, why: string, means?: Disposition): StatusRow => ({
  ...sure(status, category, why, means),
  sure: false,
});

/** The first row that matches counts, so whole codes stand before their families. */
export const STATUSES: readonly StatusRow[] = [
  // Address (RFC 3463 section 3.2).
  sure("1.1", "unknown_mailbox", "Bad destination mailbox address."),
  sure(
    "1.2",
    "host_unknown",
    "Bad destination system address: the domain is wrong. Postfix says 4.1.2 while DNS fails.",
  ),
  sure("1.3", "invalid_recipient", "Bad destination mailbox address syntax."),
  vague("1.4", "invalid_recipient", "Destination mailbox address ambiguous."),
  sure("1.6", "mailbox_moved", "Destination mailbox has moved, no forwarding address."),
  sure("1.7", "sender_refused", "Bad sender's mailbox address syntax."),
  sure("1.8", "sender_refused", "Bad sender's system address: its domain does not resolve."),
  vague("1.9", "delivery_failed", "Message relayed to non-compliant mailer (RFC 5248)."),
  // The registry gives X.1.10 to null MX (RFC 7505); Exchange says it for RESOLVER.ADR.RecipientNotFound: phrases first.
  vague("1.10", "no_mail_domain", "Recipient address has null MX."),
  sure(
    "5.1.90",
    "quota_exceeded",
    "Microsoft: your daily recipient limit is reached. Later, not never.",
    "deferred",
  ),
  // Mailbox (section 3.3).
  sure(
    "2.1",
    "mailbox_disabled",
    "Mailbox disabled, not accepting messages. Gmail's 450 4.2.1 is a rate: see phrases.",
  ),
  sure("2.2", "mailbox_full", "Mailbox full."),
  sure("2.3", "message_too_large", "Message length exceeds administrative limit of the mailbox."),
  vague("2.4", "unknown_mailbox", "Mailing list expansion problem."),
  sure(
    "5.2.121",
    "recipient_rate_limited",
    "Microsoft: recipient's per-hour limit from this sender. Later.",
    "deferred",
  ),
  sure("5.2.122", "recipient_rate_limited", "Microsoft: recipient's per-hour limit. Later.", "deferred"),
  sure("5.2.252", "sender_refused", "Microsoft: SendAsDenied."),
  // Mail system (section 3.4).
  vague(
    "3.1",
    "server_busy",
    "Mail system full. Not the recipient's mailbox: later, even with 5.",
    "deferred",
  ),
  vague(
    "3.2",
    "server_busy",
    "System not accepting network messages. As 5.3.2 it is often a block: the text says so.",
  ),
  vague("3.3", "refused", "System not capable of selected features."),
  sure("3.4", "message_too_large", "Message too big for system. With 4 it is as big tomorrow."),
  vague("5.3.5", "relay_denied", "System incorrectly configured."),
  vague("3.5", "server_busy", "System incorrectly configured: its owner will mend it."),
  // Network and routing (section 3.5): said by a later hop.
  vague(
    "4.1",
    "delivery_failed",
    "No answer from host. Office 365 says 5.4.1 for unknown recipients: see phrases.",
  ),
  vague("4.2", "delivery_failed", "Bad connection."),
  vague("4.3", "delivery_failed", "Directory server failure."),
  sure("4.4", "host_unknown", "Unable to route: the domain has no host for mail."),
  vague("4.4.5", "server_busy", "Mail system congestion; Gmail's 421 4.4.5 Server busy."),
  vague(
    "4.5",
    "quota_exceeded",
    "Gmail says 550 5.4.5 Daily user sending limit exceeded. Later, not never.",
    "deferred",
  ),
  sure("4.6", "loop_detected", "Routing loop detected."),
  vague("4.7", "expired", "Delivery time expired."),
  // Protocol (section 3.6).
  vague("5.0", "protocol_error", "Other protocol status."),
  vague("5.1", "protocol_error", "Invalid command."),
  vague("5.2", "protocol_error", "Syntax error."),
  sure(
    "5.3",
    "too_many_recipients",
    "Too many recipients. We send one; the limit is on something that passes.",
  ),
  vague("5.4", "protocol_error", "Invalid command arguments."),
  sure("5.6", "authentication_failed", "Authentication exchange line is too long (RFC 4954)."),
  // Content (section 3.7).
  vague("6.0", "content_refused", "Other media error."),
  vague("6.1", "content_refused", "Media not supported."),
  vague("6.2", "content_refused", "Conversion required and prohibited."),
  vague("6.3", "content_refused", "Conversion required but not supported."),
  vague("6.5", "content_refused", "Conversion failed."),
  sure("6.6", "content_refused", "Message content not available (RFC 4468)."),
  sure(
    "6.7",
    "smtputf8_unsupported",
    "Non-ASCII addresses not permitted for that sender/recipient (RFC 6531).",
  ),
  sure("6.8", "smtputf8_unsupported", "UTF-8 string reply is required but not permitted (RFC 6531)."),
  sure("6.9", "smtputf8_unsupported", "UTF-8 header message cannot be transferred (RFC 6531)."),
  // Security and policy (section 3.8). 7.0 and 7.1 mean anything: the text decides.
  vague("7.0", "policy_refused", "Other or undefined security status."),
  vague("7.1", "policy_refused", "Delivery not authorized, message refused."),
  vague("7.2", "policy_refused", "Mailing list expansion prohibited."),
  vague("7.3", "policy_refused", "Security conversion required but not possible."),
  vague("7.4", "no_auth_mechanism", "Security features not supported."),
  vague(
    "7.5",
    "delivery_failed",
    "Cryptographic failure: a later hop could not set up TLS as its policy wants.",
  ),
  sure("7.8", "authentication_failed", "Authentication credentials invalid (RFC 4954)."),
  vague(
    "7.9",
    "no_auth_mechanism",
    "Authentication mechanism is too weak (RFC 4954). Yahoo says 554 5.7.9 for policy: see phrases.",
  ),
  sure("7.10", "tls_required", "Encryption needed (RFC 5248)."),
  sure("7.11", "no_auth_mechanism", "Encryption required for requested authentication mechanism (RFC 4954)."),
  sure("7.12", "authentication_failed", "A password transition is needed (RFC 4954)."),
  sure("7.13", "authentication_failed", "User account disabled (RFC 5248)."),
  vague("7.14", "authentication_failed", "Trust relationship required."),
  sure("7.15", "rate_limited", "Priority level is too low (RFC 6710): the relay is under load."),
  sure("7.16", "message_too_large", "Message is too big for the specified priority (RFC 6710)."),
  sure("7.17", "unknown_mailbox", "Mailbox owner has changed (RFC 7293)."),
  sure("7.18", "host_unknown", "Domain owner has changed (RFC 7293)."),
  sure("7.19", "unknown_mailbox", "RRVS test cannot be completed (RFC 7293)."),
  sure("7.20", "unauthenticated", "No passing DKIM signature found (RFC 7372)."),
  sure("7.21", "unauthenticated", "No acceptable DKIM signature found (RFC 7372)."),
  sure("7.22", "unauthenticated", "No valid author-matched DKIM signature found (RFC 7372)."),
  sure("7.23", "unauthenticated", "SPF validation failed (RFC 7372). Also Microsoft's SPF code."),
  sure("7.24", "unauthenticated", "SPF validation error (RFC 7372)."),
  sure(
    "7.25",
    "reputation_blocked",
    "Reverse DNS validation failed (RFC 7372): the relay's address has no name.",
  ),
  sure(
    "7.26",
    "unauthenticated",
    "Multiple authentication checks failed (RFC 7372). Gmail's unauthenticated mail.",
  ),
  sure(
    "7.27",
    "unauthenticated",
    "Registry: sender address has null MX (RFC 7505). Gmail: SPF did not pass.",
  ),
  sure(
    "7.28",
    "rate_limited",
    "Mail flood detected (registry). Gmail: unusual rate of mail; 550 5.7.28 is lifted too.",
    "deferred",
  ),
  sure("7.29", "unauthenticated", "ARC validation failure (RFC 8617). Gmail: no TLS on the way in."),
  sure(
    "7.30",
    "tls_required",
    "REQUIRETLS support required (RFC 8689). Gmail uses it for DKIM: see phrases.",
  ),
  sure("7.32", "unauthenticated", "Gmail: the From header does not align with SPF or DKIM."),
  sure("7.40", "unauthenticated", "Gmail: a DMARC record is needed of bulk senders."),
  sure("5.7.54", "relay_denied", "Microsoft: unable to relay recipient in non-accepted domain."),
  sure(
    "5.7.57",
    "authentication_required",
    "Microsoft: client was not authenticated to send anonymous mail.",
    "deferred",
  ),
  sure("5.7.60", "sender_refused", "Microsoft: client does not have permissions to send as this sender."),
  sure("5.7.64", "relay_denied", "Microsoft: TenantAttribution; relay access denied."),
  sure("5.7.124", "recipient_refused", "Microsoft: sender not in allowed-senders list of the group."),
  sure("5.7.133", "recipient_refused", "Microsoft: sender not authenticated for the group."),
  sure("5.7.134", "recipient_refused", "Microsoft: sender not authenticated for the mailbox."),
  sure(
    "5.7.139",
    "authentication_failed",
    "Microsoft: SMTP AUTH or basic authentication is switched off.",
    "deferred",
  ),
  sure(
    "5.7.232",
    "quota_exceeded",
    "Microsoft: the tenant's external recipient rate is exceeded. Later.",
    "deferred",
  ),
  sure(
    "5.7.233",
    "quota_exceeded",
    "Microsoft: the trial tenant's external recipient rate is exceeded. Later.",
    "deferred",
  ),
  sure("5.7.501", "spam_blocked", "Microsoft: access denied, spam abuse detected."),
  sure("5.7.509", "unauthenticated", "Microsoft: sending domain does not pass DMARC and has p=reject."),
  sure(
    "5.7.515",
    "unauthenticated",
    "Microsoft: sending domain does not meet the required authentication level (bulk senders, 2025).",
  ),
  sure("5.7.606", "reputation_blocked", "Microsoft: access denied, banned sending IP."),
  sure("5.7.705", "quota_exceeded", "Microsoft: tenant has exceeded threshold. Later.", "deferred"),
  sure("5.7.708", "reputation_blocked", "Microsoft: traffic not accepted from this IP."),
  sure("5.7.750", "relay_denied", "Microsoft: client blocked from sending from unregistered domains."),
  sure("4.7.500", "rate_limited", "Microsoft: server busy; the sender's traffic looks unusual."),
  sure("4.7.650", "rate_limited", "Outlook.com: temporarily rate limited due to IP reputation."),
];

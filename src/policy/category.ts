/**
 * Every way an attempt can end, and what each means for the copy: the policy table. Rows that find a category are in
 * status-codes.ts and phrases.ts; `outcome.ts` reads all three.
 */
import type { Disposition } from "./reply.ts";

/**
 * What to do next. retry: by the schedule. retry_soon: within minutes (greylisting). slow_down: send less to this
 * relay or domain, and do not count it against the copy. give_up: this copy is over. suppress: and do not write to this
 * address again. fix_configuration: the operator has to act; retrying alone does not help. next_relay: another may take it.
 */
export type Action =
  | "none"
  | "retry"
  | "retry_soon"
  | "slow_down"
  | "give_up"
  | "suppress"
  | "fix_configuration"
  | "next_relay";

interface Row {
  /** by_code: 4xx is deferred, 5xx is bounced. */
  means: Disposition | "by_code";
  action: Action;
  /** For a person, without the relay's words. */
  sentence: string;
}

const row = (means: Row["means"], action: Action, sentence: string): Row => ({ means, action, sentence });

export const CATEGORIES = {
  accepted: row("accepted", "none", "The relay took the message."),
  // About the recipient.
  unknown_mailbox: row("by_code", "suppress", "There is no such mailbox."),
  mailbox_disabled: row("by_code", "suppress", "The mailbox is disabled or closed."),
  mailbox_full: row("by_code", "give_up", "The recipient's mailbox is full."),
  mailbox_moved: row("by_code", "suppress", "The recipient has moved to another address."),
  invalid_recipient: row(
    "bounced",
    "suppress",
    "The relay does not accept the recipient's address as written.",
  ),
  recipient_refused: row("by_code", "give_up", "The recipient does not take mail from this sender."),
  recipient_rate_limited: row(
    "deferred",
    "slow_down",
    "The recipient gets mail too quickly; it is tried again later.",
  ),
  host_unknown: row("by_code", "suppress", "The recipient's domain does not exist or cannot be reached."),
  no_mail_domain: row("bounced", "suppress", "The recipient's domain says that it takes no mail (null MX)."),
  delivery_failed: row(
    "by_code",
    "give_up",
    "The recipient's mail system could not be reached or did not take the message.",
  ),
  expired: row(
    "bounced",
    "give_up",
    "The message could not be delivered in time and was given up by a later hop.",
  ),
  loop_detected: row("bounced", "give_up", "The message went in circles between mail servers."),
  // About the sender, the message, or the reputation of either.
  sender_refused: row(
    "by_code",
    "fix_configuration",
    "The relay does not accept this sender address. Use one it knows, or verify it there.",
  ),
  spam_blocked: row("by_code", "give_up", "The message was taken for spam."),
  reputation_blocked: row(
    "by_code",
    "next_relay",
    "The relay's own address or the sender's domain is on a block list.",
  ),
  unauthenticated: row(
    "by_code",
    "fix_configuration",
    "The message fails SPF, DKIM or DMARC. Check the sender domain's DNS records and the relay's signing.",
  ),
  policy_refused: row("by_code", "give_up", "A policy of the receiving side forbids the message."),
  content_refused: row(
    "by_code",
    "give_up",
    "The content was refused: a virus, a forbidden attachment, a link or a malformed part.",
  ),
  message_too_large: row(
    "bounced",
    "give_up",
    "The message is larger than the relay or the recipient takes.",
  ),
  smtputf8_unsupported: row(
    "bounced",
    "give_up",
    "The address holds non-ASCII characters, and the relay cannot carry them (no SMTPUTF8).",
  ),
  too_many_recipients: row(
    "deferred",
    "retry",
    "The relay takes fewer recipients at a time; the copy is sent again alone.",
  ),
  // Later.
  greylisted: row(
    "deferred",
    "retry_soon",
    "The receiving side asks first-time senders to come back in a few minutes (greylisting).",
  ),
  rate_limited: row("deferred", "slow_down", "The relay asks to send more slowly."),
  quota_exceeded: row(
    "deferred",
    "slow_down",
    "The sending quota at the relay is used up; it is tried again when it renews.",
  ),
  too_many_connections: row("deferred", "slow_down", "The relay allows fewer connections at once."),
  server_busy: row("deferred", "retry", "The relay is busy, out of space or being serviced."),
  session_full: row("deferred", "retry", "The relay takes no more messages in this session."),
  server_closing: row("deferred", "retry", "The relay closed the session."),
  // The relay and us.
  relay_denied: row(
    "by_code",
    "fix_configuration",
    "The relay does not relay for us. Check the user, the relay's allowed networks, and the sender domain there.",
  ),
  relay_refused: row("deferred", "next_relay", "The relay refused to talk to us."),
  authentication_required: row(
    "deferred",
    "fix_configuration",
    "The relay wants a login. Add user and password to its URL.",
  ),
  authentication_failed: row(
    "deferred",
    "fix_configuration",
    "The relay refused the user or password. Check both; many providers want an app password or an API key.",
  ),
  authentication_unavailable: row("deferred", "retry", "The relay could not check the login just now."),
  no_auth_mechanism: row(
    "deferred",
    "fix_configuration",
    "The relay offers no login that we can use under the relay's auth and tls settings.",
  ),
  tls_required: row(
    "deferred",
    "fix_configuration",
    "The relay wants TLS. Use tls=required, or smtps:// on port 465.",
  ),
  tls_not_offered: row(
    "deferred",
    "fix_configuration",
    "The relay does not offer STARTTLS, and its policy here is tls=required. Use smtps:// if it speaks TLS from the first byte, or tls=none on a network you trust.",
  ),
  tls_failed: row(
    "deferred",
    "fix_configuration",
    "The TLS handshake failed, most likely over the certificate: it must be valid, name this host, and come from a known authority (for a private one, add it to NODE_EXTRA_CA_CERTS).",
  ),
  tls_injection: row(
    "deferred",
    "next_relay",
    "Bytes in clear came after the answer to STARTTLS: someone may be tampering with the connection.",
  ),
  wrong_tls_mode: row(
    "deferred",
    "fix_configuration",
    "The TLS mode does not fit the port: 465 wants smtps://, 587 and 25 want smtp://.",
  ),
  // The network.
  connect_failed: row(
    "deferred",
    "next_relay",
    "The relay could not be reached: wrong host or port, a firewall, or it is down.",
  ),
  relay_unresolved: row(
    "deferred",
    "fix_configuration",
    "The relay's host name could not be resolved. Check its spelling.",
  ),
  port_prohibited: row(
    "deferred",
    "fix_configuration",
    "The platform forbids connections to this port or address. Cloudflare forbids port 25 and its own addresses; use 587 or 465.",
  ),
  connection_lost: row("deferred", "retry", "The connection was lost before the relay answered."),
  timed_out: row("deferred", "retry", "The relay did not answer in time."),
  protocol_error: row("deferred", "next_relay", "The relay did not speak SMTP as it should."),
  // Nothing more is known.
  refused: row("by_code", "give_up", "The relay refused the message for good."),
  unspecified: row("deferred", "retry", "The relay refused the message for now."),
} as const satisfies Record<string, Row>;

/**
 * What a relay says of us and would say of any message: another relay may take it, if there is one. Until somebody has
 * acted, the operator's mail goes on. Not `sender_refused`, which may be the recipient's word, passed on.
 */
export const REFUSES_US: ReadonlySet<string> = new Set<keyof typeof CATEGORIES>([
  "relay_denied",
  "authentication_required",
  "tls_required",
]);

/** Why an attempt ended as it did. */
export type Category = keyof typeof CATEGORIES;

/** The next action for a category; what ends a copy only does so once it has bounced. */
export function actionOf(category: Category, disposition: Disposition): Action {
  if (disposition === "accepted") return "none";
  const { action } = CATEGORIES[category];
  if (disposition === "deferred") return action === "suppress" || action === "give_up" ? "retry" : action;
  return action === "retry" || action === "retry_soon" || action === "slow_down" || action === "none"
    ? "give_up"
    : action;
}

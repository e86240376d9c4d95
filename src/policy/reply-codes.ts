/** Bare reply codes, one row each: part of the policy table, and its last resort. */

import type { Category } from "./category.ts";
import type { Disposition, Step } from "./reply.ts";

/** When neither status nor text says more. RFC 5321 section 4.2.3 unless named. */
export const CODES: readonly {
  code: number;
  at?: readonly Step[];
  category: Category;
  means?: Disposition;
  why: string;
}[] = [
  { code: 421, category: "server_closing", why: "Service not available, closing transmission channel." },
  {
    code: 432,
    category: "rate_limited",
    why: "Exchange: recipient thread limit exceeded; RFC 4954: a password transition.",
  },
  {
    code: 450,
    at: ["rcpt"],
    category: "unspecified",
    why: "Mailbox unavailable now: busy, greylisted or unverified.",
  },
  { code: 451, category: "server_busy", why: "Local error in processing." },
  { code: 452, category: "server_busy", why: "Insufficient system storage." },
  {
    code: 454,
    at: ["auth"],
    category: "authentication_unavailable",
    why: "Temporary authentication failure (RFC 4954).",
  },
  {
    code: 454,
    at: ["starttls"],
    category: "tls_failed",
    why: "TLS not available due to temporary reason (RFC 3207).",
  },
  {
    code: 500,
    category: "protocol_error",
    means: "bounced",
    why: "A command not understood will not be understood later.",
  },
  { code: 501, at: ["rcpt"], category: "invalid_recipient", why: "Syntax error in the forward-path." },
  { code: 501, at: ["mail"], category: "sender_refused", why: "Syntax error in the reverse-path." },
  {
    code: 503,
    category: "protocol_error",
    why: "Bad sequence of commands: this session is out of step, the copy is not at fault.",
  },
  { code: 504, at: ["auth"], category: "no_auth_mechanism", why: "Mechanism not implemented (RFC 4954)." },
  { code: 521, category: "no_mail_domain", why: "Host does not accept mail (RFC 7504)." },
  {
    code: 523,
    at: ["mail", "rcpt", "data", "body"],
    category: "message_too_large",
    why: "What some servers say for SIZE.",
  },
  {
    code: 530,
    category: "authentication_required",
    means: "deferred",
    why: "Authentication required (RFC 4954).",
  },
  {
    code: 534,
    category: "no_auth_mechanism",
    means: "deferred",
    why: "Mechanism too weak (RFC 4954); Gmail: an app password is needed.",
  },
  { code: 535, category: "authentication_failed", means: "deferred", why: "Credentials invalid (RFC 4954)." },
  {
    code: 538,
    category: "no_auth_mechanism",
    means: "deferred",
    why: "Encryption required for the mechanism (RFC 2554).",
  },
  {
    code: 550,
    at: ["rcpt"],
    category: "unknown_mailbox",
    why: "Mailbox unavailable: at RCPT, no such mailbox, unless the text says policy.",
  },
  { code: 551, at: ["rcpt"], category: "mailbox_moved", why: "User not local; please try another path." },
  { code: 552, at: ["rcpt"], category: "mailbox_full", why: "Exceeded storage allocation." },
  {
    code: 552,
    at: ["mail", "data", "body"],
    category: "message_too_large",
    why: "Exceeded storage allocation: RFC 1870 says it for SIZE.",
  },
  { code: 553, at: ["rcpt"], category: "invalid_recipient", why: "Mailbox name not allowed." },
  { code: 553, at: ["mail"], category: "sender_refused", why: "Mailbox name not allowed." },
  {
    code: 550,
    at: ["mail"],
    category: "sender_refused",
    why: "Refused at MAIL, before any recipient was named.",
  },
  {
    code: 555,
    at: ["mail", "rcpt"],
    category: "protocol_error",
    means: "bounced",
    why: "Parameters not recognized or not implemented.",
  },
  { code: 556, category: "no_mail_domain", why: "Domain does not accept mail (RFC 7504)." },
];

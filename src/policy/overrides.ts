/** What servers say under a code that means something else: part of the policy table, read before the codes. Sources: phrases.ts. */
import type { PhraseRow } from "./phrases.ts";

/** Texts that are truer than the code they come with. */
export const OVERRIDES: readonly PhraseRow[] = [
  {
    says: /resolver\.rst\./i,
    category: "recipient_refused",
    why: "Exchange: the recipient takes mail from some senders only, in words that sound like a login.",
  },
  {
    says: /invalid credentials for relay/i,
    category: "relay_denied",
    why: "Gmail's smtp-relay, 550 5.7.1: the address is not registered there.",
  },
  {
    says: /unusual rate of (unsolicited )?mail/i,
    on: 4,
    category: "rate_limited",
    why: "Gmail 421 4.7.0 and 4.7.28, which also speak of blocking and of spam.",
  },
  {
    says: /greylist|graylist|grey-list|postgrey|milter-greylist/i,
    category: "greylisted",
    why: "Says so itself, with 450, 451, 421 or even 550 (postgrey, sqlgrey, exim, rspamd).",
  },
  {
    says: /\[TSS?0?9\]|permanently deferred|retrying will not succeed/i,
    category: "reputation_blocked",
    means: "bounced",
    why: 'Yahoo TS03, TSS09: "permanently deferred; Retrying will NOT succeed", said with 421 or 553.',
  },
  {
    says: /\[TSS?0[0-8]\]|\[TSS?1\d\]|unexpected volume or user complaints/i,
    category: "rate_limited",
    on: 4,
    why: "Yahoo TSS04 and kin: temporarily deferred for volume or complaints.",
  },
  {
    says: /daily (user )?sending (limit|quota)|daily (message )?quota exceeded|sending limit exceeded|reached your daily (sending )?limit|reached a limit for sending mail|smtp relay limit exceeded/i,
    category: "quota_exceeded",
    means: "deferred",
    why: "Gmail 550 5.4.5 and 450 4.2.1, SES 454 Throttling failure, Microsoft 5.1.90: renews by itself.",
  },
  {
    says: /maximum sending rate exceeded|throttling failure|message rate exceeded|submission (rate|quota) (limit )?exceeded/i,
    category: "rate_limited",
    means: "deferred",
    why: "SES 454 Throttling failure: Maximum sending rate exceeded; Exchange 4.2.0 StoreDrv submission quota.",
  },
  {
    says: /receiving mail (too quickly|at a rate)|recipient thread limit|deferred due to excessive volume/i,
    category: "recipient_rate_limited",
    means: "deferred",
    why: "Gmail 450 4.2.1 (and 550 5.2.1), Exchange 432 4.3.2, iCloud 421 4.7.1: this recipient's rate, not a disabled mailbox.",
  },
  {
    says: /too many (concurrent )?(smtp )?(connections|sessions)|concurrent connections? limit|maxconn|connection limit|simultaneous (smtp )?connections/i,
    category: "too_many_connections",
    means: "deferred",
    why: "postfix anvil, exim, dovecot, Exchange 4.3.2 ConcurrentConnections; with 421, 450, 452 or 554.",
  },
  {
    says: /too many (messages|mails?|emails?) ((in|per|for|from|on) (this|a|one|the|your)?\s*(session|connection)|sent$)|max(imum)? (number of messages|message count) per (session|connection)/i,
    category: "session_full",
    means: "deferred",
    why: "A new session goes on: OpenSMTPD 452 4.5.3, Stalwart 452 4.4.5, SES 421, exim 421.",
  },
  {
    says: /(recipient address rejected|5\.4\.1).*access denied.*as\(201806281\)|access denied.*as\(201806281\)/i,
    category: "unknown_mailbox",
    why: "Exchange Online's Directory-Based Edge Blocking: 550 5.4.1 means no such recipient.",
  },
  {
    says: /resolver\.adr\.(recipientnotfound|recipnotfound|exrecipnotfound)|recipientnotfound|recipient not found by smtp address lookup/i,
    category: "unknown_mailbox",
    why: "Exchange says 5.1.10, which the registry gives to null MX.",
  },
  {
    says: /(dkim|spf|dmarc).{0,80}(did ?n.t|did not|does ?n.t|does not|failed to) (pass|align)|unauthenticated (email|mail)|sender (is )?unauthenticated|isn.t authenticated/i,
    category: "unauthenticated",
    why: "Gmail 421 4.7.26 to 4.7.32 and 550 5.7.26 to 5.7.30, whose numbers the registry gives to other things.",
  },
  {
    says: /tls required|must issue a? ?starttls|encryption required|requires? (tls|encryption|starttls|ssl)/i,
    category: "tls_required",
    means: "deferred",
    why: "Gmail 530 5.7.0 and 421 4.7.0, postfix 530 5.7.0 Must issue a STARTTLS command first.",
  },
  {
    says: /authentication (is )?required|auth(entication)? command first|please (authenticate|log ?in)|not (been )?authenticated to send|must (be authenticated|authenticate)|log ?in .{0,20}with your web browser/i,
    category: "authentication_required",
    means: "deferred",
    why: "Gmail 530 5.7.0, SES 530, Exchange 530 5.7.57, Mailjet: refused for us, not for the copy.",
  },
];

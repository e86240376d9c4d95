/**
 * What servers really say where their code is vague, one row each: part of the policy table. Rows go from exact to general; the first that
 * matches counts. `says` is matched against the reply's text in one line, codes stripped.
 * Sources: Gmail (support.google.com/a/answer/3726730), Outlook.com and Exchange Online (learn.microsoft.com, NDR codes),
 * Yahoo (senders.yahooinc.com/smtp-error-codes), iCloud (support.apple.com/HT204137 and its replies as collected at
 * smtp.codes/icloud), SES (docs.aws.amazon.com/ses, "Amazon SES email sending errors"), and the reply texts in the
 * sources of postfix, exim, sendmail and postgrey.
 */

import type { Category } from "./category.ts";
import type { Disposition, Step } from "./reply.ts";

export interface PhraseRow {
  says: RegExp;
  category: Category;
  /** Only for 4xx or only for 5xx. */
  on?: 4 | 5;
  at?: Step;
  /** Overrides the class: a 5xx that means later, a 4xx that means never. */
  means?: Disposition;
  /** Reason, and who says it. */
  why: string;
}

/** Texts that say more than a vague code. */
export const PHRASES: readonly PhraseRow[] = [
  // Logins.
  {
    says: /application-specific password|app(lication)? password/i,
    category: "authentication_failed",
    means: "deferred",
    why: "Gmail 534 5.7.9, Yahoo, iCloud: the account needs an app password.",
  },
  {
    says: /basic authentication is disabled|smtpclientauthentication is disabled|authentication unsuccessful/i,
    category: "authentication_failed",
    means: "deferred",
    why: "Microsoft 535 5.7.139 and 5.7.3.",
  },
  {
    says: /(username|user name).{0,8}(and|or) password.{0,20}(not accepted|incorrect|invalid)|authentication (credentials )?(failed|invalid|failure)|(bad|invalid|incorrect) (credentials|username or password|login|user)|sasl \S+ authentication failed/i,
    category: "authentication_failed",
    means: "deferred",
    why: "Gmail, SES, postfix with cyrus or dovecot.",
  },
  {
    says: /temporary authentication failure|cannot authenticate due to (a )?temporary/i,
    category: "authentication_unavailable",
    why: "postfix and Gmail, 454 4.7.0.",
  },
  // Notices whose words would be taken for other things below.
  {
    says: /able to establish an smtp connection|couldn['’]t establish .{0,20}connection/i,
    category: "delivery_failed",
    why: "qmail #4.4.1, which goes on: in the queue too long.",
  },
  {
    says: /command died with (status|signal)|lost connection with/i,
    category: "delivery_failed",
    why: "postfix: a program of the recipient's failed, whatever its name says; or the next hop hung up.",
  },
  {
    says: /in (the |our )?queue (for )?too long/i,
    category: "expired",
    why: "qmail's and others' words for a time that is over; not about the message's length.",
  },
  {
    says: /not listed in .{0,30}(address book|directory)/i,
    category: "unknown_mailbox",
    why: "Domino: not listed in Domino Directory, in public Name & Address Book; not a block list.",
  },
  {
    says: /(mailbox|inbox)(['’]s)? (size )?(exceeds|has exceeded|exceeded|is over)|mail ?boxes are full/i,
    category: "mailbox_full",
    why: "IMail: User mailbox exceeds allowed size; au: mail boxes are full.",
  },
  // Size.
  {
    says: /(message|mail|size|content).{0,40}(too (large|big|long)|exceeds? .{0,30}(size|limit|maximum|fixed))|size limit|exceeded .{0,12}size|message size violation/i,
    category: "message_too_large",
    why: "552 5.3.4 and many spellings; with 4xx it is as large tomorrow.",
  },
  // The recipient.
  {
    says: /over ?quota|quota (is )?(exceeded|full)|(mailbox|inbox|account|user).{0,20}(is )?(full|over (its |the )?(quota|size|storage)|out of (storage|space))|out of storage|exceeded (its |the )?storage|insufficient (disk )?space.{0,20}mailbox/i,
    category: "mailbox_full",
    why: "Gmail 452 4.2.2, iCloud, Exchange STOREDRV MailboxFull, dovecot, cyrus.",
  },
  {
    says: /(account|mailbox|user|recipient|addressee|address).{0,60}(disabled|deactivated|suspended|inactive|closed|locked|discontinued|expired)|(disabled|inactive|suspended|deactivated|discontinued) (account|mailbox|user|recipient)|mailbox (is )?(unavailable due to inactivity|frozen)|no longer accepts? (any )?(mail|messages)|(address|mailbox|account|user|recipient)( is| are)? no longer (active|in use|(a )?valid)|has left (the|our) (company|organi[sz]ation)/i,
    category: "mailbox_disabled",
    why: "Gmail 550 5.2.1 disabled, Yahoo 554 discontinued, Outlook, iCloud inactive, Yandex.",
  },
  {
    says: /user unknown|unknown user|unknown recipient|recipient unknown|no such (user|mailbox|recipient|address|account|person)|(user|mailbox|recipient|account|address|email account|addressee)[^.;]{0,80}(does ?n.t|does not|not) (exist|found|known|listed)|(user|recipient|mailbox|account) .{0,40}not found|unknown (local[- ]part|mailbox|address|account)|invalid (recipient|mailbox|user)|no mailbox( here)?|mailbox (unavailable|not found)|unrouteable address|not a valid (mailbox|user|recipient)|addressee unknown|this user does ?n.t have a|not our customer|undeliverable address|verification failed for|unknown in (virtual|local|relay)|(user ?)?name was not found/i,
    category: "unknown_mailbox",
    on: 5,
    why: "postfix, exim, sendmail, Outlook 5.5.0, Yahoo 554 delivery error, iCloud, GMX, mail.ru.",
  },
  {
    says: /user unknown|no such (user|mailbox|recipient)|(user|mailbox|account) .{0,60}does(n.t| not) exist/i,
    category: "unknown_mailbox",
    on: 4,
    why: "A 4xx from servers that verify with another (postfix unverified_recipient) or set soft_bounce: tried again, then given up.",
  },
  {
    says: /host (or domain name )?not found|illegal host|unknown host|mx records point to non-existent|(could ?n[o']t|could not|cannot) find (any |a )?host|domain (name )?not found|no such (host|domain)|name or service not known|nxdomain|unrouteable (mail )?domain|host unknown|no mx|mail exchanger.{0,20}not found|domain .{0,40}(does not exist|does not resolve|isn.t allowed|not found)/i,
    category: "host_unknown",
    at: "rcpt",
    why: "postfix 450 4.1.2 and 5.4.4, sendmail 550 5.1.2 Host unknown, exim Unrouteable.",
  },
  {
    says: /null mx|does not accept (any )?mail|nullmx/i,
    category: "no_mail_domain",
    why: "postfix 556 5.1.10 Domain does not accept mail (nullMX), RFC 7505.",
  },
  {
    says: /(has moved|no longer (here|at this|works|with)|new (email )?address is)/i,
    category: "mailbox_moved",
    on: 5,
    why: "sendmail 551, hand-written replies.",
  },
  // The sender.
  {
    says: /sender address rejected: not (owned|logged)|not owned by user|(email )?address is not verified|identity.{0,20}not verified|from address.{0,40}not (verified|allowed|authorized)|sender.{0,30}not (validated|verified|allowed|authorized|permitted)|sendas ?denied|not allowed to send (as|from)|unverified (sender|domain|address)|unregistered domain/i,
    category: "sender_refused",
    means: "bounced",
    why: "postfix 553 5.7.1, SES 554 Email address is not verified, Mailjet, Exchange SendAsDenied.",
  },
  {
    says: /sender address rejected|sender (domain|verify|rejected)|domain of sender|invalid sender|bad sender|cannot resolve (your|sender)/i,
    category: "sender_refused",
    why: "postfix 450 4.1.8 Domain not found, sendmail 451 4.1.8, exim Sender verify failed.",
  },
  {
    says: /relay(ing)? (access )?(is )?(denied|prohibited|not (permitted|allowed))|unable to relay|not permitted to relay|we do not relay|cannot relay|no relay|relaying to .{0,80}prohibited|mail relay denied|not a relay|allowed rcpthosts/i,
    category: "relay_denied",
    why: "postfix 554 5.7.1 Relay access denied, exim relay not permitted, Exchange 5.7.54, Gmail 550 5.7.1 Invalid credentials for relay.",
  },
  { says: /invalid credentials for relay/i, category: "relay_denied", why: "Gmail's smtp-relay 550 5.7.1." },
  // Authentication of the mail.
  {
    says: /\bdmarc\b|\bspf\b|\bdkim\b|sender policy framework|domainkeys/i,
    category: "unauthenticated",
    why: "iCloud 550 5.7.1 rejected due to DMARC policy, Yahoo 554 5.7.9, postfix policyd-spf, opendmarc.",
  },
  {
    says: /(reverse dns|\bptr\b|rdns|reverse (hostname|lookup)|client host rejected: cannot find)/i,
    category: "reputation_blocked",
    why: "postfix 450 4.7.25 and 4.7.1, Gmail 550 5.7.25, AT&T: the relay's address has no name.",
  },
  // Reputation and content.
  {
    says: /spamhaus.{0,20}dbl|domain (present )?in the spamhaus|surbl|uribl|\bdbl\b/i,
    category: "spam_blocked",
    why: "iCloud 550 5.7.1 a domain in the body is listed.",
  },
  {
    says: /\bblocked - see https?:|\bipcheck\.|(spam|sender) ?score.{0,20}(ip|address)/i,
    category: "reputation_blocked",
    why: "Proofpoint: 554 Blocked - see https://ipcheck.proofpoint.com.",
  },
  {
    says: /block ?list|blacklist|deny ?list|\bdnsbl\b|\brbl\b|spamhaus|spamcop|barracudacentral|sorbs|\[bl2\d\]|\bs31[45]0\b|listed (at|in|by|on)|(banned|blocked) (sending )?ip|ip .{0,60}(blocked|banned|poor reputation|bad reputation)|(bad|poor|low) reputation|part of their network is on our block/i,
    category: "reputation_blocked",
    why: "Outlook.com S3140 and S3150, Yahoo BL21, postfix reject_rbl_client, Cloudmark, Barracuda.",
  },
  {
    says: /unusual rate of (unsolicited )?mail|rate[- ]limit|too (many|much) (mail|messages|recipients)|throttl|exceeded the max\w* (e-?mails|messages|defers)|slow down|try again more slowly|excessive (rate|volume)|(sending|message|connection) rate|exceeded .{0,30}(rate|limit|threshold)|limit (is |has been )?(exceeded|reached)|temporarily rate limited/i,
    category: "rate_limited",
    means: "deferred",
    why: "Gmail 421 4.7.0 and 4.7.28, Outlook 451 4.7.500 and 4.7.650, postfix anvil, exim ratelimit, cPanel.",
  },
  {
    says: /\bbanned: \S|banned (content|file|name|part)|virus|malware|trojan|phish|infected|(attachment|file)s?.{0,30}(not allowed|blocked|forbidden|prohibited|type)|blocked.{0,20}content|suspicious (link|content|attachment)|illegal (content|attachment)|header (is )?(missing|malformed|not rfc)|rfc ?(5322|2822|822).{0,20}(compliant|violation)|not rfc compliant/i,
    category: "content_refused",
    why: "Gmail 552 5.7.0 potential security issue, clamav-milter, amavis (BANNED: .exe), exim acl_check_data, Gmail 550 5.7.1 not RFC 5322 compliant.",
  },
  {
    says: /content restriction|due to (its |the )?(message )?content\b/i,
    category: "content_refused",
    why: "Exchange 5.7.1 and Proofpoint: Message rejected due to content restrictions.",
  },
  {
    says: /security issue/i,
    category: "content_refused",
    why: "Gmail 552 5.7.0: its content presents a potential security issue.",
  },
  {
    says: /\bspam|unsolicited|junk mail|bulk mail|\bube\b|\buce\b|score (of )?\d|classified as|looks like|content.{0,20}(rejected|filter)|\[cs01\]|\[hm\d+\]|\[ph01\]|\bph01\b/i,
    category: "spam_blocked",
    why: "Gmail 550 5.7.1 likely unsolicited, iCloud CS01 and HM codes, Yahoo PH01, rspamd and SpamAssassin.",
  },
  {
    says: /(does ?n.t|does not|not) (want|accept|allow).{0,30}(from you|your|this sender|mail from)|blocked by (the )?(recipient|user)|recipient.{0,30}(reject|refus)|sender.{0,30}(blocked|denied)|restricted|only accepts? (mail|messages) from/i,
    category: "recipient_refused",
    on: 5,
    why: "Exchange RESOLVER.RST.NotAuthorized and kin, Yahoo, personal block lists.",
  },
  // Later, whatever the number.
  {
    says: /(temporar(y|ily)).{0,40}(reject|defer|unavailable|block|fail|problem|error|disabled|suspended)|try (again )?later|try again in|please retry|come back later|service (temporarily )?unavailable|resources? temporarily/i,
    category: "server_busy",
    means: "deferred",
    why: "Says later itself: Gmail 421 4.3.0, iCloud 451 4.7.1, also with 550 and 554 from small hosts.",
  },
  {
    says: /\bbusy\b|shutting down|maintenance|overload|load (average )?too high|queue (is )?full|insufficient (system )?(storage|resources)|no space left|lookup (failure|failed)|local (error|problem)|internal (server )?error|server error/i,
    category: "server_busy",
    why: "postfix 452 4.3.1 and 451 4.3.0, exim, sendmail load limits.",
  },
  {
    says: /connection (refused|timed out|reset)|no route to host|network is unreachable|operation timed out|could not connect|unable to connect/i,
    category: "delivery_failed",
    why: "A later hop tells of its own connection.",
  },
  {
    says: /timed? ?out|closing (transmission|connection)|idle/i,
    category: "server_closing",
    on: 4,
    why: "Gmail 451 4.4.2 and 421 4.7.0, everyone's 421.",
  },
  {
    says: /too many hops|routing loop|mail loop|loops? back|hop count|too many received/i,
    category: "loop_detected",
    means: "bounced",
    why: "postfix, sendmail, exim, qmail: going round.",
  },
  {
    says: /smtputf8|internationali[sz]ed/i,
    category: "smtputf8_unsupported",
    why: "postfix 550 5.6.7, Gmail 553 5.6.7.",
  },
  {
    says: /(expired|too old|in queue too long|could not be delivered (for|in)|retry timeout exceeded|retry time not reached)/i,
    category: "expired",
    on: 5,
    why: "postfix and exim bounces, Exchange 4.4.7.",
  },
  {
    says: /polic(y|ies)|not (allowed|authorized|permitted)|prohibited|access denied|administrative|rejected/i,
    category: "policy_refused",
    on: 5,
    why: "Yahoo 554 5.7.9, Gmail gcdp rules, postfix Access denied, mimecast.",
  },
];

/** Every bound, timeout and lifetime, with its unit in the name and its reason on the line. */

const KB = 1024;
const MB = 1024 * KB;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

// --- What a caller may send -------------------------------------------------------------------------------
export const REQUEST_BODY_BYTES = 40 * MB; // Resend's documented bound; a Worker has 128 MB in all.
export const MESSAGE_BYTES = 25 * MB; // What Gmail and most relays take; larger is refused before it is queued.
export const RECIPIENTS_PER_EMAIL = 50; // Resend's bound on `to`; here on to + cc + bcc together.
export const BULK_RECIPIENTS = 10_000; // DESIGN.md: one call, one content.
export const BATCH_EMAILS = 100; // Resend's bound on POST /emails/batch.
export const SUBJECT_CHARS = 2_000; // Far above any use; keeps the folded header within reason.
export const PREHEADER_CHARS = 500; // Inboxes show about 120.
export const ADDRESS_CHARS = 320; // 64 (local part) + 1 + 255 (domain), RFC 5321 section 4.5.3.1.
export const LOCAL_PART_BYTES = 64; // RFC 5321 section 4.5.3.1.1.
export const DOMAIN_BYTES = 255; // RFC 5321 section 4.5.3.1.2.
export const LABEL_BYTES = 63; // One part of a domain, RFC 1035 section 2.3.4.
export const DISPLAY_NAME_CHARS = 256; // Keeps one mailbox within a few folded lines.
export const HEADERS_PER_EMAIL = 50; // A caller's own headers; more is a mistake.
export const HEADER_NAME_CHARS = 76; // So that "Name: " and a first word fit one line.
export const HEADER_VALUE_CHARS = 8_000; // List-Unsubscribe and references stay well below.
export const HEADER_LINE_BYTES = 998; // RFC 5322 section 2.1.1, without the CRLF.
export const TOKEN_CHARS = 43; // A tracking token: 32 bytes in base64url.
export const TOPIC_CHARS = 64; // An unsubscribe topic is a key, not a title.
export const UNSUBSCRIBE_TOKEN_CHARS = 600; // 32 bytes, an address of up to 320 and a topic, in base64url.
export const TRACKING_BASE_CHARS = 150; // With an unsubscribe token behind it, a URL still fits one line of a header.
export const TAGS_PER_EMAIL = 50;
export const TAG_CHARS = 256; // Resend's bound on a tag's name and value.
export const ATTACHMENTS_PER_EMAIL = 100;
export const ATTACHMENT_FETCHES = 20; // Files named by address in one message: an invocation on the Free plan has 50 subrequests in all.
export const ATTACHMENT_FETCH_MS = 15_000; // For one file, redirects included: a caller waits for it.
export const ATTACHMENTS_FETCH_MS = 45_000; // For all files of one request: proxies in front give up after a minute.
export const ATTACHMENT_REDIRECTS = 3; // Storage services redirect once.
export const FILE_NAME_CHARS = 255; // What file systems take.
export const LINK_TARGET_BYTES = 4_000; // Base64 of it stays below 8 kB, what servers and proxies take as a URL. Longer ones stay untracked.
export const VARIABLE_CHARS = 100_000; // One variable's value.
export const VARIABLES_PER_RECIPIENT = 100; // A mail with more holes than this is another mail.
export const BULK_VARIABLES_CHARS = 16 * MB; // All variables of one call, so that one RPC carries them beside the message.
export const RECIPIENT_VARIABLES_BYTES = 1.5 * MB; // All of one recipient, as they are stored: a row and a parameter hold 2 MB.
export const RECIPIENTS_PER_ENTRY = 500; // Recipients in one ledger entry: about 50 kB.
export const TTL_DEFAULT_SECONDS = 72 * 3600; // How long delivery is tried.
export const TTL_MIN_SECONDS = 60;
export const TTL_MAX_SECONDS = 7 * 24 * 3600;
export const SCHEDULE_MAX_DAYS = 30; // Resend's bound on scheduled_at.
export const IDEMPOTENCY_KEY_CHARS = 256; // Resend's bound.
export const IDEMPOTENCY_HOURS = 24; // Resend's bound.
export const UNKNOWN_FIELDS_CHARS = 2_000; // Names in a header of the answer: Node's fetch takes 16 kB of headers in all, nginx 4.
export const PAGE_DEFAULT = 20;
export const PAGE_MAX = 100;
export const EXPORT_PAGE = 500; // Events read at a time for an export: about 400 kB, of which two are held.
export const METRIC_PERIODS = 1_000; // Of one question for figures: six weeks by the hour.
export const METRIC_ROWS = 20_000; // Read for one question for figures: about 2 MB.
export const TIME_ZONES_KNOWN = 100; // Zones whose calendar an isolate holds ready, each some 45 kB: callers name them, in any case of letters.
export const METRIC_EMAILS = 100; // Emails whose events are counted for one question.

// --- Stored templates --------------------------------------------------------------------------------------
export const TEMPLATES_MAX = 10_000;
export const TEMPLATE_NAME_CHARS = 200;
export const TEMPLATE_ALIAS_CHARS = 100;
export const STORED_TEMPLATE_CHARS = 400 * KB; // html, text and subject: with escapes and in UTF-8 below the 2 MB of a row.
export const STORED_TEMPLATE_BYTES = 1_900_000; // All of a version as JSON: a row holds 2 MB.
export const TEMPLATE_VARIABLES = 50; // Resend's bound.
export const REQUEST_TEMPLATE_BYTES = 4 * MB; // A template's JSON.
export const TEMPLATE_CACHE_MS = 10_000; // How long the registry's word on a template is believed: so soon a new version is sent everywhere.
export const TEMPLATE_CACHE_CHARS = 4 * MB; // Templates held ready in an isolate, which has 128 MB.

// --- API keys ----------------------------------------------------------------------------------------------
export const API_KEYS_MAX = 1_000; // Listed in one call; a gateway with more callers wants a registry of another kind.
export const API_KEY_NAME_CHARS = 50; // Resend's bound.
export const API_KEY_DOMAINS = 50;
export const API_KEY_CHARS = 32; // 192 random bits in base64url.
export const API_KEY_HINT_CHARS = 8; // `re_` and five characters: enough to know a key by, of no use to a thief.
export const KEY_CACHE_MS = 20_000; // How long the registry's word on a key is believed: a revoked one is refused everywhere within this time.
export const KEYS_CACHED = 1_000; // Whoever guesses keys must not fill the memory.

// --- Mailjet's dialect: bounds are those of its documentation unless a row says otherwise ---------------------------
export const MAILJET_MESSAGES = 50; // Messages in one POST /v3.1/send.
export const MAILJET_LIST_MAX = 50; // Attachments, headers.
export const MAILJET_SUBJECT_CHARS = 255;
export const MAILJET_URL_TAGS_CHARS = 256;
export const MAILJET_ATTACHMENTS_BYTES = 15 * MB;
export const CUSTOM_ID_CHARS = 1_000; // Ours: an id, and indexed.
export const CUSTOM_CAMPAIGN_CHARS = 255; // Ours: a name.
export const EVENT_PAYLOAD_CHARS = 16 * KB; // Ours: every event of the message carries it.
export const MONITORING_CATEGORY_CHARS = 100; // Ours: a name.
export const MAILJET_PAGE_DEFAULT = 10;
export const MAILJET_PAGE_MAX = 1_000;
export const HISTORY_EVENTS = 1_000; // Events of one copy; a mail opened more often is a monument.
export const COUNTER_ROWS = 10_000; // Rows of figures behind one answer: 20 metrics of 500 periods.
export const COUNTER_DAYS_BY_HOUR = 31; // Counters by the hour: at most 744 periods.
export const COUNTER_DAYS = 366; // Counters by the day.
export const WEBHOOK_GROUP_EVENTS = 100; // Events in one call of an endpoint that takes lists: at most 2 MB with the longest payloads.
export const TEMPLATE_CHARS = 2 * MB; // One part with template language in it; the largest newsletters have 200 kB.
export const TEMPLATE_EXPRESSION_CHARS = 2_000; // Between {{ and }}; a longer stretch is text that happens to hold braces.
export const TEMPLATE_OUTPUT_CHARS = 8 * MB; // What may come out of it: loops multiply, and a message holds 25 MB at most.
export const TEMPLATE_STEPS = 200_000; // Pieces evaluated: a loop of 1,000 items with 100 pieces each, twice.
export const TEMPLATE_DEPTH = 50; // Nested blocks and parentheses; deeper is no template but an attack on the stack.
export const TEMPLATE_ERRORS = 20; // Errors told of one part: enough to mend it.

// --- SMTP: timeouts follow RFC 5321 section 4.5.3.2 where a Worker can afford it ----------------------------
export const SMTP_CONNECT_MS = 15_000; // A dead host should cost seconds: the next relay may be waiting.
export const SMTP_GREETING_MS = 60_000; // RFC: 5 min. Tarpits and DNS checks rarely exceed 30 s.
export const SMTP_COMMAND_MS = 60_000; // RFC: 5 min.
export const SMTP_DATA_REPLY_MS = 120_000; // RFC: 2 min for the 354.
export const SMTP_FINAL_REPLY_MS = 300_000; // RFC: 10 min. Giving up early makes duplicates, so this is the longest.
export const SMTP_WRITE_MS = 180_000; // RFC: 3 min per data block.
export const SMTP_QUIT_MS = 2_000; // A courtesy; nothing depends on the answer.
export const SMTP_REPLY_LINE_BYTES = 4 * KB; // RFC: 512. Real servers exceed it, hostile ones do not stop.
export const SMTP_REPLY_BYTES = 64 * KB; // One whole multi-line reply.
export const SMTP_REPLY_LINES = 200; // "250-" lines of one reply; a large EHLO has 20.
export const SMTP_BERTHS = 6; // Sessions of an object with all its relays: the platform gives an invocation six connections, and a seventh waits.
export const SMTP_BERTH_MS = 5_000; // A relay that has none of them waits no longer than this, and a message, for one that others use.
export const SMTP_IDLE_MS = 5_000; // How long an idle session waits for more mail before QUIT.
export const SMTP_CONNECTIONS_DEFAULT = 4; // Of SMTP_BERTHS: another relay finds room at once.
export const SMTP_CONNECTIONS_MAX = 5; // Likewise.
export const SMTP_MESSAGES_PER_CONNECTION = 1_000; // Relays close long sessions (postfix: none, exim: 1,000 by default).
export const SMTP_MESSAGES_UNANSWERED = 8; // By BDAT, over all sessions of a relay, at least 2 each: more than one a round trip. A crash repeats them, see DUPLICATES_AFTER_CRASH.
export const SMTP_MESSAGES_UNANSWERED_FAR = 12; // Likewise with a far relay, where round trips are what limits; storing outcomes 4 at a time costs nothing there.
export const SMTP_FAR_MS = 10; // A relay that takes so long to answer EHLO is far.
export const SMTP_REPLIES_HELD = 60; // Replies read ahead; a window of 12 messages has 48 under way. More is a relay that babbles.
export const SMTP_JOINED_WRITE_BYTES = 64 * KB; // Up to this size a body and what follows it are copied into one write; above, copying costs more than a packet.
export const SMTP_WRITE_CHUNK_BYTES = 256 * KB; // A large body is written in pieces of this size, each with SMTP_WRITE_MS.
export const SMTP_FRUITLESS_SESSIONS = 3; // Sessions in a row that ended without one answered message before the relay counts as unreachable.
export const SMTP_FEWER_CONNECTIONS_MS = MINUTE_MS; // After a relay refuses one session more, how long we keep to those it allowed.
export const SMTP_SILENT_MS = MINUTE_MS; // A relay none of whose sessions has had a word for so long gets nothing more until one has; other relays take the rest.
export const SMTP_VERIFY_GREETING_MS = 20_000; // A person waits for POST /relays/:name/verify; tarpits rarely exceed 15 s.
export const SMTP_VERIFY_CONNECT_MS = 5_000; // Likewise, for each of several ports: a firewall that drops says nothing, and a SYN lost twice is sent again by then.
export const SMTP_PROBE_MS = 3_000; // After a failed TLS connection: does the port answer without TLS? Only to name the cause.
export const OAUTH_TIMEOUT_MS = 15_000; // For an access token; without one there is no session.
export const OAUTH_ANSWER_BYTES = 64 * KB; // Microsoft's tokens have 2 to 4 kB.
export const TRANSCRIPT_BYTES = 8 * KB; // The last attempt's dialogue, kept per recipient.

// --- Outbox ------------------------------------------------------------------------------------------------
export const SLOTS_BYTES = 1.25 * MB; // Links, variables and the like of one message, as JSON: a row of 2 MB holds them, with the rest of a short message.
export const OUTBOX_CHUNK_BYTES = 1 * MB; // A Durable Object's row holds 2 MB.
export const INTAKE_BYTES = 4 * MB; // Messages accepted in one transaction: a commit for many small ones, and little waiting for large ones.
export const DUPLICATES_AFTER_CRASH = 16; // Messages on the wire and outcomes not yet stored, together: by DATA 4 + 12 with 4 sessions, by BDAT 8 + 8, or 12 + 4 with a far relay.
export const CLAIMS_PER_READ = 256; // Deliveries claimed at a time; costs no duplicates. Each time is a commit, and a commit waits for the disk.
export const RPC_BYTES = 30 * MB; // Durable Object RPC carries 32 MiB.

// --- Suppression -----------------------------------------------------------------------------------------------
export const SUPPRESSIONS_PER_BATCH = 100; // Resend's bound on /suppressions/batch.
export const SUPPRESSION_REASON_CHARS = 300; // A sentence or two; it stands in every event of a refused copy.
export const SUPPRESSIONS_PER_CALL = 1_000; // Rows in one call to the registry or from it to an outbox: below a megabyte.
export const REPLICA_WAIT_MS = 5_000; // How long a change waits for all outboxes before it is answered; the alarm goes on.
export const REPLICA_RETRY_MS = 1_000; // How soon an outbox that missed a change is told again. Doubles.
export const REPLICA_RETRY_MAX_MS = MINUTE_MS;
export const REPLICA_START_MS = 2_000; // How long an outbox that starts waits for what it missed before it sends, and a ledger that never knew them for the webhooks.
export const FACTS_PER_CALL = 500; // Bounces and complaints told to the registry in one call.
export const FACT_DAYS = 8; // An event whose email libSQL does not know by then is of no email of ours: a day beyond TTL_MAX.
export const WISH_MS = 24 * HOUR_MS; // So long a wish to leave that comes again is the same one: mail programs try again for hours.
export const SUPPRESSION_RULE_DAYS_MAX = 36_500; // A century; for longer, leave it out: for good.
export const SUPPRESSION_WITHIN_DAYS_MAX = 90; // So long bounces are kept to be counted.
export const DOUBT_MS = 12 * HOUR_MS; // A copy given up in less time than this says nothing about its recipient.
export const NOTICES_PER_CALL = 500; // Changes of the list told to a ledger in one call: about 200 kB.
export const SUPPRESSION_TIDY_MS = HOUR_MS; // How often expired entries and old counts are removed. They have no effect before.
export const IMPORT_BYTES = 100 * MB; // What a Worker takes as a body on most plans; a million rows are about 30 MB.
export const IMPORT_RECORD_CHARS = 10_000; // One row of a file. A quotation mark that is never closed is found here.
export const IMPORT_PROGRESS_ROWS = 5_000; // A progress line for each so many rows: few enough that a client need not read while it writes.
export const IMPORT_FAULTS_LISTED = 1_000; // Rows at fault that are named; all are counted.

// --- DKIM ----------------------------------------------------------------------------------------------------
export const DKIM_RSA_BITS_MIN = 1024; // RFC 8301 section 3.2: receivers must not take less.
export const DKIM_RSA_BITS_MAX = 4096; // RFC 8301 section 3.2: receivers need not take more.
export const DKIM_HASH_CHUNK_BYTES = 32 * KB; // A body is hashed through a buffer of this size: larger ones gain nothing.

// --- Ledger and libSQL ----------------------------------------------------------------------------------------
export const LEDGER_BATCH_ENTRIES = 2_000; // One libSQL transaction.
export const LEDGER_BATCH_CHARS = 1 * MB; // One libSQL request; a Durable Object row or parameter holds 2 MB.
export const RETENTION_DAYS_MAX = 36_500; // A century; more is a slip of the pen.
export const PRUNE_ROWS = 2_000; // Forgotten in one transaction: about 50 ms of the database's time.
export const PRUNE_BODIES = 100; // Chunks of bodies, at most BODY_CHUNK_CHARS each.
export const ERASE_COPIES = 100; // Of one person, erased in one transaction; each may change a row of its own.
export const PRUNE_STEPS = 20; // Between two of the ledger's other duties.
export const COUNT_ROUND = 500; // Events after which the marks they left are counted: SQLite takes half a millisecond only to read the statement.
export const BODY_CHUNK_CHARS = 256 * KB; // 256 k characters are at most 768 kB of UTF-8.
export const LEDGER_PARAMETER_CHARS = 512 * KB; // One JSON parameter: at most 1.5 MB of UTF-8, below the 2 MB of a Durable Object.
export const ALARM_MS = 20_000; // How long an alarm waits for what it began; that goes on, and another alarm follows. An object whose alarm takes 15 minutes is reset (durable-objects/platform/limits), and after six times its alarm is given up.
export const LIBSQL_TIMEOUT_MS = 10_000; // Beyond it libSQL counts as away.
export const LEDGER_RETRY_MS = 5_000; // How soon a refused flush is tried again.
export const LEDGER_RETRY_MAX_MS = MINUTE_MS; // Backoff's end: a database that comes back is used within a minute.
export const LEDGER_PROBE_MS = 1_000; // While libSQL is away, reads have it tried no more often; the others are told at once.
export const FITNESS_MS = MINUTE_MS; // A database once found to have the tables of this code is believed to have them so long.
export const SETTLE_MS = 3_000; // How long a read waits for events under way.

// --- Tracking: what is taken from those who read mail -------------------------------------------------------------
export const USER_AGENT_CHARS = 512; // Browsers' have 200; what is longer tells nothing more.
export const UNSUBSCRIBE_BODY_BYTES = 4 * KB; // `List-Unsubscribe=One-Click`, as a form of either kind.

// --- Webhooks ------------------------------------------------------------------------------------------------
export const WEBHOOKS_MAX = 50; // Each event is looked at once per endpoint, and every ledger holds the list.
export const WEBHOOK_URL_CHARS = 2_000; // What servers and proxies take.
export const WEBHOOK_RETRY_MS = [
  5_000,
  5 * MINUTE_MS,
  30 * MINUTE_MS,
  2 * HOUR_MS,
  5 * HOUR_MS,
  10 * HOUR_MS,
  10 * HOUR_MS,
] as const; // Resend's schedule: with the first, 8 attempts in 27.5 hours.
export const WEBHOOK_JITTER = 0.1; // Up to this share more, so that what failed together does not come back together.
export const WEBHOOK_TIMEOUT_MS = 15_000; // For the whole answer's head. Svix and Resend give 15 s; a handler that works longer should queue.
export const WEBHOOK_BODY_MS = 2_000; // The verdict is in the status; the body is a courtesy to who debugs.
export const WEBHOOK_BODY_BYTES = 4 * KB; // Read of an answer; then the connection is closed.
export const WEBHOOK_RESPONSE_CHARS = 1_000; // Kept of an answer in the record of the attempt.
export const WEBHOOK_SLOW_MS = 2_000; // An endpoint whose last answer took longer goes to the slow lane.
export const WEBHOOK_QUICK_CALLS = 3; // Under way at once to endpoints that answer. With the slow ones and libSQL: the six of an invocation.
export const WEBHOOK_SLOW_CALLS = 2; // Likewise to endpoints that are slow or unproven: all they can hold up is one another.
export const WEBHOOK_ORDER_ATTEMPTS = 3; // So often an event is tried (now, 5 s, 5 min) before later ones of its recipient may pass it.
export const WEBHOOK_RETRY_AFTER_MAX_MS = HOUR_MS; // An endpoint that asks for a longer rest gets this one.
export const WEBHOOK_DISABLE_MS = 5 * 24 * HOUR_MS; // An endpoint that only fails for so long is disabled. Svix: five days.
export const WEBHOOK_DISABLE_FAILURES = 20; // And at least so often: two failures a week apart prove nothing.
export const WEBHOOK_LEASE_MS = 30_000; // An attempt that nobody finished (a crash) is made again after this: more than any takes.
export const WEBHOOK_SECRET_BYTES = 24; // Standard Webhooks: 24 to 64.
export const WEBHOOK_ROTATION_MS = 24 * HOUR_MS; // For so long the secret before signs too.
export const WEBHOOK_LOG_MS = 14 * 24 * HOUR_MS; // For so long an event can be looked up and replayed.
export const WEBHOOK_LOG_EVENTS = 500_000; // In one ledger: at 2 kB an event 1 GB of the 10 GB an object holds. The oldest go.
export const WEBHOOK_PRUNE_EVENTS = 500; // Forgotten at a time, so that no turn is long.
export const WEBHOOK_BUILD_EVENTS = 200; // Payloads made of one question to libSQL.
export const WEBHOOK_HEADERS_CHARS = 8 * KB; // An email's own headers in a payload; more are left out.
export const WEBHOOK_PUSH_RETRY_MS = 5_000; // How soon a ledger that missed a change of the endpoints is told again.
export const WEBHOOK_ATTEMPTS_SHOWN = 500; // Records kept of one event at one endpoint: 8 for each replay.

// --- Mail in: bounces, complaints, replies ------------------------------------------------------------------------
export const INBOUND_BYTES = 40 * MB; // A bounce may carry the whole message it is about, encoded once more.
export const FEEDBACK_BYTES = 1 * MB; // What is read of a message; what tells stands at its beginning.
export const FEEDBACK_HEADER_BYTES = 256 * KB; // All headers together. A message that went through ten filters has 40 kB.
export const FEEDBACK_DEPTH = 16; // Multipart within multipart; a report has three levels.
export const FEEDBACK_LINES = 30_000; // The parser pays per line; a megabyte of mail has 14,000.
export const FEEDBACK_DASH_LINES = 2_000; // Lines that may be MIME boundaries: each makes a node of about a kilobyte.
export const FEEDBACK_PARTS = 30; // Parts beside the text; a report has two.
export const FEEDBACK_PART_CHARS = 128 * KB; // Of one part: 100 recipients with long diagnostics.
export const FEEDBACK_TEXT_CHARS = 64 * KB; // Of the text: a notice is a page, the rest is the returned message.
export const FEEDBACK_HTML_CHARS = 256 * KB; // Of an HTML notice; Exchange Online's has 40 kB.
export const FEEDBACK_FIELDS = 2_000; // Fields of one part: 100 recipients of 10 fields, and room.
export const FEEDBACK_REPORTS = 100; // Recipients in one report. Ours go out one by one; relays may gather them.
export const FEEDBACK_CLUES = 20; // Tokens, and likewise Message-IDs, looked at in one message.
export const DIAGNOSTIC_CHARS = 1_000; // Longer ones repeat themselves.

// --- Tracking: whose visit it was ------------------------------------------------------------------------------
export const SCANNER_DELAY_MS = 1_000; // Sooner than this after sending nobody has seen a mail; clocks of one machine are compared.
export const BURST_LINKS = 3; // Different links followed within BURST_MS: a scanner takes them in order.
export const BURST_MS = 3_000; // A person who opens tabs needs about a second for each, and rarely wants three at once.
export const SWEEP_LINKS = 6; // Different links followed within SWEEP_MS: slower scanners.
export const SWEEP_MS = 30_000; // Six pages in half a minute are not read.
export const SAME_VISITOR_MS = 60_000; // A scanner's visits to one mail come close together.
export const HIT_HOLD_MS = BURST_MS; // How long an open or a click waits for what comes after it, before it is told.
export const VISITORS_HELD = 10_000; // Copies whose latest visits a ledger remembers: about 5 MB.
export const SENT_TIMES_HELD = 50_000; // Copies whose time of sending a ledger remembers: five seconds at full speed, about 5 MB.
export const AGENTS_KNOWN = 1_000; // User agents a worker remembers as no machine's: 0.2 MB.
export const LINKS_KNOWN = 1_000; // Links a worker remembers as verified: those of some thirty newsletters, about 0.3 MB; never above 10.
export const TEXTS_SHARED = 1_000; // Links, user agents and the like that visits remembered share: 0.2 MB, and 5 at most.
export const SERIES_VISITS = 50; // Earlier visits looked at; more than any mail's links matter to a pace.

export const DAY_MS = 24 * HOUR_MS;
export { HOUR_MS, KB, MB, MINUTE_MS };

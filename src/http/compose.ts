/**
 * From a request that has been parsed to an order for the outbox: checks what needs the configuration, compiles, and
 * writes down what the ledger is to be told. Nothing is stored here.
 */
import type { FieldIssue, Problem } from "../core/errors.ts";
import type { EmailId } from "../core/ids.ts";
import { BULK_VARIABLES_CHARS, MB, TTL_DEFAULT_SECONDS } from "../core/limits.ts";
import { err, ok, type Result } from "../core/result.ts";
import { type Config, trackingHostOf } from "../env.ts";
import { compile } from "../message/compile.ts";
import { missingVariables } from "../message/splice.ts";
import type { Order } from "../outbox/rpc.ts";
import type { Mailbox } from "../schema/address.ts";
import { type BulkEmail, contentOfBulk } from "../schema/bulk.ts";
import { type Content, contentOf, type SendEmail } from "../schema/email.ts";
import type { EmailMeta, EmailRow, LedgerEntry, RecipientRow } from "../schema/event.ts";
import { parseSchedule } from "../schema/schedule.ts";
import { isLostTest, STORIES, storyOf, TEST_DOMAIN } from "../schema/test-address.ts";
import { covers } from "../smtp/relay-fields.ts";
import { routeOf } from "../smtp/routing.ts";
import { linkSigner } from "../tracking/link.ts";
import { bodyEntries, recipientEntries } from "./entries.ts";

export interface ComposeContext {
  config: Config;
  id: EmailId;
  now: number;
  /** At least 16 random bytes. */
  random: Uint8Array;
  /** UUIDv7 of a time. */
  newId: (now: number) => string;
  /** Sender domains that the caller may send for, as patterns of smtp/relay-fields.ts; null: all. */
  senders: readonly string[] | null;
  /** Everything but the dialogue with a relay. */
  sandbox: boolean;
  /** What the email is accepted with. */
  meta: EmailMeta;
  /** Base of tracking links, for senders without one of their own. */
  trackingBase: string;
}

interface Recipient {
  mailbox: Mailbox;
  kind: RecipientRow["kind"];
  /** Where in the request it stands. */
  path: string;
  /** Bulk only. */
  variables: Record<string, string> | null;
}

/** What the two ways of sending share. */
type Common = Pick<
  SendEmail,
  | "from"
  | "subject"
  | "tags"
  | "tracking"
  | "unsubscribe"
  | "topic_id"
  | "relay"
  | "ttl"
  | "scheduled_at"
  | "reply_to"
>;

const invalid = (...issues: FieldIssue[]) => err<Problem>({ kind: "invalid", issues });

/** At most this many missing variables are named: enough to see what is wrong with a list. */
const MISSING_NAMED = 20;

/** A mailbox as people write it, for the record. */
export const spell = ({ name, address }: Mailbox): string =>
  name === null ? address : `${name} <${address}>`;

/** POST /emails: everyone sees To and Cc as written. */
export function compose(request: SendEmail, context: ComposeContext): Result<Order, Problem> {
  // Each address once: who is in To and Bcc gets one mail, as from any mail program.
  const seen = new Set<string>();
  const recipients = (["to", "cc", "bcc"] as const)
    .flatMap((kind) =>
      request[kind].map(
        (mailbox, i): Recipient => ({ mailbox, kind, path: `${kind}[${i}]`, variables: null }),
      ),
    )
    .filter(({ mailbox }) => !seen.has(mailbox.address) && seen.add(mailbox.address));
  const { to, cc, bcc } = request;
  return build(request, contentOf(request), recipients, { kind: "single", to, cc, bcc }, context);
}

/** POST /emails/bulk: everyone gets a private copy. */
export function composeBulk(request: BulkEmail, context: ComposeContext): Result<Order, Problem> {
  const recipients = request.recipients.map(
    ({ to, variables }, i): Recipient => ({
      mailbox: to,
      kind: "to",
      path: `recipients[${i}].to`,
      variables: variables ?? null,
    }),
  );
  const chars = recipients.reduce(
    (sum, { variables }) => sum + (variables === null ? 0 : lengthOf(variables)),
    0,
  );
  if (chars > BULK_VARIABLES_CHARS)
    return err({
      kind: "too_large",
      message: `The variables of all recipients have ${Math.ceil(chars / MB)} MB; ${BULK_VARIABLES_CHARS / MB} MB are taken in one call.`,
    });
  const order = build(
    request,
    contentOfBulk(request),
    recipients,
    { kind: "bulk", to: [], cc: [], bcc: [] },
    context,
  );
  if (!order.ok) return order;
  const issues: FieldIssue[] = [];
  for (const { variables, path } of recipients) {
    for (const name of missingVariables(order.value.compiled, variables ?? {}))
      issues.push({
        path: path.replace(/\.to$/, ".variables"),
        message: `lacks \`${name}\`, which the content uses without a fallback (write \`{{${name}|…}}\` to give one)`,
      });
    if (issues.length >= MISSING_NAMED) break;
  }
  return issues.length > 0 ? invalid(...issues) : order;
}

const lengthOf = (variables: Record<string, string>): number =>
  Object.entries(variables).reduce((sum, [name, value]) => sum + name.length + value.length, 0);

function build(
  request: Common,
  content: Content,
  recipients: readonly Recipient[],
  shape: { kind: EmailRow["kind"]; to: Mailbox[]; cc: Mailbox[]; bcc: Mailbox[] },
  context: ComposeContext,
): Result<Order, Problem> {
  const { config, id, now, senders } = context;
  if (senders !== null && !covers(senders, request.from.address))
    return err({
      kind: "sender_not_allowed",
      message: `This API key may not send as ${request.from.domain}: it is limited to ${senders.join(", ")}.`,
    });
  const relay = request.relay ?? null;
  const lost = recipients.find(({ mailbox }) => isLostTest(mailbox.address));
  if (lost !== undefined)
    return invalid({
      path: lost.path,
      message: `is not a test address: at ${TEST_DOMAIN} there are ${STORIES.map((story) => `${story}@`).join(", ")}`,
    });
  const dialled = recipients.filter(({ mailbox }) => !context.sandbox && storyOf(mailbox.address) === null);
  const routed = dialled.length === 0 ? ok(null) : checkRoutes(config, request.from.address, dialled, relay);
  if (!routed.ok) return routed;
  const scheduled = request.scheduled_at == null ? ok(null) : parseSchedule(request.scheduled_at, now);
  if (!scheduled.ok) return invalid({ path: "scheduled_at", message: scheduled.error });
  const scheduledAt = scheduled.value;

  const { text_clicks: textClicks = false, ...tracking } = request.tracking ?? { opens: true, clicks: true };
  const unsubscribe = request.unsubscribe ?? false;
  const topic = (typeof unsubscribe === "object" ? unsubscribe.topic : request.topic_id) ?? null;
  const clash = content.headers.find(({ name }) => /^list-unsubscribe(-post)?$/i.test(name));
  if (unsubscribe !== false && clash !== undefined)
    return invalid({
      path: "unsubscribe",
      message: `adds a List-Unsubscribe header, and \`headers\` has ${clash.name} already: leave one of them out`,
    });
  const made = compile(content, {
    id,
    now: scheduledAt ?? now,
    random: context.random,
    trackingBase: trackingHostOf(config, request.from.domain) ?? context.trackingBase,
    opens: tracking.opens,
    clicks: tracking.clicks,
    textClicks: tracking.clicks && textClicks,
    unsubscribe: unsubscribe === false ? null : { topic, mailDomain: config.bounceDomain },
    signLink: linkSigner(config.signingSecrets[0], id),
    bulk: shape.kind === "bulk",
  });
  if (!made.ok) return invalid(...made.error);
  const { compiled, messageId, text } = made.value;

  const email: EmailRow = {
    id,
    created_at: now,
    kind: shape.kind,
    from: spell(request.from),
    to: shape.to.map(spell),
    cc: shape.cc.map(spell),
    bcc: shape.bcc.map(spell),
    reply_to: request.reply_to.map(spell),
    subject: request.subject,
    message_id: messageId,
    headers: Object.fromEntries(content.headers.map(({ name, value }) => [name, value])),
    tags: request.tags ?? [],
    attachments: content.attachments.map(({ filename, content_type, size, content_id }) => ({
      filename: filename ?? "",
      content_type: content_type ?? "application/octet-stream",
      size,
      content_id,
    })),
    tracking,
    relay,
    size: compiled.bytes.length,
    scheduled_at: scheduledAt,
    meta: topic === null ? context.meta : { ...context.meta, topic },
    expires_at: (scheduledAt ?? now) + (request.ttl ?? TTL_DEFAULT_SECONDS) * 1000,
  };
  const status = scheduledAt === null ? "queued" : "scheduled";
  const entries: LedgerEntry[] = [
    { kind: "email", email },
    ...recipientEntries(
      id,
      recipients.map(({ mailbox, kind }, index) => ({ index, address: mailbox.address, kind, status })),
    ),
    ...bodyEntries(id, "html", content.html),
    ...bodyEntries(id, "text", text),
  ];
  if (scheduledAt !== null)
    entries.push({
      kind: "event",
      event: {
        id: context.newId(now),
        type: "email.scheduled",
        email_id: id,
        recipient: null,
        at: now,
        data: { scheduled_at: scheduledAt },
      },
    });
  const { bytes, ...rest } = compiled;
  return ok({
    id,
    compiled: rest,
    bytes,
    mailFrom: request.from.address,
    from: request.from.address,
    deliveries: recipients.map(({ mailbox, variables }, index) => ({
      index,
      address: mailbox.address,
      name: shape.kind === "bulk" ? mailbox.name : null,
      variables,
    })),
    sandbox: context.sandbox,
    topic,
    relay,
    scheduledAt,
    expiresAt: email.expires_at,
    entries,
  });
}

/** Refuses before acceptance what no relay would take. */
function checkRoutes(
  config: Config,
  from: string,
  recipients: readonly Recipient[],
  pin: string | null,
): Result<null, Problem> {
  const names = config.relays.map((relay) => relay.name);
  if (names.length === 0)
    return err({
      kind: "unavailable",
      message: "No relay is configured here: whoever runs this gateway must set SMTP_URL or RELAYS.",
      retryAfterSeconds: 300,
    });
  if (pin !== null && !names.includes(pin))
    return invalid({ path: "relay", message: `is not a relay here; known are ${names.join(", ")}` });
  const isRouted = (relays: Config["relays"], to: string) =>
    routeOf(relays, { from, to, pin }, () => 0.5) !== "";
  const stranded = recipients.find(({ mailbox }) => !isRouted(config.relays, mailbox.address));
  if (stranded === undefined) return ok(null);
  const forAnyone = config.relays.map((relay) => ({ ...relay, to: ["*"] }));
  return isRouted(forAnyone, stranded.mailbox.address)
    ? invalid({ path: stranded.path, message: "is not a recipient that a relay here is configured for" })
    : invalid({ path: "from", message: "is not a sender that a relay here is configured for" });
}

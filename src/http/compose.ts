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
import { demandsOf, missingVariables, oversize } from "../message/demands.ts";
import { render } from "../message/render.ts";
import { secretName, UNSUBSCRIBE_NAMES } from "../message/unsubscribe.ts";
import { type Order, unstorable } from "../outbox/rpc.ts";
import type { Mailbox } from "../schema/address.ts";
import { type BulkEmail, contentOfBulk } from "../schema/bulk.ts";
import { type Content, contentOf, type SendEmail } from "../schema/email.ts";
import type { EmailMeta, EmailRow, LedgerEntry } from "../schema/event.ts";
import { parseSchedule } from "../schema/schedule.ts";
import { isLostTest, STORIES, storyOf, TEST_DOMAIN } from "../schema/test-address.ts";
import { covers } from "../smtp/relay-fields.ts";
import { linkSigner } from "../tracking/link.ts";
import { bodyEntries, recipientEntries } from "./entries.ts";
import { checkRoutes, type Recipient, sendersOf } from "./routable.ts";
import type { ReadyTemplate } from "./template-cache.ts";

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

/** At most this many faults of recipients' variables are named, or a few more: enough to see what is wrong with a list. */
const FAULTS_NAMED = 20;

/** A mailbox as people write it, for the record. */
export const spell = ({ name, address }: Mailbox): string =>
  name === null ? address : `${name} <${address}>`;

/** POST /emails: everyone sees To and Cc as written. `template`: the one whose content the request holds. */
export function compose(
  request: SendEmail,
  context: ComposeContext,
  template: ReadyTemplate | null = null,
): Result<Order, Problem> {
  // Each address once: who is in To and Bcc gets one mail, as from any mail program.
  const seen = new Set<string>();
  const recipients = (["to", "cc", "bcc"] as const)
    .flatMap((kind) =>
      request[kind].map(
        (mailbox, i): Recipient => ({ mailbox, kind, path: `${kind}[${i}]`, variables: null }),
      ),
    )
    .filter(({ mailbox }) => !seen.has(mailbox.address) && seen.add(mailbox.address));
  const { to, cc, bcc, variables } = request;
  const shape = { kind: "single", to, cc, bcc } as const;
  if (variables == null) return build(request, contentOf(request), recipients, shape, context);
  const linkName = isAsked(request) ? secretName(context.random) : null;
  const rendered = render(contentOf(request), variables, linkName, template ?? undefined);
  if (rendered.ok) return build(request, rendered.value, recipients, { ...shape, linkName }, context);
  const path = template === null ? "variables" : "template.variables";
  const { missing, issues } = rendered.error;
  return invalid(...missing.map((name) => ({ path, message: lacks(name) })), ...issues);
}

const isAsked = ({ unsubscribe }: Pick<Common, "unsubscribe">): boolean =>
  unsubscribe !== undefined && unsubscribe !== null && unsubscribe !== false;

const lacks = (name: string): string =>
  UNSUBSCRIBE_NAMES.has(name)
    ? `lacks \`${name}\`, which the content uses: ask for the link with \`unsubscribe: true\``
    : `lacks \`${name}\`, which the content uses without a fallback (write \`{{${name}|…}}\` to give one)`;

/** POST /emails/bulk: everyone gets a private copy. */
export function composeBulk(request: BulkEmail, context: ComposeContext): Result<Order, Problem> {
  const shared = request.variables ?? null;
  const recipients = request.recipients.map(
    ({ to, variables }, i): Recipient => ({
      mailbox: to,
      kind: "to",
      path: `recipients[${i}].to`,
      variables: shared === null || variables == null ? (variables ?? shared) : { ...shared, ...variables },
    }),
  );
  const chars = recipients.map(({ variables }) => (variables === null ? 0 : lengthOf(variables)));
  const total = chars.reduce((sum, count) => sum + count, 0);
  if (total > BULK_VARIABLES_CHARS)
    return err({
      kind: "too_large",
      message: `The variables of all recipients have ${Math.ceil(total / MB)} MB; ${BULK_VARIABLES_CHARS / MB} MB are taken in one call.`,
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
  const demands = demandsOf(order.value.compiled, order.value.bytes?.length ?? 0);
  for (const [i, { variables, mailbox }] of recipients.entries()) {
    const complain = (what: string) =>
      issues.push({ path: `recipients[${i}].variables`, message: `of ${mailbox.address} ${what}` });
    for (const name of missingVariables(demands, variables ?? {})) complain(lacks(name));
    const large = oversize(demands, variables ?? {}, chars[i]!) ?? unstorable(variables ?? {}, chars[i]!);
    if (large !== null) complain(large);
    if (issues.length >= FAULTS_NAMED) break;
  }
  return issues.length > 0 ? invalid(...issues) : order;
}

const lengthOf = (variables: Record<string, string>): number =>
  Object.entries(variables).reduce((sum, [name, value]) => sum + name.length + value.length, 0);

interface Shape {
  kind: EmailRow["kind"];
  to: Mailbox[];
  cc: Mailbox[];
  bcc: Mailbox[];
  /** What rendered content calls the unsubscribe link; absent: `unsubscribe_url`. */
  linkName?: string | null;
}

function build(
  request: Common,
  content: Content,
  recipients: readonly Recipient[],
  shape: Shape,
  context: ComposeContext,
): Result<Order, Problem> {
  const { config, id, now, senders } = context;
  const foreign =
    senders && sendersOf(request.from, content).find(({ address }) => !covers(senders, address));
  if (foreign)
    return err({
      kind: "sender_not_allowed",
      message: `This API key may not send as ${foreign.domain}: it is limited to ${senders.join(", ")}.`,
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
  const { unsubscribe } = request;
  const isLeft = isAsked(request);
  const topic =
    (typeof unsubscribe === "object" && unsubscribe !== null ? unsubscribe.topic : request.topic_id) ?? null;
  if (isLeft && request.topic_id != null && request.topic_id !== topic)
    return invalid({
      path: "topic_id",
      message: "names another topic than `unsubscribe`: give one of them",
    });
  const linkName = shape.linkName ?? null;
  const clash = content.headers.find(({ name }) => /^list-unsubscribe(-post)?$/i.test(name));
  if (isLeft && clash !== undefined)
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
    unsubscribe: isLeft
      ? { topic, mailDomain: config.bounceDomain, ...(linkName === null ? {} : { name: linkName }) }
      : null,
    signLink: linkSigner(config.signingSecrets[0], id),
    bulk: shape.kind === "bulk",
  });
  if (!made.ok) return invalid(...made.error);
  const { compiled, messageId, text } = made.value;

  // What a reader of the record should see: the name the sender knows.
  const told = (part: string): string =>
    linkName === null ? part : part.replaceAll(linkName, "unsubscribe_url");

  const email: EmailRow = {
    id,
    created_at: now,
    kind: shape.kind,
    from: spell(request.from),
    to: shape.to.map(spell),
    cc: shape.cc.map(spell),
    bcc: shape.bcc.map(spell),
    reply_to: request.reply_to.map(spell),
    subject: content.subject,
    message_id: messageId,
    headers: Object.fromEntries(content.headers.map(({ name, value }) => [name, told(value)])),
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
  ];
  if (config.keepsContent)
    entries.push(
      ...bodyEntries(id, "html", content.html && told(content.html)),
      // Text made of html is made again for whoever asks.
      ...bodyEntries(id, "text", content.text === null ? null : text && told(text)),
    );
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
    requestId: context.meta.request_id ?? null,
    sandbox: context.sandbox,
    topic,
    relay,
    scheduledAt,
    expiresAt: email.expires_at,
    entries,
  });
}

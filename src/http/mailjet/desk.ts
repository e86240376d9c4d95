import type { Problem } from "../../core/errors.ts";
import { MB } from "../../core/limits.ts";
import { messageNumber } from "../../core/message-number.ts";
import { err, ok, type Result } from "../../core/result.ts";
import { mailedInCampaign } from "../../db/campaigns.ts";
import { dbOf, ledgerOf } from "../../env.ts";
import { log } from "../../log.ts";
import type { Order } from "../../outbox/rpc.ts";
import { SendEmail } from "../../schema/email.ts";
import type { MailjetIssue } from "../../schema/mailjet-codes.ts";
import { parseMailjet } from "../../schema/mailjet-issues.ts";
import { type MailjetMessage, messageIssues, messageSchema } from "../../schema/mailjet-send.ts";
import { parse } from "../../schema/parse.ts";
import { covers } from "../../smtp/relay-fields.ts";
import { compose } from "../compose.ts";
import type { AppContext } from "../context.ts";
import { problemOf } from "../errors.ts";
import { accept, composeContext } from "../send.ts";
import { settleAll } from "../settle.ts";
import { type ReadyTemplate, readyTemplate } from "../template-cache.ts";
import { withhold } from "./campaign.ts";
import { type MessageError, messageError, messageRefusal, refusalOf } from "./errors.ts";
import { issueOf, spellMailbox, type Translated, translate } from "./translate.ts";

/** Orders handed over in one call hold at most this much, unless a single one is larger. */
const GROUP_BYTES = 8 * MB;

export interface Prepared {
  order: Order;
  customId: string;
  seats: Pick<Translated, "to" | "cc" | "bcc">;
}

/** One request's work: makes orders of messages, and hands them to the outbox. */
export class Desk {
  readonly #c: AppContext;
  /** All messages of a request go to one outbox. */
  readonly #byte = crypto.getRandomValues(new Uint8Array(1))[0]!;
  /** Numbers given away, since two ids of one millisecond may share one. */
  readonly #numbers = new Set<bigint>();
  /** By TemplateID, which is a template's alias here. */
  readonly #templates = new Map<number, ReadyTemplate | "draft" | "unknown">();
  /** By campaign: addresses that were mailed in it. */
  readonly #mailed = new Map<string, Set<string>>();
  /** Mails that tell of errors in templates. */
  readonly #reports: Order[] = [];

  constructor(c: AppContext) {
    this.#c = c;
  }

  read(given: unknown): Result<MailjetMessage, MessageError[]> {
    const parsed = parseMailjet(messageSchema(given), given, "The message");
    if (!parsed.ok) return refused(parsed.error);
    const issues = messageIssues(parsed.value);
    return issues.length > 0 ? refused(issues) : parsed;
  }

  /** Templates, and who has been mailed, for messages that want to know; throws before anything is sent. */
  async lookUp(messages: readonly MailjetMessage[]): Promise<void> {
    for (const { TemplateID } of messages)
      if (TemplateID != null && !this.#templates.has(TemplateID))
        this.#templates.set(TemplateID, await readyTemplate(this.#c.env, String(TemplateID), Date.now()));
    await this.#lookUpCampaigns(messages);
  }

  /** libSQL's word on it, so that without libSQL nothing that asks is sent. */
  async #lookUpCampaigns(messages: readonly MailjetMessage[]): Promise<void> {
    const wanted = new Map<string, Set<string>>();
    for (const message of messages) {
      if (message.DeduplicateCampaign !== true) continue;
      const addresses = wanted.get(message.CustomCampaign!) ?? new Set();
      for (const { mailbox } of [...message.To, ...(message.Cc ?? []), ...(message.Bcc ?? [])])
        addresses.add(mailbox.address);
      wanted.set(message.CustomCampaign!, addresses);
    }
    if (wanted.size === 0) return;
    await settleAll(this.#c);
    const db = dbOf(this.#c.env);
    for (const [campaign, addresses] of wanted)
      this.#mailed.set(campaign, await mailedInCampaign(db, campaign, [...addresses]));
  }

  prepare(message: MailjetMessage, sandboxed: boolean): Result<Prepared, MessageError[]> {
    const { domains } = this.#c.var.caller;
    if (message.Sender != null && domains !== null && !covers(domains, message.Sender.mailbox.address))
      return refused([
        {
          code: "send-0006",
          message: `This API key may not name ${message.Sender.mailbox.domain} as a sender: it is limited to ${domains.join(", ")}.`,
          related: ["Sender"],
        },
      ]);
    const template = this.#templateOf(message);
    if (!template.ok) return refused([template.error]);
    const translated = translate(message, template.value?.content ?? null);
    if (translated.templateErrors.length > 0) {
      if (!sandboxed) this.#report(message, translated);
      if (message.TemplateErrorDeliver !== true)
        return refused(
          translated.templateErrors.map(({ property, message: what }) => ({
            code: "mj-0005",
            message: `The template language of "${property}" cannot be evaluated: ${what}`,
            related: [property],
          })),
        );
    }
    const order = this.#order(translated.email, translated.meta, template.value?.id);
    if (order.ok)
      return ok({
        order: this.#deduplicated(message, order.value),
        customId: translated.meta.custom_id ?? "",
        seats: translated,
      });
    const problem = order.error;
    if ("issues" in problem)
      return refused(
        problem.issues.map((issue) => issueOf(issue, translated, message.Attachments?.length ?? 0)),
      );
    if (problem.kind === "sender_not_allowed")
      return refused([{ code: "send-0008", message: problem.message, related: ["From"] }]);
    return err([messageRefusal(crypto.randomUUID(), refusalOf(problem))]);
  }

  /** Without copies to whom the campaign has reached, and from now on it has reached these too. */
  #deduplicated(message: MailjetMessage, order: Order): Order {
    const mailed = this.#mailed.get(message.CustomCampaign ?? "");
    if (mailed === undefined) return order;
    const { newId, now } = composeContext(this.#c, this.#byte);
    const kept = message.DeduplicateCampaign === true ? withhold(order, mailed, newId, now) : order;
    for (const { address } of kept.deliveries) mailed.add(address);
    return kept;
  }

  /** Null: the message names none. */
  #templateOf(message: MailjetMessage): Result<ReadyTemplate | null, MailjetIssue> {
    if (message.TemplateID == null) return ok(null);
    const issue = (code: MailjetIssue["code"], sentence: string, ...related: string[]) =>
      err<MailjetIssue>({ code, message: sentence, related });
    const template = this.#templates.get(message.TemplateID) ?? "unknown";
    if (template === "unknown")
      return issue("send-0010", `There is no template with the alias "${message.TemplateID}".`, "TemplateID");
    if (template === "draft")
      return issue("send-0010", "The template has no published version.", "TemplateID");
    if (message.HTMLPart)
      return issue("send-0004", "The template has an html part of its own.", "HTMLPart", "TemplateID");
    if (message.From == null && template.content.from === null)
      return issue("mj-0003", '"From" is mandatory but missing, and the template has none.', "From");
    return ok(template);
  }

  #order(
    email: Record<string, unknown>,
    meta: Translated["meta"],
    template?: string,
  ): Result<Order, Problem> {
    const request = parse(SendEmail, email);
    if (!request.ok) return request;
    let context = composeContext(this.#c, this.#byte);
    while (this.#numbers.has(messageNumber(context.id, 0))) context = composeContext(this.#c, this.#byte);
    this.#numbers.add(messageNumber(context.id, 0));
    return compose(request.value, {
      ...context,
      meta: {
        ...context.meta,
        ...(template === undefined ? {} : { template_id: template }),
        mailjet: meta,
      },
    });
  }

  /** A mail to whom TemplateErrorReporting names. That it cannot be made must not keep the message. */
  #report(message: MailjetMessage, { email, templateErrors }: Translated): void {
    if (message.TemplateErrorReporting == null) return;
    const subject = (message.Subject ?? "").replace(/\p{Cc}/gu, " ");
    const order = this.#order(
      {
        from: email.from,
        to: spellMailbox(message.TemplateErrorReporting.mailbox),
        subject: `Template error: ${subject}`,
        text: [
          message.TemplateErrorDeliver === true
            ? "A message was sent although its template has errors:"
            : "A message was not sent because its template has errors:",
          "",
          ...templateErrors.map(({ property, message: what }) => `${property}: ${what}`),
          "",
          `Subject: ${subject}`,
          `To: ${message.To.map((to) => to.email).join(", ")}`,
          ...(message.CustomID ? [`CustomID: ${message.CustomID}`] : []),
        ].join("\n"),
        tracking: { opens: false, clicks: false },
      },
      {},
    );
    if (order.ok) this.#reports.push(order.value);
    else log("template_report_refused", { requestId: this.#c.var.requestId, kind: order.error.kind });
  }

  /** Hands over what was prepared, a few at a time. Those that could not be, with why: the rest is on its way. */
  async hand(prepared: readonly Result<Prepared, unknown>[]): Promise<Map<Order, MessageError>> {
    const orders = [...prepared.flatMap((one) => (one.ok ? [one.value.order] : [])), ...this.#reports];
    const lost = new Map<Order, MessageError>();
    for (const group of groupsOf(orders)) {
      try {
        await this.#take(group);
      } catch (cause) {
        log("mailjet_send_failed", {
          requestId: this.#c.var.requestId,
          messages: group.length,
          cause: String(cause),
        });
        const refusal = refusalOf(problemOf(cause));
        for (const order of group) lost.set(order, messageRefusal(crypto.randomUUID(), refusal));
      }
    }
    return lost;
  }

  async #take(group: readonly Order[]): Promise<void> {
    const sent = group.filter(({ deliveries }) => deliveries.length > 0);
    if (sent.length > 0) await accept(this.#c, sent, null, null);
    // What nobody gets has no place in the outbox, but on the record.
    const idle = group.filter(({ deliveries }) => deliveries.length === 0);
    for (const { id, entries } of idle)
      await ledgerOf(this.#c.env, this.#c.var.config.shards, id).append(entries);
  }
}

const refused = (issues: readonly MailjetIssue[]) =>
  err(issues.map((issue) => messageError(crypto.randomUUID(), issue)));

function groupsOf(orders: readonly Order[]): Order[][] {
  const groups: Order[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const order of orders) {
    const size = order.bytes?.length ?? 0;
    if (bytes + size > GROUP_BYTES) {
      groups.push([]);
      bytes = 0;
    }
    groups.at(-1)!.push(order);
    bytes += size;
  }
  return groups;
}

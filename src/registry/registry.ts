/**
 * The registry: one Durable Object that holds what the gateway is told by its people and must know while libSQL is away, in
 * its own SQLite. Thin: each kind of thing is in a file of its own.
 */
import { DurableObject } from "cloudflare:workers";
import { Alarm } from "../core/alarm.ts";
import { uuidv7 } from "../core/ids.ts";
import { WEBHOOK_PUSH_RETRY_MS } from "../core/limits.ts";
import { allLedgers, allOutboxes, type Env, readConfig } from "../env.ts";
import { log } from "../log.ts";
import { rulesWith } from "../policy/suppression-rules.ts";
import type { NewSuppression, Suppression, SuppressionFact } from "../schema/suppression.ts";
import type { EndpointSet } from "../schema/webhook.ts";
import { ApiKeys } from "./api-keys.ts";
import { Notices } from "./notices.ts";
import { Protection } from "./protection.ts";
import type { ApiKey, NewApiKey, NewWebhook, RegistryRpc, Webhook, WebhookChange } from "./rpc.ts";
import type {
  AddedSuppression,
  ErasedSuppressions,
  ReplicaState,
  Shipment,
  SuppressionQuery,
  SuppressionTarget,
} from "./suppression-rpc.ts";
import type { TemplateRpc } from "./template-rpc.ts";
import { Templates } from "./templates.ts";
import { Webhooks } from "./webhooks.ts";

type Args<Name extends keyof TemplateRpc> = Parameters<TemplateRpc[Name]>;

const newId = (now: number): string => uuidv7(now, crypto.getRandomValues(new Uint8Array(10)));

export class Registry extends DurableObject<Env> implements RegistryRpc, TemplateRpc {
  readonly #keys: ApiKeys;
  readonly #webhooks: Webhooks;
  readonly #templates: Templates;
  readonly #protection: Protection;
  readonly #notices: Notices;
  /** Every ledger has the list of webhooks, as far as this instance knows: one that has just started tells them once. */
  #ledgersKnow = false;
  readonly #alarm: Alarm;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#alarm = new Alarm((at) => void ctx.storage.setAlarm(at), Date.now);
    this.#keys = new ApiKeys(ctx.storage.sql);
    this.#webhooks = new Webhooks(ctx.storage.sql);
    this.#templates = new Templates(ctx.storage.sql);
    this.#notices = new Notices({
      sql: ctx.storage.sql,
      isWanted: (type) => this.#webhooks.wants(type),
      ledger: () => {
        const config = readConfig(env);
        return config.ok ? (allLedgers(env, config.value.shards)[0] ?? null) : null;
      },
      newId,
      report: log,
    });
    const config = readConfig(env);
    this.#protection = new Protection({
      ruleOf: rulesWith(config.ok ? config.value.suppression : new Map()),
      storage: ctx.storage,
      outboxes: () => {
        const config = readConfig(env);
        return config.ok ? allOutboxes(env, config.value.shards) : [];
      },
      newId,
      now: Date.now,
      wakeBy: (at) => this.#alarm.by(at),
      keep: (promise) => ctx.waitUntil(promise),
      told: (type, entries) => {
        if (!this.#notices.add(type, entries, Date.now())) return;
        this.#alarm.by(Date.now() + WEBHOOK_PUSH_RETRY_MS);
        ctx.waitUntil(this.#notices.deliver());
      },
      report: log,
    });
    // There is only one alarm, and that of the last life may be sooner than what this one asks for first.
    ctx.blockConcurrencyWhile(async () => {
      this.#alarm.found(await ctx.storage.getAlarm());
    });
  }

  async createKey(key: NewApiKey): Promise<void> {
    this.#keys.insert(key);
  }

  async findKey(hash: string): Promise<ApiKey | null> {
    return this.#keys.use(hash, Date.now());
  }

  async listKeys(): Promise<ApiKey[]> {
    return this.#keys.all();
  }

  async renameKey(id: string, name: string): Promise<boolean> {
    return this.#keys.rename(id, name);
  }

  async removeKey(id: string): Promise<boolean> {
    return this.#keys.remove(id);
  }

  async takeFromKey(id: string): Promise<number | null> {
    return this.#keys.take(id, Date.now());
  }

  async createWebhook(webhook: NewWebhook): Promise<void> {
    this.#webhooks.insert(webhook);
    await this.#tellLedgers();
  }

  async listWebhooks(): Promise<Webhook[]> {
    return this.#webhooks.all();
  }

  async findWebhook(id: string): Promise<Webhook | null> {
    return this.#webhooks.find(id);
  }

  async updateWebhook(id: string, change: WebhookChange): Promise<boolean> {
    if (!this.#webhooks.update(id, change, Date.now())) return false;
    await this.#tellLedgers();
    return true;
  }

  async rotateWebhook(id: string, secret: string): Promise<boolean> {
    if (!this.#webhooks.rotate(id, secret, Date.now())) return false;
    await this.#tellLedgers();
    return true;
  }

  async removeWebhook(id: string): Promise<boolean> {
    if (!this.#webhooks.remove(id)) return false;
    await this.#tellLedgers();
    return true;
  }

  async disableWebhook(id: string, url: string, reason: string): Promise<void> {
    const webhook = this.#webhooks.find(id);
    if (webhook === null || webhook.endpoint !== url || !webhook.enabled) return;
    log("webhook_disabled", { id, reason });
    await this.updateWebhook(id, { enabled: false, reason });
  }

  async endpoints(): Promise<EndpointSet> {
    return this.#webhooks.set();
  }

  /** Ledgers and outboxes that were out of reach. Never throws: the platform gives up on alarms that do. */
  override async alarm(): Promise<void> {
    this.#alarm.rang();
    if (!this.#ledgersKnow) await this.#tellLedgers();
    await this.#protection.tick();
    if (this.#notices.isPending && !(await this.#notices.deliver()))
      this.#alarm.by(Date.now() + WEBHOOK_PUSH_RETRY_MS);
  }

  /** Never throws: the change is kept, and a ledger that starts asks for the list itself. */
  async #tellLedgers(): Promise<void> {
    const config = readConfig(this.env);
    if (!config.ok) return;
    const set = this.#webhooks.set();
    const told = await Promise.allSettled(
      allLedgers(this.env, config.value.shards).map((ledger) => ledger.setEndpoints(set)),
    );
    const missed = told.filter(({ status }) => status === "rejected");
    this.#ledgersKnow = missed.length === 0;
    if (this.#ledgersKnow) return;
    log("webhooks_not_told", { ledgers: missed.length, retryMs: WEBHOOK_PUSH_RETRY_MS });
    this.#alarm.by(Date.now() + WEBHOOK_PUSH_RETRY_MS);
  }

  async createTemplate(...args: Args<"createTemplate">) {
    return this.#templates.create(args, Date.now());
  }

  async updateTemplate(...args: Args<"updateTemplate">) {
    return this.#templates.update(args, Date.now());
  }

  async findTemplate(ref: string) {
    return this.#templates.find(ref);
  }

  async listTemplates(...args: Args<"listTemplates">) {
    return this.#templates.list(args);
  }

  async publishTemplate(ref: string) {
    return this.#templates.publish(ref, Date.now());
  }

  async removeTemplate(ref: string) {
    return this.#templates.remove(ref);
  }

  async sendableTemplate(ref: string) {
    return this.#templates.sendable(ref);
  }

  async addSuppressions(entries: NewSuppression[]): Promise<AddedSuppression[]> {
    return this.#protection.addSuppressions(entries);
  }

  async importSuppressions(entries: NewSuppression[]): Promise<{ added: number; already: number }> {
    return this.#protection.importSuppressions(entries);
  }

  async removeSuppressions(target: SuppressionTarget): Promise<Suppression[]> {
    return this.#protection.removeSuppressions(target);
  }

  async findSuppressions(target: SuppressionTarget): Promise<Suppression[]> {
    return this.#protection.findSuppressions(target);
  }

  async listSuppressions(query: SuppressionQuery): Promise<{ rows: Suppression[]; hasMore: boolean }> {
    return this.#protection.listSuppressions(query);
  }

  async learn(facts: SuppressionFact[]): Promise<void> {
    return this.#protection.learn(facts);
  }

  async suppressionsSince(state: ReplicaState): Promise<Shipment> {
    return this.#protection.suppressionsSince(state);
  }

  async eraseSuppressed(address: string): Promise<ErasedSuppressions> {
    this.#notices.erase(address);
    return this.#protection.eraseSuppressed(address);
  }
}

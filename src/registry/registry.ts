/**
 * The registry: one Durable Object that holds what the gateway is told by its people and must know while libSQL is away, in
 * its own SQLite. Thin: each kind of thing is in a file of its own.
 */
import { DurableObject } from "cloudflare:workers";
import { WEBHOOK_PUSH_RETRY_MS } from "../core/limits.ts";
import { allLedgers, type Env, readConfig } from "../env.ts";
import { log } from "../log.ts";
import type { EndpointSet } from "../schema/webhook.ts";
import { ApiKeys } from "./api-keys.ts";
import type { ApiKey, NewApiKey, NewWebhook, RegistryRpc, Webhook, WebhookChange } from "./rpc.ts";
import type { TemplateRpc } from "./template-rpc.ts";
import { Templates } from "./templates.ts";
import { Webhooks } from "./webhooks.ts";

type Args<Name extends keyof TemplateRpc> = Parameters<TemplateRpc[Name]>;

export class Registry extends DurableObject<Env> implements RegistryRpc, TemplateRpc {
  readonly #keys: ApiKeys;
  readonly #webhooks: Webhooks;
  readonly #templates: Templates;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#keys = new ApiKeys(ctx.storage.sql);
    this.#webhooks = new Webhooks(ctx.storage.sql);
    this.#templates = new Templates(ctx.storage.sql);
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

  /** Ledgers that were out of reach. */
  override async alarm(): Promise<void> {
    await this.#tellLedgers();
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
    if (missed.length === 0) return;
    log("webhooks_not_told", { ledgers: missed.length, retryMs: WEBHOOK_PUSH_RETRY_MS });
    await this.ctx.storage.setAlarm(Date.now() + WEBHOOK_PUSH_RETRY_MS);
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
}

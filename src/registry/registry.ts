/**
 * The registry: one Durable Object that holds what the gateway is told by its people and must know while libSQL is away, in
 * its own SQLite. Thin: each kind of thing is in a file of its own.
 */
import { DurableObject } from "cloudflare:workers";
import type { Env } from "../env.ts";
import { ApiKeys } from "./api-keys.ts";
import type { ApiKey, NewApiKey, RegistryRpc } from "./rpc.ts";

export class Registry extends DurableObject<Env> implements RegistryRpc {
  readonly #keys: ApiKeys;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#keys = new ApiKeys(ctx.storage.sql);
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
}

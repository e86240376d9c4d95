/** What other rooms may ask of the registry. The class is `Registry` in registry.ts. Times in milliseconds since 1970. */

import type { Frequency } from "../schema/frequency.ts";

export type Permission = "full_access" | "sending_access";

export interface ApiKey {
  id: string;
  name: string;
  /** The first characters of the key, by which a person knows it again. */
  hint: string;
  permission: Permission;
  /** Sender domains it may send for, in lower case; null: all. */
  domains: string[] | null;
  /** Null: no limit. */
  rate: Frequency | null;
  /** Everything it sends runs without the dialogue with a relay. */
  sandbox: boolean;
  createdAt: number;
  /** Null: never used. Kept to about half a minute. */
  lastUsedAt: number | null;
  /** Null: never. */
  expiresAt: number | null;
}

/** `hash`: SHA-256 of the whole key, base64url. The key itself is kept nowhere. */
export type NewApiKey = Omit<ApiKey, "lastUsedAt"> & { hash: string };

export interface RegistryRpc {
  createKey(key: NewApiKey): Promise<void>;
  /** The key of a hash, which counts as used now; null when there is none or its time is over. */
  findKey(hash: string): Promise<ApiKey | null>;
  /** Newest first. */
  listKeys(): Promise<ApiKey[]>;
  /** False: there is no such key. */
  renameKey(id: string, name: string): Promise<boolean>;
  removeKey(id: string): Promise<boolean>;
  /** Counts one request of a key with a rate: the tokens left, or what is missing as a negative number; null: no limit. */
  takeFromKey(id: string): Promise<number | null>;
}

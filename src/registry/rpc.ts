/** What other rooms may ask of the registry. The class is `Registry` in registry.ts. Times in milliseconds since 1970. */

import type { Frequency } from "../schema/frequency.ts";
import type { CallbackEvent, CallbackVersion } from "../schema/mailjet-callback.ts";
import type { EndpointSet } from "../schema/webhook.ts";
import type { SuppressionRpc } from "./suppression-rpc.ts";

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

export interface Webhook {
  id: string;
  /** Its URL. */
  endpoint: string;
  /** Types it wants; null: every one. */
  events: string[] | null;
  enabled: boolean;
  disabledAt: number | null;
  /** For a person; null while it is enabled. */
  disabledReason: string | null;
  /** `whsec_…`, the newest. */
  secret: string;
  createdAt: number;
  /** Made in Mailjet's dialect, and told in it; null: ours. */
  mailjet: MailjetCallback | null;
}

export interface MailjetCallback {
  event: CallbackEvent;
  version: CallbackVersion;
}

export type NewWebhook = Pick<Webhook, "id" | "endpoint" | "events" | "secret" | "createdAt"> & {
  /** Absent: ours. */
  mailjet?: MailjetCallback;
};

/** Absent: as it is. `reason` goes with `enabled: false`. */
export interface WebhookChange {
  endpoint?: string;
  events?: string[] | null;
  enabled?: boolean;
  reason?: string;
  mailjet?: MailjetCallback;
}

export interface RegistryRpc extends SuppressionRpc {
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
  /** Every ledger knows of a change to webhooks when it resolves; one that cannot be reached is told again and again. */
  createWebhook(webhook: NewWebhook): Promise<void>;
  /** Newest first. */
  listWebhooks(): Promise<Webhook[]>;
  findWebhook(id: string): Promise<Webhook | null>;
  /** False: there is no such webhook. */
  updateWebhook(id: string, change: WebhookChange): Promise<boolean>;
  rotateWebhook(id: string, secret: string): Promise<boolean>;
  removeWebhook(id: string): Promise<boolean>;
  /** From a ledger: the endpoint will not have it, or fails for days. Ignored when its URL is another by now. */
  disableWebhook(id: string, url: string, reason: string): Promise<void>;
  /** All endpoints, for a ledger that starts. */
  endpoints(): Promise<EndpointSet>;
}

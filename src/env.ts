/**
 * Bindings and variables: the only file that knows their names. Everything else takes a Config, a stub or a Db.
 */
import { z } from "zod";
import { type EmailId, shardOf } from "./core/ids.ts";
import { SMTP_BERTHS, TRACKING_BASE_CHARS } from "./core/limits.ts";
import { err, ok, type Result } from "./core/result.ts";
import { type Db, openDb } from "./db/client.ts";
import { checkFit } from "./db/version.ts";
import type { Ledger } from "./ledger/ledger.ts";
import { type DkimKey, parseDkim } from "./message/dkim-keys.ts";
import type { Outbox } from "./outbox/outbox.ts";
import type { SuppressionRule } from "./policy/suppression.ts";
import { parseSuppressionRules } from "./policy/suppression-rules.ts";
import type { Registry } from "./registry/registry.ts";
import { type Frequency, frequency } from "./schema/frequency.ts";
import { parseRetention, type Retention } from "./schema/retention.ts";
import { parseRelays, parseRelayUrl, type Relay } from "./smtp/relay.ts";

/** Every variable, with what it is for. `npm start` and `npm run dev` hand on exactly these. */
export const VARIABLES = [
  "API_KEY",
  "SIGNING_SECRET",
  "PUBLIC_URL",
  "TRACKING_HOSTS",
  "SMTP_URL",
  "RELAYS",
  "PACES",
  "EHLO_NAME",
  "DKIM",
  "LIBSQL_URL",
  "LIBSQL_AUTH_TOKEN",
  "BOUNCE_DOMAIN",
  "SUPPRESSION",
  "VISITOR_ADDRESSES",
  "CONTENT",
  "RETENTION_DAYS",
  "SHARDS",
  "WEBHOOK_PRIVATE",
] as const;

/** What the platform hands to the worker. A variable is text, or absent. */
export type Env = {
  OUTBOX: DurableObjectNamespace<Outbox>;
  LEDGER: DurableObjectNamespace<Ledger>;
  /** The embedded store's object; absent where STORE_SERVER is there. */
  STORE?: DurableObjectNamespace;
  REGISTRY: DurableObjectNamespace<Registry>;
  /** Under `npm start`: a way out that leads to public addresses only, whatever a name resolves to. */
  PUBLIC_INTERNET?: Fetcher;
  /** Under `npm start`: the embedded store in a process of its own. */
  STORE_SERVER?: Fetcher;
} & { [name in (typeof VARIABLES)[number]]?: string | null };

export interface Config {
  /** The root key: may do everything. */
  apiKey: string;
  /** Secrets of tokens and links. The first signs, all verify. */
  signingSecrets: [string, ...string[]];
  /** Base of tracking links without a slash at the end; null: the origin of the request that sends. */
  publicUrl: string | null;
  /** Sender domains with a base of their own for tracking links, in lower case, without a slash at the end. */
  trackingHosts: ReadonlyMap<string, string>;
  /** In order of preference. Empty: nothing can be sent, and the API says so. */
  relays: Relay[];
  /** How fast mail may go to a destination domain; "*" is every other one. */
  paces: ReadonlyMap<string, Frequency>;
  /** What we call ourselves in EHLO; a relay's own `ehlo` goes first. */
  ehloName: string;
  /** Keys that sign mail, each for a sender domain. */
  dkim: DkimKey[];
  /** Null: the embedded store. */
  libsql: { url: string; authToken: string | null } | null;
  /** Domain of return paths; null: the envelope sender is the From address. */
  bounceDomain: string | null;
  /** Rows of the table of what closes an address, in the place of its own. */
  suppression: ReadonlyMap<string, SuppressionRule>;
  /** What is kept of the address that a pixel or link was fetched from. */
  visitorAddresses: "full" | "truncated" | "none";
  /** Whether html and text are kept in libSQL. */
  keepsContent: boolean;
  /** For how long what is kept. */
  retention: Retention;
  /** How many outboxes and ledgers share the work. Change it only with empty queues. */
  shards: number;
  /** Whether webhooks may go to private addresses, and without TLS. */
  webhookPrivate: boolean;
}

const hostname = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i;
const absent = (value: unknown) => (value === null || value === "" ? undefined : value);
const optional = <T extends z.ZodType>(schema: T) => z.preprocess(absent, schema.optional());

/** What tracking links begin with: nothing that quoted-printable or an attribute would have to escape. */
const baseUrl = z
  .string("must be a URL")
  .refine(
    (text) => /^https?:\/\/[A-Za-z0-9._~:/[\]-]+$/.test(text) && URL.canParse(text),
    "must be a plain http(s) URL such as https://mail.example.com",
  )
  .refine((text) => text.length <= TRACKING_BASE_CHARS, `is longer than ${TRACKING_BASE_CHARS} characters`)
  .transform((text) => text.replace(/\/+$/, ""));
const TRACKING_HOSTS_FORM = 'must be a JSON object such as {"example.com": "https://links.example.com"}';
const PACES_FORM = 'must be a JSON object such as {"gmail.com": "20/s", "*": "50/s"}';

const json = (form: string) =>
  z.string().transform((text, ctx) => {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      ctx.addIssue({ code: "custom", message: form });
      return z.NEVER;
    }
  });

const Variables = z.object({
  API_KEY: z.preprocess(
    absent,
    z
      .string("is not set: choose a long random key, callers send it as `Authorization: Bearer …`")
      // It comes in an Authorization header, where a space ends it and nothing beyond ASCII is sure to arrive.
      .regex(/^[\x21-\x7e]+$/, "must be visible ASCII characters without spaces"),
  ),
  SIGNING_SECRET: z.preprocess(
    absent,
    z
      .string("is not set: give at least 16 random characters; they sign tracking links")
      .transform((text) => text.split(",").map((part) => part.trim()))
      .refine(
        (parts) => parts.every((part) => part.length >= 16),
        "needs at least 16 characters in each part",
      ),
  ),
  PUBLIC_URL: optional(baseUrl),
  TRACKING_HOSTS: optional(
    json(TRACKING_HOSTS_FORM).pipe(
      z.record(z.string().regex(hostname, TRACKING_HOSTS_FORM), baseUrl, TRACKING_HOSTS_FORM),
    ),
  ),
  SMTP_URL: optional(z.string()),
  RELAYS: optional(z.string()),
  PACES: optional(
    json(PACES_FORM).pipe(
      z.record(
        z.string().regex(/^(\*|[a-z0-9.-]+)$/i, PACES_FORM),
        z.string(PACES_FORM).transform((text, ctx) => {
          const pace = frequency(text);
          if (pace !== null) return pace;
          ctx.addIssue({ code: "custom", message: PACES_FORM });
          return z.NEVER;
        }),
        PACES_FORM,
      ),
    ),
  ),
  EHLO_NAME: optional(z.string().regex(hostname, "must be a host name such as mail.example.com")),
  DKIM: optional(z.string()),
  LIBSQL_URL: optional(z.string().regex(/^(libsql|https?):\/\//, "must be a libsql:, https: or http: URL")),
  LIBSQL_AUTH_TOKEN: optional(z.string()),
  BOUNCE_DOMAIN: optional(z.string().regex(hostname, "must be a domain such as bounces.example.com")),
  SUPPRESSION: optional(z.string()),
  VISITOR_ADDRESSES: optional(z.enum(["full", "truncated", "none"], "must be full, truncated or none")),
  CONTENT: optional(z.enum(["stored", "none"], "must be stored or none")),
  RETENTION_DAYS: optional(z.string()),
  SHARDS: optional(
    z.coerce.number("must be a number").int().min(1, "must be 1 to 64").max(64, "must be 1 to 64"),
  ),
  WEBHOOK_PRIVATE: optional(z.enum(["allow", "refuse"], "must be allow or refuse")),
});

const FOR_EVER: Retention = { bodies: null, events: null };

const known = new WeakMap<object, Result<Config, string>>();

/** The configuration, or one line saying which variable is wrong and what would be right. Never holds a secret. */
export function readConfig(env: Env): Result<Config, string> {
  let config = known.get(env);
  if (config === undefined) {
    config = parseConfig(env);
    known.set(env, config);
  }
  return config;
}

/** As readConfig, for any record of variables. */
export function parseConfig(
  variables: Partial<Record<(typeof VARIABLES)[number], unknown>>,
): Result<Config, string> {
  const parsed = Variables.safeParse(variables);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    return err(`${issue.path.join(".")} ${issue.message}`);
  }
  const v = parsed.data;
  const relays: Relay[] = [];
  if (v.SMTP_URL !== undefined) {
    const relay = parseRelayUrl(v.SMTP_URL);
    if (!relay.ok) return err(`SMTP_URL ${relay.error}`);
    relays.push(relay.value);
  }
  if (v.RELAYS !== undefined) {
    const list = parseRelays(v.RELAYS);
    if (!list.ok) return err(`RELAYS ${list.error}`);
    relays.push(...list.value);
  }
  const twice = relays.find((relay, i) => relays.findIndex((other) => other.name === relay.name) !== i);
  if (twice !== undefined)
    return err(`RELAYS names "${twice.name}" twice; each relay needs a name of its own`);
  const dkim = v.DKIM === undefined ? ok([]) : parseDkim(v.DKIM);
  if (!dkim.ok) return err(`DKIM ${dkim.error}`);
  const retention = v.RETENTION_DAYS === undefined ? ok(FOR_EVER) : parseRetention(v.RETENTION_DAYS);
  if (!retention.ok) return err(`RETENTION_DAYS ${retention.error}`);
  const suppression = v.SUPPRESSION === undefined ? ok(new Map()) : parseSuppressionRules(v.SUPPRESSION);
  if (!suppression.ok) return err(`SUPPRESSION ${suppression.error}`);
  if (v.LIBSQL_URL !== undefined && !isUsable(v.LIBSQL_URL))
    return err(
      "LIBSQL_URL must be a URL such as libsql://name.turso.io or http://127.0.0.1:8080, with no parameter but tls and authToken",
    );
  const publicHost = v.PUBLIC_URL === undefined ? null : new URL(v.PUBLIC_URL).hostname;
  return ok({
    apiKey: v.API_KEY,
    signingSecrets: v.SIGNING_SECRET as [string, ...string[]],
    publicUrl: v.PUBLIC_URL ?? null,
    trackingHosts: new Map(
      Object.entries(v.TRACKING_HOSTS ?? {}).map(([domain, base]) => [domain.toLowerCase(), base]),
    ),
    relays,
    paces: new Map(Object.entries(v.PACES ?? {}).map(([domain, pace]) => [domain.toLowerCase(), pace])),
    ehloName: v.EHLO_NAME ?? (publicHost !== null && hostname.test(publicHost) ? publicHost : "localhost"),
    dkim: dkim.value,
    libsql: v.LIBSQL_URL === undefined ? null : { url: v.LIBSQL_URL, authToken: v.LIBSQL_AUTH_TOKEN ?? null },
    bounceDomain: v.BOUNCE_DOMAIN ?? null,
    suppression: suppression.value,
    visitorAddresses: v.VISITOR_ADDRESSES ?? "truncated",
    keepsContent: v.CONTENT !== "none",
    retention: retention.value,
    shards: v.SHARDS ?? 1,
    webhookPrivate: v.WEBHOOK_PRIVATE === "allow",
  });
}

/** Whether the client takes it; it opens nothing yet. */
function isUsable(url: string): boolean {
  try {
    openDb({ url, authToken: null });
    return true;
  } catch {
    return false;
  }
}

/** The base of tracking links for a sender domain: its own, its parent domain's, or null for the common one. */
export function trackingHostOf(config: Config, domain: string): string | null {
  for (let name = domain; name !== ""; name = name.slice(name.indexOf(".") + 1)) {
    const base = config.trackingHosts.get(name);
    if (base !== undefined) return base;
    if (!name.includes(".")) return null;
  }
  return null;
}

/** A client of libSQL, for one request or one object: the configured server, or the embedded store. */
export function dbOf(env: Env): Db {
  const config = readConfig(env);
  const libsql = config.ok ? config.value.libsql : null;
  if (libsql !== null)
    return openDb({ ...libsql, ready: () => checkFit(libsql.url, () => openDb(libsql), Date.now()) });
  const store = env.STORE_SERVER ?? env.STORE!.get(env.STORE!.idFromName("store"));
  return openDb({
    url: "http://store",
    authToken: null,
    fetch: (request: Request) => store.fetch(request),
  });
}

/** How many connections an object may have at a time: Cloudflare gives six, a machine of one's own as many as are asked for. */
export const connectionsOf = ({ PUBLIC_INTERNET }: Env): number =>
  PUBLIC_INTERNET === undefined ? SMTP_BERTHS : Number.POSITIVE_INFINITY;

/** The outbox and the ledger that own a message, and all of them. */
export const outboxOf = (env: Env, shards: number, id: EmailId) =>
  env.OUTBOX.get(env.OUTBOX.idFromName(`outbox-${shardOf(id, shards)}`));
export const ledgerOf = (env: Env, shards: number, id: EmailId) =>
  env.LEDGER.get(env.LEDGER.idFromName(`ledger-${shardOf(id, shards)}`));
/** Whether an object is the ledger that does what is to be done once for all of them. */
export const isFirstLedger = (env: Env, id: DurableObjectId) => id.equals(env.LEDGER.idFromName("ledger-0"));
export const allOutboxes = (env: Env, shards: number) =>
  Array.from({ length: shards }, (_, i) => env.OUTBOX.get(env.OUTBOX.idFromName(`outbox-${i}`)));
export const allLedgers = (env: Env, shards: number) =>
  Array.from({ length: shards }, (_, i) => env.LEDGER.get(env.LEDGER.idFromName(`ledger-${i}`)));

/** The one object that holds keys and whatever else people set by the API. */
export const registryOf = (env: Env) => env.REGISTRY.get(env.REGISTRY.idFromName("registry"));

/** What calls addresses that callers choose: webhook endpoints, files to attach. A name may lead to a private address: where there is a network that refuses them, it is used. */
export function publicFetchOf(env: Env): (url: string, init: RequestInit) => Promise<Response> {
  const config = readConfig(env);
  const network = config.ok && config.value.webhookPrivate ? undefined : env.PUBLIC_INTERNET;
  return (url, init) => (network === undefined ? fetch(url, init) : network.fetch(url, init));
}

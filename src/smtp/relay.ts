/**
 * A relay as its owner configured it: SMTP_URL and RELAYS, parsed once at the door. Errors are one line that name the
 * field and what would be right; they never repeat what was written, because a password may be in it.
 */
import { z } from "zod";
import {
  SMTP_CONNECTIONS_DEFAULT,
  SMTP_CONNECTIONS_MAX,
  SMTP_MESSAGES_PER_CONNECTION,
} from "../core/limits.ts";
import { err, ok, type Result } from "../core/result.ts";
import { type Frequency, frequency } from "../schema/frequency.ts";
import { AUTH_MECHANISMS, type AuthMechanism, type Credentials } from "./auth.ts";
import { type OAuth, oauthField } from "./oauth.ts";
import { isPattern } from "./relay-fields.ts";

/**
 * implicit: TLS from the first byte. required: STARTTLS or nothing. opportunistic: STARTTLS when it works, and never a
 * password in clear. none: never TLS; the only policy under which a password travels in clear.
 */
export const TLS_POLICIES = ["implicit", "required", "opportunistic", "none"] as const;
export type TlsPolicy = (typeof TLS_POLICIES)[number];

export interface Relay {
  /** What people and the `relay` field of a request call it. Default: the host. */
  name: string;
  /** A-labels, lower case; an IPv6 address is in brackets. */
  host: string;
  /** Null: 587, 465 and 2525 are tried in this order, and the one that works is remembered. */
  port: number | null;
  /** Port 465 is implicit unless this is "none": see `tlsOn`. */
  tls: TlsPolicy;
  credentials: Credentials | null;
  /** What access tokens are made with, instead of a password; null: there is a password, or no login. */
  oauth: OAuth | null;
  /** Null: chosen from what the relay offers. */
  auth: AuthMechanism | null;
  /** Messages go by BDAT (RFC 3030) where the relay offers CHUNKING and PIPELINING. */
  bdat: boolean;
  /** The name in EHLO; null is the gateway's own. */
  ehlo: string | null;
  /** Patterns of envelope senders and recipients it takes: "*", "example.com", "*@example.com", "news@example.com". */
  from: string[];
  to: string[];
  /** Lower goes first. */
  priority: number;
  /** Share among relays of one priority. */
  weight: number;
  /** Sessions at once, from one object. */
  connections: number;
  messagesPerConnection: number;
  /** Messages over time; null is no limit. */
  rate: Frequency | null;
  quota: Frequency | null;
  /** Envelope sender to use instead, or null. */
  returnPath: string | null;
  /** Its 250 means delivered: there is no other hop. */
  final: boolean;
}

/** Tried in this order when no port is given: submission (RFC 6409), submissions (RFC 8314), what hosts open when both are closed. */
export const DEFAULT_PORTS = [587, 465, 2525] as const;

/** The ports to try, in order; `known` is the one that worked last, or null. */
export function portsOf(relay: Relay, known: number | null): number[] {
  if (relay.port !== null) return [relay.port];
  return known === null ? [...DEFAULT_PORTS] : [known, ...DEFAULT_PORTS.filter((port) => port !== known)];
}

/** The policy on a port. RFC 8314: 465 is TLS from the first byte. */
export const tlsOn = (relay: Relay, port: number): TlsPolicy =>
  port === 465 && relay.tls !== "none" ? "implicit" : relay.tls;

/** The policy when none is given: a password never travels in clear by default. */
const defaultTls = (credentials: Credentials | null): TlsPolicy =>
  credentials === null ? "opportunistic" : "required";

const list = (message: string) =>
  z.union([z.string(), z.array(z.string())], message).transform((value, context) => {
    const patterns = (typeof value === "string" ? value.split(",") : value).map((one) =>
      one.trim().toLowerCase(),
    );
    if (patterns.length === 0 || !patterns.every(isPattern)) {
      context.addIssue({ code: "custom", message });
      return z.NEVER;
    }
    return patterns;
  });
const whole = (low: number, high: number) => {
  const message = `must be a whole number from ${low} to ${high}`;
  return z.coerce.number(message).int(message).min(low, message).max(high, message);
};
const pace = (example: string) =>
  z.string(`must be written like ${example}`).transform((text, context) => {
    const value = frequency(text);
    if (value === null) {
      context.addIssue({ code: "custom", message: `must be written like ${example} (s, m, h or d)` });
      return z.NEVER;
    }
    return value;
  });
const PATTERNS = 'must be "*", a domain such as "example.com", "*@example.com" or an address';

/** What may stand in a URL's query and beside `url` in RELAYS; the same names and rules in both. */
const fields = {
  tls: z.enum(TLS_POLICIES, `must be one of ${TLS_POLICIES.join(", ")}`).optional(),
  auth: z.enum(AUTH_MECHANISMS, `must be one of ${AUTH_MECHANISMS.join(", ")}`).optional(),
  bdat: z.enum(["on", "off"], "must be on or off").optional(),
  ehlo: z
    .string()
    .regex(
      /^(?:[a-z0-9-]+(?:\.[a-z0-9-]+)*|\[[0-9a-f:.]+\])$/i,
      "must be a host name such as mail.example.com",
    )
    .optional(),
  from: list(PATTERNS).optional(),
  to: list(PATTERNS).optional(),
  priority: whole(0, 1000).optional(),
  weight: whole(1, 1000).optional(),
  connections: whole(1, SMTP_CONNECTIONS_MAX).optional(),
  messages: whole(1, 1_000_000).optional(),
  rate: pace('"10/s" or "100/m"').optional(),
  quota: pace('"500/d"').optional(),
  returnPath: z
    .string()
    .regex(/^[^\s@<>]+@[^\s@<>]+$/, "must be an address such as bounces@example.com")
    .optional(),
  final: z
    .union(
      [z.boolean(), z.enum(["true", "false"]).transform((text) => text === "true")],
      "must be true or false",
    )
    .optional(),
};
const name = z
  .string("must be a text")
  .regex(/^[\w][\w.:[\]-]{0,63}$/, "must be up to 64 letters, digits, dots, hyphens and underscores")
  .optional();
const Query = z.strictObject(fields);
const Entry = z.strictObject({
  ...fields,
  name,
  oauth: oauthField.optional(),
  url: z.string("must be given, such as smtp://user:password@mail.example.com:587"),
});
type Fields = z.infer<typeof Query> & { oauth?: OAuth | undefined };

/** The relay of `smtp://user:password@host:587?tls=required` or `smtps://…:465`, or one line saying what is wrong. */
export function parseRelayUrl(url: string, relayName?: string): Result<Relay, string> {
  return build(url, relayName, {});
}

/** The relays of a JSON array of `{name, url, …}`, or one line saying what is wrong: `[1].rate must be …`. */
export function parseRelays(json: string): Result<Relay[], string> {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return err('must be a JSON array such as [{"name": "main", "url": "smtp://mail.example.com:587"}]');
  }
  if (!Array.isArray(value)) return err("must be a JSON array of objects with name and url");
  // Mail would be taken and wait for ever.
  if (value.length === 0) return err("names no relay; name one, or leave RELAYS unset");
  const relays: Relay[] = [];
  for (const [i, item] of value.entries()) {
    const entry = Entry.safeParse(item);
    if (!entry.success) return err(`[${i}]${complaint(entry.error, ".")}`);
    const { url, name: entryName, ...rest } = entry.data;
    const relay = build(url, entryName, rest);
    if (!relay.ok) return err(`[${i}].url ${relay.error}`);
    if (relays.some((other) => other.name === relay.value.name)) {
      return err(`[${i}].name is used twice; each relay needs a name of its own`);
    }
    relays.push(relay.value);
  }
  return ok(relays);
}

function build(text: string, relayName: string | undefined, given: Fields): Result<Relay, string> {
  const scheme = /^(smtps?):\/\//i.exec(text.trim())?.[1]?.toLowerCase();
  if (scheme === undefined) return err("must begin with smtp:// or smtps://");
  let url: URL;
  try {
    url = new URL(text.trim());
  } catch {
    return err(
      "must be smtp://user:password@host:port; write @ : / ? # % in user and password percent-encoded",
    );
  }
  if (url.hash !== "" || (url.pathname !== "" && url.pathname !== "/")) {
    return err(
      "has something after the host; write / ? # in user and password percent-encoded (%2F %3F %23)",
    );
  }
  const host = hostOf(url.hostname);
  if (host === null) return err("must name a host, such as smtp://mail.example.com:587");
  const credentials = credentialsOf(url, given.oauth !== undefined);
  if (!credentials.ok) return credentials;
  const query: Record<string, string> = {};
  for (const [key, value] of url.searchParams) query[key] = value;
  const parsed = Query.safeParse(query);
  // `smtp://user:12?34@host` is a host `user` and a query to the parser: what stands there may be half a password.
  if (!parsed.success && url.username === "" && url.search.includes("@"))
    return err(
      "has a query parameter that is wrong; if the ? is part of the password, write it percent-encoded (%3F)",
    );
  if (!parsed.success) return err(`has a query parameter that is wrong: ${complaint(parsed.error, "")}`);
  const all: Fields = { ...parsed.data, ...given };
  const port = url.port === "" ? (scheme === "smtps" ? 465 : null) : Number(url.port);
  if (port === 0) return err("must have a port from 1 to 65535");
  if (scheme === "smtps" && all.tls !== undefined && all.tls !== "implicit") {
    return err("is smtps://, which is TLS from the first byte; write smtp:// for another tls");
  }
  if (given.oauth !== undefined && all.auth !== undefined && all.auth !== "xoauth2")
    return err("has oauth, which goes with auth=xoauth2 only");
  if (given.oauth !== undefined && credentials.value === null)
    return err("has oauth but no user, as in smtp://you%40example.com@smtp.gmail.com:587");
  if (all.auth !== undefined && credentials.value === null)
    return err("asks for auth but has no user and password");
  return ok({
    name: relayName ?? host,
    host,
    port,
    tls: scheme === "smtps" ? "implicit" : (all.tls ?? defaultTls(credentials.value)),
    credentials: credentials.value,
    oauth: given.oauth ?? null,
    auth: given.oauth === undefined ? (all.auth ?? null) : "xoauth2",
    bdat: all.bdat !== "off",
    ehlo: all.ehlo ?? null,
    from: all.from ?? ["*"],
    to: all.to ?? ["*"],
    priority: all.priority ?? 0,
    weight: all.weight ?? 1,
    connections: all.connections ?? SMTP_CONNECTIONS_DEFAULT,
    messagesPerConnection: all.messages ?? SMTP_MESSAGES_PER_CONNECTION,
    rate: all.rate ?? null,
    quota: all.quota ?? null,
    returnPath: all.returnPath ?? null,
    final: all.final ?? false,
  });
}

/** As A-labels and lower case, by the URL standard's rules for hosts; null when it is none. */
function hostOf(hostname: string): string | null {
  if (hostname === "") return null;
  try {
    const host = new URL(`http://${decodeURIComponent(hostname)}/`);
    return host.username === "" && host.port === "" && host.pathname === "/" ? host.hostname : null;
  } catch {
    return null;
  }
}

/** With `tokens`, the password is made later. */
function credentialsOf(url: URL, tokens: boolean): Result<Credentials | null, string> {
  if (url.username === "" && url.password === "") return ok(null);
  if (url.username === "") return err("has a password but no user");
  if (url.password === "" && !tokens) return err("has a user but no password");
  if (url.password !== "" && tokens) return err("has a password and oauth; one of them is enough");
  try {
    const user = decodeURIComponent(url.username);
    const password = decodeURIComponent(url.password);
    // RFC 4616: a NUL separates the parts of PLAIN, so neither may hold one.
    if (/[\0\r\n]/.test(user + password)) return err("has a NUL or a line break in user or password");
    return ok({ user, password });
  } catch {
    return err("has a % in user or password that is no percent-encoding; write it as %25");
  }
}

/** `field what would be right`, from zod's first issue. Its own messages may repeat input, so only ours are used. */
function complaint(error: z.ZodError, before: string): string {
  const issue = error.issues[0]!;
  if (issue.code === "unrecognized_keys")
    return `${before === "" ? "" : " "}${issue.keys[0]} is not known; known are ${Object.keys(fields).join(", ")}`;
  const path = issue.path.join(".");
  const message =
    issue.code === "invalid_type" && issue.path.length === 0
      ? " must be an object with name and url"
      : ` ${issue.message}`;
  return path === "" ? message : `${before}${path}${message}`;
}

/**
 * Where webhooks may go: public http(s) addresses, unless private ones are allowed. Pure.
 *
 * What is judged is how the URL spells its host. A name that leads to a private address is found out only by who resolves
 * it: under `npm start` workerd's network does (scripts/start/capnp.ts); Cloudflare's has no way into private networks.
 */
import ipaddr from "ipaddr.js";
import { utf8 } from "../core/bytes.ts";
import { WEBHOOK_URL_CHARS } from "../core/limits.ts";
import { err, ok, type Result } from "../core/result.ts";

/** Names that lead nowhere public: RFC 6761, RFC 6762, RFC 8375, ICANN's `internal`, and habits. */
const PRIVATE_NAMES =
  /(^|\.)(localhost|localdomain|local|internal|home\.arpa|lan|intranet|private|corp|home)$/;

const ALLOW = "WEBHOOK_PRIVATE=allow in the configuration permits it";

/** Why a host is not public, or null when nothing speaks against it. `host` as WHATWG's URL spells it: numbers are decimal there. */
export function privateHost(host: string): string | null {
  const name = host
    .replace(/^\[|\]$/g, "")
    .replace(/\.$/, "")
    .toLowerCase();
  if (ipaddr.IPv4.isValidFourPartDecimal(name)) return rangeOf(ipaddr.IPv4.parse(name));
  if (name.includes(":")) return ipaddr.IPv6.isValid(name) ? rangeOf(ipaddr.IPv6.parse(name)) : "no address";
  if (!name.includes(".")) return "a name without a dot, which is known only within a network";
  return PRIVATE_NAMES.test(name) ? "a name of private networks" : null;
}

/** Only what the registries call global unicast passes: IPv6 has many ways to spell an IPv4 address, and none is needed. */
function rangeOf(address: ipaddr.IPv4 | ipaddr.IPv6): string | null {
  const range = address.range();
  if (range !== "unicast") return `a ${SPELLED[range] ?? range} address`;
  return address instanceof ipaddr.IPv6 && (address.parts[0]! & 0xe000) !== 0x2000
    ? "an address outside IPv6's public range"
    : null;
}

const SPELLED: Record<string, string> = {
  carrierGradeNat: "carrier-grade NAT",
  linkLocal: "link-local",
  uniqueLocal: "private",
  ipv4Mapped: "mapped IPv4",
  rfc6145: "translated IPv4",
  rfc6052: "translated IPv4",
};

/**
 * The URL of an endpoint, spelled the canonical way, or what is wrong with it. Checked when it is made and before each call.
 * `withCredentials`: it may hold a user and a password, as Mailjet's do.
 */
export function parseEndpoint(
  text: string,
  allowPrivate: boolean,
  withCredentials = false,
): Result<string, string> {
  if (text.length > WEBHOOK_URL_CHARS) return err(`is longer than ${WEBHOOK_URL_CHARS} characters`);
  if (!URL.canParse(text)) return err("is not a URL such as `https://example.com/webhooks`");
  const url = new URL(text);
  if (url.protocol !== "https:" && url.protocol !== "http:") return err("must begin with https://");
  if (!withCredentials && (url.username !== "" || url.password !== ""))
    return err(
      "holds a user or password, which logs and proxies would see; verify the signature instead, or put a secret into the path",
    );
  if (url.hash !== "") return err("has a fragment (#), which is never sent to a server; leave it out");
  if (allowPrivate) return ok(url.href);
  const reason = privateHost(url.hostname);
  if (reason !== null)
    return err(`leads to a private address: \`${url.hostname.slice(0, 100)}\` is ${reason}; ${ALLOW}`);
  if (url.protocol !== "https:")
    return err(`must begin with https://: the events hold people's addresses; ${ALLOW}`);
  return ok(url.href);
}

/** The address of a file to fetch, spelled the canonical way, or what is wrong with it. Plain http is enough for a file. */
export function parseFileAddress(text: string, allowPrivate: boolean): Result<string, string> {
  if (text.length > WEBHOOK_URL_CHARS) return err(`is longer than ${WEBHOOK_URL_CHARS} characters`);
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol))
    return err("is not the address of a file, such as `https://example.com/invoice.pdf`");
  const url = new URL(text);
  url.hash = "";
  const reason = allowPrivate ? null : privateHost(url.hostname);
  return reason === null
    ? ok(url.href)
    : err(`leads to a private address: \`${url.hostname.slice(0, 100)}\` is ${reason}; ${ALLOW}`);
}

/** A URL without its user and password, and the Authorization they ask for (RFC 7617, UTF-8); null: it has none. */
export function splitCredentials(text: string): { url: string; authorization: string | null } {
  const url = new URL(text);
  if (url.username === "" && url.password === "") return { url: text, authorization: null };
  const pair = [url.username, url.password].map(decoded).join(":");
  url.username = "";
  url.password = "";
  return { url: url.href, authorization: `Basic ${btoa(String.fromCharCode(...utf8(pair)))}` };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // A % of its own.
  }
}

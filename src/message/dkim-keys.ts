/**
 * The variable DKIM: which domains are signed for, with which keys. Parsed once; errors name the field and never hold
 * any of its text, since that may be key material. Not here: signing.
 */
import { createPrivateKey, type KeyObject } from "node:crypto";
import { DKIM_RSA_BITS_MAX, DKIM_RSA_BITS_MIN, DOMAIN_BYTES, LABEL_BYTES } from "../core/limits.ts";
import { err, ok, type Result } from "../core/result.ts";

/** RFC 6376 section 3.3.1 and RFC 8463 section 3; rsa-sha1 must not be used (RFC 8301 section 3.1). */
export type DkimAlgorithm = "rsa-sha256" | "ed25519-sha256";

export interface DkimKey {
  /** `d=`: the signing domain, in lower-case A-labels. */
  domain: string;
  /** `s=`: where the public key stands, `selector._domainkey.domain`. */
  selector: string;
  algorithm: DkimAlgorithm;
  key: KeyObject;
}

const EXAMPLE =
  'a JSON array such as [{"domain": "example.com", "selector": "s1", "key": "-----BEGIN PRIVATE KEY-----…"}]';
const FIELDS = ["domain", "selector", "key"] as const;
const LABEL = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;
/** Names in DNS may have underscores; those of mail domains do not (RFC 6376 section 3.1: sub-domains). */
const SELECTOR_LABEL = /^[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?$/i;

/** The keys of the variable, or one line saying what is wrong and what would be right. */
export function parseDkim(json: string): Result<DkimKey[], string> {
  let list: unknown;
  try {
    list = JSON.parse(json);
  } catch {
    return err(`must be ${EXAMPLE}`);
  }
  if (!Array.isArray(list)) return err(`must be ${EXAMPLE}`);
  const keys: DkimKey[] = [];
  for (const [i, item] of list.entries()) {
    const key = parseEntry(item);
    if (!key.ok) return err(`[${i}]${key.error}`);
    const { domain, selector, algorithm } = key.value;
    for (const other of keys) {
      if (other.domain !== domain) continue;
      if (other.selector === selector)
        return err(`[${i}].selector is used twice for this domain; each key needs a selector of its own`);
      if (other.algorithm === algorithm)
        return err(
          `[${i}].key is a second ${algorithm} key for this domain; keep the one whose record is in DNS`,
        );
    }
    keys.push(key.value);
  }
  return ok(keys);
}

function parseEntry(item: unknown): Result<DkimKey, string> {
  if (typeof item !== "object" || item === null || Array.isArray(item))
    return err(" must be an object with domain, selector and key");
  if (Object.keys(item).some((name) => !(FIELDS as readonly string[]).includes(name)))
    return err(" has a field other than domain, selector and key");
  const given: Record<string, unknown> = { ...item };
  for (const name of FIELDS) {
    if (given[name] === undefined) return err(`.${name} is missing`);
    if (typeof given[name] !== "string") return err(`.${name} must be text`);
  }
  const domain = parseDomain((given.domain as string).trim());
  if (domain === null) return err(".domain must be a domain such as example.com");
  const selector = (given.selector as string).trim().toLowerCase();
  if (!selector.split(".").every((label) => label.length <= LABEL_BYTES && SELECTOR_LABEL.test(label)))
    return err(".selector must be a name such as s1: letters, digits and hyphens, parts divided by dots");
  if (`${selector}._domainkey.${domain}`.length > DOMAIN_BYTES)
    return err(`.selector makes a DNS name longer than ${DOMAIN_BYTES} bytes`);
  const key = parseKey(given.key as string);
  if (!key.ok) return err(`.key ${key.error}`);
  return ok({ domain, selector, ...key.value });
}

/** In lower-case A-labels, as `d=` wants it (RFC 6376 section 3.5); at least two labels, since nobody signs for "com". */
function parseDomain(given: string): string | null {
  // The URL parser does UTS 46, but would also read ports, paths and percent signs.
  if (!/^[\p{L}\p{M}\p{N}.-]+$/u.test(given)) return null;
  const domain = /^[\0-\x7f]*$/.test(given)
    ? given.toLowerCase()
    : (URL.parse(`http://${given}/`)?.hostname ?? "");
  const labels = domain.split(".");
  const isName = labels.every((label) => label.length <= LABEL_BYTES && LABEL.test(label));
  return isName && labels.length > 1 && domain.length <= DOMAIN_BYTES && !/^\d+$/.test(labels.at(-1)!)
    ? domain
    : null;
}

const ARMOUR = /^-----BEGIN ([A-Z0-9 ]+)-----(.*)-----END \1-----$/s;
const NOT_A_KEY = "must be a private key in PKCS#8: PEM, or its base64 in one line";

/** PEM with real line breaks, with `\n` spelled out or with spaces for them (as env files make of it), or bare base64. */
function parseKey(text: string): Result<Pick<DkimKey, "algorithm" | "key">, string> {
  const plain = text.replace(/\\r|\\n/g, "\n").trim();
  const armour = ARMOUR.exec(plain);
  const label = armour?.[1] ?? "PRIVATE KEY";
  if (label.includes("PUBLIC")) return err("is a public key; the private one is wanted here");
  if (label === "ENCRYPTED PRIVATE KEY") return err("is encrypted; give it without a passphrase");
  if (label !== "PRIVATE KEY" && label !== "RSA PRIVATE KEY") return err(NOT_A_KEY);
  const base64 = (armour?.[2] ?? plain).replace(/\s+/g, "");
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return err(NOT_A_KEY);
  const der = Buffer.from(base64, "base64");
  const key = readKey(der, label === "PRIVATE KEY" ? "pkcs8" : "pkcs1");
  if (key === null) return err(NOT_A_KEY);
  if (key.asymmetricKeyType === "ed25519") return ok({ algorithm: "ed25519-sha256", key });
  if (key.asymmetricKeyType !== "rsa") return err("must be an RSA or an Ed25519 key; DKIM knows no other");
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (bits < DKIM_RSA_BITS_MIN || bits > DKIM_RSA_BITS_MAX)
    return err(
      `is an RSA key of ${bits} bits; receivers take ${DKIM_RSA_BITS_MIN} to ${DKIM_RSA_BITS_MAX}, best is 2048`,
    );
  return ok({ algorithm: "rsa-sha256", key });
}

function readKey(der: Buffer, type: "pkcs8" | "pkcs1"): KeyObject | null {
  try {
    return createPrivateKey({ key: der, format: "der", type });
  } catch {
    return null;
  }
}

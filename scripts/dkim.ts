/**
 * `npm run dkim -- example.com [selector] [--ed25519]`: makes keys for signing a domain's mail (RFC 6376): RSA 2048, and
 * with --ed25519 an Ed25519 key besides. Prints the records for DNS and the line of configuration. Writes no file: what it
 * prints last is secret.
 */
import { generateKeyPairSync } from "node:crypto";
import { parseArgs } from "node:util";
import { type DkimAlgorithm, parseDkim } from "../src/message/dkim-keys.ts";

/** A string in a TXT record holds 255 bytes (RFC 1035 section 3.3); longer values are several, joined (RFC 6376 section 3.6.2.2). */
const TXT_STRING_BYTES = 255;
/** RFC 8301 section 3.2 advises it; longer keys take several times as long to sign with. */
const RSA_BITS = 2048;
const USAGE = "usage: npm run dkim -- example.com [selector] [--ed25519]";

interface Made {
  selector: string;
  algorithm: DkimAlgorithm;
  /** PKCS#8, base64 in one line. */
  secret: string;
  record: string;
}

function make(algorithm: DkimAlgorithm, selector: string): Made {
  const { privateKey, publicKey } =
    algorithm === "rsa-sha256"
      ? generateKeyPairSync("rsa", { modulusLength: RSA_BITS })
      : generateKeyPairSync("ed25519");
  const spki = publicKey.export({ type: "spki", format: "der" });
  // RFC 8463 section 4: for Ed25519 the 32 bytes of the key alone, which end its SubjectPublicKeyInfo.
  const [k, p] = algorithm === "rsa-sha256" ? ["rsa", spki] : ["ed25519", spki.subarray(-32)];
  return {
    selector,
    algorithm,
    secret: privateKey.export({ type: "pkcs8", format: "der" }).toString("base64"),
    record: `v=DKIM1; k=${k}; p=${p.toString("base64")}`,
  };
}

const strings = (value: string): string[] => value.match(new RegExp(`.{1,${TXT_STRING_BYTES}}`, "g")) ?? [];

function fail(sentence: string): never {
  console.error(`dkim: ${sentence}`);
  process.exit(2);
}

function readArguments(): { domain: string; selector: string; ed25519: boolean } {
  try {
    const { values, positionals } = parseArgs({
      options: { ed25519: { type: "boolean", default: false } },
      allowPositionals: true,
    });
    const [domain, selector = "postern", ...more] = positionals;
    if (domain === undefined || more.length > 0) fail(USAGE);
    return { domain, selector, ed25519: values.ed25519 };
  } catch {
    fail(USAGE);
  }
}

const given = readArguments();
const made = [make("rsa-sha256", given.selector)];
if (given.ed25519) made.push(make("ed25519-sha256", `${given.selector}-ed25519`));
const variable = JSON.stringify(
  made.map(({ selector, secret }) => ({ domain: given.domain, selector, key: secret })),
);
// Read back as Postern will: what it would refuse is said here, and names come out as it writes them.
const parsed = parseDkim(variable);
if (!parsed.ok) fail(`${parsed.error.replace(/^\[\d+\]\./, "")}; ${USAGE}`);

console.log(
  "1. Publish in DNS (TXT). As a zone file's lines; a web form takes the value without quotes, joined:\n",
);
for (const [i, { record }] of made.entries()) {
  const { domain, selector } = parsed.value[i]!;
  const quoted = strings(record).map((part) => `"${part}"`);
  console.log(`${selector}._domainkey.${domain}. IN TXT ( ${quoted.join("\n    ")} )\n`);
}
console.log("2. Once they can be looked up, give Postern its keys. This line is secret:\n");
console.log(`DKIM='${variable}'`);

/** opendkim as a verifier of DKIM signatures: keys from a file instead of DNS, one run per message. */
import { spawnSync } from "node:child_process";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PROGRAM = ["/usr/sbin/opendkim", "/usr/local/sbin/opendkim"].find(existsSync);

/** A key pair, with what configuration and DNS need of it. */
export interface TestKey {
  /** An entry of the variable DKIM. */
  entry: { domain: string; selector: string; key: string };
  record: { name: string; value: string };
  publicKey: KeyObject;
}

export function testKey(type: "rsa" | "ed25519", domain: string, selector: string): TestKey {
  const { privateKey, publicKey } =
    type === "rsa" ? generateKeyPairSync("rsa", { modulusLength: 2048 }) : generateKeyPairSync("ed25519");
  const spki = publicKey.export({ type: "spki", format: "der" });
  // RFC 8463 section 4: the 32 bytes of the key themselves, which end its SubjectPublicKeyInfo.
  const p = (type === "rsa" ? spki : spki.subarray(-32)).toString("base64");
  return {
    entry: { domain, selector, key: privateKey.export({ type: "pkcs8", format: "pem" }) as string },
    record: { name: `${selector}._domainkey.${domain}`, value: `v=DKIM1; k=${type}; p=${p}` },
    publicKey,
  };
}

/** What came of one signature, in the words of Authentication-Results (RFC 8601). */
export interface Verdict {
  result: string;
  domain: string;
  selector: string;
  algorithm: string;
}

export class OpenDkim {
  readonly #folder: string;

  constructor(records: readonly { name: string; value: string }[]) {
    if (PROGRAM === undefined) throw new Error("opendkim is missing: apt-get install opendkim");
    this.#folder = mkdtempSync(join(tmpdir(), "postern-opendkim-"));
    const keys = join(this.#folder, "keys");
    writeFileSync(keys, records.map(({ name, value }) => `${name} ${value}\n`).join(""));
    writeFileSync(join(this.#folder, "conf"), `Mode v\nTestPublicKeys ${keys}\nAlwaysAddARHeader yes\n`);
  }

  /** One verdict per signature, from the top. `message` as a receiver stores it: CRLF, dots no longer stuffed. */
  verify(message: Uint8Array): Verdict[] {
    const file = join(this.#folder, "message");
    writeFileSync(file, message);
    const run = spawnSync(PROGRAM!, ["-x", join(this.#folder, "conf"), "-vv", "-t", file], {
      encoding: "utf8",
      timeout: 20_000,
    });
    if (run.status !== 0) throw new Error(`opendkim ended with ${run.status}: ${run.stderr}`);
    const results = run.stdout.replace(/\n[ \t]+/g, " ").match(/hname='Authentication-Results'.*/)?.[0];
    if (results === undefined) throw new Error(`opendkim gave no result: ${run.stdout}${run.stderr}`);
    return [...results.matchAll(/ dkim=(\w+)([^;]*)/g)]
      .map(([, result, rest]) => ({
        result: result!,
        domain: property(rest!, "d"),
        selector: property(rest!, "s"),
        algorithm: property(rest!, "a"),
      }))
      .filter(({ algorithm }) => algorithm !== "");
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

const property = (text: string, name: string): string =>
  new RegExp(` header\\.${name}=([^ ;']+)`).exec(text)?.[1] ?? "";

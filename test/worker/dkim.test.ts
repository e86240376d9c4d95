/** DKIM inside workerd: its node:crypto is another implementation (BoringSSL), so keys and signatures are tried there too. */
import { createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { dkimSigners } from "../../src/message/dkim.ts";
import { bodyHash, readFields } from "../../src/message/dkim-canonical.ts";
import { parseDkim } from "../../src/message/dkim-keys.ts";
import {
  bytes,
  check,
  RFC8463_MESSAGE,
  RFC8463_PKCS8,
  RFC8463_SIGNATURES,
  rfc8463Key,
} from "../support/dkim.ts";

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
const ed25519 = createPrivateKey({ key: Buffer.from(RFC8463_PKCS8, "base64"), format: "der", type: "pkcs8" });
const pem = rsa.export({ type: "pkcs8", format: "pem" }) as string;
const publicKey = (selector: string) => createPublicKey(selector === "r" ? rsa : ed25519);

const spellings: [string, string][] = [
  ["PEM", pem],
  ["PEM with \\n spelled out", pem.replaceAll("\n", "\\n")],
  ["base64 in one line", pem.replace(/-----[^-]+-----|\n/g, "")],
  ["PKCS#1 PEM", rsa.export({ type: "pkcs1", format: "pem" }) as string],
];

describe("DKIM in workerd", () => {
  it.each(spellings)("signs with both keys, RSA as %s", (_, key) => {
    const keys = parseDkim(
      JSON.stringify([
        { domain: "example.com", selector: "r", key },
        { domain: "example.com", selector: "e", key: RFC8463_PKCS8 },
      ]),
    );
    if (!keys.ok) throw new Error(keys.error);
    const message = "From: \u00c3\u00bc@example.com\r\nSubject: a\r\n b\r\n\r\n..Hello \r\n\r\n";
    const made = dkimSigners(keys.value)("example.com")!(bytes(message), 1_800_000_000_000);
    expect(
      check(Buffer.from(made).toString("latin1") + message.replace("\n..", "\n."), publicKey),
    ).toMatchObject([
      { tags: { a: "rsa-sha256" }, bodyIsGood: true, signatureIsGood: true },
      { tags: { a: "ed25519-sha256" }, bodyIsGood: true, signatureIsGood: true },
    ]);
  });

  it("hashes and verifies RFC 8463 appendix A as Node does", () => {
    const wire = bytes(RFC8463_MESSAGE);
    expect(bodyHash(wire, readFields(wire).body)).toBe("2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=");
    expect(check(RFC8463_SIGNATURES + RFC8463_MESSAGE, rfc8463Key)).toMatchObject([
      { bodyIsGood: true, signatureIsGood: true },
      { bodyIsGood: true, signatureIsGood: true },
    ]);
  });

  const faults: [string, string, string][] = [
    ["nonsense", "nonsense", "must be a private key in PKCS#8: PEM, or its base64 in one line"],
    ["a key cut short", pem.slice(0, 400), "must be a private key in PKCS#8: PEM, or its base64 in one line"],
    [
      "base64 cut short",
      RFC8463_PKCS8.slice(0, 40),
      "must be a private key in PKCS#8: PEM, or its base64 in one line",
    ],
    ["an EC key", ecKey(), "must be an RSA or an Ed25519 key; DKIM knows no other"],
  ];
  it.each(faults)("refuses %s with the same words", (_, key, error) => {
    const parsed = parseDkim(JSON.stringify([{ domain: "example.com", selector: "s", key }]));
    expect(parsed).toEqual({ ok: false, error: `[0].key ${error}` });
  });
});

function ecKey(): string {
  return generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({
    type: "pkcs8",
    format: "pem",
  }) as string;
}

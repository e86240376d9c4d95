/** `npm run dkim`: what it prints for DNS verifies what its variable signs. */
import { spawnSync } from "node:child_process";
import { createPublicKey, type KeyObject } from "node:crypto";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { dkimSigners } from "../../src/message/dkim.ts";
import { parseDkim } from "../../src/message/dkim-keys.ts";
import { bytes, check } from "../support/dkim.ts";

function run(...args: string[]) {
  const root = join(import.meta.dirname, "../..");
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, "scripts/dkim.ts"), ...args], {
    encoding: "utf8",
    timeout: 20_000,
  });
  return { status, stdout, stderr };
}

/** The key in a record's `p=`. RSA: SubjectPublicKeyInfo; Ed25519: 32 bytes (RFC 8463), with RFC 8410's prefix put back. */
function publicKey(value: string): KeyObject {
  const { k, p } = /^v=DKIM1; k=(?<k>rsa|ed25519); p=(?<p>[A-Za-z0-9+/]+=*)$/.exec(value)!.groups!;
  const der = Buffer.from(p!, "base64");
  const spki = k === "rsa" ? der : Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), der]);
  return createPublicKey({ key: spki, format: "der", type: "spki" });
}

describe("npm run dkim", () => {
  it.each([
    [["example.com"], ["postern"]],
    [["Example.COM", "S1"], ["s1"]],
    [
      ["example.com", "s1", "--ed25519"],
      ["s1", "s1-ed25519"],
    ],
  ])("%j", (args, selectors) => {
    const { status, stdout, stderr } = run(...args);
    expect([status, stderr]).toEqual([0, ""]);
    const records = new Map<string, KeyObject>();
    for (const [, name, data] of stdout.matchAll(/^(\S+)\. IN TXT \( ([^)]*) \)$/gm)) {
      const strings = [...data!.matchAll(/"([^"]*)"/g)].map((match) => match[1]!);
      for (const part of strings) expect(part.length).toBeLessThanOrEqual(255);
      records.set(name!, publicKey(strings.join("")));
    }
    expect([...records.keys()]).toEqual(selectors.map((selector) => `${selector}._domainkey.example.com`));

    const parsed = parseDkim(/^DKIM='(.*)'$/m.exec(stdout)![1]!);
    if (!parsed.ok) throw new Error(parsed.error);
    const message = "From: ada@example.com\r\n\r\nHello\r\n";
    const made = dkimSigners(parsed.value)("example.com")!(bytes(message), 0);
    const checked = check(
      Buffer.from(made).toString("latin1") + message,
      (selector, domain) => records.get(`${selector}._domainkey.${domain}`)!,
    );
    expect(checked.map(({ signatureIsGood }) => signatureIsGood)).toEqual(selectors.map(() => true));
  });

  it.each([
    [[], /^dkim: usage: npm run dkim -- example\.com/],
    [["a.com", "s1", "s2"], /^dkim: usage/],
    [["a.com", "--nonsense"], /^dkim: usage/],
    [["nodomain"], /^dkim: domain must be a domain such as example\.com; usage/],
    [["example.com", "a b"], /^dkim: selector must be a name such as s1/],
  ])("%j is one line and status 2", (args, line) => {
    const { status, stdout, stderr } = run(...args);
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(line);
    expect(stderr.trimEnd()).not.toContain("\n");
  });
});

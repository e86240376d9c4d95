/** DKIM signatures: canonical forms, RFC vectors, and every signature verified a second way (test/support/dkim.ts). */
import { createHash, generateKeyPairSync, sign as signBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { dkimSigners } from "../../src/message/dkim.ts";
import { bodyHash, HeaderInput, readFields } from "../../src/message/dkim-canonical.ts";
import { type DkimKey, parseDkim } from "../../src/message/dkim-keys.ts";
import {
  bytes,
  check,
  RFC8463_MESSAGE,
  RFC8463_PKCS8,
  RFC8463_SIGNATURES,
  relaxedBody,
  relaxedField,
  rfc8463Key,
  split,
} from "../support/dkim.ts";

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const ed25519 = generateKeyPairSync("ed25519");
const pem = (pair: typeof rsa) => pair.privateKey.export({ type: "pkcs8", format: "pem" }) as string;

function keysOf(...entries: { domain: string; selector: string; key: string }[]): DkimKey[] {
  const parsed = parseDkim(JSON.stringify(entries));
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}
const both = keysOf(
  { domain: "example.com", selector: "r", key: pem(rsa) },
  { domain: "example.com", selector: "e", key: pem(ed25519) },
);
const publicKey = (selector: string) => (selector === "r" ? rsa.publicKey : ed25519.publicKey);
const NOW = 1_800_000_000_999;

const stuffed = (message: string): string => {
  const end = message.startsWith("\r\n") ? 0 : message.indexOf("\r\n\r\n") + 2;
  return message.slice(0, end) + message.slice(end).replace(/(?<=^|\r\n)\./g, "..");
};
/** The field or fields, in binary text. */
const signatures = (message: string, keys = both, domain = "example.com"): string =>
  Buffer.from(dkimSigners(keys)(domain)!(bytes(stuffed(message)), NOW)).toString("latin1");
/** Canonical header fields as ours make them. */
function ours(message: string): string {
  const wire = bytes(message);
  const { fields, body } = readFields(wire);
  const input = new HeaderInput(body + 10);
  for (const field of fields) input.field(wire, field);
  return Buffer.from(input.bytes).toString("latin1");
}
const hashOf = (canonical: string): string => createHash("sha256").update(bytes(canonical)).digest("base64");
const hash = (body: string): string => bodyHash(bytes(`\r\n${stuffed(`\r\n${body}`).slice(2)}`), 2);

describe("the examples of the RFCs", () => {
  it("RFC 6376 section 3.4.5: relaxed header fields and body", () => {
    expect(ours("A: X\r\nB : Y\t\r\n\tZ  \r\n\r\n")).toBe("a:X\r\nb:Y Z\r\n");
    expect(relaxedBody(" C \r\nD \t E\r\n\r\n\r\n")).toBe(" C\r\nD E\r\n");
    expect(hash(" C \r\nD \t E\r\n\r\n\r\n")).toBe(hash(" C\r\nD E\r\n"));
  });

  it("RFC 6376 section 3.4.4: the hash of an empty body", () => {
    expect(hash("")).toBe("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
  });

  it("RFC 8463 appendix A: body hash", () => {
    const wire = bytes(RFC8463_MESSAGE);
    expect(bodyHash(wire, readFields(wire).body)).toBe("2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=");
  });

  it("RFC 8463 appendix A: our canonical fields under the appendix's key make its Ed25519 signature", async () => {
    const [own] = split(RFC8463_SIGNATURES + RFC8463_MESSAGE).fields;
    const withoutB = own!.replace(/ b=[\s\S]*/, " b=\r\n");
    const canonical = (name: string, from: string) =>
      ours(from)
        .split(/(?<=\r\n)/)
        .find((line) => line.startsWith(`${name}:`))!;
    const input =
      ["from", "to", "subject", "date", "message-id"]
        .map((name) => canonical(name, RFC8463_MESSAGE))
        .join("") + canonical("dkim-signature", `${withoutB}\r\n`).trimEnd();
    const [key] = keysOf({ domain: "football.example.com", selector: "brisbane", key: RFC8463_PKCS8 });
    const digest = Buffer.from(await crypto.subtle.digest("SHA-256", bytes(input)));
    expect(signBytes(null, digest, key!.key).toString("base64")).toBe(
      "/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==",
    );
  });

  it("RFC 8463 appendix A: the test's own verifier takes both signatures, and no changed message", () => {
    const results = (message: string) =>
      check(message, rfc8463Key).map(({ bodyIsGood, signatureIsGood }) => [bodyIsGood, signatureIsGood]);
    expect(results(RFC8463_SIGNATURES + RFC8463_MESSAGE)).toEqual([
      [true, true],
      [true, true],
    ]);
    expect(results(RFC8463_SIGNATURES + RFC8463_MESSAGE.replace("hungry", "hungrz"))[0]).toEqual([
      false,
      true,
    ]);
    expect(results(RFC8463_SIGNATURES + RFC8463_MESSAGE.replace("Suzie", "Suzif"))[0]).toEqual([true, false]);
  });
});

/** Bodies, and what they are in relaxed form; written by hand. */
const bodies: [name: string, body: string, relaxed: string][] = [
  ["empty", "", ""],
  ["one empty line", "\r\n", ""],
  ["empty lines only", "\r\n\r\n\r\n", ""],
  ["white space only", " \t\r\n \r\n", ""],
  ["white space without a line end", "  ", ""],
  ["empty lines first", "\r\n\r\na\r\n", "\r\n\r\na\r\n"],
  ["trailing blank lines", "a\r\n\r\n\r\n", "a\r\n"],
  ["trailing lines of white space", "a\r\n \t \r\n\t\r\n", "a\r\n"],
  ["no line end", "a", "a\r\n"],
  ["white space at the end, no line end", "a \t", "a\r\n"],
  ["tabs and spaces inside", "a \t\t b\tc\r\n", "a b c\r\n"],
  ["white space at a line's start stays one space", "\t\t a\r\n", " a\r\n"],
  ["white space at a line's end", "a \t\r\nb\r\n", "a\r\nb\r\n"],
  ["a lone dot", ".\r\n", ".\r\n"],
  ["dots at line starts", ".\r\n..\r\n.a\r\n. a\r\n", ".\r\n..\r\n.a\r\n. a\r\n"],
  ["a dot after white space", " .a\r\n", " .a\r\n"],
  ["eight bits", "Gr\u00fc\u00dfe\u00a0\u0085\r\n", "Gr\u00fc\u00dfe\u00a0\u0085\r\n"],
  ["a lone CR and a lone LF are bytes as any", "a\rb\n c\r\n", "a\rb\n c\r\n"],
  ["other control characters", "\u0000\u000b\u000c \r\n", "\u0000\u000b\u000c\r\n"],
];

describe("a body", () => {
  it.each(bodies)("%s", (_, body, relaxed) => {
    expect(relaxedBody(body)).toBe(relaxed);
    expect(hash(body)).toBe(hashOf(relaxed));
  });

  it("larger than the buffer it is hashed through, with every length around it", () => {
    for (let over = -4; over <= 4; over++) {
      const body = `${"a".repeat(32 * 1024 + over)} \r\n\r\n.b\r\n${" c\r\n".repeat(9_000)}${"\r\n".repeat(300)}d\r\n\r\n`;
      expect(hash(body)).toBe(hashOf(relaxedBody(body)));
    }
  });

  it("of any kind hashes as the other canonicaliser says", () => {
    const text = fc.array(fc.constantFrom("a", "=", ".", " ", "\t", "\r\n", "\r", "\n", "\u00e4", "bc"));
    fc.assert(
      fc.property(text, (parts) => {
        const body = parts.join("");
        expect(hash(body)).toBe(hashOf(relaxedBody(body)));
      }),
      { numRuns: 2_000 },
    );
  });
});

/** A header block, and its canonical fields. */
const headers: [name: string, block: string, canonical: string][] = [
  ["plain", "Subject: Hi\r\n\r\n", "subject:Hi\r\n"],
  ["no space", "Subject:Hi\r\n\r\n", "subject:Hi\r\n"],
  ["white space before the colon", "SUBJECT \t: Hi\r\n\r\n", "subject:Hi\r\n"],
  ["folded", "Subject: a\r\n b\r\n\tc\r\n\r\n", "subject:a b c\r\n"],
  ["folded right after the name", "Subject:\r\n a\r\n\r\n", "subject:a\r\n"],
  ["folded into white space alone", "Subject: a\r\n \r\n\t\r\n\r\n", "subject:a\r\n"],
  ["empty", "Subject:\r\n\r\n", "subject:\r\n"],
  ["empty with white space", "Subject:  \t\r\n\r\n", "subject:\r\n"],
  ["tabs and runs inside, white space at the end", "Subject: a\t \tb  \t\r\n\r\n", "subject:a b\r\n"],
  ["colons in the value", "Subject: a: b:c\r\n\r\n", "subject:a: b:c\r\n"],
  ["eight bits (SMTPUTF8)", "To: \u00c3\u00bc@example.net\r\n\r\n", "to:\u00c3\u00bc@example.net\r\n"],
  ["two of one name", "X: 1\r\nX: 2\r\n\r\n", "x:1\r\nx:2\r\n"],
  ["a line that is no field is passed over", "nonsense\r\nX: 1\r\n\r\n", "x:1\r\n"],
  ["no body and no empty line", "X: 1\r\n", "x:1\r\n"],
  ["no line end at all", "X: 1", "x:1\r\n"],
  ["no fields", "\r\nX: 1\r\n", ""],
];

describe("header fields", () => {
  it.each(headers)("%s", (_, block, canonical) => {
    expect(ours(block)).toBe(canonical);
    const { fields } = split(block);
    const wellFormed = fields.filter((field) => field.includes(":"));
    if (block.endsWith("\r\n\r\n")) expect(wellFormed.map(relaxedField).join("")).toBe(canonical);
  });
});

const HEAD = "From: Ada <ada@example.com>\r\nTo: bob@example.net\r\nSubject: Hello\r\n";
const good = (message: string): string => {
  const whole = signatures(message) + message;
  for (const checked of check(whole, publicKey)) {
    expect(checked.bodyIsGood, whole).toBe(true);
    expect(checked.signatureIsGood, whole).toBe(true);
  }
  return whole;
};

describe("a signature", () => {
  it.each(bodies)("over the body: %s", (_, body) => {
    good(`${HEAD}\r\n${body}`);
  });

  it.each(headers.filter(([, block]) => block.endsWith("\r\n\r\n")))("over the header: %s", (_, block) => {
    good(`From: ada@example.com\r\n${block}Hello\r\n`);
  });

  it("of both keys: RSA on top, then Ed25519, each with domain, selector and time in seconds", () => {
    const found = check(good(`${HEAD}\r\nHi\r\n`), publicKey).map(({ tags: { v, a, c, d, s, t } }) => [
      v,
      a,
      c,
      d,
      s,
      t,
    ]);
    expect(found).toEqual([
      ["1", "rsa-sha256", "relaxed/relaxed", "example.com", "r", "1800000000"],
      ["1", "ed25519-sha256", "relaxed/relaxed", "example.com", "e", "1800000000"],
    ]);
  });

  it("of one key alone", () => {
    for (const key of both) {
      const made = signatures(`${HEAD}\r\nHi\r\n`, [key]);
      expect(check(`${made}${HEAD}\r\nHi\r\n`, publicKey)).toMatchObject([
        { tags: { a: key.algorithm }, bodyIsGood: true, signatureIsGood: true },
      ]);
    }
  });

  it("covers what is there, those a reader sees once more than they occur, and nothing else", () => {
    const message =
      "From: ada@example.com\r\nSender: s@example.com\r\nTo: bob@example.net\r\nCc: cc@example.net\r\n" +
      "Reply-To: r@example.com\r\nSubject: Hello\r\nMessage-ID: <a@b>\r\nDate: Tue, 24 Nov 2026 00:00:00 +0000\r\n" +
      "MIME-Version: 1.0\r\nX-Mine: 1\r\nList-Unsubscribe: <https://u>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" +
      "References: <a@b>\r\nIn-Reply-To: <a@b>\r\nFeedback-ID: a:b:c\r\nCFBL-Address: f@example.com\r\nCFBL-Feedback-ID: 1\r\n" +
      "Content-Type: text/plain\r\nContent-Transfer-Encoding: 7bit\r\nX-Other: 2\r\n\r\nHi\r\n";
    for (const { names } of check(good(message), publicKey))
      expect(names.join(" ")).toBe(
        "from from sender to to cc cc subject subject date date message-id reply-to reply-to mime-version " +
          "content-type content-type content-transfer-encoding list-unsubscribe list-unsubscribe-post cfbl-address " +
          "cfbl-feedback-id feedback-id references in-reply-to",
      );
  });

  it("takes several fields of one name from the bottom up", () => {
    const message = `${HEAD}References: <1@b>\r\nX: y\r\nreferences: <2@b>\r\nREFERENCES: <3@b>\r\n\r\nHi\r\n`;
    const [checked] = check(good(message), publicKey);
    expect(checked!.names.filter((name) => name === "references")).toHaveLength(3);
    const swapped = message.replace("<1@b>", "<9@b>").replace("<3@b>", "<1@b>").replace("<9@b>", "<3@b>");
    expect(check(signatures(message) + swapped, publicKey)[0]).toMatchObject({ signatureIsGood: false });
  });

  it("is folded to lines of at most 78, every one but the first beginning with a space", () => {
    const long = keysOf({
      domain: "example.com",
      selector: "r",
      key: pem(generateKeyPairSync("rsa", { modulusLength: 4096 })),
    });
    const made = signatures(`${HEAD}List-Unsubscribe: <https://u>\r\n\r\nHi\r\n`, [...long, both[1]!]);
    expect(made).toMatch(/^(DKIM-Signature: v=1;[^\r\n]*\r\n( [^\s][^\r\n]*\r\n)+){2}$/);
    for (const line of made.split("\r\n")) expect(line.length).toBeLessThanOrEqual(78);
  });

  it("with the longest domain and selector stays within 998 a line and is good", () => {
    const label = "a".repeat(57);
    const domain = `${label}.${label}.example.com`;
    const key = { domain, selector: `${label}.${label.slice(1)}`, key: pem(rsa) };
    const message = `From: ada@${domain}\r\n\r\nHi\r\n`;
    const made = signatures(message, keysOf(key), domain);
    expect(check(made + message, () => rsa.publicKey)).toMatchObject([
      { bodyIsGood: true, signatureIsGood: true },
    ]);
    for (const line of made.split("\r\n")) expect(line.length).toBeLessThanOrEqual(998);
  });

  it("is broken by any changed byte of a signed field or the body", () => {
    const message = `${HEAD}Date: Tue, 24 Nov 2026 00:00:00 +0000\r\n\r\nHello there\r\nagain\r\n`;
    const made = signatures(message);
    for (let i = 0; i < message.length; i++) {
      if (!/[a-z0-9]/i.test(message[i]!)) continue;
      // Bit 1, so that no letter becomes the other case of itself, which a name may be in.
      const changed =
        message.slice(0, i) + String.fromCharCode(message.charCodeAt(i) ^ 2) + message.slice(i + 1);
      for (const { bodyIsGood, signatureIsGood } of check(made + changed, publicKey))
        expect(bodyIsGood && signatureIsGood, changed).toBe(false);
    }
  });

  it("of any bytes does not throw, and is the same each time", () => {
    const signer = dkimSigners([both[1]!])("example.com")!;
    const text = fc.array(
      fc.constantFrom("From", ":", " ", "\t", "\r\n", "\r", "\n", "a", "\u00ff", "\r\n\r\n", "To: x", "."),
    );
    fc.assert(
      fc.property(text, (parts) => {
        const message = bytes(parts.join(""));
        expect(signer(message, NOW)).toEqual(signer(message, NOW));
      }),
    );
  });

  it("reads a view into a larger buffer as itself", () => {
    const message = bytes(`${HEAD}\r\nHi\r\n`);
    const larger = new Uint8Array(message.length + 20).fill(65);
    larger.set(message, 10);
    const signer = dkimSigners(both)("example.com")!;
    expect(signer(larger.subarray(10, 10 + message.length), NOW)).toEqual(signer(message, NOW));
  });
});

describe("which key signs", () => {
  const keys = keysOf(
    { domain: "example.com", selector: "top", key: pem(rsa) },
    { domain: "news.example.com", selector: "news", key: pem(rsa) },
    { domain: "other.org", selector: "other", key: pem(ed25519) },
  );
  const rows: [from: string, selector: string | null][] = [
    ["example.com", "top"],
    ["news.example.com", "news"],
    ["a.b.news.example.com", "news"],
    ["shop.example.com", "top"],
    ["notexample.com", null],
    ["com", null],
    ["example.org", null],
    ["other.org", "other"],
    ["localhost", null],
    ["", null],
  ];
  it.each(rows)("for %s: %s", (from, selector) => {
    const signer = dkimSigners(keys)(from);
    const made = signer === null ? null : Buffer.from(signer(bytes(`${HEAD}\r\n`), NOW)).toString();
    expect(made === null ? null : / s=(\w+);/.exec(made)?.[1]).toBe(selector);
  });
});

describe("the variable DKIM", () => {
  const entry = { domain: "example.com", selector: "s1", key: pem(rsa) };
  const parse = (...entries: unknown[]) => parseDkim(JSON.stringify(entries));

  it("may be an empty list", () => {
    expect(parseDkim("[]")).toEqual({ ok: true, value: [] });
  });

  const spellings: [string, string, string][] = [
    ["PEM", pem(rsa), "rsa-sha256"],
    ["PEM with \\n spelled out", pem(rsa).replaceAll("\n", "\\n"), "rsa-sha256"],
    ["PEM with CRLF", pem(rsa).replaceAll("\n", "\r\n"), "rsa-sha256"],
    ["PEM with spaces for line breaks", pem(rsa).replaceAll("\n", " "), "rsa-sha256"],
    ["base64 in one line", pem(rsa).replace(/-----[^-]+-----|\n/g, ""), "rsa-sha256"],
    ["PKCS#1 PEM", rsa.privateKey.export({ type: "pkcs1", format: "pem" }) as string, "rsa-sha256"],
    ["Ed25519 PEM", pem(ed25519), "ed25519-sha256"],
    ["Ed25519 base64", RFC8463_PKCS8, "ed25519-sha256"],
  ];
  it.each(spellings)("takes a key as %s", (_, key, algorithm) => {
    const parsed = parse({ ...entry, key });
    expect(parsed.ok && parsed.value.map((one) => one.algorithm)).toEqual([algorithm]);
  });

  it("takes domains and selectors as people write them", () => {
    const parsed = parse({ ...entry, domain: " Bücher.Example ", selector: "2026-A.News" });
    expect(parsed).toMatchObject({
      ok: true,
      value: [{ domain: "xn--bcher-kva.example", selector: "2026-a.news" }],
    });
  });

  const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const small = generateKeyPairSync("rsa", { modulusLength: 768 });
  const locked = rsa.privateKey.export({
    type: "pkcs8",
    format: "pem",
    cipher: "aes-128-cbc",
    passphrase: "x",
  });
  const faults: [name: string, entries: unknown[] | string, error: RegExp][] = [
    ["not JSON", pem(rsa), /^must be a JSON array such as/],
    ["not a list", JSON.stringify(entry), /^must be a JSON array such as/],
    ["an entry that is null", [null], /^\[0\] must be an object/],
    ["an entry that is a list", [[]], /^\[0\] must be an object/],
    ["an unknown field", [{ ...entry, [pem(rsa)]: "" }], /^\[0\] has a field other than/],
    ["no domain", [{ ...entry, domain: undefined }], /^\[0\]\.domain is missing$/],
    ["no selector", [entry, { ...entry, selector: undefined }], /^\[1\]\.selector is missing$/],
    ["no key", [{ ...entry, key: undefined }], /^\[0\]\.key is missing$/],
    ["a key that is no text", [{ ...entry, key: 1 }], /^\[0\]\.key must be text$/],
    ["a domain of one label", [{ ...entry, domain: "com" }], /^\[0\]\.domain must be a domain/],
    ["an address for a domain", [{ ...entry, domain: "a@example.com" }], /^\[0\]\.domain must be/],
    ["a domain with CRLF", [{ ...entry, domain: "example.com\r\nX: y" }], /^\[0\]\.domain must be/],
    ["a domain with a tag", [{ ...entry, domain: "example.com; l=0" }], /^\[0\]\.domain must be/],
    ["an IP address", [{ ...entry, domain: "127.0.0.1" }], /^\[0\]\.domain must be/],
    ["a port", [{ ...entry, domain: "bücher.example:80" }], /^\[0\]\.domain must be/],
    ["a key for a domain", [{ ...entry, domain: pem(rsa) }], /^\[0\]\.domain must be/],
    ["an empty selector", [{ ...entry, selector: "" }], /^\[0\]\.selector must be/],
    ["a selector with a semicolon", [{ ...entry, selector: "s; l=0" }], /^\[0\]\.selector must be/],
    ["a selector with CRLF", [{ ...entry, selector: "s\r\nX" }], /^\[0\]\.selector must be/],
    ["a selector with an empty part", [{ ...entry, selector: "a..b" }], /^\[0\]\.selector must be/],
    [
      "a selector that is too long",
      [{ ...entry, selector: `${`${"a".repeat(60)}.`.repeat(4)}a` }],
      /^\[0\]\.selector makes/,
    ],
    ["an empty key", [{ ...entry, key: "" }], /^\[0\]\.key must be a private key/],
    ["a key that is nonsense", [{ ...entry, key: "secret nonsense" }], /^\[0\]\.key must be a private key/],
    ["a key cut short", [{ ...entry, key: pem(rsa).slice(0, 400) }], /^\[0\]\.key must be a private key/],
    [
      "base64 cut short",
      [{ ...entry, key: RFC8463_PKCS8.slice(0, 40) }],
      /^\[0\]\.key must be a private key/,
    ],
    [
      "a public key",
      [{ ...entry, key: rsa.publicKey.export({ type: "spki", format: "pem" }) }],
      /^\[0\]\.key is a public key/,
    ],
    ["a locked key", [{ ...entry, key: locked }], /^\[0\]\.key is encrypted/],
    ["an EC key", [{ ...entry, key: pem(ec as never) }], /^\[0\]\.key must be an RSA or an Ed25519 key/],
    ["an RSA key of 768 bits", [{ ...entry, key: pem(small) }], /^\[0\]\.key is an RSA key of 768 bits/],
    [
      "one selector twice",
      [entry, { ...entry, domain: "EXAMPLE.com", key: pem(ed25519) }],
      /^\[1\]\.selector is used twice/,
    ],
    ["two RSA keys", [entry, { ...entry, selector: "s2" }], /^\[1\]\.key is a second rsa-sha256 key/],
  ];
  it.each(faults)("%s", (_, given, message) => {
    const parsed = parseDkim(typeof given === "string" ? given : JSON.stringify(given));
    expect(parsed.ok).toBe(false);
    if (parsed.ok) return;
    expect(parsed.error).toMatch(message);
    expect(parsed.error).not.toMatch(/[\r\n]/);
    expect(parsed.error).not.toContain("MIIE");
    expect(parsed.error).not.toContain("nonsense");
  });
});

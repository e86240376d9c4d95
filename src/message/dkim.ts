/**
 * DKIM signatures (RFC 6376, RFC 8463) for a sender's domain, made of the wire form of one copy just before it is sent.
 * Synchronous, since it stands in the outbox's hot path; an RSA signature costs more than everything else done for a
 * copy (bench/dkim.ts). Pure: keys and time are handed in.
 */
import { createHash, sign } from "node:crypto";
import { bodyHash, type FieldSpan, HeaderInput, readFields } from "./dkim-canonical.ts";
import type { DkimKey } from "./dkim-keys.ts";

/**
 * The DKIM-Signature fields to put in front of a message, each folded and ended with CRLF. `message` is its wire form,
 * dots stuffed; `now` in milliseconds since 1970.
 */
export type DkimSigner = (message: Uint8Array, now: number) => Uint8Array;

/**
 * What is signed, in the order of `h=`, where present. Oversigned fields are named once more than they occur (RFC 6376
 * section 8.15): a second one, put in by whoever replays the message, breaks the signature instead of being shown.
 */
const SIGNED: readonly { name: string; isOversigned: boolean; reason: string }[] = [
  { name: "From", isOversigned: true, reason: "RFC 6376 section 5.4 demands it; what DMARC is about" },
  { name: "Sender", isOversigned: false, reason: "shown by some readers beside From" },
  { name: "To", isOversigned: true, reason: "shown to the reader" },
  { name: "Cc", isOversigned: true, reason: "shown to the reader" },
  { name: "Subject", isOversigned: true, reason: "shown to the reader" },
  { name: "Date", isOversigned: true, reason: "shown to the reader" },
  { name: "Message-ID", isOversigned: false, reason: "what replies and reports refer to" },
  { name: "Reply-To", isOversigned: true, reason: "decides where an answer goes" },
  { name: "MIME-Version", isOversigned: false, reason: "without it the body means something else" },
  { name: "Content-Type", isOversigned: true, reason: "a second one could give the body another meaning" },
  { name: "Content-Transfer-Encoding", isOversigned: false, reason: "as Content-Type; single-part messages" },
  { name: "List-Unsubscribe", isOversigned: false, reason: "RFC 8058 section 4 demands both" },
  { name: "List-Unsubscribe-Post", isOversigned: false, reason: "RFC 8058 section 4 demands both" },
  { name: "List-Id", isOversigned: false, reason: "receivers know a list by it" },
  { name: "CFBL-Address", isOversigned: false, reason: "ignored unless signed (RFC 9477)" },
  { name: "CFBL-Feedback-ID", isOversigned: false, reason: "ignored unless signed (RFC 9477)" },
  { name: "Feedback-ID", isOversigned: false, reason: "Gmail counts complaints by it for signed mail" },
  { name: "References", isOversigned: false, reason: "where the message stands in its thread" },
  { name: "In-Reply-To", isOversigned: false, reason: "where the message stands in its thread" },
];
const ROWS = new Map(SIGNED.map(({ name }, row) => [name.toLowerCase(), row]));

/** RFC 5322 section 2.1.1: lines should be at most 78. */
const LINE = 76;
/** More than the tags of a signature take, with a domain and a selector of 255 bytes each. */
const SIGNATURE_ROOM = 2_048;
/** RSA first: receivers that know only one signature know that one, and some look at the topmost. */
const ORDER = { "rsa-sha256": 0, "ed25519-sha256": 1 } as const;

/**
 * From the keys, once: what signs for a sender's domain (lower-case A-labels): the keys of that domain, else of the
 * closest domain above it that has any (relaxed alignment, RFC 7489 section 3.1.1). Null: nothing does.
 */
export function dkimSigners(keys: readonly DkimKey[]): (fromDomain: string) => DkimSigner | null {
  const signers = new Map<string, DkimSigner>();
  for (const { domain } of keys) {
    const own = keys.filter((key) => key.domain === domain);
    if (!signers.has(domain)) signers.set(domain, signer(own));
  }
  return (fromDomain) => {
    for (let domain = fromDomain; ; ) {
      const found = signers.get(domain);
      if (found !== undefined) return found;
      const dot = domain.indexOf(".");
      if (dot < 0) return null;
      domain = domain.slice(dot + 1);
    }
  };
}

function signer(keys: readonly DkimKey[]): DkimSigner {
  const ordered = keys.toSorted((a, b) => ORDER[a.algorithm] - ORDER[b.algorithm]);
  return (message, now) => {
    const { fields, body } = readFields(message);
    const input = new HeaderInput(body * 2 + SIGNATURE_ROOM); // Twice: each field may give its name to `h=` too.
    const names = addSigned(input, message, fields);
    const covered = input.length;
    const shared = [...tagLines("h", names, ":"), `bh=${bodyHash(message, body)};`];
    let out = "";
    for (const key of ordered) {
      const lines = [
        `v=1; a=${key.algorithm}; c=relaxed/relaxed;`,
        `d=${key.domain};`,
        `s=${key.selector}; t=${Math.floor(now / 1000)};`,
        ...shared,
        "b=",
      ];
      input.truncate(covered);
      // The field itself comes last, with `b=` empty and without CRLF (RFC 6376 section 3.7). Unfolding "CRLF space" leaves a space.
      input.ascii(`dkim-signature:${lines.join(" ")}`);
      out += `DKIM-Signature: ${lines.join("\r\n ")}${folded(signature(key, input.bytes))}\r\n`;
    }
    return Buffer.from(out, "latin1");
  };
}

/** Ed25519 signs the hash, not the text (RFC 8463 section 3). */
function signature({ algorithm, key }: DkimKey, input: Uint8Array): string {
  const made =
    algorithm === "rsa-sha256"
      ? sign("sha256", input, key)
      : sign(null, createHash("sha256").update(input).digest(), key);
  return made.toString("base64");
}

/** Puts the signed fields in, and gives the names for `h=`. Of several fields of one name the last is taken first (RFC 6376 section 5.4.2). */
function addSigned(input: HeaderInput, message: Uint8Array, fields: readonly FieldSpan[]): string[] {
  const found: FieldSpan[][] = SIGNED.map(() => []);
  for (const field of fields) {
    const row = ROWS.get(field.name);
    if (row !== undefined) found[row]!.push(field);
  }
  const names: string[] = [];
  for (const [row, { name, isOversigned }] of SIGNED.entries()) {
    const same = found[row]!;
    for (let i = same.length - 1; i >= 0; i--) {
      input.field(message, same[i]!);
      names.push(name);
    }
    if (isOversigned && same.length > 0) names.push(name);
  }
  return names;
}

/** A tag with a list, in as many lines as it takes. White space is allowed around the colons (RFC 6376 section 3.5). */
function tagLines(tag: string, items: readonly string[], separator: string): string[] {
  const lines: string[] = [];
  let line = `${tag}=`;
  for (const [i, item] of items.entries()) {
    const piece = item + (i + 1 < items.length ? separator : ";");
    if (line.length + piece.length > LINE) {
      lines.push(line);
      line = "";
    }
    line += piece;
  }
  lines.push(line);
  return lines;
}

/** Base64 behind `b=`, in lines. White space in it does not count. */
function folded(base64: string): string {
  const first = LINE - 3;
  let out = base64.slice(0, first);
  for (let i = first; i < base64.length; i += LINE - 1) out += `\r\n ${base64.slice(i, i + LINE - 1)}`;
  return out;
}

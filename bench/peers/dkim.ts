/**
 * The worker of bench/dkim.ts. Its clock stands still while it computes, so the caller times `GET /?what=…&n=…`, which
 * does one thing n times.
 */
import { createHash, createPrivateKey, sign } from "node:crypto";
import { sha256 } from "@noble/hashes/sha2.js";
import type { EmailId } from "../../src/core/ids.ts";
import { compile } from "../../src/message/compile.ts";
import type { Compiled } from "../../src/message/compiled.ts";
import { type DkimSigner, dkimSigners } from "../../src/message/dkim.ts";
import { bodyHash, readFields } from "../../src/message/dkim-canonical.ts";
import { parseDkim } from "../../src/message/dkim-keys.ts";
import { splice } from "../../src/message/splice.ts";
import { type Mailbox, parseMailbox } from "../../src/schema/address.ts";
import { TEXT_2K } from "../mail.ts";

const TOKEN = "t".repeat(43);
const NOW = 1_800_000_000_000;
const ID = "01934567-89ab-7def-8123-456789abcdef" as EmailId;

function mailbox(text: string): Mailbox {
  const parsed = parseMailbox(text);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

function compiled(attachment: number): Compiled {
  const result = compile(
    {
      from: mailbox("Bench <bench@example.com>"),
      to: [],
      cc: [],
      reply_to: [],
      subject: "Bench",
      html: null,
      text: TEXT_2K,
      headers: [
        { name: "List-Unsubscribe", value: `<https://t.example.com/u/${TOKEN}>` },
        { name: "List-Unsubscribe-Post", value: "List-Unsubscribe=One-Click" },
      ],
      attachments:
        attachment === 0
          ? []
          : [
              {
                filename: "a.pdf",
                content: btoa("x".repeat(attachment)),
                size: attachment,
                content_type: "application/pdf",
                content_id: null,
              },
            ],
    },
    {
      id: ID,
      now: NOW,
      random: new Uint8Array(16),
      trackingBase: "https://t.example.com",
      opens: false,
      clicks: false,
      signLink: () => null,
      bulk: true,
    },
  );
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value.compiled;
}

const small = compiled(0);
const large = compiled(3_000_000);
const copy = (message: Compiled, i: number): Uint8Array =>
  splice(message, {
    token: TOKEN,
    to: { name: null, address: `reader-${i}@example.net` },
    message_id: `${i}.x@example.com`,
  });

function signerOf(keys: string[]): DkimSigner {
  const entries = keys.map((key, i) => ({ domain: "example.com", selector: `s${i}`, key }));
  const parsed = parseDkim(JSON.stringify(entries));
  if (!parsed.ok) throw new Error(parsed.error);
  return dkimSigners(parsed.value)("example.com")!;
}

let rsa = "";
let ed25519 = "";

function task(what: string): (i: number) => unknown {
  const signed = (keys: string[], message: Compiled) => {
    const signer = signerOf(keys);
    return (i: number) => signer(copy(message, i), NOW);
  };
  const bytes = copy(small, 1);
  const { body } = readFields(bytes);
  switch (what) {
    case "splice":
      return (i) => copy(small, i);
    case "rsa":
      return signed([rsa], small);
    case "ed25519":
      return signed([ed25519], small);
    case "both":
      return signed([rsa, ed25519], small);
    case "splice-large":
      return (i) => copy(large, i);
    case "ed25519-large":
      return signed([ed25519], large);
    case "body-hash":
      return () => bodyHash(bytes, body);
    case "rsa-alone": {
      const key = createPrivateKey(rsa);
      return () => sign("sha256", bytes.subarray(0, 700), key);
    }
    case "ed25519-alone": {
      const key = createPrivateKey(ed25519);
      return () => sign(null, bytes.subarray(0, 32), key);
    }
    case "sha256-node":
      return () => createHash("sha256").update(bytes).digest();
    case "sha256-noble":
      return () => sha256(bytes);
    default:
      throw new Error(`no such task: ${what}`);
  }
}

export default {
  async fetch(request: Request): Promise<Response> {
    if (request.method === "POST") {
      ({ rsa, ed25519 } = (await request.json()) as { rsa: string; ed25519: string });
      return new Response(copy(small, 1));
    }
    const query = new URL(request.url).searchParams;
    const what = query.get("what");
    if (what !== null) {
      const run = task(what);
      for (let i = Number(query.get("n")); i > 0; i--) run(i);
    }
    return new Response("done");
  },
};

/** Mails with and without what Postern adds, as they arrive by a relay: compiled, spliced and signed as the product does it. */
import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type EmailId, newEmailId } from "../../src/core/ids.ts";
import { compile } from "../../src/message/compile.ts";
import { dkimSigners } from "../../src/message/dkim.ts";
import { parseDkim } from "../../src/message/dkim-keys.ts";
import { splice } from "../../src/message/splice.ts";
import { parseMailbox } from "../../src/schema/address.ts";
import type { Content } from "../../src/schema/email.ts";
import { linkSigner } from "../../src/tracking/link.ts";
import { signToken } from "../../src/tracking/token.ts";
import { sealUnsubscribe } from "../../src/tracking/unsubscribe.ts";
import { SENDER_IP } from "./rspamd.ts";

const SECRET = "a secret of enough characters";
export const FROM = "news@example.com";
export const TO = "bea@example.net";

const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const keys = parseDkim(
  JSON.stringify([
    { domain: "example.com", selector: "s1", key: privateKey.export({ type: "pkcs8", format: "pem" }) },
  ]),
);
if (!keys.ok) throw new Error(keys.error);
const sign = dkimSigners(keys.value)("example.com")!;

/** What the sender's domain says of itself. */
export const TEXTS: Readonly<Record<string, string>> = {
  "example.com": `v=spf1 ip4:${SENDER_IP} -all`,
  "_dmarc.example.com": "v=DMARC1; p=reject",
  "s1._domainkey.example.com": `v=DKIM1; k=rsa; p=${publicKey.export({ type: "spki", format: "der" }).toString("base64")}`,
};

/** What is added. */
export interface Additions {
  links?: boolean;
  textLinks?: boolean;
  pixel?: boolean;
  unsubscribe?: boolean;
  preheader?: boolean;
  dkim?: boolean;
}

/** Each on its own, and all together. */
export const ADDITIONS: Readonly<Record<string, Additions>> = {
  "tracking links": { links: true },
  "tracking links, in the text too": { links: true, textLinks: true },
  pixel: { pixel: true },
  unsubscribe: { unsubscribe: true },
  preheader: { preheader: true },
  DKIM: { dkim: true },
  everything: { links: true, textLinks: true, pixel: true, unsubscribe: true, preheader: true, dkim: true },
};

const newsletter = (name: string): string =>
  readFileSync(join(import.meta.dirname, `../fixtures/newsletters/${name}.html`), "utf8");

export const MAILS: Readonly<Record<string, Partial<Content>>> = {
  "a receipt, html and text": {
    subject: "Your order 1042",
    html: `<!doctype html><html><body><p>Dear Bea,</p><p>thank you for your order. It will be with you on Friday. You can
      <a href="https://www.example.com/orders/1042?ref=mail&amp;lang=en">follow it here</a>.</p><p>Your shop</p></body></html>`,
    text: "Dear Bea,\n\nthank you for your order. It will be with you on Friday. You can follow it here:\nhttps://www.example.com/orders/1042?ref=mail&lang=en\n\nYour shop\n",
  },
  "a password link, text only": {
    subject: "Set a new password",
    html: null,
    text: "Hello,\n\nsomeone asked for a new password for your account. If it was you, open this address within an hour:\n\nhttps://www.example.com/password/8f2c1a7e\n\nOtherwise do nothing.\n",
  },
  "a newsletter in the style of Mailchimp": {
    subject: "News in May",
    html: newsletter("mailchimp"),
    text: null,
  },
  "a newsletter in the style of MJML": { subject: "Our new season", html: newsletter("mjml"), text: null },
  "a newsletter made for Outlook": {
    subject: "The quarter in brief",
    html: newsletter("outlook-first"),
    text: null,
  },
  "a newsletter in Arabic": { subject: "أخبار الشهر", html: newsletter("rtl-arabic"), text: null },
};

/** The mail as a receiver stores it. `host`: of tracking links. */
export function arrived(mail: Partial<Content>, add: Additions, host = "links.example.com"): Uint8Array {
  const now = Date.now();
  const id: EmailId = newEmailId(now - 60_000, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
  const box = (text: string) => {
    const parsed = parseMailbox(text);
    if (!parsed.ok) throw new Error(parsed.error);
    return parsed.value;
  };
  const made = compile(
    {
      from: box(`The Shop <${FROM}>`),
      to: [box(`Bea <${TO}>`)],
      cc: [],
      reply_to: [],
      subject: "",
      html: null,
      text: null,
      headers: [],
      attachments: [],
      ...mail,
      preheader: add.preheader === true && mail.html != null ? "What is new, and what will be" : null,
    },
    {
      id,
      now,
      random: Uint8Array.from({ length: 16 }, (_, i) => i * 13),
      trackingBase: `https://${host}`,
      opens: add.pixel === true,
      clicks: add.links === true,
      textClicks: add.textLinks === true,
      signLink: linkSigner(SECRET, id),
      bulk: false,
      unsubscribe: add.unsubscribe === true ? { topic: "news", mailDomain: "bounces.example.com" } : null,
    },
  );
  if (!made.ok) throw new Error(JSON.stringify(made.error));
  const subject = { id, recipient: 0 };
  const bytes = splice(made.value.compiled, {
    token: signToken(SECRET, subject),
    unsubscribe: (topic) => sealUnsubscribe(SECRET, { ...subject, address: TO, topic }),
    unsubscribe_mail: () => signToken(SECRET, subject, "unsubscribe"),
  });
  const date = new Date(now).toUTCString().replace("GMT", "+0000");
  const received =
    `Received: from mail.example.com (mail.example.com [${SENDER_IP}]) by mx.example.net (Postfix) with ESMTPS id 4Ab; ${date}\r\n` +
    `Received: from gateway.example.com (gateway.example.com [10.0.0.7]) by mail.example.com (Postfix) with ESMTPSA id 3Aa; ${date}\r\n`;
  const signature = add.dkim === true ? Buffer.from(sign(bytes, now)) : Buffer.alloc(0);
  const message = Buffer.concat([Buffer.from(received), signature, bytes]).toString("latin1");
  return Buffer.from(message.replace(/^\.\./gm, "."), "latin1");
}

/** A link that shows an address as its text, and where tracking links of it may lead. */
export const SHOWN_ADDRESS: Partial<Content> = {
  subject: "Where to find us",
  html: `<html><body><p>Dear Bea,</p><p>from Monday on you will find our shop in the old town, right behind the market. We have
    twice the room there, a workshop where you can watch us at work, and coffee. How to get there, and when we are open, is told
    at <a href="https://www.example.com/shop">https://www.example.com/shop</a>. We are looking forward to your visit!</p></body></html>`,
  text: null,
};

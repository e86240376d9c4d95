/**
 * DKIM verified a second way: on text, with regular expressions, straight from the words of RFC 6376. Shares nothing with
 * src/message/dkim.ts but node:crypto. Messages are binary text (one character a byte), CRLF, dots not stuffed. Runs in
 * Node and in workerd.
 */
import { createHash, createPrivateKey, createPublicKey, type KeyObject, verify } from "node:crypto";

/** Section 3.4.2, in its own order of steps. */
export function relaxedField(field: string): string {
  const colon = field.indexOf(":");
  const name = field.slice(0, colon).toLowerCase();
  const value = field
    .slice(colon + 1)
    .replace(/\r\n(?=[ \t])/g, "")
    .replace(/[ \t]+/g, " ")
    .replace(/[ \t]+(?=\r\n$|$)/, "");
  return `${name.replace(/[ \t]+$/, "")}:${value.replace(/^[ \t]+/, "")}`;
}

/** Section 3.4.4. */
export function relaxedBody(body: string): string {
  const text = body
    .replace(/[ \t]+(?=\r\n|$)/g, "")
    .replace(/[ \t]+/g, " ")
    .replace(/(\r\n)+$/, "");
  return text === "" ? "" : `${text}\r\n`;
}

export const bytes = (text: string): Buffer => Buffer.from(text, "latin1");
const sha256 = (text: string): Buffer => createHash("sha256").update(bytes(text)).digest();

/** The fields with their CRLF, and the body. */
export function split(message: string): { fields: string[]; body: string } {
  const end = message.startsWith("\r\n") ? 0 : message.indexOf("\r\n\r\n") + 2;
  const fields = message.slice(0, end).match(/[^\r\n][\s\S]*?\r\n(?![ \t])/g) ?? [];
  return { fields, body: message.slice(end + 2) };
}

export interface Checked {
  tags: Record<string, string>;
  /** The name listed in `h=`, in lower case. */
  names: string[];
  bodyIsGood: boolean;
  signatureIsGood: boolean;
}

/** Every signature of a message, from the top, tried with the key that `publicKey` has for `selector` and `domain`. */
export function check(
  message: string,
  publicKey: (selector: string, domain: string) => KeyObject,
): Checked[] {
  const { fields, body } = split(message);
  return fields
    .filter((field) => /^dkim-signature[ \t]*:/i.test(field))
    .map((own) => {
      const tags = Object.fromEntries(
        own
          .slice(own.indexOf(":") + 1)
          .replace(/\s+/g, "")
          .split(";")
          .filter((tag) => tag !== "")
          .map((tag) => [tag.slice(0, tag.indexOf("=")), tag.slice(tag.indexOf("=") + 1)]),
      );
      const names = tags.h!.toLowerCase().split(":");
      // Section 5.4.2: the n-th mention of a name is its n-th field from the bottom; one too many is nothing.
      const rest = fields.filter((field) => field !== own).toReversed();
      let text = "";
      for (const name of names) {
        const at = rest.findIndex((field) => field.split(":")[0]!.trim().toLowerCase() === name);
        if (at >= 0) text += relaxedField(rest.splice(at, 1)[0]!);
      }
      const withoutB = own.replace(/([;:]\s*b\s*=)[^;]*?(?=;|\r\n$)/, "$1");
      text += relaxedField(withoutB).replace(/\r\n$/, "");
      const key = publicKey(tags.s!, tags.d!);
      const signature = Buffer.from(tags.b!, "base64");
      return {
        tags,
        names,
        bodyIsGood: sha256(relaxedBody(body)).toString("base64") === tags.bh,
        signatureIsGood:
          tags.a === "ed25519-sha256"
            ? verify(null, sha256(text), key, signature)
            : verify("sha256", bytes(text), key, signature),
      };
    });
}

/** RFC 8463 appendix A.3. */
export const RFC8463_SIGNATURES = [
  "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;",
  " d=football.example.com; i=@football.example.com;",
  " q=dns/txt; s=brisbane; t=1528637909; h=from : to :",
  " subject : date : message-id : from : subject : date;",
  " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;",
  " b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus",
  " Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==",
  "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;",
  " d=football.example.com; i=@football.example.com;",
  " q=dns/txt; s=test; t=1528637909; h=from : to : subject :",
  " date : message-id : from : subject : date;",
  " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;",
  " b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3",
  " DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz",
  " dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=",
  "",
].join("\r\n");
export const RFC8463_MESSAGE = [
  "From: Joe SixPack <joe@football.example.com>",
  "To: Suzie Q <suzie@shopping.example.net>",
  "Subject: Is dinner ready?",
  "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)",
  "Message-ID: <20030712040037.46341.5F8J@football.example.com>",
  "",
  "Hi.",
  "",
  "We lost the game.  Are you hungry yet?",
  "",
  "Joe.",
  "",
].join("\r\n");

/** An Ed25519 key's PKCS#8 is 16 fixed bytes and its 32 (RFC 8410 section 7). Appendix A.1 gives the 32. */
export const RFC8463_PKCS8 = Buffer.concat([
  Buffer.from("302e020100300506032b657004220420", "hex"),
  Buffer.from("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=", "base64"),
]).toString("base64");
const RFC8463_RSA =
  "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB";
/** The appendix's public keys, by selector. */
export const rfc8463Key = (selector: string): KeyObject =>
  selector === "brisbane"
    ? createPublicKey(
        createPrivateKey({ key: Buffer.from(RFC8463_PKCS8, "base64"), format: "der", type: "pkcs8" }),
      )
    : createPublicKey({ key: Buffer.from(RFC8463_RSA, "base64"), format: "der", type: "spki" });

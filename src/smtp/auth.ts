/** Which AUTH mechanism to use, and what the ones the library lacks say. Pure; the dialogue is session.ts's. */
import { createHmac } from "node:crypto";
import { utf8 } from "../core/bytes.ts";

export const AUTH_MECHANISMS = ["plain", "login", "cram-md5", "xoauth2"] as const;
export type AuthMechanism = (typeof AUTH_MECHANISMS)[number];

export interface Credentials {
  user: string;
  /** A password, or the access token of XOAUTH2. */
  password: string;
}

/**
 * In order of preference, when the relay's owner asks for none. Under TLS a plain password needs the fewest round trips
 * and works with every password store; CRAM-MD5 comes first only where the password would go in clear.
 * XOAUTH2 is used only when asked for: its "password" is a token that the other mechanisms would refuse, and the reverse.
 */
const PREFERENCE: Record<"tls" | "clear", readonly AuthMechanism[]> = {
  tls: ["plain", "login", "cram-md5"],
  clear: ["cram-md5", "plain", "login"],
};

/** The mechanism to use out of those offered (upper case), or null when none fits. */
export function chooseMechanism(
  offered: readonly string[],
  asked: AuthMechanism | null,
  tls: boolean,
): AuthMechanism | null {
  const wanted = asked === null ? PREFERENCE[tls ? "tls" : "clear"] : [asked];
  return wanted.find((name) => offered.includes(name.toUpperCase())) ?? null;
}

/** The bytes of UTF-8 as a string of characters 0 to 255, which is what `btoa` takes. */
export function binaryString(text: string): string {
  let out = "";
  for (const byte of utf8(text)) out += String.fromCharCode(byte);
  return out;
}

/** The answer to a CRAM-MD5 challenge (RFC 2195), both in base64; null when the challenge is not base64. */
export function cramMd5(credentials: Credentials, challenge: string): string | null {
  let text: string;
  try {
    text = atob(challenge.trim());
  } catch {
    return null;
  }
  const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
  const digest = createHmac("md5", utf8(credentials.password)).update(bytes).digest("hex");
  return btoa(binaryString(`${credentials.user} ${digest}`));
}

/** The initial response of XOAUTH2 (developers.google.com/gmail/imap/xoauth2-protocol), in base64. */
export const xoauth2 = (credentials: Credentials): string =>
  btoa(binaryString(`user=${credentials.user}\x01auth=Bearer ${credentials.password}\x01\x01`));

/** `text` without the credentials in any spelling they go over the wire in, should a relay echo them. */
export function redact(text: string, credentials: Credentials | null): string {
  if (credentials === null) return text;
  const { user, password } = credentials;
  const secrets = [
    password,
    btoa(binaryString(password)),
    btoa(binaryString(`\0${user}\0${password}`)),
    xoauth2(credentials),
  ];
  let out = text;
  for (const secret of secrets) if (secret.length > 0) out = out.replaceAll(secret, "****");
  return out;
}

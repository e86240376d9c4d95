/** Base64 (RFC 4648 section 4) as callers send it: checked without decoding, since files are large. */
import { err, ok, type Result } from "../core/result.ts";

/** The text without white space and the bytes it stands for, or a sentence saying what is wrong. */
export function checkBase64(given: string): Result<{ text: string; size: number }, string> {
  const text = /\s/.test(given) ? given.replace(/\s+/g, "") : given;
  if (text.startsWith("data:")) return err("is a data: URL; send only what follows `base64,`");
  const bad = text.search(/[^A-Za-z0-9+/=]/);
  if (bad >= 0)
    return err(
      text[bad] === "-" || text[bad] === "_"
        ? "is base64url; `content` takes plain base64 (+ and / instead of - and _)"
        : `is not base64: the character at ${bad} is outside its alphabet`,
    );
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const equals = text.indexOf("=");
  if (equals >= 0 && equals < text.length - padding)
    return err(`is not base64: a = stands at ${equals}, before the end`);
  if (text.length % 4 !== 0)
    return err(
      `is not base64: its length, ${text.length}, is not a multiple of 4 (is it cut off, or is the padding missing?)`,
    );
  return ok({ text, size: (text.length / 4) * 3 - padding });
}

/** Base64 of bytes. */
export function base64Of(bytes: readonly number[]): string {
  let binary = "";
  for (let at = 0; at < bytes.length; at += 8_192)
    binary += String.fromCharCode(...bytes.slice(at, at + 8_192));
  return btoa(binary);
}

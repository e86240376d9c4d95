/**
 * File names in Content-Type and Content-Disposition. A name outside ASCII is written twice: as RFC 2231 wants it, and
 * as encoded words in quotes in `name=`, which is illegal (RFC 2047 section 5) but what old Outlooks read.
 */
import { buildHeaderParam } from "nodemailer/lib/mime-funcs";
import { encodedWords, parameterField } from "./headers.ts";

const PLAIN = /^[\x20-\x7e]*$/;
const quoted = (text: string): string => `"${text.replace(/["\\]/g, "\\$&")}"`;
const isPlain = (name: string): boolean => PLAIN.test(name) && !name.includes("=?");

export function fileTypeField(type: string, filename: string | null): string {
  const [value, ...given] = splitParameters(type);
  const parameters = [...given];
  if (filename !== null && !given.some((parameter) => /^name\*?/i.test(parameter))) {
    parameters.push(
      `name=${isPlain(filename) ? quoted(filename) : `"${encodedWords(filename).replaceAll(" ", "\r\n ")}"`}`,
    );
  }
  return parameterField("Content-Type", value!, parameters);
}

export function dispositionField(disposition: "inline" | "attachment", filename: string | null): string {
  if (filename === null) return parameterField("Content-Disposition", disposition, []);
  if (isPlain(filename))
    return parameterField("Content-Disposition", disposition, [`filename=${quoted(filename)}`]);
  const parameters = buildHeaderParam("filename", filename, 50).map(({ key, value }) =>
    key.endsWith("*") ? `${key}=${value}` : `${key}=${quoted(value)}`,
  );
  return parameterField("Content-Disposition", disposition, parameters);
}

/** `text/plain; charset="a;b"` at semicolons outside quotes. */
const splitParameters = (type: string): string[] =>
  (type.match(/(?:[^;"]|"[^"]*")+/g) ?? ["application/octet-stream"])
    .map((part) => part.trim())
    .filter((part) => part !== "");

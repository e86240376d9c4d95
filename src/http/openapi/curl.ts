/** An operation's example as a command to paste. Pure. */
import { isSchema } from "../../schema/json-schema.ts";
import type { Operation } from "./operation.ts";

/** What stands for `$email` and the like where nobody has made one. */
const PLACEHOLDER = /^\$(\w+)$/;

export function curlOf({ method, path, access, body, example }: Operation, base: string): string {
  const where = path.replace(/\{(\w+)\}/g, (_, name: string) =>
    (example.path?.[name] ?? name).replace(PLACEHOLDER, (_all, what: string) => what.toUpperCase()),
  );
  const query = example.query === undefined ? "" : `?${new URLSearchParams(example.query)}`;
  const parts = [`curl ${quoted(`${base}${where}${query}`)}`];
  if (method !== "get" && !(method === "post" && body !== undefined))
    parts.push(`-X ${method.toUpperCase()}`);
  if (access !== "anyone") parts.push('-H "Authorization: Bearer $API_KEY"');
  for (const [name, value] of Object.entries(example.headers ?? {}))
    parts.push(`-H ${quoted(`${name}: ${value}`)}`);
  if (example.body !== undefined) {
    const raw = typeof example.body === "string";
    const type = body === undefined || isSchema(body) ? null : body.type;
    parts.push(`-H ${quoted(`Content-Type: ${type ?? "application/json"}`)}`);
    parts.push(
      `${raw ? "--data-binary" : "-d"} ${quoted(raw ? (example.body as string) : JSON.stringify(example.body))}`,
    );
  }
  return parts.join(" \\\n  ");
}

/** As a POSIX shell takes it whole. */
const quoted = (text: string): string =>
  /^[\w:/.?&=%@+-]+$/.test(text) && !text.includes("&") ? text : `'${text.replaceAll("'", "'\\''")}'`;

/** What a relay offers in its answer to EHLO (RFC 5321 section 4.1.1.1). Pure. */
import type { Reply } from "../policy/reply.ts";

export interface Capabilities {
  /** The answer was to EHLO, not to HELO. */
  extended: boolean;
  startTls: boolean;
  pipelining: boolean;
  chunking: boolean;
  smtputf8: boolean;
  dsn: boolean;
  /** Bytes; null when SIZE is not offered or gives no limit (RFC 1870: absent or 0). */
  size: number | null;
  /** In upper case, as offered: "PLAIN", "LOGIN", … Empty when AUTH is not offered. */
  auth: string[];
}

export const NO_CAPABILITIES: Capabilities = {
  extended: false,
  startTls: false,
  pipelining: false,
  chunking: false,
  smtputf8: false,
  dsn: false,
  size: null,
  auth: [],
};

/** Reads the reply to EHLO: its first line greets, each other names one extension. */
export function parseCapabilities(reply: Reply): Capabilities {
  const found: Capabilities = { ...NO_CAPABILITIES, extended: true, auth: [] };
  for (const line of reply.text.split("\n").slice(1)) {
    const [keyword = "", ...parameters] = line.trim().toUpperCase().split(/\s+/);
    if (keyword === "STARTTLS") found.startTls = true;
    else if (keyword === "PIPELINING") found.pipelining = true;
    else if (keyword === "CHUNKING") found.chunking = true;
    else if (keyword === "SMTPUTF8") found.smtputf8 = true;
    else if (keyword === "DSN") found.dsn = true;
    else if (keyword === "SIZE")
      found.size = /^[1-9]\d{0,15}$/.test(parameters[0] ?? "") ? Number(parameters[0]) : null;
    else if (keyword === "AUTH") found.auth.push(...parameters);
    // "AUTH=LOGIN PLAIN": what Microsoft's servers said before RFC 2554, and some still repeat.
    else if (keyword.startsWith("AUTH=")) found.auth.push(keyword.slice(5), ...parameters);
  }
  found.auth = [...new Set(found.auth.filter((name) => name !== ""))];
  return found;
}

/** For a person: "PIPELINING, SIZE 10240000, AUTH PLAIN LOGIN". */
export function offersOf(found: Capabilities): string {
  const names = [
    found.startTls ? "STARTTLS" : "",
    found.pipelining ? "PIPELINING" : "",
    found.chunking ? "CHUNKING" : "",
    found.size === null ? "" : `SIZE ${found.size}`,
    found.smtputf8 ? "SMTPUTF8" : "",
    found.dsn ? "DSN" : "",
    found.auth.length === 0 ? "" : `AUTH ${found.auth.join(" ")}`,
  ].filter((name) => name !== "");
  return names.length === 0 ? "offers no extension that we use" : `offers ${names.join(", ")}`;
}

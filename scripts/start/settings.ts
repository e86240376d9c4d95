/**
 * What the environment says, for `npm start` and `npm run dev`: where to listen, where to keep state, and the worker's
 * own variables. Nothing is checked here that src/env.ts checks.
 */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseEnv } from "node:util";
import { err, ok, type Result } from "../../src/core/result.ts";
import { VARIABLES } from "../../src/env.ts";

/** The project's root folder. */
export const ROOT = resolve(import.meta.dirname, "../..");

export interface Settings {
  host: string;
  /** 0: any free port. */
  port: number;
  /** Absolute. */
  dataDir: string;
  /** Port of the local inbox's page; null: 8025, or any when that is taken. */
  inboxPort: number | null;
  /** PEM file of certificate authorities to trust besides the system's, or null. */
  extraCaFile: string | null;
  /** The worker's variables that are set. */
  variables: Partial<Record<(typeof VARIABLES)[number], string>>;
}

/**
 * Settings from the environment and, behind it, from files in the project's root: the environment wins, then the first
 * file. An empty variable in the environment hides the file's. The error is one line.
 */
export function readSettings(
  environment: NodeJS.ProcessEnv,
  files: string[],
  root = ROOT,
): Result<Settings, string> {
  const values: Record<string, string | undefined> = {};
  for (const name of [...files].reverse()) {
    const text = readOptional(join(root, name));
    if (!text.ok) return text;
    Object.assign(values, parseEnv(text.value));
  }
  Object.assign(values, environment);
  const get = (name: string) => (values[name] === "" ? undefined : values[name]);

  const port = portOf("PORT", get("PORT") ?? "8787");
  if (!port.ok) return port;
  const inboxPort = get("INBOX_PORT") === undefined ? ok(null) : portOf("INBOX_PORT", get("INBOX_PORT")!);
  if (!inboxPort.ok) return inboxPort;
  const host = (get("HOST") ?? "127.0.0.1").replace(/^\[(.*)\]$/, "$1");
  if (!/^[\w.:-]+$/.test(host))
    return err("HOST must be an address or a host name, such as 127.0.0.1 or 0.0.0.0");
  const variables: Settings["variables"] = {};
  for (const name of VARIABLES) {
    const value = get(name);
    if (value !== undefined) variables[name] = value;
  }
  const ca = get("NODE_EXTRA_CA_CERTS");
  return ok({
    host,
    port: port.value,
    dataDir: resolve(root, get("DATA_DIR") ?? ".postern"),
    inboxPort: inboxPort.value,
    extraCaFile: ca === undefined ? null : resolve(root, ca),
    variables,
  });
}

/** The base URL under which this machine reaches a server that listens on host and port. */
export function localUrl(host: string, port: number): string {
  const reachable = { "0.0.0.0": "127.0.0.1", "::": "::1" }[host] ?? host;
  return `http://${reachable.includes(":") ? `[${reachable}]` : reachable}:${port}`;
}

/** True for the addresses that mean "every interface": no address of links that others are to follow. */
export const isWildcard = (host: string): boolean => host === "0.0.0.0" || host === "::";

function portOf(name: string, text: string): Result<number, string> {
  const port = /^\d{1,5}$/.test(text.trim()) ? Number(text) : Number.NaN;
  return port <= 65_535
    ? ok(port)
    : err(`${name} must be a port from 0 to 65535 (0: any free one), not "${text}"`);
}

function readOptional(path: string): Result<string, string> {
  try {
    // Editors of Windows begin a file with a byte order mark, which would become part of the first name.
    return ok(readFileSync(path, "utf8").replace(/^\ufeff/, ""));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    return code === "ENOENT" ? ok("") : err(`${path} cannot be read (${code})`);
  }
}

/** The configuration that workerd reads, as Cap'n Proto text. Pure. No secret is in it: variables come from the environment. */
import { extname, join } from "node:path";
import type { Bundle } from "./bundle.ts";

export interface WorkerdConfig {
  bundle: Bundle;
  /** Path of the bundle's folder as seen from the folder of the configuration: `embed` takes relative paths. */
  bundleFrom: string;
  host: string;
  port: number;
  /** Absolute path of the folder for Durable Objects. */
  storage: string;
  /** Names of variables to bind. One that is not set is null in the worker. */
  variables: readonly string[];
  /** Certificate authorities to trust besides the system's, one PEM block each. */
  trusted: string[];
}

/** How workerd takes each kind of module that the bundler leaves beside the entry. */
const MODULE_KINDS: Record<string, string> = {
  ".js": "esModule",
  ".mjs": "esModule",
  ".sql": "text",
  ".txt": "text",
  ".html": "text",
  ".css": "text",
  ".wasm": "wasm",
  ".bin": "data",
};

/** Default since this date (Cloudflare's compatibility flags page); workerd warns at each start when it is named after that. */
const NODEJS_COMPAT_DEFAULT = "2026-08-04";

/**
 * V8's room for young objects, in MB. Left to itself it grows with a backlog: 100,000 queued cost 346 MB at the peak, with this
 * bound 254 MB at the same speed. At 8 MB one-off messages become a fifth slower (bench: growth, one-off).
 */
const YOUNG_MB = 16;

export function workerdConfig(config: WorkerdConfig): string {
  const { bundle } = config;
  const flags = bundle.compatibilityFlags.filter(
    (flag) => !(flag === "nodejs_compat" && bundle.compatibilityDate >= NODEJS_COMPAT_DEFAULT),
  );
  const modules = bundle.modules.map(
    (name) =>
      `(name = ${quote(name)}, ${MODULE_KINDS[extname(name)] ?? "data"} = embed ${quote(join(config.bundleFrom, name))})`,
  );
  const bindings = [
    ...bundle.durableObjects.map(
      (one) =>
        `(name = ${quote(one.binding)}, durableObjectNamespace = (className = ${quote(one.className)}))`,
    ),
    `(name = "PUBLIC_INTERNET", service = "public-internet")`,
    ...config.variables.map((name) => `(name = ${quote(name)}, fromEnvironment = ${quote(name)})`),
  ];
  // The unique key names the folder on disk, so it must never change.
  const namespaces = bundle.durableObjects.map(
    (one) =>
      `(className = ${quote(one.className)}, uniqueKey = ${quote(`postern-${one.className}`)}, enableSql = true)`,
  );
  const trust = `trustBrowserCas = true, trustedCertificates = [${config.trusted.map(quote).join(", ")}]`;
  const host = config.host.includes(":") ? `[${config.host}]` : config.host;
  return `# Written by \`npm start\` at each start; changes are lost.
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  v8Flags = ["--max-semi-space-size=${YOUNG_MB}"],
  services = [
    (name = "postern", worker = .postern),
    # Relays and libSQL servers are often neighbours, so private addresses are allowed as well.
    (name = "internet", network = (
      allow = ["public", "private"],
      tlsOptions = (${trust}),
    )),
    # For webhooks: who may create one chooses the address, and is not to reach the neighbours by it.
    (name = "public-internet", network = (allow = ["public"], tlsOptions = (${trust}))),
    (name = "storage", disk = (path = ${quote(config.storage)}, writable = true)),
  ],
  sockets = [(name = "http", address = ${quote(`${host}:${config.port}`)}, http = (), service = "postern")],
);

const postern :Workerd.Worker = (
  compatibilityDate = ${quote(bundle.compatibilityDate)},
  compatibilityFlags = [${flags.map(quote).join(", ")}],
  modules = [
    ${modules.join(",\n    ")},
  ],
  bindings = [
    ${bindings.join(",\n    ")},
  ],
  durableObjectNamespaces = [
    ${namespaces.join(",\n    ")},
  ],
  durableObjectStorage = (localDisk = "storage"),
  globalOutbound = "internet",
);
`;
}

/** A Cap'n Proto string: C's escapes, everything beyond ASCII as it is. */
const quote = (text: string): string =>
  `"${text.replace(/["\\]/g, "\\$&").replace(/[\x00-\x1f\x7f]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`)}"`;

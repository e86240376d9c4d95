/** The configurations that workerd reads, as Cap'n Proto text. Pure. No secret is in them: variables come from the environment. */
import { extname, join } from "node:path";
import type { Bundle } from "./bundle.ts";

export interface WorkerConfig {
  bundle: Bundle;
  /** Path of the bundle's folder as seen from the folder of the configuration: `embed` takes relative paths. */
  bundleFrom: string;
  /** Absolute path of the folder for Durable Objects. */
  storage: string;
  host: string;
  port: number;
  /** The embedded store is served by a process of its own; else its object lives in the worker's. */
  storeApart: boolean;
  /** Names of variables to bind. One that is not set is null in the worker. */
  variables: readonly string[];
  /** Certificate authorities to trust besides the system's, one PEM block each. */
  trusted: string[];
}

export type StoreConfig = Pick<WorkerConfig, "bundle" | "bundleFrom" | "storage">;

/**
 * Where the two processes meet, from the folder that both work in. Relative, since a Unix socket's path has room for some
 * hundred bytes (unix(7)), and DATA_DIR may be longer.
 */
export const STORE_SOCKET = "store.sock";

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
/**
 * The store's: what it holds is a call's JSON, soon done with. An export of a million events took 202 MB at the peak with this, 228 with
 * 16; 100,000 queued took 105 and 116; at the same speed.
 */
const STORE_YOUNG_MB = 4;

/** The class whose object the store's process has. */
const STORE_CLASS = "Store";

/** Of the process that has the worker, and every Durable Object but the store's when that is apart. */
export function workerConfig(config: WorkerConfig): string {
  const { bundle, storeApart } = config;
  const objects = bundle.durableObjects.filter((one) => !(storeApart && one.className === STORE_CLASS));
  const modules = bundle.modules.map(
    (name) =>
      `(name = ${quote(name)}, ${MODULE_KINDS[extname(name)] ?? "data"} = embed ${quote(join(config.bundleFrom, name))})`,
  );
  const bindings = [
    ...objects.map(
      (one) =>
        `(name = ${quote(one.binding)}, durableObjectNamespace = (className = ${quote(one.className)}))`,
    ),
    `(name = "PUBLIC_INTERNET", service = "public-internet")`,
    ...(storeApart ? [`(name = "STORE_SERVER", service = "store")`] : []),
    ...config.variables.map((name) => `(name = ${quote(name)}, fromEnvironment = ${quote(name)})`),
  ];
  const trust = `trustBrowserCas = true, trustedCertificates = [${config.trusted.map(quote).join(", ")}]`;
  const host = config.host.includes(":") ? `[${config.host}]` : config.host;
  return file({
    services: [
      // Relays and libSQL servers are often neighbours, so private addresses are allowed as well.
      `(name = "internet", network = (allow = ["public", "private"], tlsOptions = (${trust})))`,
      // For webhooks: who may create one chooses the address, and is not to reach the neighbours by it.
      `(name = "public-internet", network = (allow = ["public"], tlsOptions = (${trust})))`,
      ...(storeApart ? [`(name = "store", external = (address = "unix:${STORE_SOCKET}", http = ()))`] : []),
    ],
    address: `${host}:${config.port}`,
    youngMb: YOUNG_MB,
    config,
    modules,
    bindings,
    classNames: objects.map((one) => one.className),
  });
}

/** Of the store's own process. It is given no variable, and calls nobody. */
export function storeConfig(config: StoreConfig): string {
  return file({
    services: [`(name = "internet", network = (allow = []))`],
    address: `unix:${STORE_SOCKET}`,
    youngMb: STORE_YOUNG_MB,
    config,
    modules: [
      `(name = ${quote(config.bundle.store)}, esModule = embed ${quote(join(config.bundleFrom, config.bundle.store))})`,
    ],
    bindings: [`(name = "STORE", durableObjectNamespace = (className = ${quote(STORE_CLASS)}))`],
    classNames: [STORE_CLASS],
  });
}

interface Parts {
  services: string[];
  address: string;
  youngMb: number;
  config: StoreConfig;
  modules: string[];
  bindings: string[];
  classNames: string[];
}

function file({ services, address, youngMb, config, modules, bindings, classNames }: Parts): string {
  const { compatibilityDate, compatibilityFlags } = config.bundle;
  const flags = compatibilityFlags.filter(
    (flag) => !(flag === "nodejs_compat" && compatibilityDate >= NODEJS_COMPAT_DEFAULT),
  );
  // The unique key names the folder on disk, so it must never change.
  const namespaces = classNames.map(
    (name) => `(className = ${quote(name)}, uniqueKey = ${quote(`postern-${name}`)}, enableSql = true)`,
  );
  return `# Written by \`npm start\` at each start; changes are lost.
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  v8Flags = ["--max-semi-space-size=${youngMb}"],
  services = [
    (name = "postern", worker = .postern),
    (name = "storage", disk = (path = ${quote(config.storage)}, writable = true)),
    ${services.join(",\n    ")},
  ],
  sockets = [(name = "http", address = ${quote(address)}, http = (), service = "postern")],
);

const postern :Workerd.Worker = (
  compatibilityDate = ${quote(compatibilityDate)},
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

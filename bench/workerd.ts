/** A single worker under workerd itself, for peers that are workers. */
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { cpuMs, descendant, freePort, start, until } from "./processes.ts";

/** `object`: the Durable Object class that the entry exports, bound as OBJECT, its storage on disk. */
export async function startWorker(
  entry: string,
  object: string | null = null,
): Promise<{
  url: string;
  /** Processor time used so far, in milliseconds; null where /proc is not to be had. */
  cpuMs: () => number | null;
  stop: () => Promise<void>;
}> {
  const folder = mkdtempSync(join(tmpdir(), "postern-peer-"));
  await build({
    entryPoints: [entry],
    outfile: join(folder, "worker.js"),
    bundle: true,
    format: "esm",
    platform: "browser",
    external: ["cloudflare:*", "node:*"],
  });
  const date = /compatibility_date = "([^"]+)"/.exec(readFileSync("wrangler.toml", "utf8"))?.[1];
  const port = await freePort();
  mkdirSync(join(folder, "storage"));
  const bound =
    object === null
      ? ""
      : `,
      bindings = [(name = "OBJECT", durableObjectNamespace = "${object}")],
      durableObjectNamespaces = [(className = "${object}", uniqueKey = "${object}", enableSql = true)],
      durableObjectStorage = (localDisk = "storage")`;
  writeFileSync(
    join(folder, "config.capnp"),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [(name = "worker.js", esModule = embed "worker.js")],
      compatibilityDate = "${date}", compatibilityFlags = ["nodejs_compat"]${bound})),
    (name = "storage", disk = (path = "${join(folder, "storage")}", writable = true)),
    (name = "internet", network = (allow = ["public", "private"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")]
);
`,
  );
  const worker = start("node_modules/.bin/workerd", ["serve", join(folder, "config.capnp")]);
  const url = `http://127.0.0.1:${port}`;
  await until(entry, () =>
    fetch(url).then(
      (r) => r.ok,
      () => false,
    ),
  );
  return {
    url,
    cpuMs: () => {
      const pid = descendant(worker.child.pid ?? 0, "workerd");
      return pid === null ? null : cpuMs(pid);
    },
    stop: worker.stop,
  };
}

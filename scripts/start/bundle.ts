/**
 * The worker's bundle, made by wrangler exactly as `wrangler deploy` makes it, once per change. What of wrangler.toml
 * workerd needs to know is kept beside it, so that wrangler.toml stays the only place that says it. So is the worker of the
 * store's process, which is small: with the whole bundle in it, that process would take 30 MB more.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { build as esbuild } from "esbuild";
import { err, ok, type Result } from "../../src/core/result.ts";
import { ROOT } from "./settings.ts";

/** wrangler has a worker export every Durable Object of wrangler.toml, so this one is made by the bundler beneath it. */
const STORE_ENTRY = "scripts/start/store.ts";
/** What the bundle is made of. */
const SOURCES = ["src", "migrations", STORE_ENTRY, "package-lock.json", "tsconfig.json", "wrangler.toml"];
/** Older bundles that stay, so that two checked-out versions do not evict each other at every start. */
const KEPT_BUNDLES = 3;
const MANIFEST = "manifest.json";
const STORE = "store.js";
/** What lies in the folder and is no module of the worker. */
const OTHERS = [MANIFEST, STORE, "README.md"];

export interface Manifest {
  compatibilityDate: string;
  compatibilityFlags: string[];
  durableObjects: { binding: string; className: string }[];
}

export interface Bundle extends Manifest {
  /** Folder with index.js and its modules. */
  dir: string;
  /** File names, the entry first. */
  modules: string[];
  /** File name of the store's own worker. */
  store: string;
}

export interface Progress {
  /** Called only when there is something to wait for. */
  building(): void;
  built(milliseconds: number): void;
}

/** The bundle of the sources as they are now. The error may have several lines: it is the bundler's own. */
export async function bundleWorker(progress: Progress, signal: AbortSignal): Promise<Result<Bundle, string>> {
  const home = join(ROOT, "dist");
  const dir = join(home, `worker-${hashOf(SOURCES)}`);
  if (!existsSync(dir)) {
    const startedAt = performance.now();
    progress.building();
    const built = await build(home, dir, signal);
    if (!built.ok) return built;
    progress.built(performance.now() - startedAt);
  }
  const manifest = JSON.parse(readFileSync(join(dir, MANIFEST), "utf8")) as Manifest;
  const modules = readdirSync(dir).filter((name) => !OTHERS.includes(name) && !name.endsWith(".map"));
  return ok({
    ...manifest,
    dir,
    modules: ["index.js", ...modules.filter((name) => name !== "index.js").sort()],
    store: STORE,
  });
}

async function build(home: string, dir: string, signal: AbortSignal): Promise<Result<null, string>> {
  const draft = join(home, `draft-${process.pid}`);
  try {
    mkdirSync(draft, { recursive: true });
  } catch (error) {
    return err(
      `${home} cannot be written to (${(error as NodeJS.ErrnoException).code}); the worker is bundled there`,
    );
  }
  try {
    const ran = await wrangler(["deploy", "--dry-run", "--outdir", draft], signal);
    if (!ran.ok) return ran;
    const store = await bundleStore(join(draft, STORE));
    if (!store.ok) return store;
    writeFileSync(
      join(draft, MANIFEST),
      JSON.stringify(await manifestOf(join(ROOT, "wrangler.toml")), null, 2),
    );
    if (!existsSync(dir)) renameSync(draft, dir);
    forgetOld(home);
    return ok(null);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

/** Starts wrangler of this project under this Node, quiet about itself: no questions, no telemetry, no update check. */
export function spawnWrangler(args: string[], options: Parameters<typeof spawn>[2]): ChildProcess {
  const bin = join(
    dirname(createRequire(import.meta.url).resolve("wrangler/package.json")),
    "bin",
    "wrangler.js",
  );
  return spawn(process.execPath, [bin, ...args], {
    cwd: ROOT,
    ...options,
    env: { ...process.env, WRANGLER_SEND_METRICS: "false", WRANGLER_HIDE_BANNER: "true", ...options?.env },
  });
}

function wrangler(args: string[], signal: AbortSignal): Promise<Result<null, string>> {
  return new Promise((resolve) => {
    const child = spawnWrangler(args, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { CI: "true", NO_COLOR: "1" },
      signal,
    });
    let output = "";
    const keep = (chunk: Buffer) => {
      output = (output + chunk).slice(-8_000);
    };
    child.stdout?.on("data", keep);
    child.stderr?.on("data", keep);
    child.on("error", (error) => resolve(err(`wrangler could not run: ${error.message}`)));
    child.on("close", (code) =>
      resolve(code === 0 ? ok(null) : err(`The worker could not be bundled:\n${output.trim()}`)),
    );
  });
}

async function bundleStore(outfile: string): Promise<Result<null, string>> {
  try {
    await esbuild({
      entryPoints: [join(ROOT, STORE_ENTRY)],
      outfile,
      bundle: true,
      format: "esm",
      target: "es2024",
      external: ["cloudflare:*", "node:*"],
      logLevel: "silent",
    });
    return ok(null);
  } catch (error) {
    return err(`The store's worker could not be bundled:\n${(error as Error).message.trim()}`);
  }
}

async function manifestOf(path: string): Promise<Manifest> {
  const { unstable_readConfig } = await import("wrangler");
  const config = unstable_readConfig({ config: path }, { hideWarnings: true });
  return {
    compatibilityDate: config.compatibility_date ?? "",
    compatibilityFlags: config.compatibility_flags,
    durableObjects: config.durable_objects.bindings.map((one: { name: string; class_name: string }) => ({
      binding: one.name,
      className: one.class_name,
    })),
  };
}

/** A short name for the contents of files and folders under the root. */
function hashOf(paths: string[]): string {
  const hash = createHash("sha256");
  for (const path of paths) {
    const whole = join(ROOT, path);
    if (!existsSync(whole)) continue;
    const names = statSync(whole).isDirectory()
      ? readdirSync(whole, { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map((entry) => join(entry.parentPath, entry.name))
          .sort()
      : [whole];
    for (const name of names)
      hash
        .update(`${name.slice(ROOT.length)}\0`)
        .update(createHash("sha256").update(readFileSync(name)).digest());
  }
  return hash.digest("hex").slice(0, 16);
}

function forgetOld(home: string): void {
  const old = readdirSync(home)
    .filter((name) => name.startsWith("worker-"))
    .map((name) => ({ path: join(home, name), at: statSync(join(home, name)).mtimeMs }))
    .sort((a, b) => b.at - a.at)
    .slice(KEPT_BUNDLES);
  for (const { path } of old) rmSync(path, { recursive: true, force: true });
}

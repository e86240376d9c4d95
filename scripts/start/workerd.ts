/** workerd as a child process: started, waited for, ended, and never left behind. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { err, ok, type Result } from "../../src/core/result.ts";
import type { Bundle } from "./bundle.ts";
import { workerdConfig } from "./capnp.ts";
import { localUrl } from "./settings.ts";

/** The package exports the path of its binary, and no types. */
const { default: workerdBinary } = createRequire(import.meta.url)("workerd") as { default: string };

const HEALTHY_MS = 30_000; // A first start makes its tables in a second; a slow disk gets time.
const HEALTH_POLL_MS = 50;
const GRACE_MS = 5_000; // From SIGTERM to SIGKILL. State is crash-only, so waiting longer would gain nothing.

export interface Serving {
  pid: number;
  /** When it has ended: its exit code, or 128 + the signal's number as a shell counts. */
  ended: Promise<number>;
  stop(): Promise<void>;
}

export interface WorkerdOptions {
  bundle: Bundle;
  dataDir: string;
  host: string;
  port: number;
  variables: Record<string, string>;
  /** Every name a variable may have. */
  names: readonly string[];
  extraCaFile: string | null;
}

/** Starts workerd, tells its process id, and resolves when GET /healthz answers 200. The error is one line. */
export async function serve(
  options: WorkerdOptions,
  signal: AbortSignal,
  started: (pid: number) => void,
): Promise<Result<Serving, string>> {
  const trusted = readCertificates(options.extraCaFile);
  if (!trusted.ok) return trusted;
  const storage = join(options.dataDir, "storage");
  mkdirSync(storage, { recursive: true, mode: 0o700 });
  const config = join(options.dataDir, "workerd.capnp");
  writeFileSync(
    config,
    workerdConfig({
      bundle: options.bundle,
      bundleFrom: relative(options.dataDir, options.bundle.dir),
      host: options.host,
      port: options.port,
      storage,
      variables: options.names,
      trusted: trusted.value,
    }),
  );
  // A session of its own: Ctrl-C reaches this process alone, which then ends workerd in order.
  const child = spawn(workerdBinary, ["serve", config], {
    stdio: ["ignore", "inherit", "inherit"],
    detached: true,
    env: { ...inherited(), ...options.variables },
  });
  const serving = watch(child);
  started(serving.pid);
  const healthy = await waitUntilHealthy(localUrl(options.host, options.port), serving.ended, signal);
  if (healthy.ok) return ok(serving);
  await serving.stop();
  return healthy;
}

/** What workerd needs of our environment: where the system's certificates are, and nothing secret. */
function inherited(): Record<string, string> {
  const names = ["PATH", "HOME", "TMPDIR", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR"];
  return Object.fromEntries(
    names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}

const SIGNALS: Partial<Record<NodeJS.Signals, number>> = { SIGABRT: 6, SIGKILL: 9, SIGSEGV: 11, SIGTERM: 15 };

function watch(child: ChildProcess): Serving {
  const pid = child.pid ?? 0;
  // If this process is killed outright, its end of the pipe closes, and the shell ends workerd.
  const guard = spawn("/bin/sh", ["-c", `read _; kill -9 ${pid}`], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  guard.on("error", () => {});
  const ended = new Promise<number>((resolve) => {
    child.once("error", () => resolve(127));
    child.once("exit", (code, signal) => resolve(code ?? 128 + (SIGNALS[signal ?? "SIGTERM"] ?? 0)));
  }).then((code) => {
    guard.kill("SIGKILL");
    return code;
  });
  return {
    pid,
    ended,
    async stop() {
      child.kill("SIGTERM");
      const late = setTimeout(() => child.kill("SIGKILL"), GRACE_MS);
      await ended;
      clearTimeout(late);
    },
  };
}

async function waitUntilHealthy(
  base: string,
  ended: Promise<number>,
  signal: AbortSignal,
): Promise<Result<null, string>> {
  let exit: number | null = null;
  ended.then((code) => {
    exit = code;
  });
  let last = "no answer";
  const deadline = performance.now() + HEALTHY_MS;
  while (performance.now() < deadline) {
    if (signal.aborted) return err("stopped");
    if (exit !== null)
      return err(`workerd ended with code ${exit} before it served; its own words are above`);
    try {
      const response = await fetch(`${base}/healthz`, {
        signal: AbortSignal.any([signal, AbortSignal.timeout(5_000)]),
      });
      if (response.status === 200) return ok(null);
      last = `${response.status} ${(await response.text()).slice(0, 500)}`;
    } catch {
      // Not listening yet.
    }
    await sleep(HEALTH_POLL_MS);
  }
  return err(`the worker did not become healthy within ${HEALTHY_MS / 1000} s; GET /healthz said: ${last}`);
}

function readCertificates(file: string | null): Result<string[], string> {
  if (file === null) return ok([]);
  try {
    const blocks = readFileSync(file, "utf8").match(
      /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g,
    );
    return blocks === null
      ? err(`NODE_EXTRA_CA_CERTS ${file} holds no PEM certificate`)
      : ok(blocks.map((pem) => `${pem}\n`));
  } catch (error) {
    return err(`NODE_EXTRA_CA_CERTS ${file} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

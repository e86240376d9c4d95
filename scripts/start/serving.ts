/**
 * The gateway as processes: the worker, and beside it the embedded store, so that two cores share the work. Started, waited
 * for and ended together; when one ends, so does the other, and nothing acknowledged is lost by it.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { err, ok, type Result } from "../../src/core/result.ts";
import type { Bundle } from "./bundle.ts";
import { STORE_SOCKET, storeConfig, workerConfig } from "./capnp.ts";
import type { Role } from "./data-dir.ts";
import { localUrl } from "./settings.ts";
import { startWorkerd, type Workerd } from "./workerd.ts";

const HEALTHY_MS = 30_000; // A first start makes its tables in a second; a slow disk gets time.
const HEALTH_POLL_MS = 50;
/** So often the gateway is asked for its health while it serves: it wakes what waits, whatever became of an alarm (src/http/health.ts). */
const AWAKE_MS = 60_000;

/** As its lines for people call it. */
const NAMES: Record<Role, string> = { workerd: "workerd", store: "the store's workerd" };

export interface End {
  /** Which process ended. */
  who: string;
  /** Its exit code, or 128 + the signal's number as a shell counts. */
  code: number;
}

export interface Serving {
  /** When the first of the processes has ended by itself. The others are still to be stopped. */
  ended: Promise<End>;
  stop(): Promise<void>;
}

export interface ServeOptions {
  bundle: Bundle;
  dataDir: string;
  host: string;
  port: number;
  /** The embedded store gets a process of its own; false where libSQL is elsewhere. */
  storeApart: boolean;
  variables: Record<string, string>;
  /** Every name a variable may have. */
  names: readonly string[];
  extraCaFile: string | null;
}

/** Starts the processes, tells their ids, and resolves when GET /healthz answers 200. The error is one line. */
export async function serve(
  options: ServeOptions,
  signal: AbortSignal,
  started: (role: Role, pid: number) => void,
): Promise<Result<Serving, string>> {
  const trusted = readCertificates(options.extraCaFile);
  if (!trusted.ok) return trusted;
  const { bundle, dataDir, storeApart } = options;
  const storage = join(dataDir, "storage");
  mkdirSync(storage, { recursive: true, mode: 0o700 });
  // Left there by a process that was killed, it would keep another from listening.
  const forgetSocket = () => rmSync(join(storage, STORE_SOCKET), { force: true });
  forgetSocket();

  const config = { bundle, bundleFrom: relative(dataDir, bundle.dir), storage };
  const running: { role: Role; process: Workerd }[] = [];
  const begin = (role: Role, text: string, variables: Record<string, string>): Workerd => {
    const file = join(dataDir, `${role}.capnp`);
    writeFileSync(file, text);
    const process = startWorkerd(file, storage, variables);
    running.push({ role, process });
    started(role, process.pid);
    return process;
  };
  const stop = async (): Promise<void> => {
    // The store last: what the others still have for it can arrive.
    for (const { process } of running.toReversed()) await process.stop();
    forgetSocket();
  };

  if (storeApart) {
    const listens = await waitUntilListening(begin("store", storeConfig(config), {}), signal);
    if (!listens.ok) {
      await stop();
      return listens;
    }
  }
  begin(
    "workerd",
    workerConfig({
      ...config,
      host: options.host,
      port: options.port,
      storeApart,
      variables: options.names,
      trusted: trusted.value,
    }),
    options.variables,
  );
  const ended = Promise.race(
    running.map(({ role, process }) => process.ended.then((code) => ({ who: NAMES[role], code }))),
  );
  const base = localUrl(options.host, options.port);
  const healthy = await waitUntilHealthy(base, ended, signal);
  if (healthy.ok) {
    const awake = setInterval(() => void askForHealth(base), AWAKE_MS);
    return ok({
      ended,
      stop: () => {
        clearInterval(awake);
        return stop();
      },
    });
  }
  await stop();
  return healthy;
}

async function waitUntilListening(store: Workerd, signal: AbortSignal): Promise<Result<null, string>> {
  const late = sleep(HEALTHY_MS, err(`the store did not listen within ${HEALTHY_MS / 1000} s`), {
    ref: false,
    signal,
  });
  return Promise.race([
    store.listening.then(() => ok(null)),
    store.ended.then((code) => err(endedEarly({ who: NAMES.store, code }))),
    late.catch(() => err("stopped")),
  ]);
}

const endedEarly = ({ who, code }: End): string =>
  `${who} ended with code ${code} before it served; its own words are above`;

async function waitUntilHealthy(
  base: string,
  ended: Promise<End>,
  signal: AbortSignal,
): Promise<Result<null, string>> {
  let early: string | null = null;
  ended.then((end) => {
    early = endedEarly(end);
  });
  let last = "no answer";
  const deadline = performance.now() + HEALTHY_MS;
  while (performance.now() < deadline) {
    if (signal.aborted) return err("stopped");
    if (early !== null) return err(early);
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

/** Whatever comes of it: that it died is told elsewhere. */
const askForHealth = (base: string): Promise<unknown> =>
  fetch(`${base}/healthz`, { signal: AbortSignal.timeout(5_000) })
    .then((response) => response.text())
    .catch(() => undefined);

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

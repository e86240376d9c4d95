/**
 * `npm run dev`: Postern under `wrangler dev`, which bundles again at each change. The same variables, state folder,
 * keys and inbox as `npm start`; `.dev.vars` goes before `.env`. State is kept apart from that of `npm start`.
 */
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { spawnWrangler } from "./start/bundle.ts";
import { lifetime } from "./start/lifetime.ts";
import { type Prepared, prepare, summaryOf } from "./start/prepare.ts";
import { summarise } from "./start/summary.ts";

const POLL_MS = 250;
const GRACE_MS = 5_000;

async function main(): Promise<number> {
  const life = lifetime();
  const prepared = await prepare([".dev.vars", ".env"]);
  if (!prepared.ok) {
    console.error(`postern: ${prepared.error}`);
    return 1;
  }
  try {
    return await run(prepared.value, life.signal);
  } finally {
    await prepared.value.close();
  }
}

async function run(prepared: Prepared, signal: AbortSignal): Promise<number> {
  const child = spawnWrangler(wranglerArguments(prepared), {
    stdio: ["ignore", "inherit", "inherit"],
    detached: true,
  });
  const exit = once(child, "exit").then(([code]) => (code as number | null) ?? 1);
  const announced = new AbortController();
  exit.then(() => announced.abort());
  announce(prepared, AbortSignal.any([signal, announced.signal]));
  signal.addEventListener("abort", () => child.kill("SIGTERM"));
  if (signal.aborted) child.kill("SIGTERM");
  const late = await Promise.race([
    exit,
    once(signal, "abort").then(() => sleep(GRACE_MS, null, { ref: false })),
  ]);
  // The group: wrangler's own children, workerd among them, go with it.
  if (late === null && child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  const code = await exit;
  return signal.aborted ? 0 : code;
}

/** Variables go by a file that only the owner can read: arguments would show in the list of processes. */
function wranglerArguments(prepared: Prepared): string[] {
  const variables = join(prepared.dataDir.path, "dev.vars");
  const lines = Object.entries(prepared.variables).map(([name, value]) => `${name}=${quoted(value)}\n`);
  writeFileSync(variables, lines.join(""), { mode: 0o600 });
  return [
    "dev",
    ...["--ip", prepared.settings.host, "--port", String(prepared.port), "--inspector-port", "0"],
    ...["--persist-to", join(prepared.dataDir.path, "dev"), "--env-file", variables],
    "--show-interactive-dev-session=false",
  ];
}

/** As dotenv reads it back: the first kind of quotes that the value itself does not hold. */
function quoted(value: string): string {
  const quote = ["'", '"', "`"].find((one) => !value.includes(one)) ?? "'";
  return `${quote}${value}${quote}`;
}

async function announce(prepared: Prepared, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const response = await fetch(`${prepared.base}/healthz`, { signal }).catch(() => null);
    if (response?.status === 200) {
      process.stdout.write(summarise(summaryOf(prepared)));
      return;
    }
    await sleep(POLL_MS);
  }
}

process.exitCode = await main();

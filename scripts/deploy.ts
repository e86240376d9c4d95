/**
 * `npm run deploy`: from a clone to a gateway on Cloudflare Workers. Checks the configuration, makes or asks for what is
 * missing, migrates libSQL, deploys code and secrets in one step, looks whether the gateway answers, and says what is next.
 * `--dry-run` shows all of it and changes nothing.
 */
import { parseArgs } from "node:util";
import { askSecret } from "./deploy/ask.ts";
import { existingSecrets, isLoggedIn, upload } from "./deploy/cloudflare.ts";
import { type Plan, planOf, settled } from "./deploy/plan.ts";
import { done, planned, step, stopped } from "./deploy/report.ts";
import { migrateStore, pendingCount } from "./deploy/store.ts";
import { readSettings } from "./start/settings.ts";

const FILE = ".env.production";
const USAGE = `usage: npm run deploy [-- --dry-run | --no-wait]

--dry-run  shows what would be done, and changes nothing
--no-wait  does not wait until the gateway answers

What the worker is to know is taken from the environment and ${FILE}; see README.md for the names.`;

/** How often, and how long apart, a fresh deployment is asked whether it is well. */
const HEALTH_TRIES = 10;
const HEALTH_WAIT_MS = 1_500;

function readArguments(): { dryRun: boolean; wait: boolean } | null {
  try {
    const { values } = parseArgs({
      options: {
        "dry-run": { type: "boolean", default: false },
        "no-wait": { type: "boolean", default: false },
        help: { type: "boolean" },
      },
    });
    return values.help ? null : { dryRun: values["dry-run"], wait: !values["no-wait"] };
  } catch {
    return null;
  }
}

async function main(): Promise<number> {
  const options = readArguments();
  if (options === null) {
    console.error(USAGE);
    return 2;
  }
  const settings = readSettings(process.env, [FILE]);
  if (!settings.ok) return stopped(settings.error);
  const given = settings.value.variables;
  // What can be known to be wrong is said before anyone is asked anything.
  const checked = planOf(given, []);
  if (!checked.ok) return stopped(checked.error);

  if (!options.dryRun && !(await isLoggedIn()))
    return stopped("wrangler is not logged in: run `npx wrangler login`, or set CLOUDFLARE_API_TOKEN.");
  const existing = options.dryRun ? null : await existingSecrets();
  if (existing !== null && !existing.ok) return stopped(existing.error);

  const plan = planOf(given, existing === null ? [] : existing.value);
  if (!plan.ok) return stopped(plan.error);
  planned(plan.value, options.dryRun);
  const values = await settled(plan.value, options.dryRun ? null : askSecret);
  if (!values.ok) return stopped(values.error);

  const migrated = await store(plan.value, options.dryRun);
  if (migrated !== null) return stopped(migrated);
  step(options.dryRun ? "Bundling, as it would be deployed" : "Deploying code and secrets");
  const uploaded = await upload(values.value, options.dryRun);
  if (!uploaded.ok) return stopped(uploaded.error);
  if (options.dryRun) {
    step("Nothing was changed. Without --dry-run, this would now be a gateway.");
    return 0;
  }
  const url = uploaded.value ?? given.PUBLIC_URL ?? null;
  done(plan.value, values.value, url, url === null || !options.wait ? null : await health(url));
  return 0;
}

/** Null, or why the database cannot be used. */
async function store(plan: Plan, dryRun: boolean): Promise<string | null> {
  if (plan.libsql === null) return null;
  if (dryRun) {
    step("Looking at the database");
    const pending = await pendingCount(plan.libsql);
    if (!pending.ok) return pending.error;
    step(pending.value === 0 ? "The database is up to date" : `${pending.value} migrations would be applied`);
    return null;
  }
  step("Bringing the database up to date");
  const applied = await migrateStore(plan.libsql);
  return applied.ok ? null : applied.error;
}

/** What /healthz says, or "silent" when nothing answered. A new workers.dev name takes a moment to be known. */
async function health(url: string): Promise<string> {
  step("Asking the gateway how it is");
  for (let tried = 0; tried < HEALTH_TRIES; tried++) {
    if (tried > 0) await new Promise((resolve) => setTimeout(resolve, HEALTH_WAIT_MS));
    const response = await fetch(`${url}/healthz`).catch(() => null);
    const answer = (await response?.json().catch(() => null)) as { status?: string; problem?: string } | null;
    if (answer?.status !== undefined) return answer.problem ?? answer.status;
  }
  return "silent";
}

process.exitCode = await main();

/** What is asked of Cloudflare, all through wrangler, which knows how to log in. Secrets go by a file only its owner can read. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { err, ok, type Result } from "../../src/core/result.ts";
import { spawnWrangler } from "../start/bundle.ts";
import type { Values } from "./plan.ts";

/** Cloudflare's code for a worker that does not exist (yet). */
const NO_SUCH_WORKER = /\b10007\b|does not exist|not found/i;
const OUTPUT_CHARS = 20_000;

export async function isLoggedIn(): Promise<boolean> {
  const { code } = await wrangler(["whoami", "--json"]);
  return code === 0;
}

/** Names of the secrets that the worker has; none when it was never deployed. */
export async function existingSecrets(): Promise<Result<string[], string>> {
  const { code, output, errors } = await wrangler(["secret", "list", "--format", "json"]);
  if (code !== 0)
    return NO_SUCH_WORKER.test(output + errors)
      ? ok([])
      : err(`wrangler could not list the secrets:\n${(errors || output).trim()}`);
  try {
    const list = JSON.parse(output.slice(output.indexOf("["))) as { name: string }[];
    return ok(list.map(({ name }) => name));
  } catch {
    return err(`wrangler's list of secrets is not one:\n${output.trim()}`);
  }
}

/** Code and secrets in one step, so that no request meets a worker without them. The address, when wrangler tells one. */
export async function upload(values: Values, dryRun: boolean): Promise<Result<string | null, string>> {
  const folder = mkdtempSync(join(tmpdir(), "postern-deploy-"));
  try {
    const file = join(folder, "secrets.json");
    writeFileSync(file, JSON.stringify(values), { mode: 0o600 });
    const args = dryRun ? ["deploy", "--dry-run", "--outdir", join(folder, "bundle")] : ["deploy"];
    const { code, output, errors } = await wrangler([...args, "--secrets-file", file], true);
    if (code !== 0) return err(`wrangler could not deploy:\n${(errors || output).trim()}`);
    return ok(/https:\/\/[a-z0-9.-]+\.workers\.dev/i.exec(output)?.[0] ?? null);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs wrangler to its end. `aloud`: what it prints is shown as it comes. */
function wrangler(
  args: string[],
  aloud = false,
): Promise<{ code: number | null; output: string; errors: string }> {
  return new Promise((resolve) => {
    const child = spawnWrangler(args, { stdio: ["ignore", "pipe", "pipe"] });
    let [output, errors] = ["", ""];
    child.stdout?.on("data", (chunk: Buffer) => {
      if (aloud) process.stdout.write(chunk);
      output = (output + chunk).slice(-OUTPUT_CHARS);
    });
    child.stderr?.on("data", (chunk: Buffer) => {
      errors = (errors + chunk).slice(-OUTPUT_CHARS);
    });
    child.on("error", (error) => resolve({ code: 1, output, errors: error.message }));
    child.on("close", (code) => resolve({ code, output, errors }));
  });
}

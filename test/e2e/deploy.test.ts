/** `npm run deploy`, with wrangler itself, against a stand-in for Cloudflare's API. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseConfig } from "../../src/env.ts";
import { type CloudflareApi, cloudflareApi } from "../support/cloudflare-api.ts";
import { startHranaServer } from "../support/hrana-server.ts";
import { temporaryFolder } from "../support/postern.ts";

const ROOT = join(import.meta.dirname, "../..");
const SECRET = "smtp://user:hunter2-hunter2@smtp.example.com:587";
const home = temporaryFolder();
let api: CloudflareApi;

beforeAll(async () => {
  api = await cloudflareApi();
});
afterAll(() => {
  api.close();
  home.remove();
});

interface Ran {
  code: number | null;
  stdout: string;
  stderr: string;
}

function run(
  command: string,
  args: string[],
  variables: Record<string, string>,
  answer?: string,
): Promise<Ran> {
  const { PATH = "" } = process.env;
  const child = spawn(command, args, {
    cwd: ROOT,
    env: {
      PATH,
      HOME: home.path,
      CLOUDFLARE_API_BASE_URL: api.base,
      CLOUDFLARE_API_TOKEN: "token",
      CLOUDFLARE_ACCOUNT_ID: "acc",
      ...variables,
    },
  });
  let [stdout, stderr] = ["", ""];
  let answered = false;
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk;
    if (answer !== undefined && !answered && stdout.includes("(it is not shown)")) {
      answered = true;
      child.stdin.write(`${answer}\n`);
    }
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk;
  });
  if (answer === undefined) child.stdin.end();
  return new Promise((resolve) => child.once("close", (code) => resolve({ code, stdout, stderr })));
}
const deploy = (args: string[], variables: Record<string, string> = {}) =>
  run(process.execPath, ["scripts/deploy.ts", "--no-wait", ...args], variables);

describe("npm run deploy", () => {
  it("uploads code and secrets in one step, makes what is missing, and shows the key once", async () => {
    const { code, stdout, stderr } = await deploy([], { SMTP_URL: SECRET });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(parseConfig(api.uploaded).ok).toBe(true);
    expect(api.uploaded.SMTP_URL).toBe(SECRET);
    expect(stdout).toContain(api.uploaded.API_KEY);
    expect(stdout).not.toContain(api.uploaded.SIGNING_SECRET);
    expect(stdout).not.toContain("hunter2");
    expect(stdout).toContain("https://postern.dev.workers.dev");
  });

  it("leaves alone what the worker has", async () => {
    api.secrets = ["API_KEY", "SIGNING_SECRET", "RELAYS"];
    api.uploaded = {};
    const { code, stdout } = await deploy([], { EHLO_NAME: "mail.example.com" });
    api.secrets = null;
    expect(code).toBe(0);
    expect(api.uploaded).toEqual({ EHLO_NAME: "mail.example.com" });
    expect(stdout).not.toContain("shown once");
  });

  it("asks for the relay without showing the answer", async () => {
    api.uploaded = {};
    // A terminal of its own, which shows what is echoed.
    const { code, stdout } = await run(
      "script",
      ["-qec", `${process.execPath} scripts/deploy.ts --no-wait`, "/dev/null"],
      {},
      SECRET,
    );
    expect(code).toBe(0);
    expect(api.uploaded.SMTP_URL).toBe(SECRET);
    expect(stdout).toContain("it is not shown");
    expect(stdout).not.toContain("hunter2");
  });

  it("brings libSQL up to date before the code that needs it", async () => {
    const server = await startHranaServer();
    try {
      const before = await deploy(["--dry-run"], { SMTP_URL: SECRET, LIBSQL_URL: server.url });
      expect(before.stdout).toMatch(/\d+ migrations would be applied/);
      await deploy([], { SMTP_URL: SECRET, LIBSQL_URL: server.url });
      const after = await deploy(["--dry-run"], { SMTP_URL: SECRET, LIBSQL_URL: server.url });
      expect(after.stdout).toContain("The database is up to date");
    } finally {
      await server.stop();
    }
  });

  it.each([
    ["a wrong relay", { SMTP_URL: "http://x" }, "SMTP_URL"],
    ["nobody to ask", {}, "SMTP_URL is not set"],
    ["an address of this machine", { SMTP_URL: SECRET, PUBLIC_URL: "http://localhost:8787" }, "PUBLIC_URL"],
    ["a database that is away", { SMTP_URL: SECRET, LIBSQL_URL: "http://127.0.0.1:9" }, "libSQL"],
  ])("stops before anything is changed: %s", async (_, variables, message) => {
    api.calls = [];
    const { code, stderr } = await deploy([], variables as Record<string, string>);
    expect(code).toBe(1);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain("hunter2");
    expect(api.calls.filter((call) => call.startsWith("PUT"))).toEqual([]);
  });

  it("shows all of it and asks Cloudflare nothing with --dry-run", async () => {
    api.calls = [];
    const { code, stdout } = await deploy(["--dry-run"], { CLOUDFLARE_API_TOKEN: "" });
    expect(code).toBe(0);
    expect(stdout).toContain("SMTP_URL        is asked for");
    expect(stdout).toContain("Nothing was changed");
    expect(api.calls).toEqual([]);
  });
});

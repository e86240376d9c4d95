/**
 * `node bench/first-mail.ts`: a new user's path, timed: clone, `npm ci`, `npm start`, the first mail, opened and clicked, and the
 * events of both on its timeline. What npm has in its cache stays there, so the network counts as little as it can.
 */
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const POLL_MS = 50;
const PATIENCE_MS = 60_000;

const root = resolve(import.meta.dirname, "..");
const folder = mkdtempSync(join(tmpdir(), "postern-first-"));
const clone = join(folder, "postern");
const begun = performance.now();
let last = begun;

function tell(what: string): void {
  const now = performance.now();
  console.log(`${((now - last) / 1000).toFixed(1).padStart(6)} s  ${what}`);
  last = now;
}

async function until<T>(get: () => Promise<T | null>): Promise<T> {
  for (const deadline = performance.now() + PATIENCE_MS; performance.now() < deadline; await sleep(POLL_MS)) {
    const value = await get();
    if (value !== null) return value;
  }
  throw new Error("waited in vain");
}

const quiet = { cwd: clone, stdio: "ignore" } as const;
execFileSync("git", ["clone", "--quiet", root, clone]);
tell("git clone");
execFileSync("npm", ["ci", "--no-audit", "--no-fund"], quiet);
tell("npm ci");
const start = spawn("npm", ["start"], {
  cwd: clone,
  detached: true,
  env: { ...process.env, PORT: "0", INBOX_PORT: "0", DATA_DIR: join(folder, "state") },
});
try {
  let said = "";
  start.stdout.on("data", (chunk: Buffer) => {
    said += chunk;
  });
  await until(async () => (said.includes("Ctrl-C ends it") ? true : null));
  tell("npm start, until it serves (it bundles the worker once)");
  const base = /^ {2}API {2,}(\S+)$/m.exec(said)![1]!;
  const inbox = /^ {2}Inbox {2,}(\S+)/m.exec(said)![1]!;
  const { API_KEY } = JSON.parse(readFileSync(join(folder, "state/keys.json"), "utf8")) as {
    API_KEY: string;
  };
  const ask = async (path: string, body?: object) =>
    (await (
      await fetch(`${base}${path}`, {
        headers: { authorization: `Bearer ${API_KEY}`, "content-type": "application/json" },
        ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
      })
    ).json()) as { id: string; data: { type: string }[] };
  const { id } = await ask("/emails", {
    from: "Ada <ada@example.com>",
    to: "you@example.com",
    subject: "It works",
    html: '<p>Hello! <a href="https://example.com/">Click me</a></p>',
  });
  const html = await until(async () => {
    const { messages } = (await (await fetch(`${inbox}/messages`)).json()) as { messages: { id: number }[] };
    if (messages[0] === undefined) return null;
    return ((await (await fetch(`${inbox}/messages/${messages[0].id}`)).json()) as { html: string }).html;
  });
  tell("the first mail, from POST to the inbox");
  for (const path of [/\/o\/[\w-]+/, /\/c\/[\w-]+\/[\w-]+/])
    await fetch(`${base}${path.exec(html)![0]}`, { redirect: "manual" });
  await until(async () => {
    const types = (await ask(`/emails/${id}/events`)).data.map(({ type }) => type);
    return types.includes("email.opened") && types.includes("email.clicked") ? true : null;
  });
  tell("opened, clicked, and both on the timeline");
} finally {
  process.kill(-start.pid!, "SIGTERM");
  await new Promise((ended) => start.once("close", ended));
  rmSync(folder, { recursive: true, force: true });
}
console.log(`${((performance.now() - begun) / 1000).toFixed(1).padStart(6)} s  in all`);

/**
 * Pixel and redirect under load, beside a bare hono redirect on the same workerd. By wrk when it is installed, else by a
 * loop in Node. Afterwards the store is counted: every answer must have its event there.
 */
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { EmailId } from "../src/core/ids.ts";
import { linkSigner } from "../src/tracking/link.ts";
import { signToken } from "../src/tracking/token.ts";
import { SECRET } from "./product.ts";

const CONNECTIONS = 32;
const AGENT = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0";
const TARGET = "https://example.com/article/7?utm_source=news&utm_medium=email";

const WRK = (() => {
  try {
    return execFileSync("/bin/sh", ["-c", "command -v wrk"], { encoding: "utf8" }).trim();
  } catch {
    return null;
  }
})();

/** Paths of the pixel and of a link of an email's recipient. */
export function pathsOf(id: string, recipient = 0): { pixel: string; redirect: string } {
  const token = signToken(SECRET, { id: id as EmailId, recipient });
  return { pixel: `/o/${token}`, redirect: `/c/${token}/${linkSigner(SECRET, id as EmailId)(TARGET)}` };
}

export interface Load {
  /** Answers a second. */
  rate: number;
  /** Answers in all. */
  answers: number;
}

/** Asks for the paths in turn. */
export const load = (url: string, paths: readonly string[], seconds: number): Promise<Load> =>
  WRK === null ? byNode(url, paths, seconds) : byWrk(WRK, url, paths, seconds);

async function byWrk(wrk: string, url: string, paths: readonly string[], seconds: number): Promise<Load> {
  const script = join(mkdtempSync(join(tmpdir(), "postern-wrk-")), "paths.lua");
  writeFileSync(
    script,
    `local paths = {${paths.map((path) => JSON.stringify(path)).join(",")}}
local at = 0
local made = {}
request = function()
  at = at % #paths + 1
  made[at] = made[at] or wrk.format("GET", paths[at])
  return made[at]
end
`,
  );
  const options = ["-t1", `-c${CONNECTIONS}`, `-d${seconds}s`, "-H", `User-Agent: ${AGENT}`, "-s", script];
  const child = spawn(wrk, [...options, url]);
  let out = "";
  child.stdout.on("data", (chunk: Buffer) => {
    out += chunk.toString();
  });
  await new Promise((resolve) => child.on("exit", resolve));
  const failed = /Non-2xx or 3xx responses: \d+|Socket errors:.*/.exec(out);
  if (failed !== null) throw new Error(`${url}: ${failed[0]}`);
  return {
    rate: Number(/Requests\/sec:\s*([\d.]+)/.exec(out)?.[1]),
    answers: Number(/(\d+) requests in/.exec(out)?.[1]),
  };
}

async function byNode(url: string, paths: readonly string[], seconds: number): Promise<Load> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  let at = 0;
  const one = () =>
    new Promise<void>((resolve, reject) => {
      request(url + paths[at++ % paths.length], { agent, headers: { "user-agent": AGENT } }, (response) => {
        if ((response.statusCode ?? 500) >= 400) reject(new Error(`${url}: ${response.statusCode}`));
        response.resume().on("end", resolve);
      })
        .on("error", reject)
        .end();
    });
  const begun = performance.now();
  const end = begun + seconds * 1000;
  let answers = 0;
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      while (performance.now() < end) {
        await one();
        answers++;
      }
    }),
  );
  agent.destroy();
  return { rate: answers / ((performance.now() - begun) / 1000), answers };
}

/** Opens and clicks of an email in the embedded store, read from its file. */
export function eventsStored(dataDir: string, id: string): number {
  const folder = join(dataDir, "storage", "postern-Store");
  const file = readdirSync(folder).find((name) => name.endsWith(".sqlite") && name !== "metadata.sqlite");
  const db = new DatabaseSync(join(folder, file!), { readOnly: true });
  try {
    const row = db
      .prepare(
        "SELECT count(*) AS n FROM events WHERE email_id = ? AND type IN ('email.opened', 'email.clicked')",
      )
      .get(id);
    return Number(row?.n);
  } finally {
    db.close();
  }
}

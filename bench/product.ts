/** Postern as `npm start` runs it: workerd, state on disk, one relay. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cpuMs, descendant, freePort, peakMemory, start, until } from "./processes.ts";

const KEY = "re_bench";
export const SECRET = "a-secret-for-the-benchmark";

export interface Product {
  url: string;
  dataDir: string;
  post: (path: string, body: unknown) => Promise<{ id: string }>;
  get: (path: string) => Promise<unknown>;
  /** Peak resident memory of workerd so far, in MB; null where /proc is not to be had. */
  peakMemory: () => number | null;
  /** Processor time that workerd has used, in milliseconds; null where /proc is not to be had. */
  cpuMs: () => number | null;
  stop: () => Promise<void>;
}

export async function startProduct(relayPort: number, env: Record<string, string> = {}): Promise<Product> {
  const port = await freePort();
  const dataDir = mkdtempSync(join(tmpdir(), "postern-bench-"));
  const process_ = start(process.execPath, ["scripts/start.ts"], {
    PORT: String(port),
    DATA_DIR: dataDir,
    API_KEY: KEY,
    SIGNING_SECRET: SECRET,
    SMTP_URL: `smtp://127.0.0.1:${relayPort}?tls=none`,
    ...env,
  });
  process_.child.stdout?.resume();
  const url = `http://127.0.0.1:${port}`;
  await until(
    "postern",
    () =>
      fetch(`${url}/healthz`).then(
        (r) => r.ok,
        () => false,
      ),
    120,
  );
  const headers = { authorization: `Bearer ${KEY}`, "content-type": "application/json" };
  const answer = async (response: Response) => {
    if (!response.ok) throw new Error(`${response.url}: ${response.status} ${await response.text()}`);
    return response.json();
  };
  const workerd = () => descendant(process_.child.pid ?? 0, "workerd");
  return {
    url,
    dataDir,
    post: (path, body) =>
      fetch(url + path, { method: "POST", headers, body: JSON.stringify(body) }).then(answer) as Promise<{
        id: string;
      }>,
    get: (path) => fetch(url + path, { headers }).then(answer),
    peakMemory: () => {
      const pid = workerd();
      return pid === null ? null : peakMemory(pid);
    },
    cpuMs: () => {
      const pid = workerd();
      return pid === null ? null : cpuMs(pid);
    },
    stop: async () => {
      await process_.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** Postern as `npm start` runs it: worker and store, each a workerd, state on disk, one relay. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cpuMs, freePort, peakMemory, start, until } from "./processes.ts";

const KEY = "re_bench";
export const SECRET = "a-secret-for-the-benchmark";

export interface Product {
  url: string;
  dataDir: string;
  post: (path: string, body: unknown) => Promise<{ id: string }>;
  get: (path: string) => Promise<unknown>;
  /**
   * Peak resident memory so far, in MB, of each process and of both; null where /proc is not to be had. The peaks need not
   * have been at one time, so the sum is what both took at most. `store` is 0 with libSQL elsewhere.
   */
  peakMemory: () => { worker: number; store: number; both: number } | null;
  /** Processor time that both processes have used, in milliseconds; null where /proc is not to be had. */
  cpuMs: () => number | null;
  /** The store's part of it, so that the rest is the worker's. */
  storeCpuMs: () => number | null;
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
  /** A figure of a process by what it is there for; 0 when there is none. */
  const of = (role: "workerd" | "store", figure: (pid: number) => number): number => {
    const file = join(dataDir, `${role}.pid`);
    return existsSync(file) ? figure(Number(readFileSync(file, "utf8"))) : 0;
  };
  return {
    url,
    dataDir,
    post: (path, body) =>
      fetch(url + path, { method: "POST", headers, body: JSON.stringify(body) }).then(answer) as Promise<{
        id: string;
      }>,
    get: (path) => fetch(url + path, { headers }).then(answer),
    peakMemory: () => {
      if (!existsSync("/proc/self/status")) return null;
      const [worker, store] = [of("workerd", peakMemory), of("store", peakMemory)];
      return { worker, store, both: worker + store };
    },
    cpuMs: () => (existsSync("/proc/self/stat") ? of("workerd", cpuMs) + of("store", cpuMs) : null),
    storeCpuMs: () => (existsSync("/proc/self/stat") ? of("store", cpuMs) : null),
    stop: async () => {
      await process_.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** Processes that a benchmark starts, waits for and ends; and what they cost. */
import { type ChildProcess, spawn } from "node:child_process";
import { openSync, readFileSync } from "node:fs";
import { createServer } from "node:net";

const started = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of started) child.kill("SIGKILL");
});

export interface Started {
  child: ChildProcess;
  /** Resolves when it has ended. */
  ended: Promise<void>;
  stop: () => Promise<void>;
}

/** Starts a program, with its output in a pipe or a file. Its errors are shown when it ends by itself. */
export function start(
  command: string,
  args: string[],
  env: Record<string, string> = {},
  output?: string,
): Started {
  const stdout = output === undefined ? "pipe" : openSync(output, "w");
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ["ignore", stdout, "pipe"] });
  started.add(child);
  let stderr = "";
  let stopping = false;
  child.stderr?.on("data", (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-4_000);
  });
  const ended = new Promise<void>((resolve) => {
    child.on("exit", (code) => {
      started.delete(child);
      if (!stopping && code !== 0) console.error(`${command} ended with ${code}: ${stderr}`);
      resolve();
    });
  });
  return {
    child,
    ended,
    stop: async () => {
      stopping = true;
      child.kill("SIGTERM");
      const late = setTimeout(() => child.kill("SIGKILL"), 3_000);
      await ended;
      clearTimeout(late);
    },
  };
}

/** A port nothing listens on just now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

/** Waits until `ready` says so, or throws after `seconds`. */
export async function until(
  what: string,
  ready: () => Promise<boolean> | boolean,
  seconds = 60,
  everyMs = 50,
): Promise<void> {
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    if (await ready()) return;
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
  throw new Error(`${what}: not within ${seconds} s`);
}

/** The process of that name below a process (itself or a descendant), or null. Linux only. */
export function descendant(pid: number, name: string): number | null {
  try {
    if (readFileSync(`/proc/${pid}/comm`, "utf8").trim() === name) return pid;
    for (const child of readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ")) {
      const found = child === "" ? null : descendant(Number(child), name);
      if (found !== null) return found;
    }
  } catch {
    // It has ended meanwhile.
  }
  return null;
}

/** Peak resident memory of a process since the last reset, in MB. Linux only. */
export function peakMemory(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Math.round(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
}

/** A tick of /proc's clock (sysconf _SC_CLK_TCK, 100 a second on every Linux we know). */
const TICK_MS = 10;

/** Processor time of a process so far, its own and the kernel's for it, in milliseconds. Linux only. */
export function cpuMs(pid: number): number {
  // The name in parentheses may hold spaces; utime and stime are fields 14 and 15 (proc(5)).
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

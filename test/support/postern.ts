/** The product as a process, as `npm start` runs it: started with its own DATA_DIR and a free port, and ended for sure. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const ROOT = join(import.meta.dirname, "../..");
/** A cold bundle on a busy machine takes most of it. */
const START_MS = 90_000;
const POLL_MS = 50;

export interface Finished {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface EventRow {
  type: string;
  recipient: string | null;
  data: Record<string, unknown>;
}

/** Variables of the test runner's own environment do not reach the product. */
function environment(variables: Record<string, string>): Record<string, string> {
  const names = ["PATH", "HOME", "TMPDIR"];
  const own = names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]));
  return { ...Object.fromEntries(own), PORT: "0", INBOX_PORT: "0", ...variables };
}

/** A folder for state that goes with the test. */
export function temporaryFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "postern-test-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Runs `scripts/start.ts` to its own end. */
export async function runToEnd(variables: Record<string, string>): Promise<Finished> {
  const run = new Run(variables);
  const code = await run.exit;
  return { code, stdout: run.stdout, stderr: run.stderr };
}

class Run {
  stdout = "";
  stderr = "";
  readonly child: ChildProcess;
  readonly exit: Promise<number | null>;

  constructor(variables: Record<string, string>) {
    this.child = spawn(process.execPath, ["scripts/start.ts"], {
      cwd: ROOT,
      stdio: ["ignore", "pipe", "pipe"],
      env: environment(variables),
    });
    this.child.stdout?.on("data", (chunk: Buffer) => {
      this.stdout += chunk;
    });
    this.child.stderr?.on("data", (chunk: Buffer) => {
      this.stderr += chunk;
    });
    this.exit = new Promise((resolve) => this.child.once("close", resolve));
  }
}

/** Those that run, for a test that fails before it stops its own. */
const running = new Set<Postern>();

export const stopAll = async (): Promise<void> => {
  await Promise.all([...running].map((postern) => postern.stop()));
};

export class Postern {
  readonly base: string;
  readonly dataDir: string;
  readonly key: string;
  /** The inbox's page; null with a relay of the test's own. */
  readonly inbox: string | null;
  readonly #run: Run;

  private constructor(run: Run, dataDir: string) {
    this.#run = run;
    this.dataDir = dataDir;
    this.base = /^ {2}API {2,}(\S+)$/m.exec(run.stdout)![1]!;
    this.inbox = /^ {2}Inbox {2,}(\S+)/m.exec(run.stdout)?.[1] ?? null;
    this.key = (JSON.parse(readFileSync(join(dataDir, "keys.json"), "utf8")) as { API_KEY: string }).API_KEY;
  }

  /** Resolves once it says that it is running, with all that it says. */
  static async start(dataDir: string, variables: Record<string, string> = {}): Promise<Postern> {
    const run = new Run({ DATA_DIR: dataDir, ...variables });
    let ended = false;
    run.exit.then(() => {
      ended = true;
    });
    await until(
      () => ended || run.stdout.includes("Ctrl-C ends it"),
      START_MS,
      () => `start: ${run.stdout}${run.stderr}`,
    );
    if (ended) throw new Error(`start ended by itself:\n${run.stdout}${run.stderr}`);
    const postern = new Postern(run, dataDir);
    running.add(postern);
    run.exit.then(() => running.delete(postern));
    return postern;
  }

  get stdout(): string {
    return this.#run.stdout;
  }

  get stderr(): string {
    return this.#run.stderr;
  }

  get workerdPid(): number {
    return this.#pidOf("workerd")!;
  }

  /** Of the embedded store; null where libSQL is elsewhere. */
  get storePid(): number | null {
    return this.#pidOf("store");
  }

  /** Of all that serves, the worker's first. */
  get pids(): number[] {
    return [this.workerdPid, this.storePid].filter((pid) => pid !== null);
  }

  #pidOf(role: string): number | null {
    const file = join(this.dataDir, `${role}.pid`);
    return existsSync(file) ? Number(readFileSync(file, "utf8")) : null;
  }

  /** Ctrl-C. The exit code. */
  async stop(signal: NodeJS.Signals = "SIGINT"): Promise<number | null> {
    this.#run.child.kill(signal);
    return await this.#run.exit;
  }

  /** kill -9 of everything: workerd first, so that it has no moment to finish anything. */
  async kill(): Promise<void> {
    const { pids } = this;
    for (const pid of pids) process.kill(pid, "SIGKILL");
    this.#run.child.kill("SIGKILL");
    await this.#run.exit;
    await allGone(pids);
  }

  async api(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ status: number; body: Record<string, unknown> }> {
    const response = await fetch(`${this.base}${path}`, {
      method,
      headers: { Authorization: `Bearer ${this.key}`, "Content-Type": "application/json" },
      body: body === undefined ? null : JSON.stringify(body),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  }

  /** Sends a mail and answers its id. */
  async send(email: Record<string, unknown>): Promise<string> {
    const answer = await this.api("POST", "/emails", email);
    if (answer.status !== 200)
      throw new Error(`POST /emails: ${answer.status} ${JSON.stringify(answer.body)}`);
    return String(answer.body.id);
  }

  async events(id: string): Promise<EventRow[]> {
    return ((await this.api("GET", `/emails/${id}/events`)).body.data ?? []) as EventRow[];
  }

  /** Waits for events of all these types. */
  async eventsOf(id: string, types: string[], milliseconds = 30_000): Promise<EventRow[]> {
    let seen: EventRow[] = [];
    await until(
      async () => {
        seen = await this.events(id);
        return types.every((type) => seen.some((event) => event.type === type));
      },
      milliseconds,
      () => `events are ${JSON.stringify(seen)}, wanted ${types}`,
    );
    return seen;
  }
}

/** Waits until it is so; the error says what was there instead. */
export async function until(
  so: () => boolean | Promise<boolean>,
  milliseconds: number,
  instead: () => string,
): Promise<void> {
  const deadline = performance.now() + milliseconds;
  while (!(await so())) {
    if (performance.now() > deadline) throw new Error(`waited ${milliseconds} ms in vain; ${instead()}`);
    await sleep(POLL_MS);
  }
}

/** Waits until none of these processes runs. */
export const allGone = (pids: readonly number[]): Promise<void> =>
  until(
    () => !pids.some(isRunning),
    10_000,
    () => `${pids.filter(isRunning)} of ${pids} are still there`,
  );

/** A process with this number runs; one that has ended and waits for its parent to notice does not. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

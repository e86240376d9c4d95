/** The command line as a process. */
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../..");

export interface Ran {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface Running {
  child: ChildProcess;
  ended: Promise<Ran>;
}

/** Starts `postern ARGS`. Nothing of the test runner's environment reaches it but what a shell needs. */
export function startCli(args: string[], variables: Record<string, string>, input = ""): Running {
  const { PATH = "", HOME = "" } = process.env;
  const child = spawn(process.execPath, ["scripts/postern.ts", ...args], {
    cwd: ROOT,
    env: { PATH, HOME, ...variables },
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk;
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk;
  });
  child.stdin.on("error", () => undefined); // It may end without having read it.
  child.stdin.end(input);
  return {
    child,
    ended: new Promise((resolve) => child.once("close", (code) => resolve({ code, stdout, stderr }))),
  };
}

export const cli = (args: string[], variables: Record<string, string>, input = ""): Promise<Ran> =>
  startCli(args, variables, input).ended;

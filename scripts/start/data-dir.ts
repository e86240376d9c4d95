/** The folder that holds all state: made, proven writable, and locked for one process at a time. */
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { err, ok, type Result } from "../../src/core/result.ts";
import { lockFile } from "./lock.ts";

/** What a workerd is there for: the worker, or the embedded store. */
const ROLES = ["workerd", "store"] as const;
export type Role = (typeof ROLES)[number];

export interface DataDir {
  path: string;
  /** Says which process serves from here, so that a later start finds one that was left behind. */
  serving(role: Role, pid: number): void;
  /** Forgets those processes, and lets another start in. */
  release(): void;
}

/** Makes, tries and locks the folder. The error is one line. */
export function openDataDir(path: string): Result<DataDir, string> {
  try {
    makeFolder(path);
    const probe = join(path, `.probe-${process.pid}`);
    writeFileSync(probe, "");
    rmSync(probe);
  } catch (error) {
    return err(`DATA_DIR ${path} cannot be written to (${(error as NodeJS.ErrnoException).code})`);
  }
  const lock = lockFile(join(path, "lock"));
  if (lock === null) {
    return err(
      `DATA_DIR ${path} is in use by another start; stop it first, or set another DATA_DIR and PORT`,
    );
  }
  const pidFile = (role: Role) => join(path, `${role}.pid`);
  const left = ROLES.flatMap((role) => leftBehind(pidFile(role), path) ?? []);
  if (left.length > 0) {
    lock.close();
    return err(
      `DATA_DIR ${path} is in use by workerd, process ${left.join(" and ")}, left behind by an earlier start; end it with: kill ${left.join(" ")}`,
    );
  }
  return ok({
    path,
    serving: (role, pid) => writeFileSync(pidFile(role), String(pid)),
    release() {
      for (const role of ROLES) rmSync(pidFile(role), { force: true });
      lock.close();
    },
  });
}

/** With its parents. Node's own `recursive` never returns where the system answers ENOENT for good, as /proc does. */
function makeFolder(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  const parent = dirname(path);
  if (!existsSync(parent)) makeFolder(parent);
  // Mail and keys are in here: nobody else's business.
  mkdirSync(path, { mode: 0o700 });
}

/** The process that still serves from this folder although its start is gone, or null. */
function leftBehind(pidFile: string, path: string): number | null {
  try {
    const pid = Number(readFileSync(pidFile, "utf8"));
    process.kill(pid, 0);
    // The number may belong to another program by now. Where there is no /proc (macOS) the number has to do.
    const command = commandLine(pid);
    return command === null || command.includes(path) ? pid : null;
  } catch {
    return null;
  }
}

function commandLine(pid: number): string | null {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return null;
  }
}

/** One workerd as a child process: started, ended, and never left behind. */
import { spawn } from "node:child_process";
import { createRequire } from "node:module";

/** The package exports the path of its binary, and no types. */
const { default: workerdBinary } = createRequire(import.meta.url)("workerd") as { default: string };

const GRACE_MS = 5_000; // From SIGTERM to SIGKILL. State is crash-only, so waiting longer would gain nothing.
/** Where workerd says, a line of JSON each, which of its sockets listen. */
const CONTROL_FD = 3;

export interface Workerd {
  pid: number;
  /** When its socket listens. */
  listening: Promise<void>;
  /** When it has ended: its exit code, or 128 + the signal's number as a shell counts. */
  ended: Promise<number>;
  stop(): Promise<void>;
}

/** Starts workerd by a configuration of one socket, in a folder to work in, with these variables and little more. */
export function startWorkerd(config: string, cwd: string, variables: Record<string, string>): Workerd {
  // A session of its own: Ctrl-C reaches this process alone, which then ends workerd in order.
  const child = spawn(workerdBinary, ["serve", `--control-fd=${CONTROL_FD}`, config], {
    cwd,
    stdio: ["ignore", "inherit", "inherit", "pipe"],
    detached: true,
    env: { ...inherited(), ...variables },
  });
  const pid = child.pid ?? 0;
  // If this process is killed outright, its end of the pipe closes, and the shell ends workerd.
  const guard = spawn("/bin/sh", ["-c", `read _; kill -9 ${pid}`], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  guard.on("error", () => {});
  const ended = new Promise<number>((resolve) => {
    child.once("error", () => resolve(127));
    child.once("exit", (code, signal) => resolve(code ?? 128 + (SIGNALS[signal ?? "SIGTERM"] ?? 0)));
  }).then((code) => {
    guard.kill("SIGKILL");
    return code;
  });
  return {
    pid,
    listening: new Promise((resolve) => child.stdio[CONTROL_FD]?.once("data", () => resolve())),
    ended,
    async stop() {
      child.kill("SIGTERM");
      const late = setTimeout(() => child.kill("SIGKILL"), GRACE_MS);
      await ended;
      clearTimeout(late);
    },
  };
}

const SIGNALS: Partial<Record<NodeJS.Signals, number>> = { SIGABRT: 6, SIGKILL: 9, SIGSEGV: 11, SIGTERM: 15 };

/** What workerd needs of our environment: where the system's certificates are, and nothing secret. */
function inherited(): Record<string, string> {
  const names = ["PATH", "HOME", "TMPDIR", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR"];
  return Object.fromEntries(
    names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
}

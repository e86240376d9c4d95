/**
 * Mail servers that conflict with one another as packages: fetched with apt, unpacked into a folder, and run in a mount
 * namespace of their own, where /usr and /etc have what was unpacked laid over them. The machine itself stays as it is.
 * Needs Linux, root, and apt with its lists; without them it fails.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { greets } from "./greets.ts";
import { until } from "./postern.ts";

/** The domain they take mail for, into one maildir. */
export const DOMAIN = "mta.test";

export interface MtaSetup {
  /** Of Debian: the server's own, and those it needs that no machine is sure to have. */
  packages: string[];
  /** System users, each with a group of the same name. */
  users: string[];
  /** Files below /etc. */
  etc: (at: { port: number; mail: string; log: string }) => Record<string, string>;
  command: string[];
  /** The user whose mail it is. */
  owner: string;
}

/** Numbers above those of Debian's own and of people. */
const FIRST_ID = 64_100;
const FETCH_TRIES = 3;

export class PrivateMta {
  readonly port: number;
  readonly #folder: string;
  readonly #child: ChildProcess;
  #said = "";

  private constructor(folder: string, port: number, child: ChildProcess) {
    this.#folder = folder;
    this.port = port;
    this.#child = child;
    for (const stream of [child.stdout, child.stderr])
      stream?.on("data", (chunk: Buffer) => {
        this.#said += chunk;
      });
  }

  static async start(folder: string, setup: MtaSetup): Promise<PrivateMta> {
    chmodSync(folder, 0o755); // Its users walk in from outside.
    for (const name of ["debs", "root/usr", "root/etc", "spool", "lib", "run", "mail", "log"])
      mkdirSync(join(folder, name), { recursive: true });
    unpack(folder, setup.packages);
    const port = await freePort();
    const { root, mail, log } = places(folder);
    const files = { ...accounts(setup.users), ...setup.etc({ port, mail, log }) };
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(join(root, "etc", dirname(name)), { recursive: true });
      writeFileSync(join(root, "etc", name), text);
    }
    const id = FIRST_ID + setup.users.indexOf(setup.owner);
    for (const one of [mail, log, join(folder, "spool")]) execFileSync("chown", [`${id}:${id}`, one]);
    const child = spawn("unshare", [
      ...["--mount", "--pid", "--fork", "--kill-child=SIGKILL", "--mount-proc"],
      ...["sh", "-ec", NAMESPACE, "sh", folder, ...setup.command],
    ]);
    const mta = new PrivateMta(folder, port, child);
    await until(
      () => greets(port),
      30_000,
      () => `it does not greet: ${mta.log()}`,
    );
    return mta;
  }

  /** Everything it said and logged. */
  log(): string {
    const { log } = places(this.#folder);
    return [this.#said, ...readdirSync(log).map((name) => readFileSync(join(log, name), "utf8"))].join("\n");
  }

  /** Messages that have arrived, as the bytes on disk. */
  messages(): Buffer[] {
    const fresh = join(places(this.#folder).mail, "new");
    try {
      return readdirSync(fresh).map((name) => readFileSync(join(fresh, name)));
    } catch {
      return []; // The first message makes the maildir.
    }
  }

  async stop(): Promise<void> {
    const gone = new Promise((resolve) => this.#child.once("exit", resolve));
    // The namespace ends with its first process. `--kill-child` would do, were it not lost when a set-uid program starts.
    const { pid } = this.#child;
    const first = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
    if (first !== "") process.kill(Number(first), "SIGKILL");
    await gone;
  }
}

const places = (folder: string) => ({
  root: join(folder, "root"),
  mail: join(folder, "mail"),
  log: join(folder, "log"),
});

/** Run with the folder as $1 and the server's command behind it; all of it ends with the namespace. */
const NAMESPACE = `
  mount -t overlay overlay -o "lowerdir=$1/root/usr:/usr" /usr
  mount -t overlay overlay -o "lowerdir=$1/root/etc:/etc" /etc
  mount --bind "$1/spool" /var/spool
  mount --bind "$1/lib" /var/lib
  mount --bind "$1/run" /run
  shift
  exec "$@"
`;

function unpack(folder: string, packages: string[]): void {
  const debs = join(folder, "debs");
  for (let tried = 1; ; tried++) {
    try {
      execFileSync("apt-get", ["-qq", "download", ...packages], { cwd: debs, stdio: "pipe" });
      break;
    } catch (cause) {
      if (tried < FETCH_TRIES) continue;
      throw new Error(`apt-get download ${packages.join(" ")} failed; apt-get update may help. ${cause}`);
    }
  }
  for (const name of readdirSync(debs))
    execFileSync("dpkg-deb", ["-x", join(debs, name), join(folder, "root")], { stdio: "pipe" });
}

/** The machine's accounts and the server's own. */
function accounts(users: string[]): Record<string, string> {
  const more = (line: (name: string, id: number) => string) =>
    users.map((name, i) => `${line(name, FIRST_ID + i)}\n`).join("");
  return {
    passwd: `${readFileSync("/etc/passwd", "utf8")}${more((name, id) => `${name}:x:${id}:${id}::/nonexistent:/usr/sbin/nologin`)}`,
    group: `${readFileSync("/etc/group", "utf8")}${more((name, id) => `${name}:x:${id}:`)}`,
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

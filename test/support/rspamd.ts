/**
 * rspamd as a judge of mail: Debian's rules, with a name server of our own that knows the test's domains and nothing else, so
 * that all of it stays on loopback. Every list of bad addresses answers "not listed".
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createSocket, type Socket } from "node:dgram";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const PROGRAM = "/usr/bin/rspamd";
const START_MS = 120_000;

export interface Score {
  score: number;
  /** What each rule that fits gives or takes. Rules that only note something are left out. */
  symbols: Record<string, number>;
}

export class Rspamd {
  readonly #folder: string;
  readonly #port: number;
  readonly #child: ChildProcess;
  readonly #names: Socket;

  private constructor(folder: string, port: number, child: ChildProcess, names: Socket) {
    this.#folder = folder;
    this.#port = port;
    this.#child = child;
    this.#names = names;
  }

  /** `texts`: TXT records by name. */
  static async start(texts: Readonly<Record<string, string>>): Promise<Rspamd> {
    if (!existsSync(PROGRAM)) throw new Error("rspamd is missing: apt-get install rspamd");
    const folder = mkdtempSync(join(tmpdir(), "postern-rspamd-"));
    mkdirSync(join(folder, "local.d"));
    const names = await nameServer(texts);
    const port = await freePort();
    // Not options.inc: what stands beside its own `dns` is not heard, and the machine's name server would be asked.
    writeFileSync(
      join(folder, "rspamd.conf"),
      `.include "/etc/rspamd/common.conf"
options {
  filters = "chartable,dkim,regexp";
  url_tld = "\${SHAREDIR}/effective_tld_names.dat";
  pidfile = "${folder}/pid"; control_socket = "${folder}/control mode=0600"; tempdir = "${folder}";
  disable_hyperscan = true; # Compiling its tables takes longer than all tests.
  dns { nameserver = "127.0.0.1:${names.address().port}"; timeout = 2s; retransmits = 2; }
}
logging { type = "file"; filename = "${folder}/log"; level = "error"; }
worker "normal" { bind_socket = "127.0.0.1:${port}"; count = 1; }
`,
    );
    // What asks the world, or wants a Redis.
    for (const name of [
      "fuzzy_check",
      "neural",
      "greylist",
      "ratelimit",
      "reputation",
      "replies",
      "history_redis",
    ])
      writeFileSync(join(folder, "local.d", `${name}.conf`), "enabled = false;\n");
    const variables = { LOCAL_CONFDIR: folder, DBDIR: folder, RUNDIR: folder, LOGDIR: folder };
    const child = spawn(
      PROGRAM,
      [
        "-f",
        "-i",
        "-c",
        join(folder, "rspamd.conf"),
        ...Object.entries(variables).map(([name, value]) => `--var=${name}=${value}`),
      ],
      { stdio: ["ignore", "pipe", "pipe"] },
    );
    let said = "";
    for (const stream of [child.stdout, child.stderr])
      stream?.on("data", (chunk: Buffer) => {
        said += chunk;
      });
    const rspamd = new Rspamd(folder, port, child, names);
    for (const deadline = performance.now() + START_MS; ; await sleep(100)) {
      if (child.exitCode !== null) throw new Error(`rspamd ended with ${child.exitCode}: ${said}`);
      if (
        await fetch(`http://127.0.0.1:${port}/ping`).then(
          (answer) => answer.ok,
          () => false,
        )
      )
        return rspamd;
      if (performance.now() > deadline) {
        await rspamd.stop();
        throw new Error(`rspamd does not answer: ${said}`);
      }
    }
  }

  /** A message as a receiver has it: CRLF, dots no longer stuffed. */
  async score(message: Uint8Array, from: string, to: string): Promise<Score> {
    const answer = await fetch(`http://127.0.0.1:${this.#port}/checkv2`, {
      method: "POST",
      headers: {
        From: from,
        Rcpt: to,
        IP: SENDER_IP,
        Helo: "mail.example.com",
        Hostname: "mail.example.com",
      },
      body: Buffer.from(message),
    });
    const told = (await answer.json()) as { score: number; symbols: Record<string, { score: number }> };
    return {
      score: told.score,
      symbols: Object.fromEntries(
        Object.entries(told.symbols).flatMap(([name, { score }]) => (score === 0 ? [] : [[name, score]])),
      ),
    };
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once("close", resolve));
    if (this.#child.exitCode === null) {
      this.#child.kill("SIGTERM");
      await ended;
    }
    this.#names.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Where the mail says to come from: an address of documentation (RFC 5737). */
export const SENDER_IP = "203.0.113.5";

/** Knows TXT records, an address for hosts below example.com, and nothing else. */
async function nameServer(texts: Readonly<Record<string, string>>): Promise<Socket> {
  const socket = createSocket("udp4");
  socket.on("message", (query, { port, address }) => socket.send(answerTo(query, texts), port, address));
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  return socket;
}

const TYPES = { A: 1, PTR: 12, MX: 15, TXT: 16 } as const;

/** RFC 1035 section 4: header, question, answers. */
function answerTo(query: Buffer, texts: Readonly<Record<string, string>>): Buffer {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at]!; length > 0; length = query[at]!) {
    labels.push(query.toString("latin1", at + 1, at + 1 + length));
    at += length + 1;
  }
  const name = labels.join(".").toLowerCase();
  const type = query.readUInt16BE(at + 1);
  const question = query.subarray(12, at + 5);
  const data = recordOf(name, type, texts);
  const head = Buffer.from(query.subarray(0, 12));
  head.writeUInt16BE(data === null ? 0x8583 : 0x8580, 2); // NXDOMAIN, or an answer with authority.
  head.writeUInt16BE(data === null ? 0 : 1, 6);
  head.writeUInt32BE(0, 8);
  if (data === null) return Buffer.concat([head, question]);
  const record = Buffer.alloc(12);
  record.writeUInt16BE(0xc00c, 0); // The question's name.
  record.writeUInt16BE(type, 2);
  record.writeUInt16BE(1, 4);
  record.writeUInt32BE(300, 6);
  record.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, question, record, data]);
}

const spelled = (name: string): Buffer =>
  Buffer.concat([
    ...name.split(".").map((label) => Buffer.from([label.length, ...Buffer.from(label)])),
    Buffer.from([0]),
  ]);

function recordOf(name: string, type: number, texts: Readonly<Record<string, string>>): Buffer | null {
  const text = texts[name];
  if (type === TYPES.TXT && text !== undefined)
    return Buffer.concat(
      (text.match(/.{1,255}/g) ?? [""]).map((part) => Buffer.from([part.length, ...Buffer.from(part)])),
    );
  if (type === TYPES.A && /(^|\.)example\.(com|net)$/.test(name))
    return Buffer.from(SENDER_IP.split(".").map(Number));
  if (type === TYPES.MX && /^example\.(com|net)$/.test(name))
    return Buffer.concat([Buffer.from([0, 10]), spelled(`mail.${name}`)]);
  if (type === TYPES.PTR && name === `${SENDER_IP.split(".").reverse().join(".")}.in-addr.arpa`)
    return spelled("mail.example.com");
  return null;
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

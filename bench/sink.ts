/**
 * Where benchmark mail ends: postfix's smtp-sink when it is installed, else one in Node. Both count messages.
 * smtp-sink is told not to offer AUTH (-a); run as root it drops to `nobody`.
 */
import { closeSync, existsSync, fstatSync, mkdtempSync, openSync, readSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, start, until } from "./processes.ts";

export interface Sink {
  name: string;
  port: number;
  /** Messages taken so far. */
  count: () => number;
  stop: () => Promise<void>;
}

const SMTP_SINK = ["/usr/sbin/smtp-sink", "/usr/libexec/postfix/smtp-sink"].find(existsSync);

export async function startSink(): Promise<Sink> {
  return SMTP_SINK === undefined ? nodeSink() : postfixSink(SMTP_SINK);
}

/** Its count goes to a file and not through a pipe: whoever reads a line for each message takes a core from what is measured. */
async function postfixSink(path: string): Promise<Sink> {
  const port = await freePort();
  const user = process.getuid?.() === 0 ? ["-u", "nobody"] : [];
  const file = join(mkdtempSync(join(tmpdir(), "postern-sink-")), "count");
  const { stop } = start(path, [...user, "-a", "-c", `127.0.0.1:${port}`, "256"], {}, file);
  await until("smtp-sink", () => isOpen(port));
  return { name: "smtp-sink (postfix)", port, count: () => lastCount(file), stop };
}

/** The number in the last `mesg=NUMBER` of a file. */
function lastCount(file: string): number {
  const fd = openSync(file, "r");
  const size = fstatSync(fd).size;
  const tail = Buffer.alloc(Math.min(size, 200));
  readSync(fd, tail, 0, tail.length, size - tail.length);
  closeSync(fd);
  return Number([...tail.toString("latin1").matchAll(/mesg=(\d+)\r/g)].at(-1)?.[1] ?? 0);
}

/** When each message's first byte and last byte came, by recipient address; milliseconds of performance.now(). */
export interface TimedSink extends Sink {
  firstByte: Map<string, number>;
}

/** Speaks just enough SMTP, with PIPELINING; with CHUNKING too, which smtp-sink has not, when asked for. */
export async function nodeSink({ chunking = false } = {}): Promise<TimedSink> {
  const firstByte = new Map<string, number>();
  let count = 0;
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    let held = "";
    let inData = false;
    /** Of the chunk that comes: bytes still to come, and whether the message ends with it. */
    let chunk: { left: number; isLast: boolean } | null = null;
    let recipient = "";
    socket.setNoDelay(true);
    socket.on("error", () => socket.destroy());
    socket.write("220 sink ESMTP\r\n");
    socket.on("data", (bytes) => {
      held += bytes.toString("latin1");
      let out = "";
      for (;;) {
        if (chunk !== null) {
          if (held.length > 0 && !firstByte.has(recipient)) firstByte.set(recipient, performance.now());
          const some = Math.min(chunk.left, held.length);
          held = held.slice(some);
          chunk.left -= some;
          if (chunk.left > 0) break;
          if (chunk.isLast) count++;
          chunk = null;
          out += "250 2.0.0 Ok\r\n";
          continue;
        }
        if (inData) {
          if (held.length > 0 && !firstByte.has(recipient)) firstByte.set(recipient, performance.now());
          const end = held.indexOf("\r\n.\r\n");
          if (end < 0) break;
          held = held.slice(end + 5);
          inData = false;
          count++;
          out += "250 2.0.0 Ok\r\n";
          continue;
        }
        const end = held.indexOf("\r\n");
        if (end < 0) break;
        const line = held.slice(0, end);
        held = held.slice(end + 2);
        const verb = line.slice(0, 4).toUpperCase();
        if (verb === "EHLO")
          out += `250-sink\r\n250-PIPELINING\r\n${chunking ? "250-CHUNKING\r\n" : ""}250 8BITMIME\r\n`;
        else if (verb === "BDAT")
          chunk = { left: Number.parseInt(line.slice(5), 10), isLast: line.toUpperCase().endsWith("LAST") };
        else if (verb === "DATA") {
          inData = true;
          out += "354 Go on\r\n";
        } else if (verb === "QUIT") {
          socket.end(`${out}221 Bye\r\n`);
          return;
        } else {
          if (verb === "RCPT") recipient = /<([^>]*)>/.exec(line)?.[1] ?? "";
          out += "250 2.1.0 Ok\r\n";
        }
      }
      if (out !== "") socket.write(out);
    });
  });
  const port = await new Promise<number>((resolve) =>
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    }),
  );
  return {
    name: chunking ? "sink in Node, with CHUNKING" : "sink in Node",
    port,
    count: () => count,
    firstByte,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  };
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("connect", () => {
      socket.end("QUIT\r\n");
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}

/**
 * A small, well-behaved relay in plain node:net, for tests of pools: it takes mail, counts, and keeps to limits that a
 * test sets. It answers by the recipient's local part: `unknown…` 550, `later…` 451, `drop…` hangs up after the dot.
 */
import { createServer, type Server, type Socket } from "node:net";

export interface SinkOptions {
  /** After EHLO, without codes. */
  extensions: string[];
  /** A further connection is greeted with 421. */
  connections?: number;
  /** The next MAIL of a session is answered 421. */
  messages?: number;
  /** Milliseconds before each answer. */
  delay?: number;
  /** Says 354 although no recipient stands, as RFC 2920 allows. */
  alwaysGo?: boolean;
}

export interface SinkLog {
  /** Recipients of messages taken, in order. */
  taken: string[];
  /** SHA-free check: the bytes of each message, dots unstuffed. */
  sizes: number[];
  sessions: number;
  open: number;
  peak: number;
  /** Most commands that came in one packet. */
  pipelined: number;
  quits: number;
}

export class SinkRelay {
  readonly log: SinkLog = { taken: [], sizes: [], sessions: 0, open: 0, peak: 0, pipelined: 0, quits: 0 };
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(options: SinkOptions) {
    this.#server = createServer({ noDelay: true }, (socket) => {
      this.#sockets.add(socket);
      this.log.open += 1;
      this.log.sessions += 1;
      this.log.peak = Math.max(this.log.peak, this.log.open);
      socket.on("error", () => {});
      socket.on("close", () => {
        this.#sockets.delete(socket);
        this.log.open -= 1;
      });
      if (options.connections !== undefined && this.log.open > options.connections) {
        socket.end("421 4.7.0 Too many concurrent SMTP connections\r\n");
        return;
      }
      serve(socket, options, this.log);
    });
  }

  listen(): Promise<number> {
    return new Promise((resolve) => {
      this.#server.listen(0, "127.0.0.1", () => resolve((this.#server.address() as { port: number }).port));
    });
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}

function serve(socket: Socket, options: SinkOptions, log: SinkLog): void {
  let held = "";
  let body = false;
  let mail = false;
  let rcpt = "";
  let messages = 0;
  const answer = (line: string) => {
    if (options.delay === undefined) socket.write(`${line}\r\n`);
    else setTimeout(() => socket.write(`${line}\r\n`), options.delay);
  };
  const command = (line: string) => {
    const verb = line.slice(0, 4).toUpperCase();
    if (verb === "EHLO") {
      const lines = ["sink", ...options.extensions];
      answer(lines.map((text, i) => `250${i < lines.length - 1 ? "-" : " "}${text}`).join("\r\n"));
    } else if (verb === "MAIL") {
      if (options.messages !== undefined && messages >= options.messages) {
        socket.end("421 4.7.0 Too many messages in this session\r\n");
        return;
      }
      if (mail) answer("503 5.5.1 Nested MAIL");
      else {
        mail = true;
        answer("250 2.1.0 Ok");
      }
    } else if (verb === "RCPT") {
      const to = /<(.*)>/.exec(line)?.[1] ?? "";
      if (to.startsWith("unknown")) answer("550 5.1.1 User unknown");
      else if (to.startsWith("later")) answer("451 4.3.0 Try again later");
      else {
        rcpt = to;
        answer("250 2.1.5 Ok");
      }
    } else if (verb === "DATA") {
      if (rcpt === "" && options.alwaysGo !== true) answer("554 5.5.1 No valid recipients");
      else {
        body = true;
        answer("354 Go ahead");
      }
    } else if (verb === "RSET") {
      mail = false;
      rcpt = "";
      answer("250 2.0.0 Ok");
    } else if (verb === "QUIT") {
      log.quits += 1;
      socket.end("221 2.0.0 Bye\r\n");
    } else answer("502 5.5.2 What?");
  };
  const ended = (size: number) => {
    body = false;
    mail = false;
    const to = rcpt;
    rcpt = "";
    if (to === "") return answer("554 5.5.1 No valid recipients");
    if (to.startsWith("drop")) return void socket.destroy();
    messages += 1;
    log.taken.push(to);
    log.sizes.push(size);
    answer("250 2.0.0 Ok: queued");
  };
  answer("220 sink ESMTP");
  socket.on("data", (chunk) => {
    held += chunk.toString("latin1");
    let commands = 0;
    for (;;) {
      if (body) {
        const at = held.startsWith(".\r\n") ? 0 : held.indexOf("\r\n.\r\n");
        if (at === -1) break;
        const skip = at === 0 && held.startsWith(".\r\n") ? 3 : 5;
        ended(at + (skip === 5 ? 2 : 0));
        held = held.slice(at + skip);
      } else {
        const at = held.indexOf("\r\n");
        if (at === -1) break;
        commands += 1;
        const line = held.slice(0, at);
        held = held.slice(at + 2);
        command(line);
      }
    }
    log.pipelined = Math.max(log.pipelined, commands);
  });
}

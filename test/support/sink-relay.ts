/**
 * A small, well-behaved relay in plain node:net: it takes mail, by BDAT too where CHUNKING is among its extensions, counts,
 * and keeps to limits that a test sets. It answers by the recipient's local part: `unknown…` 550, `later…` 451, `drop…` hangs up after the dot. Where
 * `faults` has an entry for a step of the dialogue, it does that instead of answering. Options may be changed while it runs.
 */
import { createServer, type Server, type Socket } from "node:net";

/** Steps of the dialogue. `body` is the reply to the final dot. */
export const SINK_STEPS = ["greeting", "ehlo", "mail", "rcpt", "data", "body"] as const;
export type SinkStep = (typeof SINK_STEPS)[number];

/** What it does instead of answering. */
export interface Fault {
  /** Said first. */
  say?: string;
  /** Says it over and over until the client goes. */
  flood?: boolean;
  /** Default: the dialogue goes on. `silence`: not another word; `reset` sends RST. */
  after?: "silence" | "end" | "reset";
}

export interface SinkOptions {
  /** After EHLO, without codes. */
  extensions: string[];
  /** A further connection is greeted with 421. */
  connections?: number;
  /** The next MAIL of a session is answered 421, and the session ended. */
  messages?: number;
  /** Said instead of that 421; the session stays. */
  messagesReply?: string;
  /** Milliseconds before each answer. */
  delay?: number;
  /** Milliseconds before QUIT is answered and the session over. */
  quitDelay?: number;
  /** Says 354 although no recipient stands, as RFC 2920 allows. */
  alwaysGo?: boolean;
  /** Said to BDAT instead of taking it: to every one ("all", it is not known), or only to the last of a message. */
  bdatReply?: { to: "all" | "last"; say: string };
  faults?: Partial<Record<SinkStep, Fault>>;
  /** Messages a session takes before its faults begin. Default 0. */
  faultsAfter?: number;
}

export interface SinkLog {
  /** Recipients of messages taken, in order. */
  taken: string[];
  /** SHA-free check: the bytes of each message, dots unstuffed. */
  sizes: number[];
  sessions: number;
  /** EHLOs answered. */
  ehlos: number;
  open: number;
  peak: number;
  /** Most commands that came in one packet. */
  pipelined: number;
  quits: number;
  /** Messages that came by BDAT. */
  chunks: number;
  /** Connections greeted with 421, for being one too many. */
  turnedAway: number;
  /** MAILs refused because the session has had its share. */
  refusedForShare: number;
  /** Recipients of messages that came whole, but whose final dot a fault had its way with. */
  unanswered: string[];
}

/** Told as things happen; for tests that act upon it. */
export interface SinkWatcher {
  taken?: (to: string) => void;
  connected?: (log: SinkLog) => void;
}

export class SinkRelay {
  readonly log: SinkLog = {
    taken: [],
    sizes: [],
    sessions: 0,
    ehlos: 0,
    open: 0,
    peak: 0,
    pipelined: 0,
    quits: 0,
    chunks: 0,
    turnedAway: 0,
    refusedForShare: 0,
    unanswered: [],
  };
  readonly options: SinkOptions;
  readonly watcher: SinkWatcher = {};
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(options: SinkOptions) {
    this.options = options;
    this.#server = createServer({ noDelay: true }, (socket) => {
      this.#sockets.add(socket);
      this.log.open += 1;
      this.log.sessions += 1;
      this.log.peak = Math.max(this.log.peak, this.log.open);
      socket.on("error", () => {});
      // A session counts until the relay has ended it, as with real ones; the client may close its side later.
      let here = true;
      const leave = () => {
        if (here) this.log.open -= 1;
        here = false;
      };
      socket.on("close", () => {
        this.#sockets.delete(socket);
        leave();
      });
      this.watcher.connected?.(this.log);
      if (options.connections !== undefined && this.log.open > options.connections) {
        this.log.turnedAway += 1;
        leave();
        socket.end("421 4.7.0 Too many concurrent SMTP connections\r\n");
        return;
      }
      serve(socket, options, this.log, this.watcher, leave);
    });
  }

  /** The port; 0 is any that is free. May be called again after `close`. */
  listen(port = 0): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, "127.0.0.1", () => {
        this.#server.off("error", reject);
        resolve((this.#server.address() as { port: number }).port);
      });
    });
  }

  /** Ends every session as a crash would. */
  hangUp(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  close(): void {
    this.hangUp();
    this.#server.close();
  }
}

/** Whether the dialogue goes on. */
function commit({ say, flood, after }: Fault, socket: Socket): boolean {
  if (say !== undefined && flood === true) {
    const on = () => {
      while (!socket.destroyed && socket.write(say));
    };
    socket.on("drain", on);
    on();
    return false;
  }
  if (say !== undefined) socket.write(say);
  if (after === "end") socket.end();
  if (after === "reset") socket.resetAndDestroy();
  return after === undefined;
}

function serve(
  socket: Socket,
  options: SinkOptions,
  log: SinkLog,
  watcher: SinkWatcher,
  leave: () => void,
): void {
  let held = "";
  let body = false;
  /** Bytes of a chunk still to come, and whether it is the last. */
  let chunk: { left: number; size: number; last: boolean } | null = null;
  let chunked = 0;
  let mail = false;
  let rcpt = "";
  let messages = 0;
  let over = false;
  /** A fault took this step; whatever it left undone stays undone. */
  const faulty = (step: SinkStep): boolean => {
    const fault = options.faults?.[step];
    if (fault === undefined || messages < (options.faultsAfter ?? 0)) return false;
    over = !commit(fault, socket);
    return true;
  };
  const answer = (line: string) => {
    if (options.delay === undefined) socket.write(`${line}\r\n`);
    else setTimeout(() => socket.write(`${line}\r\n`), options.delay);
  };
  const command = (line: string) => {
    const verb = line.slice(0, 4).toUpperCase();
    if (verb === "EHLO") {
      if (faulty("ehlo")) return;
      log.ehlos += 1;
      const lines = ["sink", ...options.extensions];
      answer(lines.map((text, i) => `250${i < lines.length - 1 ? "-" : " "}${text}`).join("\r\n"));
    } else if (verb === "MAIL") {
      if (options.messages !== undefined && messages >= options.messages) {
        log.refusedForShare += 1;
        if (options.messagesReply !== undefined) return answer(options.messagesReply);
        socket.end("421 4.7.0 Too many messages in this session\r\n");
        over = true;
        leave();
        return;
      }
      if (faulty("mail")) return;
      if (mail) answer("503 5.5.1 Nested MAIL");
      else {
        mail = true;
        answer("250 2.1.0 Ok");
      }
    } else if (verb === "RCPT") {
      if (!mail) return answer("503 5.5.1 MAIL first");
      if (faulty("rcpt")) return;
      const to = /<([^>]*)>/.exec(line)?.[1] ?? "";
      if (to.startsWith("unknown")) answer("550 5.1.1 User unknown");
      else if (to.startsWith("later")) answer("451 4.3.0 Try again later");
      else {
        rcpt = to;
        answer("250 2.1.5 Ok");
      }
    } else if (verb === "DATA") {
      if (rcpt === "" && options.alwaysGo !== true) answer("554 5.5.1 No valid recipients");
      else if (!faulty("data")) {
        body = true;
        answer("354 Go ahead");
      }
    } else if (verb === "BDAT" && options.extensions.includes("CHUNKING")) {
      const [, size, last] = /^BDAT (\d+)( LAST)?$/i.exec(line) ?? [];
      const refusal = options.bdatReply;
      if (refusal !== undefined && (refusal.to === "all" || last !== undefined)) {
        // Whoever knows BDAT takes its bytes whatever it says (RFC 3030 section 2); whoever does not, takes them for commands.
        if (refusal.to === "last") chunk = { left: Number(size), size: -1, last: false };
        return answer(refusal.say);
      }
      chunk = { left: Number(size), size: Number(size), last: last !== undefined };
    } else if (verb === "RSET") {
      chunked = 0;
      mail = false;
      rcpt = "";
      answer("250 2.0.0 Ok");
    } else if (verb === "QUIT") {
      log.quits += 1;
      setTimeout(() => {
        leave();
        socket.end("221 2.0.0 Bye\r\n");
      }, options.quitDelay ?? 0);
    } else answer("502 5.5.2 What?");
  };
  const ended = (size: number) => {
    body = false;
    mail = false;
    const to = rcpt;
    rcpt = "";
    if (to === "") return answer("554 5.5.1 No valid recipients");
    if (to.startsWith("drop")) {
      over = true;
      return void socket.destroy();
    }
    if (faulty("body")) return void log.unanswered.push(to);
    messages += 1;
    log.taken.push(to);
    log.sizes.push(size);
    watcher.taken?.(to);
    answer("250 2.0.0 Ok: queued");
  };
  const chunkTaken = ({ size, last }: { size: number; last: boolean }) => {
    if (size === -1) return;
    chunked += size;
    if (!mail) answer("503 5.5.1 MAIL first");
    else if (rcpt === "") answer("554 5.5.1 No valid recipients");
    else if (!last) answer(`250 2.0.0 ${size} bytes`);
    else {
      log.chunks += 1;
      ended(chunked);
      chunked = 0;
    }
  };
  if (!faulty("greeting")) answer("220 sink ESMTP");
  socket.on("data", (bytes) => {
    held += bytes.toString("latin1");
    let commands = 0;
    while (!over) {
      if (chunk !== null) {
        const some = Math.min(chunk.left, held.length);
        chunk.left -= some;
        held = held.slice(some);
        if (chunk.left > 0) break;
        const whole = chunk;
        chunk = null;
        chunkTaken(whole);
      } else if (body) {
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
    if (over) held = "";
    log.pipelined = Math.max(log.pipelined, commands);
  });
}

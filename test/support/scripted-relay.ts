/**
 * A relay that follows a script to the letter, in plain node:net. Each script gets a listener of its own on a loopback
 * port. What arrives is compared with what the script expects, byte for byte; the log says how each connection went.
 */
import { createServer, type Server, type Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { KeyPair } from "./certificates.ts";

export type ScriptStep =
  /** Says it, whole or a byte at a time. */
  | { say: string }
  /** Waits for exactly these bytes. */
  | { expect: string }
  /** Waits for anything that ends so. */
  | { until: string }
  /** Says it over and over until the client goes. */
  | { flood: string }
  /** Says nothing more and keeps the connection open. */
  | { stall: true }
  /** Ends the connection; "reset" sends RST. */
  | { hangUp: "end" | "reset" }
  /** A TLS handshake as the server. "unknown" has a certificate from nobody. */
  | { tls: "trusted" | "unknown" };

export interface Script {
  /** One script a connection, in order; the last one serves all that follow. */
  connections: ScriptStep[][];
  pace?: "whole" | "bytes";
}

export interface ConnectionLog {
  received: string;
  /** Null: the script ran to its end. */
  wrong: string | null;
  /** The client has closed its side. */
  closed: boolean;
}

export class ScriptedRelay {
  readonly log: ConnectionLog[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(script: Script, keys: Record<"trusted" | "unknown", KeyPair>) {
    this.#server = createServer({ noDelay: true }, (socket) => {
      const entry: ConnectionLog = { received: "", wrong: null, closed: false };
      const steps = script.connections[Math.min(this.log.length, script.connections.length - 1)] ?? [];
      this.log.push(entry);
      this.#sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        entry.closed = true;
        this.#sockets.delete(socket);
      });
      play(socket, steps, script.pace ?? "whole", keys, entry).catch((error: unknown) => {
        entry.wrong ??= error instanceof Error ? error.message : String(error);
        socket.destroy();
      });
    });
  }

  get open(): number {
    return this.#sockets.size;
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

async function play(
  tcp: Socket,
  steps: readonly ScriptStep[],
  pace: "whole" | "bytes",
  keys: Record<"trusted" | "unknown", KeyPair>,
  entry: ConnectionLog,
): Promise<void> {
  let socket: Socket = tcp;
  let input = inputOf(socket, entry);
  for (const step of steps) {
    if ("say" in step) await say(socket, step.say, pace);
    else if ("expect" in step) await input.expect(step.expect);
    else if ("until" in step) await input.until(step.until);
    else if ("flood" in step) {
      while (!socket.destroyed) await say(socket, step.flood, "whole");
      return;
    } else if ("stall" in step) {
      await input.end();
      return;
    } else if ("hangUp" in step) {
      if (step.hangUp === "reset") tcp.resetAndDestroy();
      else socket.end();
      return;
    } else {
      input.stop();
      const secure = new TLSSocket(tcp, { isServer: true, ...keys[step.tls] });
      secure.on("error", (error) => {
        entry.wrong ??= error.message;
      });
      socket = secure;
      input = inputOf(socket, entry);
    }
  }
  // The script is over: whatever else the client says is on record, and it may close when it likes.
  await input.end();
}

function inputOf(socket: Socket, entry: ConnectionLog) {
  let held = "";
  let ended = false;
  let wake: () => void = () => {};
  const onData = (chunk: Buffer) => {
    held += chunk.toString("latin1");
    entry.received += chunk.toString("latin1");
    wake();
  };
  const onEnd = () => {
    ended = true;
    wake();
  };
  socket.on("data", onData);
  socket.on("end", onEnd);
  socket.on("close", onEnd);
  const more = () =>
    new Promise<void>((resolve) => {
      wake = resolve;
    });
  return {
    async expect(text: string) {
      while (held.length < text.length) {
        if (!text.startsWith(held)) break;
        if (ended)
          throw new Error(`client closed before ${JSON.stringify(text)}, after ${JSON.stringify(held)}`);
        await more();
      }
      if (!held.startsWith(text))
        throw new Error(`expected ${JSON.stringify(text)}, got ${JSON.stringify(held)}`);
      held = held.slice(text.length);
    },
    async until(end: string) {
      for (;;) {
        const at = held.indexOf(end);
        if (at !== -1) {
          held = held.slice(at + end.length);
          return;
        }
        if (ended) throw new Error(`client closed before ${JSON.stringify(end)}`);
        await more();
      }
    },
    async end() {
      while (!ended) await more();
    },
    stop() {
      socket.off("data", onData);
      socket.off("end", onEnd);
      socket.off("close", onEnd);
    },
  };
}

async function say(socket: Socket, text: string, pace: "whole" | "bytes"): Promise<void> {
  const bytes = Buffer.from(text, "utf8");
  const pieces = pace === "whole" ? [bytes] : [...bytes].map((byte) => Buffer.from([byte]));
  for (const piece of pieces) {
    if (socket.destroyed) return;
    await new Promise<void>((resolve) => {
      // A write into a dead connection may never call back.
      const over = () => {
        socket.off("close", over);
        resolve();
      };
      socket.on("close", over);
      socket.write(piece, over);
    });
    if (pace === "bytes") await new Promise((resolve) => setImmediate(resolve));
  }
}

/** An HTTP server that plays a script: what webhook endpoints do, well or badly, and what they were told. */
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What one request meets. Absent: 200, at once, "ok". */
export interface Step {
  status?: number;
  headers?: Record<string, string>;
  body?: string;
  /** Never answers. */
  hang?: boolean;
  /** Answers, and goes on writing. */
  endless?: boolean;
  /** Answers with headers, and no body follows. */
  stall?: boolean;
  /** Closes the connection instead. */
  drop?: boolean;
}

export interface Told {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

export class WebhookEndpoint {
  readonly told: Told[] = [];
  readonly #server: Server;
  #script: Step[];

  /** Each request takes a step; the last one is for all that follow. */
  constructor(script: Step[] = []) {
    this.#script = script;
    this.#server = createServer((request, response) => {
      let body = "";
      request.setEncoding("utf8");
      request.on("data", (chunk: string) => {
        body += chunk;
      });
      request.on("end", () => {
        const { method = "", url = "", headers } = request;
        this.told.push({ method, path: url, headers, body });
        const step = (this.#script.length > 1 ? this.#script.shift() : this.#script[0]) ?? {};
        play(step, response);
      });
    });
  }

  /** A new script, from now on. */
  set script(script: Step[]) {
    this.#script = script;
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

function play(
  { status = 200, headers = {}, body = "ok", hang, endless, stall, drop }: Step,
  response: ServerResponse,
): void {
  if (hang === true) return;
  if (drop === true) {
    response.socket?.destroy();
    return;
  }
  response.writeHead(status, headers);
  if (stall === true) {
    response.flushHeaders();
    return;
  }
  if (endless !== true) {
    response.end(body);
    return;
  }
  const timer = setInterval(() => response.write("x".repeat(500)), 1);
  response.on("close", () => clearInterval(timer));
}

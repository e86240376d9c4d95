/** Ports: whether one is free, and a free one. */
import { createServer } from "node:net";
import { err, ok, type Result } from "../../src/core/result.ts";

/** The port itself (or a free one, for 0) if this process could listen there now. The error is one line. */
export function freePort(host: string, port: number): Promise<Result<number, string>> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(err(complaint(error.code, host, port))));
    server.listen({ host, port, exclusive: true }, () => {
      const address = server.address();
      const taken = typeof address === "object" && address !== null ? address.port : port;
      server.close(() => resolve(ok(taken)));
    });
  });
}

function complaint(code: string | undefined, host: string, port: number): string {
  switch (code) {
    case "EADDRINUSE":
      return `Port ${port} on ${host} is taken; stop what listens there, or choose another with PORT=…`;
    case "EACCES":
      return `Port ${port} on ${host} is not allowed for this user; choose one from 1024 up with PORT=…`;
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `HOST ${host} is no address of this machine`;
    default:
      return `Cannot listen on ${host}, port ${port} (${code})`;
  }
}

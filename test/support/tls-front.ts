/** An https:// in front of a plain one, on loopback with the test authority's certificate: for clients that insist on TLS. */
import { request } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { testCertificates } from "./certificates.ts";

export interface TlsFront {
  /** `localhost:PORT`. */
  host: string;
  stop(): Promise<void>;
}

/** Hands every request on to `base` with its path as it came, and the answer back. */
export async function startTlsFront(base: string): Promise<TlsFront> {
  const { trusted } = testCertificates();
  const target = new URL(base);
  const server: Server = createServer(trusted, (incoming, answer) => {
    const onward = request(
      {
        host: target.hostname,
        port: target.port,
        method: incoming.method,
        path: incoming.url,
        headers: { ...incoming.headers, host: target.host },
      },
      (response) => {
        answer.writeHead(response.statusCode ?? 502, response.headers);
        response.pipe(answer);
      },
    );
    onward.on("error", () => answer.destroy());
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    host: `localhost:${(server.address() as AddressInfo).port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

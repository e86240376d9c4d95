/** A TCP proxy that makes a relay far away: what goes through it arrives `delayMs` later, in order, each way. */
import { connect, createServer, type Socket } from "node:net";

export async function startDelayProxy(
  target: number,
  delayMs: number,
): Promise<{ port: number; stop: () => void }> {
  const open = new Set<Socket>();
  const forward = (from: Socket, to: Socket) => {
    from.on("data", (chunk) => setTimeout(() => to.writable && to.write(chunk), delayMs));
    from.on("end", () => setTimeout(() => to.end(), delayMs));
    from.on("error", () => to.destroy());
    from.on("close", () => open.delete(from));
    open.add(from);
  };
  const server = createServer((client) => {
    const relay = connect(target, "127.0.0.1");
    client.setNoDelay(true);
    relay.setNoDelay(true);
    forward(client, relay);
    forward(relay, client);
  });
  const port = await new Promise<number>((resolve) =>
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    }),
  );
  return {
    port,
    stop: () => {
      for (const socket of open) socket.destroy();
      server.close();
    },
  };
}

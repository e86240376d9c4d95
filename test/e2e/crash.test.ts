/** Acknowledged means durable: what was accepted goes out, whatever happens to the process in between. */
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { Mailbox } from "../../scripts/inbox/mailbox.ts";
import { receive } from "../../scripts/inbox/receive.ts";
import { Postern, stopAll, temporaryFolder, until } from "../support/postern.ts";

const folder = temporaryFolder();
afterAll(async () => {
  await stopAll();
  folder.remove();
});

/** A relay that takes connections and says nothing: the attempt is under way, and goes on. */
async function silentRelay(): Promise<{ port: number; called: () => boolean; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  let calls = 0;
  const server: Server = createServer((socket) => {
    calls++;
    sockets.add(socket);
    socket.on("error", () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as { port: number }).port,
    called: () => calls > 0,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

const email = { from: "a@example.com", to: "b@example.com", subject: "Through a crash", text: "Still here." };
/** The first wait after a failed attempt is a minute, and a fifth more at most (src/outbox/backoff.ts). */
const RETRY_MS = 100_000;

describe("kill -9 between acceptance and delivery", () => {
  it("while the relay was being talked to: the mail goes out after the restart, once", {
    timeout: 240_000,
  }, async () => {
    const dataDir = join(folder.path, "talking");
    const relay = await silentRelay();
    const variables = { SMTP_URL: `smtp://127.0.0.1:${relay.port}?tls=none` };
    const first = await Postern.start(dataDir, variables);
    const id = await first.send(email);
    await until(relay.called, 30_000, () => "the relay was never called");
    await first.kill();
    await relay.close();

    const mailbox = new Mailbox();
    const receiver = await receive(mailbox, relay.port);
    const second = await Postern.start(dataDir, variables);
    await until(
      () => mailbox.list().length > 0,
      RETRY_MS,
      () => "the mail never came",
    );
    await second.eventsOf(id, ["email.sent"]);
    expect(mailbox.list().map(({ subject, envelope }) => [subject, envelope.to])).toEqual([
      ["Through a crash", ["b@example.com"]],
    ]);
    await second.stop();
    await receiver.close();
  });

  it("while the relay was down: likewise", { timeout: 240_000 }, async () => {
    const dataDir = join(folder.path, "down");
    const relay = await silentRelay();
    await relay.close();
    const variables = { SMTP_URL: `smtp://127.0.0.1:${relay.port}?tls=none` };
    const first = await Postern.start(dataDir, variables);
    const id = await first.send(email);
    await first.kill();

    const mailbox = new Mailbox();
    const receiver = await receive(mailbox, relay.port);
    const second = await Postern.start(dataDir, variables);
    await until(
      () => mailbox.list().length > 0,
      RETRY_MS,
      () => "the mail never came",
    );
    await second.eventsOf(id, ["email.sent"]);
    expect(mailbox.list()).toHaveLength(1);
    await second.stop();
    await receiver.close();
  });
});

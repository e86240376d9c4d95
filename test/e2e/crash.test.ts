/** Acknowledged means durable: what was accepted goes out, whatever happens to the process in between. */
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { Mailbox } from "../../scripts/inbox/mailbox.ts";
import { receive } from "../../scripts/inbox/receive.ts";
import { DUPLICATES_AFTER_CRASH } from "../../src/core/limits.ts";
import { readers, tally } from "../support/bulk.ts";
import { Postern, stopAll, temporaryFolder, until } from "../support/postern.ts";
import { SinkRelay } from "../support/sink-relay.ts";

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

/** How many requests are under way at once. */
const CLIENTS = 8;

describe("kill -9 of the store's process alone, while mail is accepted and sent", () => {
  it("ends the gateway with a line; after the restart everything accepted is sent, and every event there", {
    timeout: 120_000,
  }, async () => {
    const dataDir = join(folder.path, "store");
    const relay = new SinkRelay({ extensions: ["PIPELINING", "8BITMIME"] });
    const variables = { SMTP_URL: `smtp://127.0.0.1:${await relay.listen()}?tls=none` };
    const first = await Postern.start(dataDir, variables);
    const accepted = new Map<string, string>();
    const left = readers(20_000);
    relay.watcher.taken = () => {
      if (relay.log.taken.length === 300) process.kill(first.storePid!, "SIGKILL");
    };
    const client = async () => {
      for (let to = left.pop(); to !== undefined; to = left.pop()) {
        const id = await first.send({ ...email, to }).catch(() => null);
        if (id === null) return; // It is gone.
        accepted.set(to, id);
      }
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
    // SIGWINCH does nothing; it only waits for the exit.
    expect(await first.stop("SIGWINCH")).toBe(137);
    expect(first.stderr).toContain("the store's workerd ended by itself with code 137");
    expect(accepted.size).toBeGreaterThan(250);
    expect(left.length).toBeGreaterThan(0);

    const second = await Postern.start(dataDir, variables);
    const wanted = [...accepted.keys()];
    await until(
      () => tally(relay.log.taken, wanted).missing.length === 0,
      60_000,
      () => `${tally(relay.log.taken, wanted).missing.length} of ${wanted.length} never got it`,
    );
    expect(tally(relay.log.taken, wanted).duplicates).toBeLessThanOrEqual(DUPLICATES_AFTER_CRASH);
    for (const id of accepted.values())
      expect((await second.eventsOf(id, ["email.sent"])).map(({ type }) => type)).toEqual(["email.sent"]);
    await second.stop();
    relay.close();
  });
});

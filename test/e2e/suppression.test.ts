/** The suppression list of the product as a process: while libSQL is away, through kill -9, and in files of many rows. */
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { Postern, stopAll, temporaryFolder, until } from "../support/postern.ts";
import { SinkRelay } from "../support/sink-relay.ts";

const folder = temporaryFolder();
afterAll(async () => {
  await stopAll();
  folder.remove();
});

/** A port that nobody listens at. */
const closedPort = () =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
const bulk = (to: string[]) => ({
  from: "a@example.com",
  subject: "Bulk",
  text: "Words",
  recipients: to.map((address) => ({ to: address })),
});
const peakKb = ({ workerdPid }: Postern): number =>
  Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${workerdPid}/status`, "utf8"))![1]);

describe("while libSQL cannot be reached", () => {
  it("addresses are suppressed, by hand and by bounces, and stay so after kill -9", async () => {
    const relay = new SinkRelay({ extensions: ["PIPELINING", "8BITMIME"] });
    const variables = {
      SMTP_URL: `smtp://127.0.0.1:${await relay.listen()}?tls=none`,
      LIBSQL_URL: `http://127.0.0.1:${await closedPort()}`,
      SHARDS: "3",
    };
    const dataDir = join(folder.path, "away");
    const first = await Postern.start(dataDir, variables);
    expect((await first.api("POST", "/suppressions", { email: "no@example.net" })).status).toBe(201);
    await first.send({ from: "a@example.com", to: "unknown-1@example.net", subject: "S", text: "T" });
    await until(
      async () => (await first.api("GET", "/suppressions/unknown-1@example.net")).status === 200,
      20_000,
      () => "the bounce closed nothing",
    );
    await first.kill();
    // Each outbox has it, not only the one that saw the bounce; and so have two that were not there before.
    const second = await Postern.start(dataDir, { ...variables, SHARDS: "5" });
    const to = ["NO@example.net", "unknown-1@example.net", "yes@example.net"];
    for (let i = 0; i < 12; i++)
      expect((await second.api("POST", "/emails/bulk", bulk(to))).body).toMatchObject({
        accepted: 1,
        suppressed: 2,
      });
    await until(
      () => relay.log.taken.length === 12,
      20_000,
      () => `${relay.log.taken.length} were taken`,
    );
    expect(new Set(relay.log.taken)).toEqual(new Set(["yes@example.net"]));
    await second.stop();
    relay.close();
  }, 120_000);
});

describe("a file of 30,000 rows", () => {
  it("is imported with progress, exported whole, and needs little memory", async () => {
    const postern = await Postern.start(join(folder.path, "file"));
    const rows = 30_000;
    const file = Array.from({ length: rows }, (_, i) => `reader-${i}@example.net\n`).join("");
    const headers = { Authorization: `Bearer ${postern.key}` };
    const before = peakKb(postern);
    const imported = await fetch(`${postern.base}/suppressions/import`, {
      method: "POST",
      headers: { ...headers, "Content-Type": "text/csv", Accept: "application/x-ndjson" },
      body: file,
    });
    const lines = (await imported.text())
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines.slice(0, -1).map((line) => line.rows)).toEqual([
      5_000, 10_000, 15_000, 20_000, 25_000, 30_000,
    ]);
    expect(lines.at(-1)).toMatchObject({ object: "suppression_import", rows, added: rows, already: 0 });
    const exported = await fetch(`${postern.base}/suppressions/export`, { headers });
    expect((await exported.text()).trimEnd().split("\r\n")).toHaveLength(rows + 1);
    expect(peakKb(postern) - before).toBeLessThan(250_000);
    const { body } = await postern.api(
      "POST",
      "/emails/bulk",
      bulk(["reader-29999@example.net", "other@example.net"]),
    );
    expect(body).toMatchObject({ accepted: 1, suppressed: 1 });
    await postern.stop();
  }, 120_000);
});

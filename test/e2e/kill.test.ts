/**
 * kill -9 in the middle of a bulk: nobody is left out, and hardly anybody gets it twice. KILL_ROUNDS=10 for a longer run;
 * each round kills at another place.
 */
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { DUPLICATES_AFTER_CRASH } from "../../src/core/limits.ts";
import { counts, readers, sendBulk, tally } from "../support/bulk.ts";
import { Postern, stopAll, temporaryFolder, until } from "../support/postern.ts";
import { SinkRelay } from "../support/sink-relay.ts";

const ROUNDS = Number(process.env.KILL_ROUNDS ?? 2);
const READERS = 10_000;

const folder = temporaryFolder();
afterAll(async () => {
  await stopAll();
  folder.remove();
});

describe("kill -9 of workerd and start while 10,000 are being sent", () => {
  it.each(Array.from({ length: ROUNDS }, (_, i) => i + 1))(
    "round %i: after the restart everyone got it, at most 16 twice",
    {
      timeout: 120_000,
    },
    async (round) => {
      const relay = new SinkRelay({
        // Every other round by BDAT: more messages on the wire, fewer outcomes waiting.
        extensions: ["PIPELINING", "8BITMIME", ...(round % 2 === 0 ? ["CHUNKING"] : [])],
      });
      const variables = { SMTP_URL: `smtp://127.0.0.1:${await relay.listen()}?tls=none` };
      const dataDir = join(folder.path, `round-${round}`);
      const first = await Postern.start(dataDir, variables);
      const wanted = readers(READERS);

      const killAt = 1 + Math.floor(((round - 0.5) * (READERS - 1_000)) / ROUNDS);
      let killed: Promise<void> | null = null;
      relay.watcher.taken = () => {
        if (relay.log.taken.length === killAt) killed = first.kill();
      };
      const id = await sendBulk(first, wanted);
      await until(
        () => killed !== null,
        60_000,
        () => `only ${relay.log.taken.length} were sent before the kill`,
      );
      await killed;
      const before = relay.log.taken.length;
      expect(before).toBeLessThan(READERS);
      expect(DUPLICATES_AFTER_CRASH).toBe(16);

      const second = await Postern.start(dataDir, variables);
      await until(
        () => tally(relay.log.taken, wanted).missing.length === 0,
        60_000,
        () => `${tally(relay.log.taken, wanted).missing.length} never got it`,
      );
      expect(await counts(second, id)).toEqual({ sent: READERS });
      const { duplicates, strangers } = tally(relay.log.taken, wanted);
      console.log(`killed after ${before}: ${duplicates} duplicates`);
      expect(strangers).toEqual([]);
      expect(duplicates).toBeLessThanOrEqual(DUPLICATES_AFTER_CRASH);
      await second.stop();
      relay.close();
    },
  );
});

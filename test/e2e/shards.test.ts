/** One shard or four: the same, for whoever sends and asks. */
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { SMTP_CONNECTIONS_DEFAULT } from "../../src/core/limits.ts";
import { counts, readers, sendBulk, tally } from "../support/bulk.ts";
import { Postern, stopAll, temporaryFolder, until } from "../support/postern.ts";
import { SinkRelay } from "../support/sink-relay.ts";

const folder = temporaryFolder();
afterAll(async () => {
  await stopAll();
  folder.remove();
});

/** How many requests are under way at once. */
const CLIENTS = 25;

describe.concurrent.each([1, 4])("SHARDS=%i", (shards) => {
  it("a bulk of 10,000 and 500 single messages all arrive once, and are found by list, id and events", {
    timeout: 120_000,
  }, async () => {
    const relay = new SinkRelay({ extensions: ["PIPELINING", "8BITMIME"] });
    const postern = await Postern.start(join(folder.path, String(shards)), {
      SMTP_URL: `smtp://127.0.0.1:${await relay.listen()}?tls=none`,
      SHARDS: String(shards),
    });
    const many = readers(10_000);
    const singles = readers(500, "example.org", "single");

    const bulk = await sendBulk(postern, many);
    const ids = new Map<string, string>();
    const left = [...singles];
    const client = async () => {
      for (let to = left.pop(); to !== undefined; to = left.pop())
        ids.set(to, await postern.send({ from: "a@example.com", to, subject: "One", text: "Words" }));
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
    const wanted = [...many, ...singles];
    await until(
      () => tally(relay.log.taken, wanted).missing.length === 0,
      60_000,
      () => `${tally(relay.log.taken, wanted).missing.length} are missing`,
    );
    expect(tally(relay.log.taken, wanted)).toEqual({ missing: [], strangers: [], duplicates: 0 });
    expect(relay.log.peak).toBeLessThanOrEqual(shards * SMTP_CONNECTIONS_DEFAULT);

    expect(await counts(postern, bulk)).toEqual({ sent: many.length });
    for (const [to, id] of [...ids].slice(0, 40)) {
      const { body } = await postern.api("GET", `/emails/${id}`);
      expect(body).toMatchObject({ id, to: [to], last_event: "sent" });
      expect((await postern.events(id)).map(({ type }) => type)).toContain("email.sent");
    }
    const listed: { id: string; last_event: string }[] = [];
    for (let after = ""; ; after = `&after=${listed.at(-1)!.id}`) {
      const { body } = await postern.api("GET", `/emails?limit=100${after}`);
      listed.push(...(body.data as typeof listed));
      if (body.has_more !== true) break;
    }
    expect(listed.map(({ id }) => id).sort()).toEqual([bulk, ...ids.values()].sort());
    expect(new Set(listed.map((one) => one.last_event))).toEqual(new Set(["sent"]));
    await postern.stop();
    relay.close();
  });
});

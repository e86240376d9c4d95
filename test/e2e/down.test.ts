/**
 * Relays that are down for a while, and relays that allow less than they are asked for: mail waits or goes elsewhere,
 * and drains without a stampede. One gateway for all; the sender decides which relays a message may take.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SMTP_CONNECTIONS_DEFAULT } from "../../src/core/limits.ts";
import { counts, readers, sendBulk, tally } from "../support/bulk.ts";
import { Postern, stopAll, temporaryFolder, until } from "../support/postern.ts";
import { SinkRelay } from "../support/sink-relay.ts";

const EXTENSIONS = ["PIPELINING", "8BITMIME"];
const ALL_THERE = { missing: [], strangers: [], duplicates: 0 };

const folder = temporaryFolder();
const relays = {
  closed: new SinkRelay({ extensions: EXTENSIONS }),
  busy: new SinkRelay({
    extensions: EXTENSIONS,
    faults: { greeting: { say: "421 4.3.2 Down for maintenance\r\n", after: "end" } },
  }),
  gone: new SinkRelay({ extensions: EXTENSIONS }),
  second: new SinkRelay({ extensions: EXTENSIONS }),
  five: new SinkRelay({ extensions: EXTENSIONS, messages: 5 }),
  two: new SinkRelay({ extensions: EXTENSIONS, connections: 2 }),
};
type Name = keyof typeof relays;
const ports = new Map<string, number>();
let postern: Postern;

beforeAll(async () => {
  for (const [name, relay] of Object.entries(relays)) ports.set(name, await relay.listen());
  relays.closed.close();
  relays.gone.close();
  const entry = (name: Name, more = {}) => ({
    name,
    url: `smtp://127.0.0.1:${ports.get(name)}?tls=none`,
    from: `${name}.example`,
    ...more,
  });
  const RELAYS = JSON.stringify([
    entry("closed"),
    entry("busy"),
    entry("gone"),
    entry("second", { from: ["second.example", "gone.example"], priority: 10 }),
    entry("five"),
    entry("two"),
  ]);
  postern = await Postern.start(folder.path, { RELAYS });
});
afterAll(async () => {
  await stopAll();
  for (const relay of Object.values(relays)) relay.close();
  folder.remove();
});

const sendBy = (name: Name, to: readonly string[]) => sendBulk(postern, to, { from: `a@${name}.example` });
/** All of it came over this relay, once. */
async function arrives(name: Name, wanted: readonly string[], id: string): Promise<void> {
  const { log } = relays[name];
  await until(
    () => tally(log.taken, wanted).missing.length === 0,
    60_000,
    () => `${tally(log.taken, wanted).missing.length} of ${wanted.length} are missing`,
  );
  expect(tally(log.taken, wanted)).toEqual(ALL_THERE);
  expect(await counts(postern, id)).toEqual({ sent: wanted.length });
}
async function breakerIs(name: Name, state: string): Promise<void> {
  const breaker = async () => {
    const { body } = await postern.api("GET", "/relays");
    return (body.data as { name: string; breaker: string }[]).find((one) => one.name === name)!.breaker;
  };
  await until(
    async () => (await breaker()) === state,
    30_000,
    () => `the breaker is not ${state}`,
  );
}

describe.concurrent("down for a while, with 2,000 waiting", () => {
  it.each<[string, Name]>([
    ["nobody listens", "closed"],
    ["it greets with 421", "busy"],
  ])(
    "%s: the breaker opens, mail waits, one session probes, and the rest drains",
    { timeout: 120_000 },
    async (_, name) => {
      const relay = relays[name];
      const wanted = readers(2_000);
      const id = await sendBy(name, wanted);
      await breakerIs(name, "open");
      await postern.eventsOf(id, ["email.delivery_delayed"]);
      const { queued = 0, delivery_delayed = 0 } = await counts(postern, id);
      expect(queued + delivery_delayed).toBe(wanted.length);

      const before = { ...relay.log };
      let ehlosBeforeTheSecond: number | null = null;
      relay.watcher.connected = ({ sessions, ehlos }) => {
        if (sessions === before.sessions + 2) ehlosBeforeTheSecond = ehlos;
      };
      relay.log.peak = 0;
      relay.options.faults = {};
      if (name === "closed") await relay.listen(ports.get(name));
      await arrives(name, wanted, id);
      // Nobody else called before the probe was a session, and no more than are allowed to did afterwards.
      if (ehlosBeforeTheSecond !== null) expect(ehlosBeforeTheSecond).toBe(before.ehlos + 1);
      expect(relay.log.peak).toBeLessThanOrEqual(SMTP_CONNECTIONS_DEFAULT);
      expect(relay.log.sessions - before.sessions).toBeLessThanOrEqual(2 * SMTP_CONNECTIONS_DEFAULT);
      await breakerIs(name, "closed");
    },
  );

  it("while a second relay is up: all goes by it", { timeout: 60_000 }, async () => {
    const wanted = readers(2_000);
    await arrives("second", wanted, await sendBy("gone", wanted));
    expect(relays.second.log.peak).toBeLessThanOrEqual(SMTP_CONNECTIONS_DEFAULT);
  });
});

describe.concurrent("a relay with limits, told by 421", () => {
  it("of 5 messages a session: about as many sessions as it takes", { timeout: 60_000 }, async () => {
    const wanted = readers(500);
    await arrives("five", wanted, await sendBy("five", wanted));
    expect(relays.five.log.sessions).toBeLessThanOrEqual(wanted.length / 5 + SMTP_CONNECTIONS_DEFAULT);
  });

  it("of 2 connections: a third is not tried again and again", { timeout: 60_000 }, async () => {
    const wanted = readers(2_000);
    await arrives("two", wanted, await sendBy("two", wanted));
    expect(relays.two.log.turnedAway).toBeLessThanOrEqual(SMTP_CONNECTIONS_DEFAULT - 2);
  });
});

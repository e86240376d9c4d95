/**
 * Relays that are down for a while, and relays that allow less than they are asked for: mail waits or goes elsewhere,
 * and drains without a stampede. One gateway for all; the sender decides which relays a message may take.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SMTP_CONNECTIONS_DEFAULT } from "../../src/core/limits.ts";
import { counts, readers, sendBulk, tally } from "../support/bulk.ts";
import { FAULTS } from "../support/faults.ts";
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
  third: new SinkRelay({ extensions: EXTENSIONS }),
  stranger: new SinkRelay({
    extensions: EXTENSIONS,
    faults: { mail: { say: "530 5.7.0 Authentication required\r\n" } },
  }),
  denying: new SinkRelay({
    extensions: EXTENSIONS,
    faults: { rcpt: { say: "554 5.7.1 Relay access denied\r\n" } },
  }),
  torn: new SinkRelay({
    extensions: EXTENSIONS,
    faults: { rcpt: { say: "554 5.7.1 Relay access denied\r\n" } },
  }),
  absent: new SinkRelay({ extensions: EXTENSIONS }),
  small: new SinkRelay({ extensions: [...EXTENSIONS, "SIZE 1000"] }),
  slow: new SinkRelay({ extensions: EXTENSIONS, delay: 50 }),
  spent: new SinkRelay({ extensions: EXTENSIONS }),
  hasty: new SinkRelay({
    extensions: EXTENSIONS,
    faults: { mail: { say: "450 4.7.28 Too many messages, slow down\r\n" } },
  }),
  mute: new SinkRelay({ extensions: EXTENSIONS, faults: { body: FAULTS.stalls! } }),
};
type Name = keyof typeof relays;
const ports = new Map<string, number>();
let postern: Postern;

beforeAll(async () => {
  for (const [name, relay] of Object.entries(relays)) ports.set(name, await relay.listen());
  relays.closed.close();
  relays.gone.close();
  relays.absent.close();
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
    entry("hasty"),
    entry("mute"),
    entry("second", { from: ["second.example", "gone.example", "mute.example"], priority: 10 }),
    entry("five"),
    entry("two"),
    entry("third", { from: ["stranger.example", "denying.example", "small.example"], priority: 10 }),
    entry("stranger"),
    entry("denying"),
    entry("torn"),
    entry("absent", { from: "torn.example", priority: 10 }),
    entry("small"),
    entry("slow"),
    entry("spent", { quota: "3/d" }),
  ]);
  postern = await Postern.start(folder.path, { RELAYS });
});
afterAll(async () => {
  await stopAll();
  for (const relay of Object.values(relays)) relay.close();
  folder.remove();
});

const sendBy = (name: Name, to: readonly string[]) => sendBulk(postern, to, { from: `a@${name}.example` });
/** A moment as the API spells it, in milliseconds since 1970. */
const msOf = (moment: unknown): number => Date.parse(String(moment).replace("+00", "Z"));
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
async function stateOf(name: Name): Promise<{ breaker: string; last_error: string | null }> {
  const { body } = await postern.api("GET", "/relays");
  return (body.data as { name: string; breaker: string; last_error: string | null }[]).find(
    (one) => one.name === name,
  )!;
}
async function breakerIs(name: Name, state: string): Promise<void> {
  await until(
    async () => (await stateOf(name)).breaker === state,
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

describe.concurrent("a relay whose every session has been silent for a minute", () => {
  it("keeps only what it was given: the rest goes by another", { timeout: 150_000 }, async () => {
    const wanted = readers(40, "example.net", "patient");
    await sendBy("mute", wanted);
    const rest = () => relays.second.log.taken.filter((to) => wanted.includes(to));
    // Two a session: one on the wire, and one that was taken while it was.
    await until(
      () => rest().length === wanted.length - 2 * SMTP_CONNECTIONS_DEFAULT,
      120_000,
      () => `${rest().length} came by the other`,
    );
    expect(await stateOf("mute")).toMatchObject({
      breaker: "open",
      last_error: "It has answered nothing for a minute.",
    });
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

describe.concurrent("a relay that takes nothing from us, or cannot carry it", () => {
  it.each(["stranger", "denying", "small"] as const)(
    "%s: all goes by the next one",
    { timeout: 60_000 },
    async (name) => {
      const to = readers(20, `${name}.example`);
      const id = await sendBy(name, to);
      await until(
        () => tally(relays.third.log.taken, to).missing.length === 0,
        30_000,
        () => `${tally(relays.third.log.taken, to).missing.length} are missing`,
      );
      expect(await counts(postern, id)).toEqual({ sent: to.length });
    },
  );

  it("has all of it back when the next one stays down and it is well again", {
    timeout: 150_000,
  }, async () => {
    const before = readers(20, "example.net", "before");
    const id = await sendBy("torn", before);
    await breakerIs("absent", "open");
    // It is known by now that there is no other.
    const after = readers(20, "example.net", "after");
    const later = await sendBy("torn", after);
    await postern.eventsOf(later, ["email.delivery_delayed"]);
    const { body } = await postern.api("GET", `/emails/${later}`);
    expect(body.recipients).toMatchObject([
      { status: "delivery_delayed", attempts: 1 },
      ...Array.from({ length: 19 }, () => ({})),
    ]);
    relays.torn.options.faults = {};
    const { log } = relays.torn;
    await until(
      () => tally(log.taken, [...before, ...after]).missing.length === 0,
      110_000,
      () => `${tally(log.taken, [...before, ...after]).missing.length} are missing`,
    );
    expect(await counts(postern, id)).toEqual({ sent: 20 });
    expect(await counts(postern, later)).toEqual({ sent: 20 });
    expect((await stateOf("absent")).breaker).toBe("open");
  });

  it("says in GET /relays that its quota is used up", { timeout: 60_000 }, async () => {
    await sendBy("spent", readers(5, "spent.example"));
    await breakerIs("spent", "open");
    expect((await stateOf("spent")).last_error).toBe("Its quota is used up until it renews.");
  });

  it("what it calls too fast is told when it goes again: when the relay has rested", {
    timeout: 60_000,
  }, async () => {
    const begun = Date.now();
    const id = await postern.send({ from: "a@hasty.example", to: "a@example.net", subject: "S", text: "T" });
    const [event] = await postern.eventsOf(id, ["email.delivery_delayed"]);
    expect(msOf(event!.data.next_attempt_at) - begun).toBeGreaterThanOrEqual(4_000); // 5 s, a fifth less at most.
    relays.hasty.options.faults = {};
    await postern.eventsOf(id, ["email.sent"]);
  });

  it("what waits for a quota is told why and until when, and that is no attempt", {
    timeout: 60_000,
  }, async () => {
    await breakerIs("spent", "open");
    const id = await postern.send({
      from: "a@spent.example",
      to: "late@example.net",
      subject: "S",
      text: "T",
    });
    const [event] = await postern.eventsOf(id, ["email.delivery_delayed"]);
    const midnight = new Date(Math.ceil((Date.now() + 1) / 86_400_000) * 86_400_000).toISOString();
    expect(event!.data).toEqual({
      category: "quota_exceeded",
      reason: `The relay spent has sent what its quota allows. It renews at ${midnight}.`,
      next_attempt_at: midnight.replace("T", " ").replace("Z", "000+00"),
    });
    const { body } = await postern.api("GET", `/emails/${id}`);
    expect(body.recipients).toMatchObject([{ status: "delivery_delayed", attempts: 0 }]);
  });
});

describe.concurrent("a bulk that is cancelled while it goes out", () => {
  it("ends with what is on the wire", { timeout: 60_000 }, async () => {
    const { log } = relays.slow;
    const to = readers(600, "slow.example");
    const id = await sendBy("slow", to);
    await until(
      () => log.taken.length >= 10,
      30_000,
      () => `${log.taken.length} came`,
    );
    const { status } = await postern.api("POST", `/emails/${id}/cancel`);
    const before = log.taken.length;
    expect(status).toBe(200);
    let seen: Record<string, number> = {};
    await until(
      async () => {
        seen = await counts(postern, id);
        return seen.queued === undefined;
      },
      30_000,
      () => `${JSON.stringify(seen)}, ${log.taken.length} came`,
    );
    // Two a session: one on the wire, and one that was taken while it was.
    expect(log.taken.length - before).toBeLessThanOrEqual(2 * SMTP_CONNECTIONS_DEFAULT);
    expect(seen).toEqual({ sent: log.taken.length, canceled: to.length - log.taken.length });
  });
});

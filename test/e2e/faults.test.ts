/**
 * Relays that misbehave at every step of the dialogue, and relays with limits, all at once on one gateway: each message
 * ends sent, bounced or waiting, the gateway answers throughout, and what waits goes out by itself when it may.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readers, sendBulk, tally } from "../support/bulk.ts";
import { endOf, FAULTS } from "../support/faults.ts";
import { watchHealth } from "../support/health.ts";
import { Postern, stopAll, temporaryFolder, until } from "../support/postern.ts";
import { SINK_STEPS, SinkRelay, type SinkStep } from "../support/sink-relay.ts";

/** Retries after a minute, a hold of a minute, the next minute's quota: a fifth more for jitter, and the machine's time. */
const NEXT_TRY_MS = 100_000;
/** From the POST to the first outcome. */
const OUTCOME_MS = 30_000;

interface Case {
  name: string;
  kind: string;
  step: SinkStep;
  relay: SinkRelay;
  id: string;
}

const newRelay = () => new SinkRelay({ extensions: ["PIPELINING", "8BITMIME"] });
const cases: Case[] = SINK_STEPS.flatMap((step) =>
  Object.keys(FAULTS).map((kind) => ({
    name: `${step}-${kind.replaceAll(" ", "-")}`,
    kind,
    step,
    relay: newRelay(),
    id: "",
  })),
);
const paced = newRelay();
const rationed = newRelay();
const touchy = newRelay();

let postern: Postern;
const folder = temporaryFolder();

beforeAll(async () => {
  const at = async (name: string, relay: SinkRelay, more: Record<string, string> = {}) => ({
    name,
    url: `smtp://127.0.0.1:${await relay.listen()}?tls=none`,
    ...more,
  });
  const relays = [
    ...(await Promise.all(cases.map(({ name, relay }) => at(name, relay)))),
    await at("paced", paced, { rate: "10/s" }),
    await at("rationed", rationed, { quota: "5/m" }),
    await at("touchy", touchy),
  ];
  postern = await Postern.start(folder.path, { RELAYS: JSON.stringify(relays) });
});
afterAll(async () => {
  await stopAll();
  for (const relay of [...cases.map((one) => one.relay), paced, rationed, touchy]) relay.close();
  folder.remove();
});

const send = (relay: string, to: string) =>
  postern.send({ from: "a@example.com", to, subject: relay, text: "Words", relay });
const statusOf = async (id: string): Promise<string> => {
  const { body } = await postern.api("GET", `/emails/${id}`);
  return (body.recipients as { status: string }[])[0]!.status;
};
/** Of each case: what it is instead of what it should be; empty when all is as it should be. */
async function wrong(wanted: (one: Case) => string): Promise<string[]> {
  const statuses = await Promise.all(cases.map((one) => statusOf(one.id)));
  return cases.flatMap((one, i) => (statuses[i] === wanted(one) ? [] : [`${one.name} is ${statuses[i]}`]));
}
async function settled(wanted: (one: Case) => string, milliseconds: number): Promise<void> {
  let rest: string[] = [];
  await until(
    async () => {
      rest = await wrong(wanted);
      if (rest.length > 0) await sleep(500);
      return rest.length === 0;
    },
    milliseconds,
    () => rest.join(", "),
  );
}

describe.concurrent("relays of their own ways", () => {
  it("misbehaving at each step: nothing stalls, everything has its outcome, and what waits goes when they are well", {
    timeout: 2 * NEXT_TRY_MS,
  }, async () => {
    const health = watchHealth(postern.base);
    for (const one of cases) one.relay.options.faults = { [one.step]: FAULTS[one.kind]! };
    await Promise.all(
      cases.map(async (one) => {
        one.id = await send(one.name, `${one.name}@example.net`);
      }),
    );
    await settled(({ kind, step }) => endOf(kind, step), OUTCOME_MS);

    for (const { relay } of cases) {
      relay.options.faults = {};
      relay.hangUp();
    }
    const inTheEnd = ({ kind, step }: Case) => (endOf(kind, step) === "bounced" ? "bounced" : "sent");
    await settled(inTheEnd, NEXT_TRY_MS);

    for (const one of cases) {
      const { taken, unanswered } = one.relay.log;
      // It came whole, and no answer came back that we could trust: it may be there twice, and is never lost.
      const twice = one.step === "body" && inTheEnd(one) === "sent" && endOf(one.kind, one.step) !== "sent";
      const arrivals = inTheEnd(one) === "bounced" ? 0 : twice ? 2 : 1;
      const refused = one.step === "body" && inTheEnd(one) === "bounced" ? 1 : 0;
      expect(taken.length + unanswered.length - refused, one.name).toBe(arrivals);
    }
    const { asked, slowestMs, failures } = await health.stop();
    console.log(`${cases.length} faults: /healthz answered ${asked} times, at slowest in ${slowestMs} ms`);
    expect(failures).toEqual([]);
  });

  it("a rate of 10/s: is kept to, and held mail goes by itself", { timeout: NEXT_TRY_MS }, async () => {
    const to = readers(40, "example.net", "paced");
    const at: number[] = [];
    paced.watcher.taken = () => at.push(performance.now());
    const begun = performance.now();
    await sendBulk(postern, to, { relay: "paced" });
    await until(
      () => paced.log.taken.length >= to.length,
      OUTCOME_MS,
      () => `${paced.log.taken.length} came`,
    );
    expect(tally(paced.log.taken, to)).toEqual({ missing: [], strangers: [], duplicates: 0 });
    // Ten at once, then one each 100 ms: the bound of the rate, not of the machine.
    expect(at.at(-1)! - begun).toBeGreaterThanOrEqual(2_900);
  });

  it("a quota of 5 a minute: no more in any minute, and the rest goes in the next", {
    timeout: 2 * NEXT_TRY_MS,
  }, async () => {
    const to = readers(8, "example.net", "rationed");
    const perMinute = new Map<number, number>();
    rationed.watcher.taken = () => {
      const minute = Math.floor(Date.now() / 60_000);
      perMinute.set(minute, (perMinute.get(minute) ?? 0) + 1);
    };
    // Not at the end of a minute: what is spent in one must arrive in the same.
    while (Date.now() % 60_000 > 50_000) await sleep(500);
    await sendBulk(postern, to, { relay: "rationed" });
    await until(
      () => rationed.log.taken.length >= to.length,
      NEXT_TRY_MS,
      () => `${rationed.log.taken.length} came`,
    );
    expect(tally(rationed.log.taken, to)).toEqual({ missing: [], strangers: [], duplicates: 0 });
    expect([...perMinute.values()]).toEqual([5, 3]);
  });

  it("a destination that says too fast: its mail is held, other mail is not, and the hold ends by itself", {
    timeout: 2 * NEXT_TRY_MS,
  }, async () => {
    touchy.options.faults = { rcpt: { say: "450 4.7.28 Too many messages to this domain, slow down\r\n" } };
    const first = await send("touchy", "first@held.example");
    await postern.eventsOf(first, ["email.delivery_delayed"]);
    touchy.options.faults = {};
    const held = [first, ...(await Promise.all(readers(3, "held.example").map((to) => send("touchy", to))))];
    await send("touchy", "someone@free.example");
    await until(
      () => touchy.log.taken.includes("someone@free.example"),
      OUTCOME_MS,
      () => "other mail did not go",
    );
    expect(touchy.log.taken).toEqual(["someone@free.example"]);
    expect(await Promise.all(held.map(statusOf))).toEqual(["delivery_delayed", "queued", "queued", "queued"]);
    await until(
      () => touchy.log.taken.length >= 5,
      NEXT_TRY_MS,
      () => `${touchy.log.taken} came`,
    );
    expect(await Promise.all(held.map(statusOf))).toEqual(["sent", "sent", "sent", "sent"]);
    expect(touchy.log.taken).toHaveLength(5);
  });
});

import { describe, expect, it } from "vitest";
import type { RelayHealth } from "../../src/outbox/rpc.ts";
import { type WaitContext, type Waiting, waitOf } from "../../src/outbox/waits.ts";

const NOW = 1_700_000_000_000;
const LATER = NOW + 60_000;

const up = (name: string): RelayHealth => ({
  name,
  breaker: "closed",
  retryAt: null,
  lastError: null,
  sessions: 0,
});
const shut = (name: string, retryAt: number | null, lastError = "It is down."): RelayHealth => ({
  ...up(name),
  breaker: "open",
  retryAt,
  lastError,
});
const copy: Waiting = {
  index: 3,
  domain: "example.net",
  route: "main,spare",
  isInHands: false,
  due: NOW - 1,
  attempts: 0,
  scheduledAt: null,
};
const context: WaitContext = {
  now: NOW,
  heldUntil: () => null,
  health: [up("main"), up("spare")],
  relays: [
    { name: "main", rate: { count: 2, perMs: 60_000 } },
    { name: "spare", rate: null },
  ],
};

describe("what a copy waits for", () => {
  const cases: [string, Partial<Waiting>, Partial<WaitContext>, number | null, RegExp][] = [
    ["in hand", { isInHands: true }, {}, null, /with a session/],
    ["due, at a rate", {}, {}, null, /in line for the relay main, at the relay's rate of 2\/m/],
    [
      "due, the first relay shut",
      {},
      { health: [shut("main", LATER), up("spare")] },
      null,
      /in line for the relay spare\.$/,
    ],
    ["scheduled", { due: LATER, scheduledAt: LATER }, {}, LATER, /scheduled/],
    ["tried and deferred", { due: LATER, attempts: 2 }, {}, LATER, /tried again/],
    [
      "tried, though it was scheduled once",
      { due: LATER, scheduledAt: LATER, attempts: 1 },
      {},
      LATER,
      /tried again/,
    ],
    ["paced", { due: LATER }, {}, LATER, /pace .*PACES/],
    ["held", { due: LATER }, { heldUntil: () => LATER }, LATER, /example\.net is held/],
    ["held, and the hold grew", { due: NOW }, { heldUntil: () => LATER }, LATER, /is held/],
    [
      "deferred beyond the hold",
      { due: LATER + 1, attempts: 1 },
      { heldUntil: () => LATER },
      LATER + 1,
      /tried again/,
    ],
    [
      "all relays shut: the first that is back",
      {},
      { health: [shut("main", LATER + 9), shut("spare", LATER, "Its quota is used up until it renews.")] },
      LATER,
      /spare: Its quota is used up/,
    ],
    [
      "all relays shut, nobody knows for how long",
      {},
      { health: [shut("main", null), shut("spare", null)] },
      null,
      /main: It is down\./,
    ],
    [
      "all shut, and back before it is due",
      { due: LATER + 1, attempts: 1 },
      { health: [shut("main", LATER), shut("spare", LATER)] },
      LATER + 1,
      /tried again/,
    ],
    ["no relay left", { route: "gone" }, {}, null, /None of the relays/],
    [
      "in the sandbox",
      { route: "(sandbox)" },
      { health: [up("(sandbox)")] },
      null,
      /in line for the sandbox\./,
    ],
  ];
  it.each(cases)("%s", (_, more, circumstances, until, reason) => {
    const wait = waitOf({ ...copy, ...more }, { ...context, ...circumstances });
    expect(wait).toEqual({ index: 3, until, reason: expect.stringMatching(reason) });
  });
});

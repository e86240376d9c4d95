/** The pool: as many sessions as there is work for and the relay allows, reused, closed, and no copy lost or doubled. */
import { describe, expect, test } from "vitest";
import { SMTP_BERTHS } from "../../src/core/limits.ts";
import { Berths } from "../../src/smtp/berths.ts";
import { Pool } from "../../src/smtp/pool.ts";
import type { SinkOptions } from "../support/sink-relay.ts";
import {
  copyTo,
  ListSource,
  relayAt,
  scripted,
  short,
  sink,
  sinkLog,
  stop,
  type TestJob,
  until,
} from "../support/smtp-control.ts";

const PIPELINING = ["PIPELINING", "8BITMIME"];
const many = (count: number, prefix = "u") =>
  Array.from({ length: count }, (_, i) => copyTo(`${prefix}${i}@b.test`));

async function poolAt(options: SinkOptions, query = "", idleMs = 5_000) {
  const port = await sink(options);
  return {
    port,
    pool: new Pool(relayAt(port, query), { now: Date.now, ehlo: "me.test", deadlines: short(3_000), idleMs }),
  };
}

function expectEachOnce(taken: string[], count: number, prefix = "u"): void {
  expect([...taken].sort()).toEqual(
    many(count, prefix)
      .map(({ forwardPath }) => forwardPath)
      .sort(),
  );
}

describe("sessions", () => {
  test("one message opens one", async () => {
    const { port, pool } = await poolAt({ extensions: PIPELINING });
    await pool.work(new ListSource(many(1)));
    expect(pool.state).toMatchObject({ open: 1, busy: 0, lastError: null, lastPort: port });
    await pool.close();
    expect(await sinkLog(port)).toMatchObject({ sessions: 1, quits: 1 });
  });

  test("much work opens as many as are allowed, and no more", async () => {
    const { port, pool } = await poolAt({ extensions: PIPELINING, delay: 2 }, "?connections=3");
    const source = new ListSource(many(300));
    await pool.work(source);
    await pool.close();
    const log = await sinkLog(port);
    expectEachOnce(log.taken, 300);
    expect([log.sessions, log.peak]).toEqual([3, 3]);
    expect(source.attempts.length).toBe(300);
  });

  test("idle ones are reused, then closed with QUIT", async () => {
    const { port, pool } = await poolAt({ extensions: PIPELINING }, "", 60);
    for (let i = 0; i < 5; i++) await pool.work(new ListSource(many(1)));
    expect((await sinkLog(port)).sessions).toBe(1);
    const log = await until(
      () => sinkLog(port),
      ({ open }) => open === 0,
    );
    expect([log.open, log.quits, pool.state.open]).toEqual([0, 1, 0]);
  });

  test("messages per connection", async () => {
    const { port, pool } = await poolAt({ extensions: PIPELINING }, "?connections=1&messages=10");
    await pool.work(new ListSource(many(35)));
    await pool.close();
    const log = await sinkLog(port);
    expectEachOnce(log.taken, 35);
    expect(log.sessions).toBe(4);
  });

  test("one that has carried its share is gone before the next one calls", async () => {
    const { port, pool } = await poolAt(
      { extensions: PIPELINING, connections: 3 },
      "?connections=3&messages=10",
    );
    await pool.work(new ListSource(many(600)));
    await pool.close();
    const log = await sinkLog(port);
    expectEachOnce(log.taken, 600);
    expect([log.peak, log.turnedAway]).toEqual([3, 0]);
  });

  test("those that say QUIT count until they have gone", async () => {
    const { port, pool } = await poolAt(
      { extensions: PIPELINING, connections: 2, delay: 1, quitDelay: 60 },
      "?connections=2",
      5,
    );
    for (let round = 0; round < 3; round++) {
      await pool.work(new ListSource(many(40, `r${round}-`)));
      await until(
        () => sinkLog(port),
        ({ quits }) => quits >= 2 * round + 1,
      );
    }
    await pool.close();
    const log = await sinkLog(port);
    expect([log.taken.length, log.peak, log.turnedAway]).toEqual([120, 2, 0]);
  });

  test("without PIPELINING everything still goes", async () => {
    const { port, pool } = await poolAt({ extensions: [] });
    await pool.work(new ListSource(many(50)));
    await pool.close();
    const log = await sinkLog(port);
    expectEachOnce(log.taken, 50);
    expect(log.pipelined).toBe(1);
  });
});

describe("a relay's limits", () => {
  test("421 after five messages: the sixth goes over a new session, no attempt is burnt", async () => {
    const { port, pool } = await poolAt({ extensions: PIPELINING, messages: 5 }, "?connections=1");
    const source = new ListSource(many(23));
    await pool.work(source);
    await pool.close();
    const log = await sinkLog(port);
    expectEachOnce(log.taken, 23);
    expect(new Set(source.attempts.map(({ attempt }) => attempt.disposition))).toEqual(new Set(["accepted"]));
    expect(source.attempts.length).toBe(23);
  });

  test.each([
    ["OpenSMTPD", "452 4.5.3 Too many recipients: Too many messages sent"],
    ["Stalwart", "452 4.4.5 Maximum number of messages per session exceeded."],
  ])(
    "a session's share told by 4xx, as %s does: likewise, and it is told so once a session",
    async (_, messagesReply) => {
      for (const extensions of [PIPELINING, []]) {
        const { port, pool } = await poolAt({ extensions, messages: 5, messagesReply }, "?connections=1");
        const source = new ListSource(many(23));
        await pool.work(source);
        await pool.close();
        const log = await sinkLog(port);
        expectEachOnce(log.taken, 23);
        expect(new Set(source.attempts.map(({ attempt }) => attempt.disposition))).toEqual(
          new Set(["accepted"]),
        );
        expect([log.sessions, log.refusedForShare]).toEqual([5, 4]);
      }
    },
  );

  test("two connections allowed, four configured: keeps to two", async () => {
    const { port, pool } = await poolAt({ extensions: PIPELINING, connections: 2, delay: 1 });
    const source = new ListSource(many(200));
    await pool.work(source);
    source.queue.push(...many(200, "v"));
    await pool.work(source);
    await pool.close();
    const log = await sinkLog(port);
    expectEachOnce(
      log.taken.filter((to) => to.startsWith("u")),
      200,
    );
    expect(log.taken.length).toBe(400);
    // The third and the fourth may be on their way together. Whoever was turned away does not come again.
    expect(log.turnedAway).toBeGreaterThanOrEqual(1);
    expect(log.turnedAway).toBeLessThanOrEqual(2);
    expect(log.sessions - log.turnedAway).toBe(2);
    expect(source.failures).toEqual([]);
    expect(source.attempts.every(({ attempt }) => attempt.disposition === "accepted")).toBe(true);
    expect(pool.state.lastError).toMatchObject({ category: "too_many_connections" });
  });
});

describe("pools of one object", () => {
  /** Pools for relays that are one sink: it sees all their sessions. */
  async function poolsOf(count: number, options: SinkOptions, now = Date.now) {
    const port = await sink(options);
    const berths = new Berths(SMTP_BERTHS, now);
    const pools = Array.from(
      { length: count },
      () =>
        new Pool(relayAt(port), {
          now: Date.now,
          ehlo: "me.test",
          deadlines: short(3_000),
          berths,
          idleMs: 60_000,
        }),
    );
    return { port, pools };
  }

  test("have six sessions at most, and all of them get everything through", async () => {
    const { port, pools } = await poolsOf(3, { extensions: PIPELINING, delay: 1, quitDelay: 20 });
    await Promise.all(pools.map((pool, i) => pool.work(new ListSource(many(300, `p${i}-`)))));
    await Promise.all(pools.map((pool) => pool.close()));
    const log = await sinkLog(port);
    for (let i = 0; i < 3; i++)
      expectEachOnce(
        log.taken.filter((to) => to.startsWith(`p${i}-`)),
        300,
        `p${i}-`,
      );
    expect(log.peak).toBe(SMTP_BERTHS);
  });

  test("take turns where there are more of them than sessions", async () => {
    // A clock that runs fast: everyone who waits has waited long enough.
    const { port, pools } = await poolsOf(9, { extensions: PIPELINING }, () => Date.now() * 1_000);
    await Promise.all(pools.map((pool, i) => pool.work(new ListSource(many(30, `p${i}-`)))));
    await Promise.all(pools.map((pool) => pool.close()));
    const log = await sinkLog(port);
    expect(new Set(log.taken).size).toBe(9 * 30);
    expect([log.taken.length, log.peak]).toEqual([9 * 30, SMTP_BERTHS]);
  });

  test("make room: one that comes late gets its sessions while the others have work, and those idle at once", async () => {
    const { port, pools } = await poolsOf(3, { extensions: PIPELINING, delay: 2 });
    const [first, second, third] = pools as [Pool<TestJob>, Pool<TestJob>, Pool<TestJob>];
    const long = [
      first.work(new ListSource(many(2_000, "a"))),
      second.work(new ListSource(many(2_000, "b"))),
    ];
    await until(
      async () => [first.state.busy, second.state.busy],
      ([a, b]) => a! + b! === SMTP_BERTHS,
    );
    await third.work(new ListSource(many(100, "c")));
    const { taken } = await sinkLog(port);
    expect(taken.filter((to) => to.startsWith("c"))).toHaveLength(100);
    expect(taken.length).toBeLessThan(4_100); // Before the others were done.
    await Promise.all(long);
    // Now six idle sessions stand in nobody's way.
    expect(first.state.open + second.state.open + third.state.open).toBeLessThanOrEqual(SMTP_BERTHS);
    await third.work(new ListSource(many(50, "d")));
    expect((await sinkLog(port)).taken.filter((to) => to.startsWith("d"))).toHaveLength(50);
    await Promise.all(pools.map((pool) => pool.close()));
    expect((await sinkLog(port)).peak).toBe(SMTP_BERTHS);
  });
});

describe("outcomes", () => {
  for (const alwaysGo of [false, true]) {
    for (const extensions of [PIPELINING, []]) {
      test(`refused recipients among others (${extensions.length > 0 ? "pipelined" : "one by one"}${alwaysGo ? ", 354 all the same" : ""})`, async () => {
        const { port, pool } = await poolAt({ extensions, alwaysGo });
        const copies = many(60).map((copy, i) =>
          i % 3 === 0 ? copyTo(`unknown${i}@b.test`) : i % 7 === 0 ? copyTo(`later${i}@b.test`) : copy,
        );
        const source = new ListSource([...copies]);
        await pool.work(source);
        await pool.close();
        const expected = copies.map(({ forwardPath }) =>
          forwardPath.startsWith("unknown")
            ? `${forwardPath}: bounced unknown_mailbox`
            : forwardPath.startsWith("later")
              ? `${forwardPath}: deferred server_busy`
              : `${forwardPath}: accepted accepted`,
        );
        expect([...source.outcomes].sort()).toEqual(expected.sort());
        expect((await sinkLog(port)).taken.length).toBe(
          expected.filter((line) => line.endsWith("accepted accepted")).length,
        );
      });
    }
  }

  test("a session that drops costs its own copy an attempt, and loses no other", async () => {
    const { port, pool } = await poolAt({ extensions: PIPELINING }, "?connections=2");
    const copies = many(100).map((copy, i) => (i % 20 === 10 ? copyTo(`drop${i}@b.test`) : copy));
    const source = new ListSource([...copies]);
    await pool.work(source);
    await pool.close();
    expect(source.outcomes.filter((line) => line.includes("deferred")).sort()).toEqual(
      [10, 30, 50, 70, 90].map((i) => `drop${i}@b.test: deferred connection_lost`),
    );
    expect(source.attempts.length).toBe(100);
    expect((await sinkLog(port)).taken.length).toBe(95);
  });
});

describe("work", () => {
  test("called while running is merged, and sees what was added", async () => {
    const { port, pool } = await poolAt({ extensions: PIPELINING, delay: 1 });
    const source = new ListSource(many(20));
    const first = pool.work(source);
    const second = pool.work(source);
    await new Promise((resolve) => setTimeout(resolve, 5));
    source.queue.push(...many(20, "v"));
    const third = pool.work(source);
    await Promise.all([first, second, third]);
    await pool.close();
    expect((await sinkLog(port)).taken.length).toBe(40);
    expect(source.attempts.length).toBe(40);
  });

  test("is never lost, whenever it comes", async () => {
    const { port, pool } = await poolAt({ extensions: PIPELINING }, "?connections=1");
    const source = new ListSource([]);
    const runs: Promise<void>[] = [];
    for (let i = 0; i < 200; i++) {
      source.queue.push(copyTo(`u${i}@b.test`));
      runs.push(pool.work(source));
      for (let turn = 0; turn < i % 7; turn++) await Promise.resolve();
      if (i % 11 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await Promise.all(runs);
    await pool.close();
    expectEachOnce((await sinkLog(port)).taken, 200);
  });

  test("after a relay was given up goes to it again, though a session still waits for its last answer", async () => {
    const say = (text: string) => ({ say: text });
    const heard = (text: string) => ({ until: text });
    const opened = [say("220 relay ESMTP\r\n"), heard("EHLO me.test\r\n"), say("250 relay\r\n")];
    const mail = [
      ...[heard("MAIL FROM:<news@example.com>\r\n"), say("250 ok\r\n")],
      ...[heard("\r\n"), say("250 ok\r\n"), heard("DATA\r\n"), say("354 go\r\n"), heard("\r\n.\r\n")],
    ];
    const dropped = [...opened, heard("MAIL"), { hangUp: "end" as const }];
    const port = await scripted({
      connections: [
        [...opened, ...mail, { stall: true }],
        ...[dropped, dropped, dropped],
        [...opened, ...mail, say("250 taken\r\n"), { stall: true }],
      ],
    });
    const pool = new Pool(relayAt(port, "?connections=2"), {
      now: Date.now,
      ehlo: "me.test",
      deadlines: short(20_000),
    });
    const source = new ListSource(many(4));
    const working = pool.work(source);
    await until(
      async () => source.failures.length,
      (count) => count > 0,
    );
    expect(source.failures.length).toBe(1);
    source.queue.push(copyTo("again@b.test"));
    void pool.work(source);
    await until(
      async () => source.outcomes,
      (outcomes) => outcomes.length === 4,
    );
    expect(source.outcomes.at(-1)).toBe("again@b.test: accepted accepted");
    await stop(port);
    await working;
    expect(source.attempts.length).toBe(5);
  });

  test("a relay that takes no session is given up, though one still waits: silent for a minute, it proves nothing", async () => {
    const opened = [{ say: "220 relay\r\n" }, { until: "\r\n" }, { say: "250 relay\r\n" }];
    const refused = [{ say: "554 5.3.2 out of service\r\n" }, { hangUp: "end" as const }];
    const port = await scripted({ connections: [[...opened, { until: "MAIL" }, { stall: true }], refused] });
    let ahead = 0;
    const pool = new Pool(relayAt(port, "?connections=2"), {
      now: () => Date.now() + ahead,
      ehlo: "me.test",
      deadlines: short(120_000),
    });
    const source = new ListSource(many(2));
    const working = pool.work(source);
    await until(
      async () => pool.state.lastError,
      (error) => error !== null,
    );
    expect([source.failures.length, pool.state.busy]).toEqual([0, 1]);
    ahead = 60_000;
    void pool.work(source);
    await until(
      async () => source.failures.length,
      (count) => count > 0,
    );
    expect([source.failures.length, pool.state.busy]).toEqual([1, 1]);
    await stop(port);
    await working;
    expect(source.attempts.length).toBe(2);
  });

  test("on a closed port: unreachable once, nothing taken", async () => {
    const pool = new Pool(relayAt(1), { now: Date.now, ehlo: "me.test", deadlines: short(500) });
    const source = new ListSource(many(3));
    await Promise.all([pool.work(source), pool.work(source)]);
    expect(source.failures.length).toBe(1);
    expect(source.failures[0]).toMatchObject({
      category: "connect_failed",
      disposition: "deferred",
      relay: "test",
    });
    expect([source.taken, source.attempts.length]).toEqual([0, 0]);
  });

  test("a source that throws is a bug, and is thrown", async () => {
    const { pool } = await poolAt({ extensions: PIPELINING });
    const source = new ListSource(many(3));
    source.done = () => {
      throw new Error("bug");
    };
    await expect(pool.work(source)).rejects.toThrow("bug");
    expect(pool.state.busy).toBe(0);
    await pool.close();
  });

  test("closed in the middle: copies under way are told of, the rest waits", async () => {
    const { port, pool } = await poolAt({ extensions: PIPELINING, delay: 2 });
    const source = new ListSource(many(500));
    const working = pool.work(source);
    await new Promise((resolve) => setTimeout(resolve, 60));
    await pool.close();
    await working;
    expect(source.attempts.length).toBe(source.taken);
    expect(source.queue.length).toBeGreaterThan(0);
    expect((await sinkLog(port)).taken.length).toBe(
      source.outcomes.filter((line) => line.includes("accepted")).length,
    );
    expect(pool.state.open).toBe(0);
  });
});

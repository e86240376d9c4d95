/**
 * A relay that misbehaves in each way at each step: every copy is told of exactly once or still waits, the pool comes to
 * an end by itself, and neither a socket nor a timer is left. Then worker-mailer's own faults, each shown gone.
 */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SMTP_FRUITLESS_SESSIONS } from "../../src/core/limits.ts";
import { Pool } from "../../src/smtp/pool.ts";
import type { Relay } from "../../src/smtp/relay.ts";
import {
  copyTo,
  ListSource,
  relayAt,
  type ScriptStep,
  scripted,
  scriptLog,
  short,
  sink,
  sinkLog,
  stop,
  until,
} from "../support/smtp-control.ts";

const say = (text: string): ScriptStep => ({ say: text });
const hear = (text: string): ScriptStep => ({ expect: text });
const ENVELOPE = "MAIL FROM:<news@example.com>\r\nRCPT TO:<a@b.test>\r\nDATA\r\n";
const OFFER = say("250-relay\r\n250-PIPELINING\r\n250 AUTH PLAIN\r\n");
const LOGIN = { until: "\r\n" };

/** Timers that were set and have neither fired nor been cleared. */
const pending = new Set<unknown>();
const real = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout };
beforeEach(() => {
  pending.clear();
  globalThis.setTimeout = ((call: () => void, ms?: number) => {
    const timer = real.setTimeout(() => {
      pending.delete(timer);
      call();
    }, ms);
    pending.add(timer);
    return timer;
  }) as unknown as typeof setTimeout;
  globalThis.clearTimeout = ((timer: Parameters<typeof clearTimeout>[0]) => {
    pending.delete(timer);
    real.clearTimeout(timer);
  }) as typeof clearTimeout;
});
afterEach(() => Object.assign(globalThis, real));

async function run(relay: Relay, source: ListSource, ms = 60): Promise<void> {
  const pool = new Pool(relay, { now: Date.now, ehlo: "me.test", deadlines: short(ms) });
  await pool.work(source);
  await pool.close();
  expect(pool.state).toMatchObject({ open: 0, busy: 0 });
  expect(pending.size).toBe(0);
}

/** The dialogue up to each step, where the fault then takes the place of the relay's answer. */
const steps: Record<string, ScriptStep[]> = {
  greeting: [],
  ehlo: [say("220 hi\r\n"), hear("EHLO me.test\r\n")],
  auth: [say("220 hi\r\n"), hear("EHLO me.test\r\n"), OFFER, LOGIN],
  mail: [say("220 hi\r\n"), hear("EHLO me.test\r\n"), OFFER, LOGIN, say("235 in\r\n"), hear(ENVELOPE)],
  rcpt: [
    say("220 hi\r\n"),
    hear("EHLO me.test\r\n"),
    OFFER,
    LOGIN,
    say("235 in\r\n"),
    hear(ENVELOPE),
    say("250 ok\r\n"),
  ],
  data: [
    say("220 hi\r\n"),
    hear("EHLO me.test\r\n"),
    OFFER,
    LOGIN,
    say("235 in\r\n"),
    hear(ENVELOPE),
    say("250 ok\r\n250 ok\r\n"),
  ],
  body: [
    say("220 hi\r\n"),
    hear("EHLO me.test\r\n"),
    OFFER,
    LOGIN,
    say("235 in\r\n"),
    hear(ENVELOPE),
    say("250 ok\r\n250 ok\r\n354 go\r\n"),
    { until: "\r\n.\r\n" },
  ],
};

const faults: Record<string, ScriptStep[]> = {
  "hangs up": [{ hangUp: "end" }],
  resets: [{ hangUp: "reset" }],
  stalls: [{ stall: true }],
  "says 250 whatever it is asked": [say("250 ok\r\n"), { stall: true }],
  "says 354 whatever it is asked": [say("354 ok\r\n"), { stall: true }],
  "says half a reply and stalls": [say("25"), { stall: true }],
  "says 421 and hangs up": [say("421 4.3.2 closing\r\n"), { hangUp: "end" }],
  "says 4xx, then nothing": [say("451 4.3.0 not now\r\n"), { stall: true }],
  "says 5xx, then nothing": [say("554 5.7.1 never\r\n"), { stall: true }],
  "says 5xx and hangs up": [say("554 5.7.1 never\r\n"), { hangUp: "end" }],
  "talks nonsense": [say("HTTP/1.1 400 Bad Request\r\n\r\n"), { stall: true }],
  "sends binary": [say("\u0000\u0001\u0002\u00ff\r\n"), { stall: true }],
  "sends a line of 1 MB": [say("2".repeat(1_000_000)), { stall: true }],
  "sends continuation lines without end": [{ flood: "250-and\r\n" }],
  "sends replies without end": [{ flood: "250 ok\r\n" }],
  "changes its mind within a reply": [say("250-yes\r\n550 no\r\n"), { stall: true }],
};

/** What a bound of ours ends, and not a deadline: it has to say so. */
const bounds: Record<string, RegExp> = {
  "sends a line of 1 MB": /^a reply line is longer than \d+ bytes$/,
  "sends continuation lines without end": /^a reply is longer than \d+ lines/,
};

describe("a relay that", () => {
  for (const [what, fault] of Object.entries(faults)) {
    for (const [step, before] of Object.entries(steps)) {
      test(`${what} at ${step}`, async () => {
        const port = await scripted({ connections: [[...before, ...fault]] });
        const source = new ListSource(Array.from({ length: 5 }, () => copyTo("a@b.test")));
        const bound = bounds[what];
        const deadlineMs = bound === undefined ? 60 : 5_000;
        await run(relayAt(port, "?tls=none&connections=1", "me:secret"), source, deadlineMs);
        expect(source.attempts.length).toBe(source.taken);
        if (bound !== undefined) {
          const told = [...source.failures, ...source.attempts.map(({ attempt }) => attempt)];
          expect(told.length).toBeGreaterThan(0);
          for (const { category, problem } of told) {
            expect(category).toBe("protocol_error");
            expect(problem).toMatch(bound);
          }
        }
        for (const { attempt } of source.attempts) {
          expect(["accepted", "deferred", "bounced"]).toContain(attempt.disposition);
          // Nothing that breaks a session is the copy's fault: it bounces only if the relay says so in words.
          if (attempt.disposition === "bounced") expect(attempt.reply?.code).toBe(554);
          if (attempt.disposition === "accepted") expect(step).toBe("body");
        }
        if (source.queue.length > 0) expect(source.failures.length).toBe(1);
        const log = await until(
          () => scriptLog(port),
          ({ open }) => open === 0,
        );
        expect(log.open).toBe(0);
        await stop(port);
      });
    }
  }

  test("says something before its greeting", async () => {
    const port = await scripted({ connections: [[say("220 hi\r\n250 early\r\n"), { stall: true }]] });
    const source = new ListSource([copyTo("a@b.test")]);
    await run(relayAt(port), source);
    expect(source.failures[0]).toMatchObject({ category: "protocol_error" });
    expect(source.taken).toBe(0);
  });

  test("answers the message before it was sent is not believed", async () => {
    const port = await scripted({
      connections: [
        [
          say("220 hi\r\n"),
          hear("EHLO me.test\r\n"),
          say("250-relay\r\n250 PIPELINING\r\n"),
          hear(ENVELOPE),
          say("250 ok\r\n250 ok\r\n354 go\r\n250 taken\r\n"),
          { stall: true },
        ],
      ],
    });
    const source = new ListSource([copyTo("a@b.test")]);
    await run(relayAt(port), source);
    expect(source.outcomes).toEqual(["a@b.test: deferred protocol_error"]);
  });

  test("drops after the final dot: deferred, since twice is better than never", async () => {
    const port = await scripted({ connections: [[...steps.body!, { hangUp: "end" }]] });
    const source = new ListSource([copyTo("a@b.test")]);
    await run(relayAt(port, "?tls=none&connections=1", "me:secret"), source);
    expect(source.outcomes).toEqual(["a@b.test: deferred connection_lost"]);
    expect(source.attempts[0]?.attempt.transcript).toMatch(/C: \(26 bytes\)$/);
  });

  test("refuses in words and then hangs up is taken at its word", async () => {
    const port = await scripted({
      connections: [[...steps.rcpt!, say("550 5.1.1 unknown\r\n"), { hangUp: "end" }]],
    });
    const source = new ListSource([copyTo("a@b.test")]);
    await run(relayAt(port, "?tls=none&connections=1", "me:secret"), source);
    expect(source.outcomes).toEqual(["a@b.test: bounced unknown_mailbox"]);
  });

  test(`drops every session at MAIL costs ${SMTP_FRUITLESS_SESSIONS} copies an attempt, not all of them`, async () => {
    const port = await scripted({ connections: [[...steps.mail!, { hangUp: "end" }]] });
    const source = new ListSource(Array.from({ length: 50 }, () => copyTo("a@b.test")));
    await run(relayAt(port, "?tls=none&connections=1", "me:secret"), source);
    expect(source.failures.length).toBe(1);
    expect(source.attempts.length).toBe(source.taken);
    expect(source.taken).toBeLessThanOrEqual(SMTP_FRUITLESS_SESSIONS + 1);
  });
});

describe("worker-mailer's faults are gone:", () => {
  test("a peer that closes does not spin the worker", async () => {
    const port = await scripted({ connections: [[say("220 hi\r\n"), { hangUp: "end" }]] });
    const source = new ListSource([copyTo("a@b.test")]);
    let ticks = 0;
    const ticking = setInterval(() => ticks++, 5);
    await run(relayAt(port), source, 5_000);
    await new Promise((resolve) => real.setTimeout(resolve, 50));
    clearInterval(ticking);
    expect(ticks).toBeGreaterThan(3);
    expect(source.failures[0]).toMatchObject({ category: "connection_lost" });
  });

  test("2,000 messages in one session keep one timer", async () => {
    const port = await sink({ extensions: ["PIPELINING"] });
    const source = new ListSource(Array.from({ length: 2_000 }, (_, i) => copyTo(`u${i}@b.test`)));
    let most = 0;
    const next = source.next.bind(source);
    source.next = () => {
      most = Math.max(most, pending.size);
      return next();
    };
    await run(relayAt(port, "?connections=1&messages=100000"), source, 5_000);
    expect(most).toBeLessThanOrEqual(1);
    expect(source.attempts.filter(({ attempt }) => attempt.disposition === "accepted").length).toBe(2_000);
    const log = await sinkLog(port);
    expect([log.sessions, log.taken.length, new Set(log.taken).size]).toEqual([1, 2_000, 2_000]);
    expect(log.sizes.every((size) => size === 26)).toBe(true);
  });

  test("500 sessions that fail leave no socket and no timer", async () => {
    const port = await scripted({
      connections: [[say("220 hi\r\n"), hear("EHLO me.test\r\n"), say("what?\r\n"), { stall: true }]],
    });
    const relay = relayAt(port);
    const pool = new Pool(relay, { now: Date.now, ehlo: "me.test", deadlines: short(500) });
    for (let i = 0; i < 500; i++) await pool.work(new ListSource([copyTo("a@b.test")]));
    expect(pending.size).toBe(0);
    const log = await until(
      () => scriptLog(port),
      ({ open }) => open === 0,
    );
    expect(log.connections.length).toBe(500);
    expect(log.open).toBe(0);
  });

  test("STARTTLS asked for but not offered: no AUTH in clear", async () => {
    const port = await scripted({
      connections: [[say("220 hi\r\n"), hear("EHLO me.test\r\n"), OFFER, { stall: true }]],
    });
    for (const query of ["", "?tls=required", "?tls=opportunistic"]) {
      const source = new ListSource([copyTo("a@b.test")]);
      await run(relayAt(port, query, "me:secret"), source);
      expect(source.failures[0]).toMatchObject({ category: "tls_not_offered" });
    }
    for (const { received } of (await scriptLog(port)).connections) expect(received).toBe("EHLO me.test\r\n");
  });
});

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../src/core/limits.ts";
import { nextAttempt, wait } from "../../src/outbox/backoff.ts";
import { closed, failed, isAvailable, took } from "../../src/outbox/breaker.ts";
import { Clock, WATCHDOG_MS } from "../../src/outbox/clock.ts";
import { Paces } from "../../src/outbox/paces.ts";
import { newBucket, shareOf, take, waitFor } from "../../src/outbox/throttle.ts";
import { parseSchedule } from "../../src/schema/schedule.ts";

const NOW = 1_700_000_000_000;

describe("backoff", () => {
  it.each([
    [1, false, 1],
    [2, false, 5],
    [3, false, 15],
    [4, false, 30],
    [5, false, 60],
    [8, false, 480],
    [50, false, 480],
    [1, true, 1],
    [2, true, 2],
    [20, true, 30],
  ])(
    "after attempt %i (greylisted: %s) waits %i minutes, up to a fifth more or less",
    (attempts, greylisted, minutes) => {
      expect(wait({ attempts, greylisted }, 0.5)).toBe(minutes * MINUTE_MS);
      expect(wait({ attempts, greylisted }, 0)).toBe(minutes * MINUTE_MS * 0.8);
      expect(wait({ attempts, greylisted }, 1)).toBe(minutes * MINUTE_MS * 1.2);
    },
  );

  it("never goes beyond the message's life", () => {
    expect(nextAttempt({ attempts: 6, greylisted: false }, NOW, NOW + MINUTE_MS, 0.5)).toBe(NOW + MINUTE_MS);
  });
});

describe("breaker", () => {
  it("rests 5 s, then twice as long each time, up to 5 minutes", () => {
    let breaker = closed();
    expect(isAvailable(breaker, NOW)).toBe(true);
    const rests: number[] = [];
    for (let i = 0, now = NOW; i < 9; i++, now = breaker.retryAt) {
      breaker = failed(breaker, "no", now, 0.5);
      rests.push((breaker.retryAt - now) / 1000);
    }
    expect(rests).toEqual([5, 10, 20, 40, 80, 160, 300, 300, 300]);
    expect(isAvailable(breaker, breaker.retryAt - 1)).toBe(false);
    expect(isAvailable(breaker, breaker.retryAt)).toBe(true);
    expect(breaker.lastError).toBe("no");
  });

  it("takes what fails while it rests for the same failure: several sessions had messages under way", () => {
    let breaker = closed();
    for (let i = 0; i < 8; i++) breaker = failed(breaker, `no ${i}`, NOW + i, 0.5);
    expect(breaker).toEqual({ failures: 1, retryAt: NOW + 5_000, lastError: "no 7", isTooFast: false });
  });

  it("closes when the relay takes a message, but for one that said too fast: that rests to the end", () => {
    const away = failed(closed(), "away", NOW, 0.5);
    expect(took(away, NOW + 1)).toEqual(closed());
    const slow = failed(closed(), "too fast", NOW, 0.5, true);
    expect(took(slow, NOW + 1)).toEqual(slow);
    expect(took(slow, slow.retryAt)).toEqual(closed());
  });
});

describe("clock", () => {
  beforeEach(() => void vi.useFakeTimers({ now: NOW }));
  afterEach(() => void vi.useRealTimers());
  const clockOf = (isWorking: boolean) => {
    const seen = { alarms: [] as number[], wakes: [] as number[] };
    const clock = new Clock({
      now: () => Date.now(),
      setAlarm: (at) => seen.alarms.push(at - NOW),
      isWorking: () => isWorking,
      wake: () => seen.wakes.push(Date.now() - NOW),
    });
    return { clock, seen };
  };

  it("leaves what is far to the alarm while nobody works", () => {
    const { clock, seen } = clockOf(false);
    clock.lookAgain(NOW + MINUTE_MS);
    vi.advanceTimersByTime(MINUTE_MS);
    expect(seen).toEqual({ alarms: [MINUTE_MS], wakes: [] });
  });

  it("looks again by itself while somebody works: an alarm that fired waits for them, and no other comes", () => {
    const { clock, seen } = clockOf(true);
    clock.lookAgain(NOW + MINUTE_MS);
    vi.advanceTimersByTime(WATCHDOG_MS);
    expect(seen).toEqual({ alarms: [MINUTE_MS], wakes: [WATCHDOG_MS] });
  });

  it("does not forget what comes sooner", () => {
    const { clock, seen } = clockOf(false);
    clock.lookAgain(NOW + 100);
    clock.lookAgain(NOW + 5_000);
    vi.advanceTimersByTime(5_000);
    expect(seen).toEqual({ alarms: [100], wakes: [100] });
  });
});

describe("throttle", () => {
  it("lets a second's worth through at once, then one at a time", () => {
    const bucket = newBucket({ count: 10, perMs: 1_000 }, NOW);
    for (let i = 0; i < 10; i++) expect(take(bucket, NOW)).toBe(true);
    expect(take(bucket, NOW)).toBe(false);
    expect(waitFor(bucket, NOW)).toBe(100);
    expect(take(bucket, NOW + 100)).toBe(true);
    expect(take(bucket, NOW + 100)).toBe(false);
  });

  it("spreads a slow rate instead of sending a period's worth at once", () => {
    const bucket = newBucket({ count: 6, perMs: MINUTE_MS }, NOW);
    expect(take(bucket, NOW)).toBe(true);
    expect(take(bucket, NOW)).toBe(false);
    expect(waitFor(bucket, NOW)).toBe(10_000);
  });

  it("lets exactly the rate through over time", () => {
    const bucket = newBucket({ count: 100, perMs: 1_000 }, NOW);
    let sent = 0;
    for (let ms = 0; ms < 10_000; ms++) while (take(bucket, NOW + ms)) sent++;
    expect(sent).toBeGreaterThanOrEqual(1_090);
    expect(sent).toBeLessThanOrEqual(1_100);
  });

  it("survives a clock that goes back", () => {
    const bucket = newBucket({ count: 1, perMs: 1_000 }, NOW);
    expect(take(bucket, NOW)).toBe(true);
    expect(take(bucket, NOW - 60_000)).toBe(false);
  });

  it("is shared by shards", () =>
    expect(shareOf({ count: 10, perMs: 1_000 }, 4)).toEqual({ count: 2.5, perMs: 1_000 }));
});

describe("paces", () => {
  const second = { count: 10, perMs: 1_000 };
  it("let what is not named go", () => {
    const paces = new Paces(new Map([["gmail.com", second]]), 1);
    for (let i = 0; i < 100; i++) expect(paces.next("example.com", NOW)).toBeNull();
  });

  it("put the rest off one behind the other, each once", () => {
    const paces = new Paces(new Map([["gmail.com", second]]), 1);
    const places = Array.from({ length: 1_000 }, () => paces.next("gmail.com", NOW));
    expect(places.slice(0, 10)).toEqual(Array(10).fill(null));
    expect(places[10]).toBe(NOW + 100);
    expect(places[999]).toBe(NOW + 99_000);
    // Coming back at their places, they go.
    for (const place of places.slice(10)) expect(paces.next("gmail.com", place!)).toBeNull();
  });

  it("give every other domain a pace of its own under *, and share it among shards", () => {
    const paces = new Paces(new Map([["*", second]]), 2);
    for (const domain of ["a.example", "b.example"]) {
      const went = Array.from({ length: 20 }, () => paces.next(domain, NOW)).filter(
        (place) => place === null,
      );
      expect(went).toHaveLength(5);
    }
  });
});

describe("schedule", () => {
  it.each([
    ["in 1 min", MINUTE_MS],
    ["in 10 minutes", 10 * MINUTE_MS],
    ["In 2 hours", 2 * HOUR_MS],
    ["in an hour", HOUR_MS],
    ["in a day", DAY_MS],
    ["in 1 week", 7 * DAY_MS],
    ["in 90s", 90_000],
  ])("%j", (text, ahead) => expect(parseSchedule(text, NOW)).toEqual({ ok: true, value: NOW + ahead }));

  it.each([
    ["2023-11-15T00:00:00Z"],
    ["2023-11-15T00:00:00.000+00:00"],
    ["2023-11-15 01:00:00+01:00"],
    ["2023-11-14T19:00-0500"],
  ])("%j", (text) => expect(parseSchedule(text, NOW)).toEqual({ ok: true, value: Date.UTC(2023, 10, 15) }));

  it.each([
    ["", "is not a time"],
    ["soon", "is not a time"],
    ["in ten minutes", "is not a time"],
    ["in 5 parsecs", "is not a time"],
    ["2023-11-15T00:00:00", "with a zone"],
    ["2023-13-45T00:00:00Z", "is not a time"],
    ["2023-11-31T00:00:00Z", "is not a time"],
    ["2020-01-01T00:00:00Z", "is in the past"],
    ["in 31 days", "more than 30 days"],
    ["in 999999 weeks", "more than 30 days"],
  ])("%j is refused", (text, why) => {
    const result = parseSchedule(text, NOW);
    expect(result.ok ? "" : result.error).toContain(why);
  });

  it("takes a moment just past as now", () => {
    expect(parseSchedule(new Date(NOW - 30_000).toISOString(), NOW)).toEqual({ ok: true, value: NOW });
  });
});

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Alarm } from "../../src/core/alarm.ts";
import { settlesWithin } from "../../src/within.ts";

describe("an object's alarm", () => {
  let now = 0;
  let set: number[] = [];
  let alarm: Alarm;
  beforeEach(() => {
    now = 100_000;
    set = [];
    alarm = new Alarm(
      (at) => set.push(at),
      () => now,
    );
  });

  it("rings at the soonest time asked for, and is not set for a later one", () => {
    for (const at of [150_000, 160_000, 150_000, 140_000, 145_000]) alarm.by(at);
    expect(set).toEqual([150_000, 140_000]);
  });

  it("whose time has come is left to ring, unless it is long overdue", () => {
    alarm.by(101_000);
    now = 105_000;
    alarm.by(120_000);
    expect(set).toEqual([101_000]);
    now = 111_001;
    alarm.by(120_000);
    expect(set).toEqual([101_000, 120_000]);
  });

  it("that rang is gone", () => {
    alarm.by(101_000);
    alarm.rang();
    alarm.by(120_000);
    expect(set).toEqual([101_000, 120_000]);
  });

  it("of an earlier instance stays when it is sooner", () => {
    alarm.found(null);
    alarm.found(130_000);
    alarm.by(140_000);
    expect(set).toEqual([]);
    alarm.by(120_000);
    expect(set).toEqual([120_000]);
  });
});

describe("waiting a while", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("says whether the promise settled by then", async () => {
    expect(await settlesWithin(Promise.resolve("x"), 10)).toBe(true);
    const late = settlesWithin(new Promise(() => {}), 10);
    await vi.advanceTimersByTimeAsync(10);
    expect(await late).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("rejects with what the promise rejects with by then, and not with what it does later", async () => {
    await expect(settlesWithin(Promise.reject(new Error("no")), 10)).rejects.toThrow("no");
    let fail: (cause: Error) => void = () => {};
    const late = settlesWithin(
      new Promise((_, reject) => {
        fail = reject;
      }),
      10,
    );
    await vi.advanceTimersByTimeAsync(10);
    expect(await late).toBe(false);
    fail(new Error("nobody hears of it")); // Unhandled, it would fail this run.
    await vi.advanceTimersByTimeAsync(0);
  });
});

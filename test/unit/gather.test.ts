import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Gather } from "../../src/outbox/gather.ts";

/** Handles numbers by doubling them; -1 is at fault. Keeps what it was called with. */
function doubling(most = 100) {
  const handled: number[][] = [];
  const gather = new Gather<number, number>(
    (calls) => {
      handled.push([...calls]);
      if (calls.includes(-1)) throw new Error("refused");
      return calls.map((n) => n * 2);
    },
    { sizeOf: (n) => Math.abs(n), most, now: () => Date.now() },
  );
  return { handled, gather };
}

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
});
afterEach(() => {
  vi.useRealTimers();
});

it("a call that comes alone is handled at once", async () => {
  const { handled, gather } = doubling();
  const answer = gather.add(3);
  expect(handled).toEqual([[3]]);
  expect(await answer).toBe(6);
});

it("calls that follow closely are handled together, each with its own answer", async () => {
  const { handled, gather } = doubling();
  await gather.add(1);
  const answers = [gather.add(2), gather.add(3), gather.add(4)];
  expect(handled).toEqual([[1]]);
  await vi.runAllTimersAsync();
  expect(await Promise.all(answers)).toEqual([4, 6, 8]);
  expect(handled).toEqual([[1], [2, 3, 4]]);
});

it("no more is gathered than the bound", async () => {
  const { handled, gather } = doubling(10);
  await gather.add(1);
  const answers = [gather.add(4), gather.add(7), gather.add(5)];
  expect(handled).toEqual([[1], [4, 7]]);
  await vi.runAllTimersAsync();
  expect(await Promise.all(answers)).toEqual([8, 14, 10]);
});

it("one that is at fault fails alone", async () => {
  const { handled, gather } = doubling();
  await gather.add(1);
  const answers = Promise.allSettled([gather.add(2), gather.add(-1), gather.add(4)]);
  await vi.runAllTimersAsync();
  expect((await answers).map((one) => (one.status === "fulfilled" ? one.value : "failed"))).toEqual([
    4,
    "failed",
    8,
  ]);
  expect(handled).toEqual([[1], [2, -1, 4], [2], [-1], [4]]);
});

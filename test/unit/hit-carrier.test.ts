/** Visits on their way to libSQL, with every part of the carrier handed in. */
import { describe, expect, it, vi } from "vitest";
import { HitCarrier } from "../../src/ledger/hit-carrier.ts";
import type { Hits, Released } from "../../src/ledger/hits.ts";

/** Rows of one visit each, as hits.ts would have them; their number is their id. */
function world(rows: { until: number }[], through: (released: Released) => Promise<boolean>) {
  const held = rows.map(({ until }, i) => ({ id: i + 1, until }));
  let leaving: Released | null = null;
  const done: string[] = [];
  const hits = {
    get due() {
      return held[0]?.until ?? null;
    },
    get size() {
      return held.length + (leaving === null ? 0 : 1);
    },
    get first() {
      return leaving?.last ?? held[0]?.id ?? Number.POSITIVE_INFINITY;
    },
    get last() {
      return held.at(-1)?.id ?? leaving?.last ?? 0;
    },
    release(now: number, asked: number): Released | null {
      if (leaving !== null) return leaving;
      const [next] = held;
      if (next === undefined || (next.until > now && next.id > asked)) return null;
      held.shift();
      leaving = { last: next.id, count: 1, lists: [`[["e${next.id}","m",0,"email.opened",1,{}]]`] };
      return leaving;
    },
    forget: () => {
      done.push("forgotten");
      leaving = null;
    },
  } as unknown as Hits;
  const guard = vi.fn();
  const carrier = new HitCarrier({
    hits,
    through,
    written: ({ last }) => void done.push(`written ${last}`),
    journalled: (entries) =>
      void done.push(`journalled ${entries.map((one) => (one.kind === "event" ? one.event.id : "")).join()}`),
    guard,
    waitUntil: () => undefined,
    now: () => 1_000,
  });
  return { hits, carrier, guard, done };
}

describe("the carrier of visits", () => {
  it("brings on what is due and what is asked for, and leaves the rest", async () => {
    const { carrier, done, hits } = world(
      [{ until: 900 }, { until: 2_000 }, { until: 3_000 }],
      async () => true,
    );
    await carrier.carry();
    expect(done).toEqual(["written 1", "forgotten"]);
    await carrier.carry(2);
    expect([done.slice(2), hits.size]).toEqual([["written 2", "forgotten"], 1]);
  });

  it("gives the journal what libSQL did not take, and forgets it only then", async () => {
    const { carrier, done } = world([{ until: 900 }], async () => false);
    await carrier.carry();
    expect(done).toEqual(["journalled e1", "forgotten"]);
  });

  it("does not lose what was under way when writing fails in a way nobody foresaw, and does not turn for ever", async () => {
    let broken = true;
    const { carrier, done, hits } = world([{ until: 900 }, { until: 900 }], async () => {
      if (broken) throw new Error("unforeseen");
      return true;
    });
    await expect(carrier.carry(hits.last)).rejects.toThrow("unforeseen");
    expect(done).toEqual([]);
    broken = false;
    await carrier.carry(hits.last);
    expect(done).toEqual(["written 1", "forgotten", "written 2", "forgotten"]);
  });

  it("serves who asks while it is at work with what is asked for", async () => {
    let open = (_: boolean) => {};
    const gate = new Promise<boolean>((resolve) => {
      open = resolve;
    });
    const { carrier, done } = world([{ until: 900 }, { until: 2_000 }], () => gate);
    const first = carrier.carry();
    const asked = carrier.carry(2);
    open(true);
    await Promise.all([first, asked]);
    expect(done).toEqual(["written 1", "forgotten", "written 2", "forgotten"]);
  });

  it("sets the alarm anew each time it is asked, since one that rang is gone", async () => {
    vi.useFakeTimers();
    try {
      const { carrier, guard } = world([{ until: 2_000 }], async () => true);
      carrier.expect();
      carrier.expect();
      expect(guard.mock.calls).toEqual([[6_000], [6_000]]);
      expect(vi.getTimerCount()).toBe(1);
      const none = world([], async () => true);
      none.carrier.expect();
      expect([none.guard.mock.calls, vi.getTimerCount()]).toEqual([[], 1]);
    } finally {
      vi.useRealTimers();
    }
  });
});

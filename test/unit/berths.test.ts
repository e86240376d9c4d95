import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { SMTP_BERTH_MS } from "../../src/core/limits.ts";
import { Berths, type Tenant } from "../../src/smtp/berths.ts";

/** Takes berths, and notes what came of each. */
class Guest implements Tenant {
  held = 0;
  calledOff = 0;
  idle = 0;
  readonly #berths: Berths;

  constructor(berths: Berths) {
    this.#berths = berths;
  }

  async wants(count: number): Promise<void> {
    for (let i = 0; i < count; i++)
      void this.#berths.take(this).then((has) => {
        if (has) this.held += 1;
        else this.calledOff += 1;
      });
    await settled();
  }

  async leaves(): Promise<void> {
    this.held -= 1;
    this.#berths.leave(this);
    await settled();
  }

  vacate(): boolean {
    if (this.idle === 0) return false;
    this.idle -= 1;
    return true;
  }
}
const settled = async () => {
  for (let i = 0; i < 5; i++) await Promise.resolve();
};

let now = 0;
let berths: Berths;
let [a, b, c] = [] as unknown as [Guest, Guest, Guest];
beforeEach(() => {
  now = 0;
  berths = new Berths(6, () => now);
  [a, b, c] = [new Guest(berths), new Guest(berths), new Guest(berths)];
});

/** Everyone who is to give one up does, until nobody is. */
async function even(...guests: Guest[]): Promise<number[]> {
  for (let moved = true; moved; ) {
    moved = false;
    for (const guest of guests)
      if (guest.held > 0 && berths.yields(guest)) {
        await guest.leaves();
        await guest.wants(1);
        moved = true;
      }
  }
  return guests.map(({ held }) => held);
}

describe("berths", () => {
  it("are never more than there are", async () => {
    await a.wants(4);
    await b.wants(4);
    expect([a.held, b.held, berths.waits(a), berths.waits(b)]).toEqual([4, 2, 0, 2]);
    await a.leaves();
    expect([a.held, b.held, berths.waits(b)]).toEqual([3, 3, 1]);
  });

  it("are shared evenly by those who want more", async () => {
    await a.wants(5);
    await b.wants(5);
    expect(await even(a, b)).toEqual([3, 3]);
    await c.wants(5);
    expect(await even(a, b, c)).toEqual([2, 2, 2]);
  });

  it("go to who has fewest, of equals to who waits longest", async () => {
    await a.wants(6);
    await b.wants(2);
    await c.wants(2);
    for (let i = 0; i < 3; i++) await a.leaves();
    expect([b.held, c.held]).toEqual([2, 1]);
  });

  it("are kept where nobody is worse off, but not by one that has no use for them", async () => {
    await a.wants(6);
    expect(berths.yields(a)).toBe(false);
    await a.leaves();
    await b.wants(1);
    expect(berths.yields(a)).toBe(false);
    expect(berths.yields(a, true)).toBe(false); // Nobody waits.
    for (let i = 0; i < 4; i++) await a.leaves();
    await c.wants(5); // a 1, b 1, c 4, and one waits.
    expect([a.held, b.held, c.held, berths.waits(c)]).toEqual([1, 1, 4, 1]);
    expect(berths.yields(a)).toBe(false);
    expect(berths.yields(a, true)).toBe(true);
  });

  it("are promised once for each who waits", async () => {
    await a.wants(6);
    await b.wants(2);
    expect(Array.from({ length: 6 }, () => berths.yields(a))).toEqual([
      true,
      true,
      false,
      false,
      false,
      false,
    ]);
  });

  it("that are idle are vacated at once", async () => {
    await a.wants(6);
    a.idle = 1;
    await b.wants(1);
    expect(a.idle).toBe(0);
    expect(berths.yields(a)).toBe(false); // One is on its way.
    await a.leaves();
    expect(b.held).toBe(1);
  });

  it("come to everyone in turn, where there are fewer than relays", async () => {
    const guests = Array.from({ length: 7 }, () => new Guest(berths));
    for (const guest of guests) await guest.wants(1);
    const last = guests[6]!;
    expect([last.held, berths.yields(guests[0]!)]).toEqual([0, false]);
    now = SMTP_BERTH_MS;
    expect(berths.yields(guests[0]!)).toBe(true);
    await guests[0]!.leaves();
    expect(last.held).toBe(1);
  });

  it("that nobody needs any more are called off", async () => {
    await a.wants(6);
    await b.wants(3);
    berths.callOff(b);
    await settled();
    expect([b.held, b.calledOff, berths.waits(b)]).toEqual([0, 3, 0]);
    await a.leaves();
    await b.wants(1);
    expect(b.held).toBe(1);
  });

  it("are all in use while anybody waits, whatever comes in which order", async () => {
    const step = fc.record({
      who: fc.nat(3),
      what: fc.constantFrom("wants", "leaves", "yields", "callsOff"),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        berths = new Berths(6, () => now);
        const guests = Array.from({ length: 4 }, () => new Guest(berths));
        for (const { who, what } of steps) {
          now += 500;
          const guest = guests[who]!;
          if (what === "wants") await guest.wants(1);
          else if (what === "callsOff") berths.callOff(guest);
          else if (guest.held > 0 && (what === "leaves" || berths.yields(guest))) await guest.leaves();
          const held = guests.reduce((sum, one) => sum + one.held, 0);
          const waiting = guests.reduce((sum, one) => sum + berths.waits(one), 0);
          expect(held).toBeLessThanOrEqual(6);
          if (waiting > 0) expect(held).toBe(6);
        }
      }),
    );
  });
});

import { describe, expect, it } from "vitest";
import { Rounds } from "../../src/ledger/rounds.ts";

describe("rounds", () => {
  it("are one for all who ask before it begins, and one more for those who ask while it goes on", async () => {
    const ends: (() => void)[] = [];
    let begun = 0;
    const rounds = new Rounds(() => {
      begun += 1;
      return new Promise((resolve) => ends.push(resolve));
    });
    const first = rounds.ask();
    expect(begun).toBe(1);
    let isDone = false;
    const second = Promise.all([rounds.ask(), rounds.ask()]).then(() => {
      isDone = true;
    });
    ends[0]!();
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect([begun, isDone]).toEqual([2, false]);
    ends[1]!();
    await Promise.all([first, second]);
    expect(begun).toBe(2);
    const later = rounds.ask();
    expect(begun).toBe(3);
    ends[2]!();
    await later;
  });
});

/** Under what an `Idempotency-Key` is kept: each caller's own, and the root's as every version kept it. */
import { describe, expect, it } from "vitest";
import { readIdempotency } from "../../src/http/idempotency.ts";

const keyOf = async (header: string, caller: string | null) => {
  const read = await readIdempotency(header, caller, "/emails", "{}");
  return read.ok ? read.value?.key : null;
};

describe("an idempotency key", () => {
  it("of the root key is kept as it is, so that one used before an update still counts after it", async () => {
    expect(await keyOf("order-7", null)).toBe("order-7");
  });

  it("of an API key is that key's own, however another caller spells theirs", async () => {
    const kept = await keyOf("order-7", "k1");
    for (const [header, caller] of [
      ["order-7", null],
      ["order-7", "k2"],
      ["k1:order-7", null],
      ["k1 order-7", null],
    ] as const)
      expect(await keyOf(header, caller)).not.toBe(kept);
    expect(await keyOf("k1\norder-7", null)).toBeNull();
  });
});

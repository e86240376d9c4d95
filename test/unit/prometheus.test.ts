/** Prometheus' text format, and the histograms behind it. */
import { describe, expect, it } from "vitest";
import { DURATION_BUCKETS_MS, emptyHistogram, merge, observe } from "../../src/core/histogram.ts";
import { exposition } from "../../src/http/prometheus.ts";

describe("exposition", () => {
  it("writes help, type and samples, and escapes what labels hold", () => {
    const text = exposition([
      {
        name: "a_total",
        type: "counter",
        help: "A\nB",
        samples: [{ value: 1 }, { labels: { relay: 'm"\\\n' }, value: 2.5 }],
      },
    ]);
    expect(text).toBe(
      '# HELP a_total A\\nB\n# TYPE a_total counter\na_total 1\na_total{relay="m\\"\\\\\\n"} 2.5\n',
    );
  });

  it("sums buckets up", () => {
    const text = exposition([
      { name: "d", type: "histogram", help: "D", bounds: [0.1, 1], counts: [2, 0, 1], sum: 7 },
    ]);
    expect(text.split("\n").slice(2, -1)).toEqual([
      'd_bucket{le="0.1"} 2',
      'd_bucket{le="1"} 2',
      'd_bucket{le="+Inf"} 3',
      "d_sum 7",
      "d_count 3",
    ]);
  });
});

describe("a histogram", () => {
  it.each([
    [0, 0],
    [5, 0],
    [5.1, 1],
    [300_000, DURATION_BUCKETS_MS.length - 1],
    [300_001, DURATION_BUCKETS_MS.length],
  ])("puts %d ms into bucket %d", (ms, bucket) => {
    const histogram = emptyHistogram();
    observe(histogram, ms);
    expect(histogram.counts.findIndex((count) => count > 0)).toBe(bucket);
    expect(merge(histogram, histogram)).toMatchObject({ sumMs: 2 * ms });
    expect(merge(histogram, histogram).counts[bucket]).toBe(2);
  });
});

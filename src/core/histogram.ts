/** Histograms of durations: how many fell below each bound. Pure. */

/** Upper bounds in milliseconds; one more bucket holds what is slower than all. */
export const DURATION_BUCKETS_MS = [
  5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000,
];

export interface Histogram {
  /** Observations in each bucket, not summed up. */
  counts: number[];
  sumMs: number;
}

export const emptyHistogram = (): Histogram => ({
  counts: new Array<number>(DURATION_BUCKETS_MS.length + 1).fill(0),
  sumMs: 0,
});

export function observe(histogram: Histogram, ms: number): void {
  let bucket = 0;
  while (bucket < DURATION_BUCKETS_MS.length && ms > DURATION_BUCKETS_MS[bucket]!) bucket++;
  histogram.counts[bucket]! += 1;
  histogram.sumMs += ms;
}

/** Two histograms as one. */
export const merge = (a: Histogram, b: Histogram): Histogram => ({
  counts: a.counts.map((count, i) => count + b.counts[i]!),
  sumMs: a.sumMs + b.sumMs,
});

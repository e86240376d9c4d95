/** Periods of a time zone, in whole hours. */
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { HOUR_MS, TIME_ZONES_KNOWN } from "../../src/core/limits.ts";
import { GRANULARITIES, parseMoment, periodsOf, timeZone } from "../../src/schema/period.ts";

const hour = (text: string) => Date.parse(text) / HOUR_MS;
const named = (from: string, to: string, ...rest: ["daily" | "weekly" | "monthly" | "hourly", string]) =>
  periodsOf(hour(from), hour(to), ...rest, 100)!.map((one) => [one.name, one.to - one.from]);

describe("periods", () => {
  it.each([
    [
      "daily",
      "UTC",
      [
        ["2026-03-28", 14],
        ["2026-03-29", 24],
        ["2026-03-30", 10],
      ],
    ],
    // Clocks go forward on 29 March 2026: a day of 23 hours.
    [
      "daily",
      "Europe/Vienna",
      [
        ["2026-03-28", 13],
        ["2026-03-29", 23],
        ["2026-03-30", 12],
      ],
    ],
    [
      "daily",
      "Asia/Kolkata",
      [
        ["2026-03-28", 9],
        ["2026-03-29", 24],
        ["2026-03-30", 15],
      ],
    ],
    [
      "weekly",
      "UTC",
      [
        ["2026-03-23", 38],
        ["2026-03-30", 10],
      ],
    ],
    ["monthly", "UTC", [["2026-03-01", 48]]],
  ] as const)("%s in %s", (granularity, zone, expected) => {
    expect(named("2026-03-28T10:00Z", "2026-03-30T10:00Z", granularity, zone)).toEqual(expected);
  });

  it("by the hour have the moment for a name", () => {
    expect(named("2026-03-28T10:00Z", "2026-03-28T12:00Z", "hourly", "Asia/Kolkata")).toEqual([
      ["2026-03-28T10:00:00.000Z", 1],
      ["2026-03-28T11:00:00.000Z", 1],
    ]);
  });

  it("cover every hour once, in any zone", () => {
    const zones = [
      "UTC",
      "Europe/Vienna",
      "America/St_Johns",
      "Asia/Kathmandu",
      "Pacific/Apia",
      "Australia/Lord_Howe",
    ];
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 900_000 }),
        fc.integer({ min: 1, max: 5_000 }),
        fc.constantFrom(...GRANULARITIES),
        fc.constantFrom(...zones),
        (from, length, granularity, zone) => {
          const periods = periodsOf(from, from + length, granularity, zone, 10_000)!;
          let next = from;
          for (const period of periods) {
            expect(period.from).toBe(next);
            next = period.to;
          }
          expect(next).toBe(from + length);
          expect(new Set(periods.map(({ name }) => name)).size).toBe(periods.length);
        },
      ),
    );
  });

  it("are refused when they are too many", () => {
    expect(periodsOf(0, 101, "hourly", "UTC", 100)).toBeNull();
    expect(periodsOf(0, 24 * 101, "daily", "UTC", 100)).toBeNull();
  });
});

describe("a moment", () => {
  it.each([
    ["2026-11-24", "UTC", false, "2026-11-24T00:00:00.000Z"],
    ["2026-11-24", "UTC", true, "2026-11-24T23:59:59.999Z"],
    ["2026-11-24", "Europe/Vienna", false, "2026-11-23T23:00:00.000Z"],
    ["2026-11-24T08:30", "America/New_York", false, "2026-11-24T13:30:00.000Z"],
    ["2026-11-24 08:30:15Z", "America/New_York", true, "2026-11-24T08:30:15.000Z"],
    ["2026-11-24T08:30:15.5+02:00", "UTC", false, "2026-11-24T06:30:15.500Z"],
    ["2026-02-30", "UTC", false, null],
    ["2026-02-30T00:00:00Z", "UTC", false, null],
    ["2026-02-30 12:00", "Europe/Vienna", true, null],
    ["2028-02-29T12:00Z", "UTC", false, "2028-02-29T12:00:00.000Z"],
    ["2026-13-01T00:00Z", "UTC", false, null],
    ["yesterday", "UTC", false, null],
    ["1764000000000", "UTC", false, null],
  ])("%s in %s", (text, zone, end, expected) => {
    const at = parseMoment(text, zone, end);
    expect(at === null ? null : new Date(at).toISOString()).toBe(expected);
  });

  it("is in a zone that there is", () => {
    expect(timeZone("Europe/Vienna")).toBe("Europe/Vienna");
    expect(timeZone("Europe/Nowhere")).toBeNull();
    expect(timeZone("x".repeat(10_000))).toBeNull();
  });
});

describe("zones kept ready", () => {
  it("are as many as a limit says: the oldest goes, for callers may name each of hundreds in any case of letters", () => {
    const zones = Intl.supportedValuesOf("timeZone").slice(0, TIME_ZONES_KNOWN + 1);
    expect(zones).toHaveLength(TIME_ZONES_KNOWN + 1);
    for (const zone of zones) timeZone(zone);
    const made = vi.spyOn(Intl, "DateTimeFormat");
    for (const zone of zones.slice(1)) expect(timeZone(zone)).toBe(zone);
    expect(made).not.toHaveBeenCalled();
    expect(timeZone(zones[0]!)).toBe(zones[0]);
    expect(made).toHaveBeenCalledTimes(1);
    timeZone(zones[1]!);
    expect(made).toHaveBeenCalledTimes(2);
    made.mockRestore();
  });
});

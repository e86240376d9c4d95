/**
 * GET /v3/REST/statcounters: how much was sent and what came of it, in all or by day or hour. Counted by the time of the
 * event from the figures that libSQL keeps, or by the time of sending from the copies themselves.
 */
import { Hono } from "hono";
import { COUNTER_DAYS, COUNTER_DAYS_BY_HOUR, COUNTER_ROWS, DAY_MS, HOUR_MS } from "../../core/limits.ts";
import type { Db } from "../../db/client.ts";
import { figuresOf } from "../../db/figures.ts";
import { type FateRow, fatesOf } from "../../db/mailjet-counters.ts";
import { dbOf } from "../../env.ts";
import { isHard } from "../../policy/mailjet-state.ts";
import type { AppEnv } from "../context.ts";
import { settleAll } from "../settle.ts";
import { list, moment } from "./envelope.ts";
import { Filters, idBound, wrong } from "./parameters.ts";
import { statusOf } from "./states.ts";

export const counters = new Hono<AppEnv>();

/** Mail that never went to a relay is not counted. */
const SANDBOX = "(sandbox)";

const COUNTED = [
  "EventClickedCount",
  "EventOpenedCount",
  "EventSpamCount",
  "EventUnsubscribedCount",
  "MessageBlockedCount",
  "MessageClickedCount",
  "MessageDeferredCount",
  "MessageHardBouncedCount",
  "MessageOpenedCount",
  "MessageQueuedCount",
  "MessageSentCount",
  "MessageSoftBouncedCount",
  "MessageSpamCount",
  "MessageUnsubscribedCount",
] as const;
type Counted = (typeof COUNTED)[number];
type Counts = Record<Counted, number>;

const nothing = (): Counts => Object.fromEntries(COUNTED.map((name) => [name, 0])) as Counts;

/** What a copy counts as, by its `Status`. What was opened, clicked or called spam was sent before. */
const OF_STATUS: Record<string, readonly Counted[]> = {
  queued: ["MessageQueuedCount"],
  deferred: ["MessageDeferredCount"],
  sent: ["MessageSentCount"],
  opened: ["MessageSentCount"],
  clicked: ["MessageSentCount"],
  spam: ["MessageSentCount", "MessageSpamCount", "EventSpamCount"],
  unsub: ["MessageSentCount", "MessageUnsubscribedCount", "EventUnsubscribedCount"],
  blocked: ["MessageBlockedCount"],
  hardbounced: ["MessageHardBouncedCount"],
  softbounced: ["MessageSoftBouncedCount"],
};

/** What a figure counts as. A bounce goes by its category. Figures that are not here are not told. */
const OF_METRIC: Record<string, readonly Counted[]> = {
  sent: ["MessageSentCount"],
  delivery_delayed: ["MessageDeferredCount"],
  failed: ["MessageSoftBouncedCount"],
  suppressed: ["MessageBlockedCount"],
  canceled: ["MessageBlockedCount"],
  opened_person: ["EventOpenedCount"],
  opened_proxy: ["EventOpenedCount"],
  unique_opened: ["MessageOpenedCount"],
  clicked_person: ["EventClickedCount"],
  clicked_proxy: ["EventClickedCount"],
  unique_clicked: ["MessageClickedCount"],
  complained: ["EventSpamCount", "MessageSpamCount"],
  unsubscribed: ["EventUnsubscribedCount", "MessageUnsubscribedCount"],
};

const isBounce = (metric: string): boolean => metric === "bounced" || metric === "bounced_later";

interface Slice {
  /** Milliseconds since 1970; null: for ever. */
  at: number | null;
  counts: Counts;
}

counters.get("/v3/REST/statcounters", async (c) => {
  const filters = new Filters(c, [
    "CounterSource",
    "CounterTiming",
    "CounterResolution",
    "SourceID",
    "FromTS",
    "ToTS",
  ]);
  const source = filters.oneOf("CounterSource", ["APIKey", "Campaign", "List", "Sender"]);
  const timing = filters.oneOf("CounterTiming", ["Message", "Event"]);
  const resolution = filters.oneOf("CounterResolution", ["Lifetime", "Day", "Hour", "Highest"]);
  if (source === null || timing === null || resolution === null)
    throw wrong('"CounterSource", "CounterTiming" and "CounterResolution" are mandatory.');
  if (source !== "APIKey")
    throw wrong('"CounterSource" must be APIKey here: counters are kept of everything that is sent.');
  const page = filters.page(["Timeslice"]);
  const now = Date.now();
  const below = filters.moment("ToTS", true) ?? now + 1;
  const slices = { from: filters.moment("FromTS"), below };
  await settleAll(c);
  const db = dbOf(c.env);
  const found =
    resolution === "Lifetime"
      ? await byEvent(db, { from: slices.from ?? 0, below, periodMs: null })
      : await counted(db, timing, slices, resolution === "Day" ? DAY_MS : HOUR_MS);
  if (filters.countOnly) return list(c, [], found.length);
  const rows = page.descending ? found.reverse() : found;
  return list(
    c,
    rows.slice(page.offset, page.offset + page.limit).map(({ at, counts }) => ({
      APIKeyID: 0,
      EventClickDelay: 0,
      EventOpenDelay: 0,
      EventWorkflowExitedCount: 0,
      MessageWorkFlowExitedCount: 0,
      ...counts,
      SourceID: 0,
      Timeslice: at === null ? "" : moment(at),
      Total:
        counts.MessageSentCount +
        counts.MessageHardBouncedCount +
        counts.MessageSoftBouncedCount +
        counts.MessageBlockedCount +
        counts.MessageQueuedCount,
    })),
  );
});

function counted(
  db: Db,
  timing: "Message" | "Event",
  { from, below }: { from: number | null; below: number },
  periodMs: number,
): Promise<Slice[]> {
  const days = periodMs === DAY_MS ? COUNTER_DAYS : COUNTER_DAYS_BY_HOUR;
  const start = from ?? below - days * DAY_MS;
  if (below - start > days * DAY_MS + periodMs)
    throw wrong(`From "FromTS" to "ToTS" there must be at most ${days} days at this resolution.`);
  return timing === "Event"
    ? byEvent(db, { from: start, below, periodMs })
    : byMessage(db, { from: start, below, periodMs });
}

/** From the rollups, which count by the hour: the hours at both ends count whole. */
async function byEvent(
  db: Db,
  { from, below, periodMs }: { from: number; below: number; periodMs: number | null },
): Promise<Slice[]> {
  const periods: [from: number, to: number][] = [];
  const end = Math.ceil(below / HOUR_MS);
  const first = Math.floor(from / HOUR_MS);
  if (periodMs === null) periods.push([first, end]);
  else {
    const step = periodMs / HOUR_MS;
    for (let at = first - (first % step); at < end; at += step)
      periods.push([Math.max(at, first), Math.min(at + step, end)]);
  }
  const rows = await figuresOf(db, {
    periods,
    by: [],
    only: {},
    emails: null,
    byEmail: false,
    without: [SANDBOX],
    limit: COUNTER_ROWS,
  });
  if (rows === null) throw wrong("That is too much for one answer: ask for a shorter time.");
  const slices = new Map<number, Counts>();
  for (const { period, metric, category, count } of rows) {
    const counts = slices.get(period) ?? nothing();
    slices.set(period, counts);
    const names: readonly Counted[] = isBounce(metric)
      ? [isHard(category) ? "MessageHardBouncedCount" : "MessageSoftBouncedCount"]
      : (OF_METRIC[metric] ?? []);
    for (const name of names) counts[name] += count;
  }
  if (periodMs === null) return [{ at: null, counts: slices.get(0) ?? nothing() }];
  return [...slices]
    .sort(([a], [b]) => a - b)
    .map(([period, counts]) => ({
      at: Math.floor((periods[period]![0] * HOUR_MS) / periodMs) * periodMs,
      counts,
    }));
}

/** From the copies of emails accepted in the time. */
async function byMessage(
  db: Db,
  { from, below, periodMs }: { from: number; below: number; periodMs: number },
): Promise<Slice[]> {
  const rows = await fatesOf(db, {
    from: idBound(from)!,
    below: idBound(below)!,
    periodMs,
    without: SANDBOX,
  });
  const slices = new Map<number, Counts>();
  for (const row of rows) {
    const counts = slices.get(row.period) ?? nothing();
    slices.set(row.period, counts);
    add(counts, row);
  }
  return [...slices].map(([period, counts]) => ({ at: period * periodMs, counts }));
}

function add(counts: Counts, { status, category, count, opened, clicked, opens, clicks }: FateRow): void {
  for (const name of OF_STATUS[statusOf(status, category)] ?? []) counts[name] += count;
  counts.MessageOpenedCount += opened;
  counts.MessageClickedCount += clicked;
  counts.EventOpenedCount += opens;
  counts.EventClickedCount += clicks;
}

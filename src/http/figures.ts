/** GET /emails/metrics: figures by Resend's contract, and by dimensions it lacks, from the rollups that libSQL keeps. */
import { Hono } from "hono";
import { parseEmailId } from "../core/ids.ts";
import { DAY_MS, HOUR_MS, METRIC_EMAILS, METRIC_PERIODS, METRIC_ROWS } from "../core/limits.ts";
import { type FigureDimension, type FigureRow, figuresOf } from "../db/figures.ts";
import { dbOf } from "../env.ts";
import { bounceKind } from "../policy/bounce-kind.ts";
import { type Counts, figuresFrom, METRICS, type Metric } from "../schema/metric.ts";
import {
  GRANULARITIES,
  type Granularity,
  type Period,
  parseMoment,
  periodsOf,
  timeZone,
} from "../schema/period.ts";
import type { AppContext, AppEnv } from "./context.ts";
import { listOf, oneOf, parameter } from "./parameters.ts";
import { settleAll } from "./settle.ts";

export const figures = new Hono<AppEnv>();

/** What rows can be told apart by, and the dimension of the database behind it. */
const DIMENSIONS = {
  period: null,
  email: null,
  domain: "sender_domain",
  sender_domain: "sender_domain",
  recipient_domain: "recipient_domain",
  relay: "relay",
  category: "category",
  tag: "tag",
} as const satisfies Record<string, FigureDimension | null>;
type Dimension = keyof typeof DIMENSIONS;
const names = Object.keys(DIMENSIONS) as Dimension[];

/** Parameters that narrow, by the dimension they narrow. A sender domain's id is its name. */
const FILTERS: readonly [parameter: string, dimension: FigureDimension][] = [
  ["domain_id", "sender_domain"],
  ["recipient_domain", "recipient_domain"],
  ["relay", "relay"],
  ["category", "category"],
  ["tag", "tag"],
];

/** Test mail goes through everything but a relay; it would pass for real in every rate. */
const SANDBOX = "(sandbox)";

figures.get("/emails/metrics", async (c) => {
  const query = readQuery(c, Date.now());
  await settleAll(c);
  const db = dbOf(c.env);
  const ask = async (periods: readonly Period[], by: readonly FigureDimension[], byEmail: boolean) => {
    const rows = await figuresOf(db, {
      periods: periods.map(({ from, to }) => [from, to]),
      by,
      only: query.only,
      emails: query.emails,
      byEmail,
      without: query.sandbox ? [] : [SANDBOX],
      limit: METRIC_ROWS,
    });
    if (rows === null)
      throw parameter(
        `The answer has more than ${METRIC_ROWS} rows: ask for a shorter time, fewer \`dimensions\`, or narrow it by one of them.`,
      );
    return rows;
  };
  const whole = { from: query.from, to: query.to, name: "" };
  const totals: Counts = new Map();
  for (const row of await ask([whole], [], false)) add(totals, row);
  const answer = {
    object: "metrics",
    start_date: new Date(query.from * HOUR_MS).toISOString(),
    end_date: new Date(query.end).toISOString(),
    metrics: query.metrics,
    dimensions: query.dimensions,
    granularity: query.granularity,
    totals: figuresFrom(totals, query.metrics),
  };
  if (query.dimensions.length === 0) return c.json(answer);
  const rows = await ask(query.periods ?? [whole], query.by, query.dimensions.includes("email"));
  return c.json({ ...answer, data: dataOf(rows, query) });
});

interface Query {
  from: number;
  to: number;
  /** As asked for, in milliseconds; the hour it is in counts whole. */
  end: number;
  granularity: Granularity;
  /** Null: not told apart by time. */
  periods: Period[] | null;
  metrics: Metric[];
  dimensions: Dimension[];
  by: FigureDimension[];
  only: Partial<Record<FigureDimension, string[]>>;
  emails: string[] | null;
  /** Whether figures of test mail are wanted: they are as soon as relays are told apart or named. */
  sandbox: boolean;
}

function readQuery(c: AppContext, now: number): Query {
  const given = c.req.query();
  const zone = timeZone(given.timezone || "UTC");
  if (zone === null)
    throw parameter("`timezone` must be a name of the IANA database, such as Europe/Vienna.");
  const moment = (name: "start_date" | "end_date", absent: number): number => {
    if (!given[name]) return absent;
    const at = parseMoment(given[name], zone, name === "end_date");
    if (at !== null) return at;
    throw parameter(`\`${name}\` must be a date such as 2026-11-24, or a time such as 2026-11-24T08:00:00Z.`);
  };
  const end = moment("end_date", now);
  const start = moment("start_date", end - 6 * DAY_MS);
  if (start > end) throw parameter("`start_date` must not be after `end_date`.");
  const granularity = oneOf(c, "granularity", GRANULARITIES) ?? "daily";
  const dimensions = listOf(c, "dimensions", names) ?? [];
  if (given.broadcast_id)
    throw parameter(
      "`broadcast_id` narrows to nothing here: there are no broadcasts. A tag can do what they do.",
    );
  const emails = given.email_id ? given.email_id.split(",").map((id) => parseEmailId(id.trim())) : null;
  if (emails?.some((id) => id === null)) throw parameter("`email_id` must be ids of emails, with commas.");
  if (emails !== null && emails.length > METRIC_EMAILS)
    throw parameter(`\`email_id\` names ${emails.length} emails; ${METRIC_EMAILS} are taken at once.`);
  if (dimensions.includes("email") && emails === null)
    throw parameter("The dimension `email` needs `email_id`: figures are kept for all emails together.");
  const only: Query["only"] = {};
  for (const [name, dimension] of FILTERS)
    if (given[name])
      only[dimension] = given[name]
        .split(",")
        .map((value) => (dimension.endsWith("domain") ? value.trim().toLowerCase() : value.trim()));
  const from = Math.floor(start / HOUR_MS);
  const to = Math.floor(end / HOUR_MS) + 1;
  const periods = dimensions.includes("period")
    ? periodsOf(from, to, granularity, zone, METRIC_PERIODS)
    : undefined;
  if (periods === null)
    throw parameter(
      `From \`start_date\` to \`end_date\` there are more than ${METRIC_PERIODS} ${granularity} periods; choose a coarser \`granularity\`.`,
    );
  const by = [...new Set(dimensions.flatMap((name) => DIMENSIONS[name] ?? []))];
  return {
    from,
    to,
    end,
    granularity,
    periods: periods ?? null,
    metrics: listOf(c, "metrics", METRICS) ?? METRICS,
    dimensions,
    by,
    only,
    emails: emails as string[] | null,
    sandbox: by.includes("relay") || only.relay !== undefined,
  };
}

/** Bounces count a second time by what they say of the address. */
function add(counts: Counts, { metric, category, count }: FigureRow): void {
  const raise = (name: string) => counts.set(name, (counts.get(name) ?? 0) + count);
  raise(metric);
  if (metric === "bounced" || metric === "bounced_later") raise(bounceKind(category).type);
}

/** One row for each group, in the order of time and then of names. Periods in which nothing happened have none. */
function dataOf(rows: readonly FigureRow[], { dimensions, by, periods, metrics }: Query) {
  const groups = new Map<string, { row: FigureRow; counts: Counts }>();
  for (const row of rows) {
    const key = JSON.stringify([row.period, row.email, row.group]);
    const group = groups.get(key) ?? { row, counts: new Map() };
    groups.set(key, group);
    add(group.counts, row);
  }
  const text = ({ row: { group, email } }: { row: FigureRow }) => JSON.stringify([email, group]);
  return [...groups.values()]
    .sort((a, b) => a.row.period - b.row.period || (text(a) < text(b) ? -1 : 1))
    .map(({ row, counts }) => {
      const place: Record<string, string | null> = {};
      for (const name of dimensions) {
        const dimension = DIMENSIONS[name];
        if (name === "period") place.period = periods![row.period]!.name;
        else if (name === "email") place.email_id = row.email;
        else if (dimension !== null) {
          const value = row.group[by.indexOf(dimension)] ?? null;
          if (name === "domain") Object.assign(place, { domain_id: value, domain_name: value });
          else place[name] = value;
        }
      }
      return { ...place, ...figuresFrom(counts, metrics) };
    });
}

/**
 * Figures: how often what happened, from the rollups that the database's triggers keep (migrations/0004_figures.sql) and from
 * the marks that are not counted yet, so that no event is missing. Figures stay when events are pruned.
 */
import type { InStatement } from "@libsql/client/web";
import { ask, type Db } from "./client.ts";

/** Counts the marks there are. Harmless at any time; see COUNT_ROUND for when it is due. */
export const COUNT_SQL = "INSERT INTO count_now VALUES (1)";

/** By what figures can be told apart. */
export const FIGURE_DIMENSIONS = ["sender_domain", "recipient_domain", "relay", "category", "tag"] as const;
export type FigureDimension = (typeof FIGURE_DIMENSIONS)[number];

export interface FigureQuery {
  /** Hours since 1970, the second one not included; one row per period and group. */
  periods: readonly (readonly [from: number, to: number])[];
  by: readonly FigureDimension[];
  /** Only those with one of these values. A tag is `name=value`. */
  only: Partial<Record<FigureDimension, readonly string[]>>;
  /** Of these emails alone, counted from their events: pruned ones are not there. */
  emails: readonly string[] | null;
  /** Whether the emails are told apart. */
  byEmail: boolean;
  /** Relays whose figures are left out. */
  without: readonly string[];
  /** At most so many rows are read; beyond it the answer is null. */
  limit: number;
}

export interface FigureRow {
  /** Index of the period. */
  period: number;
  /** Values of `by`, in its order; null: does not apply. */
  group: (string | null)[];
  email: string | null;
  metric: string;
  /** Of bounces; "" of all else. */
  category: string;
  count: number;
}

/** Where figures are read from: the rollups, the marks, or the events of some emails. Each has the same columns. */
const ROLLUPS = "figures f CROSS JOIN facets c ON c.id = f.facet";
const MARKS =
  "(SELECT hour, metric, coalesce(relay, '') AS relay, category, sender_domain, recipient_domain, tags, count FROM uncounted_groups) f";
const EVENTS = `(
  SELECT v.at / 3600000 AS hour, v.metric, v.email_id, 1 AS count, v.category,
    coalesce(v.relay, (SELECT s.relay FROM events s WHERE s.email_id = v.email_id AND s.recipient = v.recipient
      AND s.type = 'email.sent' ORDER BY s.at, s.id LIMIT 1), '') AS relay,
    lower(rtrim(substr(m."from", length(rtrim(m."from", replace(m."from", '@', ''))) + 1), '>')) AS sender_domain,
    coalesce(r.domain, '') AS recipient_domain,
    (SELECT json_group_array(value ->> 'name' || '=' || (value ->> 'value')) FROM json_each(m.tags)) AS tags
  FROM json_each(?) wanted
  CROSS JOIN emails m ON m.id = wanted.value
  CROSS JOIN (
    SELECT email_id, recipient, at, coalesce(category, '') AS category,
      CASE WHEN relay IS NULL AND recipient IS NOT NULL AND type IN ('email.delivered', 'email.opened', 'email.clicked',
        'email.bounced', 'email.complained', 'email.unsubscribed') THEN NULL ELSE coalesce(relay, '') END AS relay, CASE
      WHEN type IN ('email.opened', 'email.clicked') THEN substr(type, 7) || '_' || coalesce(data ->> '$.visitor.verdict', 'person')
      WHEN type = 'email.bounced' AND relay IS NULL THEN 'bounced_later' ELSE substr(type, 7) END AS metric
    FROM events WHERE email_id IN (SELECT value FROM json_each(?))
    UNION ALL
    SELECT email_id, recipient, at, '', NULL, metric FROM firsts WHERE email_id IN (SELECT value FROM json_each(?))
  ) v ON v.email_id = m.id
  LEFT JOIN recipients r ON r.email_id = v.email_id AND r.idx = v.recipient
) f`;

/** Null: there are more rows than `limit`. Throws a DbError. */
export async function figuresOf(db: Db, query: FigureQuery): Promise<FigureRow[] | null> {
  const emails = query.emails === null ? null : JSON.stringify(query.emails);
  const statements =
    emails === null
      ? [statement(query, ROLLUPS, []), statement(query, MARKS, [])]
      : [statement(query, EVENTS, [emails, emails, emails])];
  const answers = await ask(db.$client.batch(statements, "read"));
  const width = query.by.length;
  const rows = answers.flatMap(({ rows }) =>
    rows.map((row): FigureRow => {
      const values = Array.from({ length: row.length }, (_, i) => row[i]);
      return {
        period: Number(values[0]),
        email: values[1] === null ? null : String(values[1]),
        metric: String(values[2]),
        category: String(values[3]),
        count: Number(values[4]),
        group: values
          .slice(5, 5 + width)
          .map((value) => (value === null || value === "" ? null : String(value))),
      };
    }),
  );
  return answers.some(({ rows }) => rows.length > query.limit) ? null : summed(rows);
}

/** Rollups and marks together: what one has too much of, the other has too little of. */
function summed(rows: readonly FigureRow[]): FigureRow[] {
  const sums = new Map<string, FigureRow>();
  for (const row of rows) {
    const key = JSON.stringify([row.period, row.email, row.metric, row.category, row.group]);
    const sum = sums.get(key);
    if (sum === undefined) sums.set(key, { ...row });
    else sum.count += row.count;
  }
  return [...sums.values()].filter(({ count }) => count !== 0);
}

/** Periods come first, so that each is one range of the rollups' key. */
function statement(query: FigureQuery, from: string, sourceArgs: string[]): InStatement {
  const { by, only, byEmail, without, limit } = query;
  const args: (string | number)[] = [JSON.stringify(query.periods), ...sourceArgs];
  const tagged = by.includes("tag")
    ? "LEFT JOIN json_each(CASE tags WHEN '[]' THEN '[null]' ELSE tags END) tag"
    : "";
  const where = ["f.hour >= p.value ->> 0", "f.hour < p.value ->> 1"];
  for (const dimension of FIGURE_DIMENSIONS) {
    const values = only[dimension];
    if (values === undefined) continue;
    where.push(
      dimension === "tag"
        ? "EXISTS (SELECT 1 FROM json_each(tags) t WHERE t.value IN (SELECT value FROM json_each(?)))"
        : `${dimension} IN (SELECT value FROM json_each(?))`,
    );
    args.push(JSON.stringify(values));
  }
  if (without.length > 0) {
    where.push("relay NOT IN (SELECT value FROM json_each(?))");
    args.push(JSON.stringify(without));
  }
  const columns = [
    "p.key AS period",
    byEmail ? "f.email_id AS email" : "NULL AS email",
    "metric",
    "CASE WHEN metric IN ('bounced', 'bounced_later') THEN category ELSE '' END AS bounce",
  ];
  const groups = by.map((dimension, i) => `${dimension === "tag" ? "tag.value" : dimension} AS g${i}`);
  const keys = ["period", "email", "metric", "bounce", ...by.map((_, i) => `g${i}`)];
  args.push(limit + 1);
  return {
    sql: `SELECT ${columns.join(", ")}, sum(count), ${[...groups, "1"].join(", ")}
      FROM json_each(?) p CROSS JOIN ${from} ${tagged}
      WHERE ${where.join(" AND ")}
      GROUP BY ${keys.join(", ")} HAVING sum(count) <> 0 LIMIT ?`,
    args,
  };
}

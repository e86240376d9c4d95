/** How copies of emails of a time have fared, for counters by the time of sending. */
import { sql } from "drizzle-orm";
import type { RecipientStatus } from "../schema/event.ts";
import { ask, type Db } from "./client.ts";

/** Copies of one period, status and category. */
export interface FateRow {
  /** Since 1970, in periods of the length asked for. */
  period: number;
  status: RecipientStatus;
  category: string | null;
  count: number;
  /** Of them, those opened and clicked by somebody, and how often: scanners do not count. */
  opened: number;
  clicked: number;
  opens: number;
  clicks: number;
}

const first = (metric: string) =>
  sql`sum(EXISTS (SELECT 1 FROM firsts f WHERE f.email_id = r.email_id AND f.recipient = r.idx AND f.metric = ${metric}))`;
const total = (type: string) =>
  sql`sum((SELECT count(*) FROM events v WHERE v.email_id = r.email_id AND v.recipient = r.idx AND v.type = ${type}
    AND v.data ->> '$.visitor.verdict' IS NOT 'scanner'))`;

/** Of emails with ids from `from` on and below `below`, which is a range of the key. `without`: a relay left out. */
export const fatesOf = (
  db: Db,
  { from, below, periodMs, without }: { from: string; below: string; periodMs: number; without: string },
): Promise<FateRow[]> =>
  ask(
    db.all<FateRow>(sql`
      SELECT e.created_at / CAST(${periodMs} AS INTEGER) AS period, r.status AS status, r.category AS category, count(*) AS count,
        ${first("unique_opened")} AS opened, ${first("unique_clicked")} AS clicked,
        ${total("email.opened")} AS opens, ${total("email.clicked")} AS clicks
      FROM recipients r JOIN emails e ON e.id = r.email_id
      WHERE r.email_id >= ${from} AND r.email_id < ${below} AND r.relay IS NOT ${without}
      GROUP BY 1, 2, 3 ORDER BY 1`),
  );

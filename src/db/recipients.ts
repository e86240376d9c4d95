/** A recipient as libSQL keeps it, and as the queries of emails.ts hand it out. */
import { getTableColumns, type SQL, sql } from "drizzle-orm";
import type { UniqueMetric } from "../schema/event.ts";
import { recipients } from "./tables.ts";

/** See the table for what each field says. Times in milliseconds since 1970. */
export type RecipientRecord = Omit<typeof recipients.$inferSelect, "email_id" | "idx"> & {
  index: number;
  /** Of the earliest open and click that were no scanner's; null: there is none. */
  first_opened_at: number | null;
  first_clicked_at: number | null;
};

/** Spelled out: drizzle leaves the names of tables away where a query has only one, and here there are two. */
const first = (metric: UniqueMetric): SQL<number | null> =>
  sql.raw(
    `(SELECT f.at FROM firsts f WHERE f.email_id = recipients.email_id AND f.recipient = recipients.idx AND f.metric = '${metric}')`,
  ) as SQL<number | null>;

const { email_id: _, idx: index, ...rest } = getTableColumns(recipients);
/** What to select for a RecipientRecord. */
export const recipientColumns = {
  index,
  ...rest,
  first_opened_at: first("unique_opened"),
  first_clicked_at: first("unique_clicked"),
};

/** Whose address it is, in any case: what tells two people apart is never that alone. */
export const hasAddress = (address: string): SQL => sql`lower(${recipients.address}) = lower(${address})`;

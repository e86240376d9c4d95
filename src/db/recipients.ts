/** A recipient as libSQL keeps it, and as the queries of emails.ts hand it out. */
import { getTableColumns } from "drizzle-orm";
import { recipients } from "./tables.ts";

/** See the table for what each field says. Times in milliseconds since 1970. */
export type RecipientRecord = Omit<typeof recipients.$inferSelect, "email_id" | "idx"> & { index: number };

const { email_id: _, idx: index, ...rest } = getTableColumns(recipients);
/** What to select for a RecipientRecord. */
export const recipientColumns = { index, ...rest };

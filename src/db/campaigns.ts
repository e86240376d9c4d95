/** Who was mailed in a campaign: what DeduplicateCampaign asks. */
import { sql } from "drizzle-orm";
import { ask, type Db } from "./client.ts";

/**
 * Of these addresses, those with a copy of an email of the campaign that was sent or is on its way. One seek per address:
 * what it costs is their past mail.
 */
export async function mailedInCampaign(
  db: Db,
  campaign: string,
  addresses: readonly string[],
): Promise<Set<string>> {
  const rows = await ask(
    db.all<{ address: string }>(sql`
      SELECT DISTINCT asked.value AS address
      FROM json_each(${JSON.stringify(addresses)}) AS asked
      JOIN recipients r ON lower(r.address) = lower(asked.value)
      JOIN emails e ON e.id = r.email_id
      WHERE e.meta ->> '$.mailjet.campaign' = ${campaign}
        AND r.status NOT IN ('suppressed', 'failed', 'canceled')`),
  );
  return new Set(rows.map(({ address }) => address));
}

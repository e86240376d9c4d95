/** The libSQL database of a deployment. The embedded store needs nothing of this. */
import { ok, type Result } from "../../src/core/result.ts";
import { openDb } from "../../src/db/client.ts";
import { migrate, pending } from "../../src/db/migrate.ts";
import type { Plan } from "./plan.ts";

type Where = NonNullable<Plan["libsql"]>;

/** Names of the migrations that were applied. */
export const migrateStore = (where: Where): Promise<Result<string[], string>> => migrate(openDb(where));

/** How many migrations would be applied. */
export async function pendingCount(where: Where): Promise<Result<number, string>> {
  const missing = await pending(openDb(where));
  return missing.ok ? ok(missing.value.length) : missing;
}

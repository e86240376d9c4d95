/** `npm run db:migrate`: brings the libSQL at LIBSQL_URL (Turso or sqld) up to date. The embedded store does it by itself. */
import { openDb } from "../src/db/client.ts";
import { migrate } from "../src/db/migrate.ts";
import { readSettings } from "./start/settings.ts";

function stop(message: string): never {
  console.error(message);
  process.exit(1);
}

const settings = readSettings(process.env, [".env"]);
if (!settings.ok) stop(settings.error);
const { LIBSQL_URL: url, LIBSQL_AUTH_TOKEN: authToken } = settings.value.variables;
if (url === undefined) stop("LIBSQL_URL is not set; the embedded store needs no migration step.");
try {
  const applied = await migrate(openDb({ url, authToken: authToken ?? null }));
  if (!applied.ok) stop(applied.error);
  console.log(
    applied.value.length === 0 ? "Up to date; nothing to apply." : `Applied: ${applied.value.join(", ")}`,
  );
} catch (cause) {
  stop(cause instanceof Error ? cause.message : String(cause));
}

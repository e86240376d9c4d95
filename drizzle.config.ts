/** `npm run db:generate`: SQL for what changed in src/db/tables.ts. A trigger needs `drizzle-kit generate --custom`. */
import { defineConfig } from "drizzle-kit";

export default defineConfig({
  dialect: "sqlite",
  schema: "./src/db/tables.ts",
  out: "./migrations",
  breakpoints: true,
});

/** What `npm run deploy` tells a person. */
import { styleText } from "node:util";
import type { Plan, Source, Values } from "./plan.ts";

const paint = (style: Parameters<typeof styleText>[0], text: string) =>
  styleText(style, text, { stream: process.stdout });
const say = (line = ""): void => {
  process.stdout.write(`${line}\n`);
};

const SOURCES: Record<Exclude<Source, "absent">, string> = {
  given: "from the environment or .env.production",
  there: "the worker has it already",
  made: "is made now",
  asked: "is asked for",
};

/** The plan, before anything is done. No value is shown. */
export function planned(plan: Plan, dryRun: boolean): void {
  say();
  say(paint("bold", `Postern on Cloudflare Workers${dryRun ? " (dry run)" : ""}`));
  say();
  const items = plan.items.filter(({ source }) => source !== "absent");
  const width = Math.max(...items.map(({ name }) => name.length));
  for (const { name, source } of items)
    if (source !== "absent") say(`  ${name.padEnd(width)}  ${SOURCES[source]}`);
  say(
    `  ${"Events".padEnd(width)}  ${plan.libsql === null ? "go to the embedded store, unless the worker has LIBSQL_URL" : `go to ${new URL(plan.libsql.url).host}`}`,
  );
  say();
}

export const step = (line: string): void => say(paint("dim", `» ${line}`));

/** Prints why it ended; the exit code. */
export function stopped(why: string): number {
  process.stderr.write(`deploy: ${why}\n`);
  return 1;
}

/** The end, with what the gateway said of itself (null: it was not asked): what was made, and what to do next. */
export function done(plan: Plan, values: Values, url: string | null, health: string | null): void {
  const made = plan.items.some(({ name, source }) => name === "API_KEY" && source === "made");
  const base = url ?? "https://YOUR-WORKER";
  say();
  say(
    paint(
      "bold",
      health === "ok"
        ? `Postern answers at ${base}.`
        : `Postern is deployed${url === null ? "" : ` at ${url}`}.`,
    ),
  );
  if (health === "silent")
    say("It did not answer yet: a new name takes a minute to be known. Then look at /healthz.");
  else if (health !== null && health !== "ok") say(`It says: ${health}`);
  say();
  if (made) say(`  API_KEY  ${values.API_KEY}   (shown once: keep it)`);
  say(`  Next:    API_KEY=… npm run postern -- --url ${base} relays list`);
  say("           and `relays verify NAME`, which says whether the relay takes the password.");
  say();
}

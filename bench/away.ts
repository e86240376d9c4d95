/**
 * `node bench/away.ts [COUNT]`: a load run with libSQL away. COUNT messages (50,000) go out in bulk while the database is
 * stopped for a while and started again, twice; then the events are counted on both sides, and the figures against a recount.
 * The database is npm's `libsql` behind Hrana over HTTP, in this process. Ends with 1 when anything differs.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { openDb } from "../src/db/client.ts";
import { figuresOf } from "../src/db/figures.ts";
import { migrate } from "../src/db/migrate.ts";
import { startHranaServer } from "../test/support/hrana-server.ts";
import { FROM, recipient, TEXT_2K } from "./mail.ts";
import { until } from "./processes.ts";
import { startProduct } from "./product.ts";
import { startSink } from "./sink.ts";

const COUNT = Number(process.argv[2] ?? 50_000);
const AWAY_MS = Number(process.argv[3] ?? 30_000);
const PART = 5_000;

const libsql = await startHranaServer();
const db = openDb({ url: libsql.url, authToken: null });
const migrated = await migrate(db);
if (!migrated.ok) throw new Error(migrated.error);
const sink = await startSink();
const product = await startProduct(sink.port, { LIBSQL_URL: libsql.url });
const one = (sql: string) => Number(Object.values(libsql.query(sql)[0]!)[0]);
const say = (what: string) => console.log(`${(performance.now() / 1000).toFixed(1).padStart(6)} s  ${what}`);

let statuses: Record<string, number> = {};
/** What readers are told, asked again and again. */
async function ask(): Promise<void> {
  const begun = performance.now();
  const status = await product.get("/emails?limit=1").then(
    () => "200",
    (cause: Error) => /: (\d{3}) /.exec(cause.message)?.[1] ?? String(cause),
  );
  statuses[status] = (statuses[status] ?? 0) + 1;
  statuses.slowest = Math.max(statuses.slowest ?? 0, Math.round(performance.now() - begun));
}

const parts = Math.ceil(COUNT / PART);
for (let part = 0; part < parts; part++) {
  if (part === Math.floor(parts / 5) || part === Math.floor((3 * parts) / 5)) {
    await libsql.pause();
    say(`libSQL stopped, with ${one("SELECT count(*) FROM events")} events`);
    const back = Date.now() + AWAY_MS;
    setTimeout(async () => {
      await libsql.resume();
      say(
        `libSQL started again; the sink has ${sink.count()}; GET said ${JSON.stringify(statuses)} (slowest in ms)`,
      );
      statuses = {};
    }, back - Date.now());
  }
  const begun = performance.now();
  await product.post("/emails/bulk", {
    from: FROM,
    subject: "Bench",
    text: TEXT_2K,
    tags: [{ name: "part", value: String(part % 7) }],
    recipients: Array.from({ length: Math.min(PART, COUNT - part * PART) }, (_, i) => ({
      to: recipient(part * PART + i),
    })),
  });
  say(`part ${part + 1} of ${parts} accepted after ${Math.round(performance.now() - begun)} ms`);
  for (let i = 0; i < 6; i++) {
    await ask();
    await sleep(AWAY_MS / 15);
  }
}
await until(`${COUNT} messages at the sink`, () => sink.count() >= COUNT, 600, 200);
say(`the sink has ${sink.count()}`);
await until(
  "all events in libSQL",
  async () => {
    await ask();
    return one("SELECT count(*) FROM events WHERE type = 'email.sent'") >= COUNT;
  },
  300,
  1_000,
);
const events = one("SELECT count(*) FROM events");
const distinct = one(
  "SELECT count(DISTINCT email_id || ' ' || recipient) FROM events WHERE type = 'email.sent'",
);
const recipients = one("SELECT count(*) FROM recipients WHERE status = 'sent'");
say(`libSQL has ${events} events, ${distinct} copies sent, ${recipients} recipients marked sent`);

const rows = (await figuresOf(db, {
  periods: [[0, 1e9]],
  by: ["sender_domain", "recipient_domain", "relay", "category", "tag"],
  only: {},
  emails: null,
  byEmail: false,
  without: [],
  limit: 20_000,
}))!;
const told = new Map(
  rows.map(({ group, metric, count }) => [JSON.stringify([metric, ...group]), count] as const),
);
const recount =
  libsql.query(`SELECT substr(e.type, 7) AS metric, count(*) AS n, r.domain, e.relay, e.category,
    substr(m."from", instr(m."from", '@') + 1) AS sender, t.value ->> 'name' || '=' || (t.value ->> 'value') AS tag
  FROM events e JOIN emails m ON m.id = e.email_id
  JOIN recipients r ON r.email_id = e.email_id AND r.idx = e.recipient, json_each(m.tags) t
  GROUP BY metric, r.domain, e.relay, e.category, sender, tag`);
const differing = recount.filter(
  ({ metric, n, domain, relay, category, sender, tag }) =>
    told.get(JSON.stringify([metric, String(sender).replace(">", ""), domain, relay, category, tag])) !== n,
);
say(`figures: ${told.size} groups, recount: ${recount.length}, differing: ${differing.length}`);
say(`workerd took ${product.peakMemory()?.worker} MB at most`);
const same =
  sink.count() === COUNT &&
  events === COUNT &&
  distinct === COUNT &&
  recipients === COUNT &&
  differing.length === 0 &&
  told.size === recount.length;
console.log(same ? "Equal on both sides." : "NOT equal.");
await product.stop();
await libsql.stop();
process.exit(same ? 0 : 1);

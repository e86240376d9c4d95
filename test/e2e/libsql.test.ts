/**
 * A real libSQL at LIBSQL_URL: brought up to date by one command, away under load, and back. The server is npm's `libsql`
 * behind Hrana over HTTP, in this process.
 */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MIGRATIONS } from "../../migrations/index.ts";
import type { EmailId } from "../../src/core/ids.ts";
import { SETTLE_MS } from "../../src/core/limits.ts";
import { linkSigner } from "../../src/tracking/link.ts";
import { signToken } from "../../src/tracking/token.ts";
import { counts, readers, sendBulk, tally } from "../support/bulk.ts";
import { type HranaServer, startHranaServer } from "../support/hrana-server.ts";
import { Postern, stopAll, temporaryFolder, until } from "../support/postern.ts";
import { SinkRelay } from "../support/sink-relay.ts";

const TOKEN = "let-me-in";
const SECRET = "sixteen characters or more";
const folder = temporaryFolder();
const relay = new SinkRelay({ extensions: ["PIPELINING", "8BITMIME"] });
let libsql: HranaServer;
let postern: Postern;

beforeAll(async () => {
  libsql = await startHranaServer({ authToken: TOKEN });
  postern = await Postern.start(folder.path, {
    LIBSQL_URL: libsql.url,
    LIBSQL_AUTH_TOKEN: TOKEN,
    SIGNING_SECRET: SECRET,
    BOUNCE_DOMAIN: "bounces.example.com",
    SMTP_URL: `smtp://127.0.0.1:${await relay.listen()}?tls=none`,
  });
});
afterAll(async () => {
  await stopAll();
  relay.close();
  await libsql.stop();
  folder.remove();
});

/** A bounce as a mail server writes it (RFC 3464), handed to POST /inbound with the return path's token. */
async function bounce(id: string, recipient: number, address: string): Promise<number> {
  const token = signToken(SECRET, { id: id as EmailId, recipient }, "bounce");
  const report = [
    "From: MAILER-DAEMON@mx.example.net",
    "Content-Type: multipart/report; report-type=delivery-status; boundary=b",
    "",
    "--b",
    "Content-Type: message/delivery-status",
    "",
    "Reporting-MTA: dns; mx.example.net",
    "",
    `Final-Recipient: rfc822; ${address}`,
    "Action: failed",
    "Status: 5.2.2",
    "",
    "--b--",
    "",
  ].join("\r\n");
  const response = await fetch(`${postern.base}/inbound?to=bounce%2B${token}@bounces.example.com`, {
    method: "POST",
    headers: { authorization: `Bearer ${postern.key}`, "content-type": "message/rfc822" },
    body: report,
  });
  expect(await response.json()).toMatchObject({ kind: "bounce", matched: 1 });
  return response.status;
}

/** `npm run db:migrate`. */
async function dbMigrate(): Promise<{ code: number | null; said: string }> {
  const child = spawn(process.execPath, ["scripts/migrate.ts"], {
    env: { PATH: process.env.PATH, LIBSQL_URL: libsql.url, LIBSQL_AUTH_TOKEN: TOKEN },
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (said += chunk));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, said };
}

/** Half a second each, with libSQL away. */
const TURNS = 10;
const mail = { from: "a@example.com", to: "reader@example.net", subject: "Hello", text: "Hello" };

describe("a database whose tables do not fit", () => {
  let id: string;

  it("stops no mail; reads and the log say what to do", async () => {
    id = await postern.send(mail);
    await until(
      () => relay.log.taken.length === 1,
      10_000,
      () => "no mail",
    );
    const { status, body } = await postern.api("GET", `/emails/${id}`);
    expect([status, body.name]).toEqual([503, "application_error"]);
    expect(body.message).toContain("Run `npm run db:migrate`");
    await until(
      () =>
        /"fact":"libsql_away".*no tables of Postern yet. Run `npm run db:migrate`/.test(
          postern.stdout + postern.stderr,
        ),
      10_000,
      () => postern.stdout + postern.stderr,
    );
  });

  it("is brought up to date by one command, and what was kept for it arrives", async () => {
    const first = await dbMigrate();
    expect(first).toMatchObject({
      code: 0,
      said: expect.stringContaining(`Applied: ${MIGRATIONS[0]!.name}, `),
    });
    expect(await dbMigrate()).toEqual({ code: 0, said: "Up to date; nothing to apply.\n" });
    await postern.eventsOf(id, ["email.sent"]);
  });

  it("is left alone when it is newer", async () => {
    libsql.run("INSERT INTO postern_migrations VALUES ('9999_future', 0)");
    const refused = await dbMigrate();
    libsql.run("DELETE FROM postern_migrations WHERE name = '9999_future'");
    expect(refused).toMatchObject({ code: 1, said: expect.stringContaining("newer than this code") });
  });
});

describe("libSQL away", () => {
  it("under load: mail, pixel, links and bounces go on, reads are told at once, and every event is there once", {
    timeout: 120_000,
  }, async () => {
    relay.log.taken.length = 0;
    const wanted = readers(3_000);
    const tracked = await postern.send({
      ...mail,
      to: "tracked@example.net",
      html: '<a href="https://example.com/there">x</a>',
    });
    await postern.eventsOf(tracked, ["email.sent"]);
    const subject = { id: tracked as EmailId, recipient: 0 };
    const pixel = `/o/${signToken(SECRET, subject)}.gif`;
    const target = linkSigner(SECRET, subject.id)("https://example.com/there");
    const link = `/c/${signToken(SECRET, subject)}/${target}`;

    const ids = [await sendBulk(postern, wanted.slice(0, 1_000))];
    await libsql.pause();
    let visits = 0;
    let slowest = 0;
    const away = performance.now();
    for (let turn = 0; turn < TURNS; turn++) {
      if (turn === 1 || turn === 5)
        ids.push(await sendBulk(postern, wanted.slice(turn === 1 ? 1_000 : 2_000).slice(0, 1_000)));
      for (let i = 0; i < 20; i++) {
        const open = await fetch(`${postern.base}${pixel}`, { headers: { "user-agent": "Thunderbird" } });
        expect([open.status, open.headers.get("content-type")]).toEqual([200, "image/gif"]);
        await open.arrayBuffer();
        const click = await fetch(`${postern.base}${link}`, { redirect: "manual" });
        expect([click.status, click.headers.get("location")]).toEqual([302, "https://example.com/there"]);
        visits += 2;
      }
      expect(await bounce(ids[0]!, turn, wanted[turn]!)).toBe(200);
      for (const path of ["/emails", `/emails/${tracked}`, "/events", "/emails/metrics"]) {
        const asked = performance.now();
        const read = await fetch(`${postern.base}${path}`, {
          headers: { authorization: `Bearer ${postern.key}` },
        });
        slowest = Math.max(slowest, performance.now() - asked);
        expect([path, read.status, Number(read.headers.get("retry-after")) > 0]).toEqual([path, 503, true]);
        await read.text();
      }
      await sleep(500);
    }
    // Mail went on all the while.
    await until(
      () => relay.log.taken.length >= wanted.length + 1,
      30_000,
      () => `${relay.log.taken.length} taken`,
    );
    expect(tally(relay.log.taken.slice(1), wanted)).toEqual({ missing: [], strangers: [], duplicates: 0 });
    expect(performance.now() - away).toBeGreaterThan(5_000);
    // Not a matter of speed: nobody waits for a database that is known to be away.
    expect(slowest).toBeLessThan(2 * SETTLE_MS);

    await libsql.resume();
    const total = () => Number(libsql.query("SELECT count(*) AS n FROM events")[0]!.n);
    const expected = 1 + 1 + wanted.length + visits + TURNS;
    await until(
      async () => {
        await postern.api("GET", "/emails?limit=1");
        return total() >= expected;
      },
      70_000,
      () => `${total()} of ${expected} events`,
    );
    expect(total()).toBe(expected);
    expect(await counts(postern, ids[0]!)).toEqual({ sent: 1_000 - TURNS, bounced: TURNS });
    for (const id of ids.slice(1)) expect(await counts(postern, id)).toEqual({ sent: 1_000 });
    const { body } = await postern.api(
      "GET",
      "/emails/metrics?metrics=sent,opened,opened_scanner,clicked,clicked_scanner",
    );
    const totals = body.totals as Record<string, number>;
    expect(totals.sent).toBe(wanted.length + 2);
    expect(totals.opened! + totals.opened_scanner! + totals.clicked! + totals.clicked_scanner!).toBe(visits);
    const [sent] = libsql.query(
      "SELECT count(DISTINCT email_id || recipient) AS n FROM events WHERE type = 'email.sent'",
    );
    expect(sent!.n).toBe(totals.sent);
  });
});

/** EXPORT_EVENTS=1000000 for a longer run: the database in this process then takes a gigabyte or two. */
const EXPORTED = Number(process.env.EXPORT_EVENTS ?? 60_000);
/** Resident, of workerd. */
const MEMORY_MB = 300;

it(`an export of ${EXPORTED} events waits for who takes it, and is whole`, {
  timeout: 60_000 + EXPORTED / 2,
}, async () => {
  const email = await postern.send({ ...mail, to: "export@example.net" });
  await postern.eventsOf(email, ["email.sent"]);
  // A part at a time: this process also has connections to keep alive.
  for (let from = 0; from < EXPORTED; from += 10_000) {
    libsql.run(`INSERT INTO events (id, email_id, recipient, type, at, data)
      WITH RECURSIVE n(i) AS (SELECT ${from} UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ${Math.min(from + 10_000, EXPORTED)})
      SELECT printf('%08x-0000-7000-8000-000000000000', i), '${email}', 0,
        CASE i % 3 WHEN 0 THEN 'email.delivered' WHEN 1 THEN 'email.complained' ELSE 'email.unsubscribed' END,
        ${Date.UTC(2026, 0, 1)} + i / 7, json_object('reason', 'A few words, as many as there are in most events of this kind')
      FROM n`);
    await sleep(1);
  }
  const memory = () =>
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${postern.workerdPid}/status`, "utf8"))![1]) / 1024;

  const before = libsql.served();
  const response = await fetch(`${postern.base}/events?until=2026-02-01`, {
    headers: { authorization: `Bearer ${postern.key}`, accept: "application/x-ndjson" },
  });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let [lines, last, rest, peak] = [0, "", "", 0];
  const read = async (): Promise<boolean> => {
    const { done, value = "" } = await reader.read();
    const parts = (rest + value).split("\n");
    rest = parts.pop()!;
    for (const line of parts) {
      const { id } = JSON.parse(line) as { id: string };
      if (id <= last) throw new Error(`${id} came after ${last}`);
      last = id;
      lines += 1;
    }
    peak = Math.max(peak, memory());
    return done;
  };
  await read();
  // Nobody reads on. What is between us takes a few megabytes; then libSQL is asked no more.
  await until(
    async () => {
      const asked = libsql.served();
      await sleep(1_000);
      return libsql.served() === asked;
    },
    30_000,
    () => "libSQL is asked although nobody takes it",
  );
  const asked = libsql.served() - before;
  while (!(await read()));
  const all = libsql.served() - before;
  console.log(
    JSON.stringify({ exported: lines, workerdMb: Math.round(peak), queries: all, beforeReading: asked }),
  );
  expect(lines).toBe(EXPORTED);
  expect(asked).toBeLessThan(all * 0.75);
  expect(peak).toBeLessThan(MEMORY_MB);
});

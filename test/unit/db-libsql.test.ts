import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MIGRATIONS } from "../../migrations/index.ts";
import { openDb } from "../../src/db/client.ts";
import { findEmail } from "../../src/db/emails.ts";
import { figuresOf } from "../../src/db/figures.ts";
import { writeEntries } from "../../src/db/journal.ts";
import { migrate } from "../../src/db/migrate.ts";
import { checkFit } from "../../src/db/version.ts";
import { databaseContract } from "../contract/db.ts";
import { eraseContract } from "../contract/erase.ts";
import { figuresContract, olderDatabase } from "../contract/figures.ts";
import { pruneContract } from "../contract/prune.ts";
import { emailEntry } from "../support/entries.ts";
import { type HranaServer, startHranaServer } from "../support/hrana-server.ts";

let server: HranaServer;
beforeAll(async () => {
  server = await startHranaServer({ authToken: "let-me-in" });
});
afterAll(() => server.stop());

databaseContract("the real libSQL engine", () => openDb({ url: server.url, authToken: "let-me-in" }));
figuresContract("figures of the real libSQL engine", () =>
  openDb({ url: server.url, authToken: "let-me-in" }),
);

eraseContract("erasing from the real libSQL engine", () =>
  openDb({ url: server.url, authToken: "let-me-in" }),
);
pruneContract("pruning of the real libSQL engine", () => openDb({ url: server.url, authToken: "let-me-in" }));

it("counts the events that a database has from before there were figures", async () => {
  const older = await startHranaServer();
  const db = openDb({ url: older.url, authToken: null });
  const { domain, sent } = await olderDatabase(db);
  const rows = await figuresOf(db, {
    periods: [[0, 1e9]],
    by: [],
    only: { sender_domain: [domain] },
    emails: null,
    byEmail: false,
    without: [],
    limit: 100,
  });
  const counts: Record<string, number> = {};
  for (const { metric, count } of rows!) counts[metric] = (counts[metric] ?? 0) + count;
  const { rows: marks } = await db.$client.execute("SELECT count(*) AS n FROM uncounted");
  await older.stop();
  expect(counts).toEqual({
    sent,
    opened_person: 1,
    opened_proxy: 1,
    unique_opened_all: 1,
    unique_opened: 1,
    unique_opened_person: 1,
  });
  expect(marks[0]!.n).toBe(0);
});

describe("a database at LIBSQL_URL", () => {
  it("is used once it has the tables of this code, and till then says what is to be done", async () => {
    const other = await startHranaServer();
    const raw = () => openDb({ url: other.url, authToken: null });
    const now = Date.now();
    const db = openDb({ url: other.url, authToken: null, ready: () => checkFit(other.url, raw, now) });
    const unfit = (words: string) => ({
      name: "DbError",
      kind: "unfit",
      message: expect.stringContaining(words),
    });
    await expect(findEmail(db, "x")).rejects.toMatchObject(
      unfit("no tables of Postern yet. Run `npm run db:migrate`"),
    );
    // Kept, not parked: the ledger gives up what is refused, and nothing else.
    await expect(writeEntries(db, [emailEntry()])).rejects.toMatchObject({ kind: "unfit" });
    await migrate(raw(), Date.now, MIGRATIONS.slice(0, -1));
    await expect(findEmail(db, "x")).rejects.toMatchObject(
      unfit(`lacks the migration ${MIGRATIONS.at(-1)!.name}`),
    );
    await migrate(raw());
    await raw().$client.execute("INSERT INTO postern_migrations VALUES ('9999_future', 0)");
    await expect(findEmail(db, "x")).rejects.toMatchObject(
      unfit("newer than this code: it has the migration 9999_future"),
    );
    await raw().$client.execute("DELETE FROM postern_migrations WHERE name = '9999_future'");
    expect(await findEmail(db, "x")).toBeNull();
    const asked = other.served();
    expect(await findEmail(db, "x")).toBeNull();
    expect(other.served() - asked).toBe(1);
    await other.stop();
    await expect(findEmail(db, "x")).rejects.toMatchObject({ kind: "unavailable" });
  });
});

describe("a client", () => {
  const open = (over: Partial<Parameters<typeof openDb>[0]> = {}) =>
    openDb({ url: server.url, authToken: "let-me-in", ...over });
  const failureOf = (query: Promise<unknown>) => query.then(() => null).catch((cause: unknown) => cause);

  it.each(["file:local.db", ":memory:", "ftp://host", "nonsense", "wss://host"])(
    "refuses %s at once",
    (url) => {
      expect(() => open({ url })).toThrow(expect.objectContaining({ name: "DbError", kind: "unavailable" }));
    },
  );

  it("says when the token is wrong, without the token", async () => {
    const failure = await failureOf(findEmail(open({ authToken: "s3cret" }), "x"));
    expect(failure).toMatchObject({
      kind: "unavailable",
      message: expect.stringContaining("LIBSQL_AUTH_TOKEN"),
    });
    expect(String(failure)).not.toContain("s3cret");
  });

  it("is unavailable when nobody answers, when the answer is an error, and when it is not Hrana", async () => {
    const nobody = open({ fetch: () => Promise.reject(new TypeError("connect ECONNREFUSED")) });
    expect(await failureOf(findEmail(nobody, "x"))).toMatchObject({ name: "DbError", kind: "unavailable" });
    for (const fault of [
      { status: 503, body: "busy" },
      { status: 404, body: "" },
      { status: 200, body: "<html>" },
      { status: 200, body: "{}" },
    ]) {
      server.fault = fault;
      const failure = await failureOf(findEmail(open(), "x"));
      server.fault = null;
      expect(failure).toMatchObject({ name: "DbError", kind: "unavailable" });
    }
  });

  it("does not wait longer than its deadline, for headers or for a body", async () => {
    const silent = open({ timeoutMs: 20, fetch: () => new Promise(() => {}) });
    expect(await failureOf(findEmail(silent, "x"))).toMatchObject({
      kind: "unavailable",
      message: expect.stringContaining("20 ms"),
    });
    const endless = open({
      timeoutMs: 20,
      fetch: async () => new Response(new ReadableStream({ pull: () => new Promise(() => {}) })),
    });
    expect(await failureOf(findEmail(endless, "x"))).toMatchObject({ kind: "unavailable" });
  });

  it("is unavailable, not refused, where the tables are missing: nothing is given up for that", async () => {
    const empty = await startHranaServer();
    const failure = await failureOf(
      writeEntries(openDb({ url: empty.url, authToken: null }), [emailEntry()]),
    );
    await empty.stop();
    expect(failure).toMatchObject({ kind: "unavailable", message: expect.stringContaining("no such table") });
  });

  it("refuses a request too large for the server", async () => {
    server.fault = { status: 413, body: "" };
    const failure = await failureOf(writeEntries(open(), [emailEntry()]));
    server.fault = null;
    expect(failure).toMatchObject({ kind: "refused" });
  });

  it("tells the operator in a sentence when migrations cannot run", async () => {
    server.fault = { status: 500, body: "" };
    const migrated = await migrate(open());
    server.fault = null;
    expect(migrated).toEqual({ ok: false, error: "libSQL could not do it: it answered 500." });
  });
});

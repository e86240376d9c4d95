/** The embedded store: the contract of all databases, and its protocol at the edges. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { MIGRATIONS } from "../../migrations/index.ts";
import { openDb } from "../../src/db/client.ts";
import { findEmail } from "../../src/db/emails.ts";
import { databaseContract } from "../contract/db.ts";
import { eraseContract } from "../contract/erase.ts";
import { figuresContract } from "../contract/figures.ts";
import { pruneContract } from "../contract/prune.ts";

const stub = (name: string) => {
  const { STORE } = env as unknown as { STORE: DurableObjectNamespace };
  return STORE.get(STORE.idFromName(name));
};
const open = (name: string) =>
  openDb({ url: "http://store", authToken: null, fetch: (request) => stub(name).fetch(request) });

databaseContract("the embedded store", () => open("contract"));
figuresContract("figures of the embedded store", () => open("figures"));
eraseContract("erasing from the embedded store", () => open("erase"));
pruneContract("pruning of the embedded store", () => open("prune"));

const pipeline = async (name: string, requests: unknown[]) => {
  const response = await stub(name).fetch("http://store/v2/pipeline", {
    method: "POST",
    body: JSON.stringify({ requests }),
  });
  expect(response.status).toBe(200);
  return ((await response.json()) as { results: Record<string, unknown>[] }).results;
};
const execute = (sql: string, more: object = {}) => ({ type: "execute", stmt: { sql, ...more } });
const rowsOf = (result: unknown) =>
  (result as { response: { result: { rows: { value: unknown }[][] } } }).response.result.rows.map((row) =>
    row.map((value) => value.value),
  );

describe("the store's protocol", () => {
  it("needs no step before its first query, and answers the probe for versions", async () => {
    expect(await findEmail(open("fresh"), "x")).toBeNull();
    expect((await stub("fresh").fetch("http://store/v2")).status).toBe(200);
    expect((await stub("fresh").fetch("http://store/v3")).status).toBe(404);
  });

  it("refuses to touch a database newer than the code", async () => {
    await runInDurableObject(stub("newer"), (_, { storage }) => {
      storage.sql.exec(
        "CREATE TABLE postern_migrations (name TEXT PRIMARY KEY NOT NULL, applied_at INTEGER NOT NULL)",
      );
      for (const { name } of MIGRATIONS)
        storage.sql.exec("INSERT INTO postern_migrations VALUES (?, 0)", name);
      storage.sql.exec("INSERT INTO postern_migrations VALUES ('9999_future', 0)");
    });
    await expect(findEmail(open("newer"), "x")).rejects.toMatchObject({
      kind: "unfit",
      message: expect.stringContaining("9999_future"),
    });
  });

  it("answers a malformed pipeline with 400", async () => {
    const bodies = [
      "",
      "{",
      "null",
      "[]",
      "{}",
      '{"requests":[{}]}',
      '{"requests":[{"type":"execute"}]}',
      '{"requests":[{"type":"nonsense"}]}',
      '{"requests":[{"type":"execute","stmt":{"sql":"SELECT ?","args":[{"type":"integer","value":"1e3"}]}}]}',
      '{"requests":[{"type":"execute","stmt":{"sql":"SELECT ?","args":[{"type":"blob","base64":"é"}]}}]}',
      '{"baton":"x","requests":[]}',
      `{"requests":[{"type":"batch","batch":{"steps":[{"stmt":{"sql":"SELECT 1"},"condition":${'{"type":"not","cond":'.repeat(20_000)}{"type":"is_autocommit"}${"}".repeat(20_000)}}]}}]}`,
    ];
    for (const body of bodies) {
      const response = await stub("malformed").fetch("http://store/v2/pipeline", { method: "POST", body });
      expect([response.status, body.slice(0, 60)]).toEqual([400, body.slice(0, 60)]);
    }
  });

  it("runs steps by their conditions", async () => {
    const step = (sql: string, condition?: object) => ({ stmt: { sql }, condition });
    const ok0 = { type: "ok", step: 0 };
    const error1 = { type: "error", step: 1 };
    const [batch] = await pipeline("conditions", [
      {
        type: "batch",
        batch: {
          steps: [
            step("SELECT 0"),
            step("SELECT nonsense FROM nowhere"),
            step("SELECT 2", ok0),
            step("SELECT 3", error1),
            step("SELECT 4", { type: "not", cond: ok0 }),
            step("SELECT 5", { type: "and", conds: [ok0, error1] }),
            step("SELECT 6", {
              type: "or",
              conds: [
                { type: "ok", step: 1 },
                { type: "ok", step: 4 },
              ],
            }),
            step("SELECT 7", { type: "is_autocommit" }),
            step("SELECT 8", { type: "error", step: 4 }),
          ],
        },
      },
    ]);
    const { step_results, step_errors } = (
      batch as { response: { result: { step_results: unknown[]; step_errors: ({ code: string } | null)[] } } }
    ).response.result;
    expect(step_results.map((result) => result !== null)).toEqual([
      true,
      false,
      true,
      true,
      false,
      true,
      false,
      true,
      false,
    ]);
    expect(step_errors.map((error) => error?.code ?? null)).toEqual([
      null,
      "SQLITE_ERROR",
      ...Array(7).fill(null),
    ]);
  });

  it("keeps transactions within a request: committed, rolled back, or left open and undone", async () => {
    await pipeline("transactions", [execute("CREATE TABLE t (a INTEGER PRIMARY KEY)")]);
    const committed = await pipeline("transactions", [
      execute("BEGIN IMMEDIATE"),
      execute("INSERT INTO t VALUES (1)"),
      { type: "get_autocommit" },
      execute("COMMIT"),
      { type: "get_autocommit" },
      execute("BEGIN"),
      execute("INSERT INTO t VALUES (2)"),
      execute("ROLLBACK"),
    ]);
    expect(committed[2]).toMatchObject({ response: { is_autocommit: false } });
    expect(committed[4]).toMatchObject({ response: { is_autocommit: true } });
    const open = await pipeline("transactions", [
      execute("INSERT INTO t VALUES (3)"),
      execute("BEGIN"),
      execute("INSERT INTO t VALUES (4)"),
      { type: "close" },
    ]);
    expect(open.map(({ type }) => type)).toEqual(["ok", "error", "error", "ok"]);
    expect(open[1]).toMatchObject({ error: { code: "TRANSACTION_UNSUPPORTED" } });
    const [rows, twice, none] = await pipeline("transactions", [
      execute("SELECT a FROM t"),
      execute("COMMIT"),
      {
        type: "batch",
        batch: { steps: [{ stmt: { sql: "BEGIN" } }, { stmt: { sql: "BEGIN" } }, { stmt: { sql: "END" } }] },
      },
    ]);
    expect(rowsOf(rows)).toEqual([["1"], ["3"]]);
    expect(twice).toMatchObject({ type: "error" });
    expect(none).toMatchObject({
      response: { result: { step_errors: [null, { code: "SQLITE_ERROR" }, null] } },
    });
  });

  it("refuses an interactive transaction in words", async () => {
    const transaction = await open("interactive").$client.transaction("write");
    await expect(transaction.execute("SELECT 1")).rejects.toThrow(/within one request/);
  });

  it("stores SQL texts within a pipeline", async () => {
    const [, rows, , gone] = await pipeline("stored", [
      { type: "store_sql", sql_id: 1, sql: "SELECT 42" },
      { type: "execute", stmt: { sql_id: 1 } },
      { type: "close_sql", sql_id: 1 },
      { type: "execute", stmt: { sql_id: 1 } },
    ]);
    expect(rowsOf(rows)).toEqual([["42"]]);
    expect(gone).toMatchObject({ type: "error", error: { code: "SQL_NOT_FOUND" } });
  });

  it("reads integers beyond 2^53 exactly, beside floats, texts and nulls", async () => {
    const sql =
      "SELECT ?1 AS big, 1e300 AS huge, 'x' AS text, NULL AS n, -9007199254740993 AS neg ORDER BY 1";
    const [result] = await pipeline("exact", [
      execute(sql, { args: [{ type: "integer", value: "9223372036854775807" }] }),
    ]);
    expect(rowsOf(result)).toEqual([["9223372036854775807", 1e300, "x", undefined, "-9007199254740993"]]);
    expect(result).toMatchObject({ response: { result: { cols: [{ name: "big" }, {}, {}, {}, {}] } } });
  });

  it("gives a missing argument, a second statement and no statement an error of their own", async () => {
    const results = await pipeline("errors", [
      execute("SELECT ?, :name", { args: [{ type: "null" }] }),
      execute("SELECT 1; SELECT 2"),
      execute("-- nothing"),
      execute("SELECT 1; -- and a word"),
      { type: "sequence", sql: "CREATE TABLE a (x); INSERT INTO a VALUES (';'); -- done" },
      execute("INSERT INTO a VALUES (?)", { args: [{ type: "integer", value: "9223372036854775808" }] }),
    ]);
    expect(results.map((result) => (result.error as { code: string } | undefined)?.code ?? null)).toEqual([
      "ARGS_INVALID",
      "SQL_MANY_STATEMENTS",
      "SQL_NO_STATEMENT",
      null,
      null,
      "ARGS_INVALID",
    ]);
  });

  it("describes a statement without running it", async () => {
    await pipeline("describe", [execute("CREATE TABLE d (a, b)")]);
    const [read, write, count] = await pipeline("describe", [
      { type: "describe", sql: "SELECT a, b AS bee FROM d WHERE a = :a AND b = ?;" },
      { type: "describe", sql: "INSERT INTO d VALUES (?, ?)" },
      execute("SELECT count(*) FROM d"),
    ]);
    expect(read).toMatchObject({
      response: {
        result: {
          params: [{ name: ":a" }, { name: null }],
          cols: [{ name: "a" }, { name: "bee" }],
          is_readonly: true,
          is_explain: false,
        },
      },
    });
    expect(write).toMatchObject({ response: { result: { is_readonly: false, cols: [] } } });
    expect(rowsOf(count)).toEqual([["0"]]);
  });
});

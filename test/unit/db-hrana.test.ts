import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bundle } from "../../migrations/bundle.ts";
import { DbError, toDbError } from "../../src/db/error.ts";
import { type Condition, fromWire, holds, toWire } from "../../src/db/hrana.ts";
import { parsePipeline } from "../../src/db/hrana-parse.ts";
import { program, SqlFailure } from "../../src/db/hrana-program.ts";
import { pendingAfter } from "../../src/db/migrate.ts";
import { readSql, respell } from "../../src/db/sql-text.ts";

describe("values", () => {
  it("come back as they went", () => {
    const value = fc.oneof(
      fc.constant(null),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.string({ unit: "binary" }),
      fc.uint8Array({ maxLength: 20_000 }),
    );
    fc.assert(
      fc.property(value, (sent) => {
        const wire = JSON.parse(JSON.stringify(toWire(sent)));
        // JSON has no -0.
        expect(fromWire(wire)).toEqual(Object.is(sent, -0) ? 0 : sent);
        const body = { requests: [{ type: "execute", stmt: { sql: "SELECT ?", args: [wire] } }] };
        expect(parsePipeline(JSON.stringify(body)).ok).toBe(true);
      }),
    );
  });

  it("take base64 with and without padding", () => {
    expect(fromWire({ type: "blob", base64: "AAE=" })).toEqual(new Uint8Array([0, 1]));
    expect(fromWire({ type: "blob", base64: "AAE" })).toEqual(new Uint8Array([0, 1]));
    expect(fromWire({ type: "blob", base64: "" })).toEqual(new Uint8Array());
  });
});

describe("a pipeline", () => {
  it("is read from any text without a throw", () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => void parsePipeline(text)));
  });

  it("is read or refused, whatever its parts", () => {
    const noise = fc.letrec((tie) => ({
      any: fc.oneof(
        { depthSize: "small" },
        fc.constantFrom("execute", "batch", "integer", "blob", "SELECT 1", 1, null, "not", "ok"),
        fc.dictionary(
          fc.constantFrom(
            "type",
            "stmt",
            "sql",
            "args",
            "value",
            "base64",
            "batch",
            "steps",
            "condition",
            "cond",
            "step",
          ),
          tie("any"),
        ),
        fc.array(tie("any"), { maxLength: 3 }),
      ),
    })).any;
    fc.assert(
      fc.property(fc.array(noise), (requests) => {
        const parsed = parsePipeline(JSON.stringify({ requests }));
        if (!parsed.ok) return;
        for (const request of parsed.value.requests)
          if (request.type === "execute") for (const arg of request.stmt.args ?? []) fromWire(arg);
      }),
    );
  });

  it.each([
    ["{", "not JSON"],
    ["[]", "object"],
    ['{"requests":{}}', "requests must be a list"],
    ['{"requests":[{"type":"x"}]}', "request has no known type"],
    ['{"requests":[{"type":"execute","stmt":{"sql":1}}]}', "sql is missing or has the wrong type"],
    ['{"requests":[{"type":"execute","stmt":{"args":[{"type":"integer","value":1}]}}]}', "integer"],
    ['{"requests":[{"type":"execute","stmt":{"args":[{"type":"blob","base64":"AAA=A"}]}}]}', "base64"],
    ['{"requests":[{"type":"execute","stmt":{"args":[{"type":"blob","base64":"A"}]}}]}', "base64"],
    [
      '{"requests":[{"type":"batch","batch":{"steps":[{"stmt":{},"condition":{"type":"xor"}}]}}]}',
      "condition",
    ],
  ])("%s: %s", (text, problem) => {
    expect(parsePipeline(text)).toMatchObject({ ok: false, error: expect.stringContaining(problem) });
  });

  it("leaves a bug a bug: only what the database says becomes an answer", () => {
    const engine = (cause: unknown) => ({
      execute: () => {
        throw cause;
      },
      sequence: () => {},
      describe: () => {
        throw cause;
      },
    });
    const requests = [{ type: "execute" as const, stmt: { sql: "SELECT 1" } }];
    expect(program(requests, engine(new SqlFailure("SQLITE_ERROR", "no"))).next().value).toEqual([
      { type: "error", error: { code: "SQLITE_ERROR", message: "no" } },
    ]);
    expect(() => program(requests, engine(new TypeError("bug"))).next()).toThrow("bug");
  });
});

describe("conditions", () => {
  const passed = [true, false, null];
  it.each<[Condition, boolean]>([
    [{ type: "ok", step: 0 }, true],
    [{ type: "ok", step: 1 }, false],
    [{ type: "ok", step: 2 }, false],
    [{ type: "ok", step: 9 }, false],
    [{ type: "error", step: 0 }, false],
    [{ type: "error", step: 1 }, true],
    [{ type: "error", step: 2 }, false],
    [{ type: "not", cond: { type: "ok", step: 2 } }, true],
    [{ type: "and", conds: [] }, true],
    [{ type: "or", conds: [] }, false],
    [{ type: "is_autocommit" }, true],
  ])("%j is %s", (condition, expected) => {
    expect(holds(condition, passed, true)).toBe(expected);
  });
});

describe("SQL text", () => {
  const parameters = (sql: string) => readSql(sql).parameters.map(({ index, name }) => name ?? index);
  it.each<[string, (string | number)[], number]>([
    ["SELECT ?, ?", [1, 2], 2],
    ["SELECT ?3, ?, ?1", [3, 4, 1], 4],
    ["SELECT :a, @b, $c, :a, ?", [":a", "@b", "$c", ":a", 4], 4],
    ["SELECT '?', \"?\", `?`, [?], 'it''s ?' -- ?\n, ? /* ? */", [1], 1],
    ["SELECT ':a' || :b", [":b"], 1],
    ["SELECT 'never closed ?", [], 0],
    ["SELECT a -> '$.b', \"x:y\" FROM t", [], 0],
    ["", [], 0],
  ])("%s has the parameters %j", (sql, expected, count) => {
    expect(parameters(sql)).toEqual(expected);
    expect(readSql(sql).count).toBe(count);
  });

  it.each([
    ["select 1", "SELECT", false],
    ["-- a\n/* b */ insert into t values (1);", "INSERT", false],
    ["SELECT 1; ; -- x", "SELECT", false],
    ["SELECT 1; SELECT 2", "SELECT", true],
    ["SELECT ';'", "SELECT", false],
    ["CREATE TRIGGER a AFTER INSERT ON b BEGIN SELECT 1; SELECT 2; END", "CREATE", false],
    [" ;; -- nothing", "", false],
  ])("%j begins with %j; more follows: %s", (sql, keyword, many) => {
    expect(readSql(sql)).toMatchObject({ keyword, many });
  });

  it("is respelled in its parameters only", () => {
    const sql = "SELECT '?', ?, :a -- ?\n, ?1";
    expect(respell(sql, readSql(sql), (index) => `<${index}>`)).toBe("SELECT '?', <1>, <2> -- ?\n, <1>");
  });

  it("is read in time that grows with its length only", () => {
    for (const text of [
      "'".repeat(99_999),
      "/*".repeat(50_000),
      "[".repeat(99_999),
      "?".repeat(50_000),
      ":a".repeat(50_000),
    ])
      expect(readSql(`SELECT ${text}`).keyword).toBe("SELECT");
  });
});

describe("errors of the database", () => {
  const coded = (code: string, message = "x") => Object.assign(new Error(message), { code });
  it.each([
    [coded("SQLITE_CONSTRAINT_NOTNULL"), "refused"],
    [coded("SQLITE_CONSTRAINT"), "refused"],
    [coded("SQLITE_TOOBIG"), "refused"],
    [coded("SQLITE_MISMATCH"), "refused"],
    [coded("SQLITE_ERROR", "SQLITE_ERROR: malformed JSON"), "refused"],
    [coded("SERVER_ERROR", "SERVER_ERROR: Server returned HTTP status 413"), "refused"],
    [coded("SERVER_ERROR", "SERVER_ERROR: Server returned HTTP status 500: secret"), "unavailable"],
    [coded("SQLITE_ERROR", "no such table: emails"), "unavailable"],
    [coded("SQLITE_BUSY"), "unavailable"],
    [coded("SQLITE_FULL"), "unavailable"],
    [coded("HRANA_PROTO_ERROR"), "unavailable"],
    [new TypeError("fetch failed: https://token@host"), "unavailable"],
    ["a string", "unavailable"],
    [new Error("Failed query: params: secret", { cause: coded("SQLITE_CONSTRAINT") }), "refused"],
  ])("%s is %s", (cause, kind) => {
    const error = toDbError(cause);
    expect(error).toBeInstanceOf(DbError);
    expect(error.kind).toBe(kind);
    expect(error.message).not.toMatch(/secret|token@/);
  });
});

describe("migrations", () => {
  const folder = join(import.meta.dirname, "../../migrations");
  it("are bundled as they stand in their files; else run `npm run db:generate`", () => {
    expect(readFileSync(join(folder, "index.ts"), "utf8")).toBe(bundle(folder));
  });

  it("are pending until applied, and unknown ones stop everything", () => {
    const known = [
      { name: "0000_a", statements: [] },
      { name: "0001_b", statements: [] },
    ];
    expect(pendingAfter([], known)).toEqual({ ok: true, value: known });
    expect(pendingAfter(["0000_a"], known)).toEqual({ ok: true, value: [known[1]] });
    expect(pendingAfter(["0000_a", "0002_c"], known)).toMatchObject({
      ok: false,
      error: expect.stringContaining("0002_c"),
    });
  });
});

/**
 * Runs one Hrana pipeline against an engine. A generator, because the storage of a Durable Object knows transactions only
 * as a callback: the program says "begin", "commit" and "rollback", and whoever drives it wraps what lies between.
 */
import {
  type DescribeResult,
  holds,
  type Stmt,
  type StmtResult,
  type StreamRequest,
  type StreamResponse,
  type StreamResult,
  type WireError,
} from "./hrana.ts";

/** Runs single statements outside of any question of transactions. Every method may throw a SqlFailure. */
export interface Engine {
  execute(sql: string, stmt: Stmt): StmtResult;
  /** Any number of statements without parameters. */
  sequence(sql: string): void;
  describe(sql: string): DescribeResult;
}

/** What the database has against a statement. */
export class SqlFailure extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

export type Turn = "begin" | "commit" | "rollback";
export type Program = Generator<Turn, StreamResult[], void>;

const CONTROL =
  /^\s*(?:(begin)|(commit|end)|(rollback))(?:\s+(?:deferred|immediate|exclusive))?(?:\s+transaction)?(?:\s+readonly)?\s*;?\s*$/i;
const NOTHING: StmtResult = { cols: [], rows: [], affected_row_count: 0, last_insert_rowid: null };
const INTERACTIVE: WireError = {
  code: "TRANSACTION_UNSUPPORTED",
  message:
    "The embedded store runs a transaction within one request only: send BEGIN and COMMIT in one batch. It was rolled back.",
};

export function* program(requests: readonly StreamRequest[], engine: Engine): Program {
  const stored = new Map<number, string>();
  const results: StreamResult[] = [];
  let begunBy: number | null = null;

  const sqlOf = ({ sql, sql_id }: { sql?: string | null; sql_id?: number | null }): string => {
    const text = sql ?? (typeof sql_id === "number" ? stored.get(sql_id) : undefined);
    if (text === undefined)
      throw new SqlFailure("SQL_NOT_FOUND", "The SQL text was not given or not stored.");
    return text;
  };

  function* execute(stmt: Stmt, request: number): Generator<Turn, StmtResult, void> {
    const sql = sqlOf(stmt);
    const control = CONTROL.exec(sql);
    if (control === null) return engine.execute(sql, stmt);
    const begins = control[1] !== undefined;
    if (begins !== (begunBy === null))
      throw new SqlFailure(
        "SQLITE_ERROR",
        begins ? "A transaction is already open." : "No transaction is open.",
      );
    begunBy = begins ? request : null;
    yield begins ? "begin" : control[2] !== undefined ? "commit" : "rollback";
    return NOTHING;
  }

  function* respond(request: StreamRequest, at: number): Generator<Turn, StreamResponse, void> {
    switch (request.type) {
      case "close":
        return { type: "close" };
      case "execute":
        return { type: "execute", result: yield* execute(request.stmt, at) };
      case "batch": {
        const step_results: (StmtResult | null)[] = [];
        const step_errors: (WireError | null)[] = [];
        const passed: (boolean | null)[] = [];
        for (const { condition, stmt } of request.batch.steps) {
          let result: StmtResult | null = null;
          let error: WireError | null = null;
          if (condition == null || holds(condition, passed, begunBy === null)) {
            try {
              result = yield* execute(stmt, at);
            } catch (cause) {
              error = wireError(cause);
            }
          }
          step_results.push(result);
          step_errors.push(error);
          passed.push(result !== null ? true : error !== null ? false : null);
        }
        return { type: "batch", result: { step_results, step_errors } };
      }
      case "sequence":
        engine.sequence(sqlOf(request));
        return { type: "sequence" };
      case "describe":
        return { type: "describe", result: engine.describe(sqlOf(request)) };
      case "store_sql":
        stored.set(request.sql_id, request.sql);
        return { type: "store_sql" };
      case "close_sql":
        stored.delete(request.sql_id);
        return { type: "close_sql" };
      case "get_autocommit":
        return { type: "get_autocommit", is_autocommit: begunBy === null };
    }
  }

  for (const [at, request] of requests.entries()) {
    try {
      results.push({ type: "ok", response: yield* respond(request, at) });
    } catch (cause) {
      results.push({ type: "error", error: wireError(cause) });
    }
  }
  if (begunBy !== null) {
    for (let at: number = begunBy; at < results.length; at++)
      if (requests[at]!.type !== "close") results[at] = { type: "error", error: INTERACTIVE };
  }
  return results;
}

function wireError(cause: unknown): WireError {
  if (cause instanceof SqlFailure) return { message: cause.message, code: cause.code };
  throw cause;
}

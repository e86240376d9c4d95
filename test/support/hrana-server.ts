/**
 * The real libSQL engine (npm `libsql`) behind Hrana 2 over HTTP, as sqld serves it: enough of the protocol for
 * @libsql/client. Written apart from src/db, so that the two can disagree. Runs under Node, on loopback.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import Database from "libsql";

type Wire = { type: string; value?: string | number; base64?: string };
interface Stmt {
  sql?: string;
  sql_id?: number;
  args?: Wire[];
  named_args?: { name: string; value: Wire }[];
}
type Condition = { type: string; step?: number; cond?: Condition; conds?: Condition[] };
type Request =
  | { type: "close" | "get_autocommit" }
  | { type: "execute"; stmt: Stmt }
  | { type: "batch"; batch: { steps: { condition?: Condition; stmt: Stmt }[] } }
  | { type: "sequence"; sql?: string; sql_id?: number }
  | { type: "store_sql"; sql_id: number; sql: string }
  | { type: "close_sql"; sql_id: number };

export interface HranaServer {
  url: string;
  /** Requests served so far. */
  served(): number;
  /** While set, every request is answered so, before the database sees it. */
  fault: { status: number; body: string } | null;
  /** Nobody listens any more, and open connections are cut; what was written stays. */
  pause(): Promise<void>;
  /** Listens again, under the same URL. */
  resume(): Promise<void>;
  /** Runs a query, or statements, on the database itself. */
  query(sql: string): Record<string, unknown>[];
  run(sql: string): void;
  stop(): Promise<void>;
}

/** A server with an empty database in memory. With a token, requests must carry it. */
export async function startHranaServer(options: { authToken?: string } = {}): Promise<HranaServer> {
  const database = new Database(":memory:");
  let served = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      served += 1;
      const answer = (status: number, body: string, type: string) =>
        response.writeHead(status, { "content-type": type }).end(body);
      if (self.fault !== null) return answer(self.fault.status, self.fault.body, "text/plain");
      if (options.authToken !== undefined && request.headers.authorization !== `Bearer ${options.authToken}`)
        return answer(401, "Unauthorized", "text/plain");
      if (request.method !== "POST" || request.url !== "/v2/pipeline") return answer(404, "", "text/plain");
      const { requests } = JSON.parse(Buffer.concat(chunks).toString("utf8")) as { requests: Request[] };
      const results = pipeline(database, requests);
      answer(200, JSON.stringify({ baton: null, base_url: null, results }), "application/json");
    });
  });
  const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  const self: HranaServer = {
    url: `http://127.0.0.1:${port}`,
    served: () => served,
    fault: null,
    pause: close,
    resume: () => listen(port),
    query: (sql) => database.prepare(sql).all() as Record<string, unknown>[],
    run: (sql) => void database.exec(sql),
    async stop() {
      if (server.listening) await close();
      database.close();
    },
  };
  return self;
}

function pipeline(database: Database.Database, requests: Request[]): unknown[] {
  const stored = new Map<number, string>();
  const run = (stmt: Stmt) => execute(database, stmt.sql ?? stored.get(stmt.sql_id!)!, stmt);
  const results = requests.map((request) => {
    try {
      return { type: "ok", response: { type: request.type, ...respond(request) } };
    } catch (cause) {
      return { type: "error", error: errorOf(cause) };
    }
  });
  // The stream ends with the request here: what it left open is undone, as when a stream expires.
  if (database.inTransaction) database.exec("ROLLBACK");
  return results;

  function respond(request: Request): object {
    switch (request.type) {
      case "execute":
        return { result: run(request.stmt) };
      case "batch": {
        const step_results: unknown[] = [];
        const step_errors: unknown[] = [];
        for (const { condition, stmt } of request.batch.steps) {
          let result: unknown = null;
          let error: unknown = null;
          if (condition == null || holds(condition, step_results, step_errors)) {
            try {
              result = run(stmt);
            } catch (cause) {
              error = errorOf(cause);
            }
          }
          step_results.push(result);
          step_errors.push(error);
        }
        return { result: { step_results, step_errors } };
      }
      case "sequence":
        database.exec(request.sql ?? stored.get(request.sql_id!)!);
        return {};
      case "store_sql":
        stored.set(request.sql_id, request.sql);
        return {};
      case "close_sql":
        stored.delete(request.sql_id);
        return {};
      case "get_autocommit":
        return { is_autocommit: !database.inTransaction };
      case "close":
        return {};
    }
  }
}

function execute(database: Database.Database, sql: string, { args, named_args }: Stmt) {
  const statement = database.prepare(sql).safeIntegers(true);
  const values = (args ?? []).map(fromWire);
  const bound =
    named_args !== undefined && named_args.length > 0
      ? [
          Object.fromEntries(
            named_args.map(({ name, value }) => [name.replace(/^[:@$]/, ""), fromWire(value)]),
          ),
        ]
      : // As one list: the driver takes a lone null for missing options.
        [values];
  if (statement.reader) {
    const rows = statement.raw(true).all(...bound) as unknown[][];
    return {
      cols: statement.columns().map(({ name, type }) => ({ name, decltype: type })),
      rows: rows.map((row) => row.map(toWire)),
      affected_row_count: 0,
      last_insert_rowid: null,
    };
  }
  const { changes, lastInsertRowid } = statement.run(...bound);
  return { cols: [], rows: [], affected_row_count: changes, last_insert_rowid: String(lastInsertRowid) };
}

function holds(condition: Condition, results: unknown[], errors: unknown[]): boolean {
  switch (condition.type) {
    case "ok":
      return results[condition.step!] != null;
    case "error":
      return errors[condition.step!] != null;
    case "not":
      return !holds(condition.cond!, results, errors);
    case "and":
      return condition.conds!.every((one) => holds(one, results, errors));
    case "or":
      return condition.conds!.some((one) => holds(one, results, errors));
    default:
      throw new Error(`unknown condition ${condition.type}`);
  }
}

function fromWire(value: Wire): unknown {
  switch (value.type) {
    case "integer":
      return BigInt(value.value!);
    case "float":
    case "text":
      return value.value;
    case "blob":
      return Buffer.from(value.base64!, "base64");
    default:
      return null;
  }
}

function toWire(value: unknown): Wire {
  if (value === null || value === undefined) return { type: "null" };
  if (typeof value === "bigint") return { type: "integer", value: String(value) };
  if (typeof value === "number") return { type: "float", value };
  if (typeof value === "string") return { type: "text", value };
  return { type: "blob", base64: Buffer.from(value as Uint8Array).toString("base64") };
}

function errorOf(cause: unknown) {
  const { message, code } = cause as { message: string; code?: string };
  return { message, code: code ?? "SQLITE_ERROR" };
}

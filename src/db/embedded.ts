/**
 * The embedded store: a Durable Object that speaks libSQL's protocol (Hrana 2 over HTTP) over its own SQLite, so that the
 * same queries and migrations run here, on Turso and on sqld. It brings itself up to date at its first request.
 */
import { DurableObject } from "cloudflare:workers";
import { EmbeddedEngine } from "./embedded-engine.ts";
import { UNFIT_CODE } from "./error.ts";
import type { StreamRequest, StreamResult } from "./hrana.ts";
import { parsePipeline } from "./hrana-parse.ts";
import { type Program, program, SqlFailure } from "./hrana-program.ts";
import { APPLIED_SQL, pendingAfter, RECORD_SQL, TABLE_SQL } from "./migrate.ts";

export class Store extends DurableObject {
  /** Null: up to date. Otherwise why not, or that nobody has looked yet. */
  #problem: string | null = "unchecked";

  override async fetch(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    // Clients find out by GET which versions there are; this is the only one.
    if (request.method === "GET" && pathname === "/v2") return new Response("ok");
    if (request.method !== "POST" || pathname !== "/v2/pipeline")
      return new Response("Only POST /v2/pipeline is served here.", { status: 404 });
    const pipeline = parsePipeline(await request.text());
    if (!pipeline.ok) return wrong(400, "PIPELINE_INVALID", pipeline.error);
    if (pipeline.value.baton != null)
      return wrong(400, "STREAM_UNKNOWN", "The embedded store keeps no streams between requests.");
    if (this.#problem !== null) this.#problem = this.#migrate();
    if (this.#problem !== null) {
      const error = { message: this.#problem, code: UNFIT_CODE };
      const results = pipeline.value.requests.map(() => ({ type: "error", error }));
      return Response.json({ baton: null, base_url: null, results });
    }
    return Response.json({
      baton: null,
      base_url: null,
      results: runPipeline(this.ctx.storage, pipeline.value.requests),
    });
  }

  #migrate(): string | null {
    const { sql } = this.ctx.storage;
    sql.exec(TABLE_SQL);
    const applied = [...sql.exec<{ name: string }>(APPLIED_SQL)].map(({ name }) => name);
    const pending = pendingAfter(applied);
    if (!pending.ok) return pending.error;
    const engine = new EmbeddedEngine(sql);
    for (const { name, statements } of pending.value) {
      this.ctx.storage.transactionSync(() => {
        for (const statement of statements) engine.sequence(statement);
        sql.exec(RECORD_SQL, name, Date.now());
      });
    }
    return null;
  }
}

const wrong = (status: number, code: string, message: string): Response =>
  Response.json({ message, code }, { status });

class RolledBack extends Error {}

/** Drives a program: what lies between its "begin" and "commit" is one transaction of the storage. */
export function runPipeline(
  storage: DurableObjectStorage,
  requests: readonly StreamRequest[],
): StreamResult[] {
  const running = program(requests, new EmbeddedEngine(storage.sql));
  let turn = running.next();
  // Outside of a transaction a program can only begin one.
  while (turn.done !== true) turn = transact(storage, running);
  return turn.value;
}

/** From after a "begin" to what follows its end. */
function transact(storage: DurableObjectStorage, running: Program): ReturnType<Program["next"]> {
  let last: ReturnType<Program["next"]> | undefined;
  try {
    storage.transactionSync(() => {
      last = running.next();
      if (last.done === true || last.value !== "commit") throw new RolledBack();
    });
  } catch (cause) {
    if (!(cause instanceof RolledBack))
      return running.throw(new SqlFailure("SQLITE_ERROR", `The transaction could not end: ${String(cause)}`));
  }
  return last?.done === true ? last : running.next();
}

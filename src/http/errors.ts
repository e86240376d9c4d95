/** A Problem as a response: the only place where errors become HTTP. */
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { type Problem, toWire } from "../core/errors.ts";
import type { Result } from "../core/result.ts";
import { DbError } from "../db/error.ts";
import { log } from "../log.ts";
import type { AppContext } from "./context.ts";

/** libSQL cannot be reached. */
export const storeAway: Problem = {
  kind: "unavailable",
  message: "The event store cannot be asked just now. Sending goes on; ask again in a moment.",
  retryAfterSeconds: 5,
};

/** Its tables are not those of this code. What the operator is to do may well be read by whoever calls: often it is one person. */
export const storeUnfit = (message: string): Problem => ({
  kind: "unavailable",
  message,
  retryAfterSeconds: 60,
});

/** For what a handler cannot go on from, thrown and answered by the app's error handler. */
export class ProblemError extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.kind);
    this.problem = problem;
  }
}

/** A full disk, or an object's share of storage used up (10 GB on Cloudflare). */
const STORAGE_FULL = /\bSQLITE_(?:FULL|IOERR)/;
/** How the platform spells what went wrong within itself, such as an object that broke in the middle of a call. */
const PLATFORM_FAILED = /^internal error; reference = /;

/**
 * What a caller is told of whatever was thrown. The platform marks errors of its own (developers.cloudflare.com/durable-objects,
 * "Error handling"): `overloaded`, and `retryable` where it may be tried again.
 */
export function problemOf(cause: unknown): Problem {
  if (cause instanceof ProblemError) return cause.problem;
  if (cause instanceof DbError) return cause.kind === "unfit" ? storeUnfit(cause.message) : storeAway;
  const { message, overloaded, retryable } = Object(cause) as Record<string, unknown>;
  if (STORAGE_FULL.test(String(message)))
    return {
      kind: "unavailable",
      message:
        "The gateway's storage cannot be written to; most likely its disk is full. Nothing new is taken. What waits is kept, and goes on once there is room.",
      retryAfterSeconds: 60,
    };
  if (overloaded === true || retryable === true || PLATFORM_FAILED.test(String(message)))
    return {
      kind: "unavailable",
      message: `The gateway ${overloaded === true ? "has more to do than it can" : "lost touch with a part of itself"} just now. Send it again in a moment; with an \`Idempotency-Key\` nothing is sent twice.`,
      retryAfterSeconds: overloaded === true ? 10 : 1,
    };
  return { kind: "internal" };
}

/** Logs what was thrown, for the operator, and says what the caller is told of it. */
export function caught(c: AppContext, cause: unknown): Problem {
  const { requestId } = c.var;
  if (cause instanceof DbError) log("libsql_failed", { requestId, kind: cause.kind, cause: cause.message });
  else if (!(cause instanceof ProblemError))
    // The path of a redirect holds a token; the route is enough.
    log("request_failed", {
      requestId,
      method: c.req.method,
      cause: String(cause),
      stack: cause instanceof Error ? cause.stack : undefined,
    });
  return problemOf(cause);
}

/** The value, or its Problem thrown. */
export function unwrap<T>(result: Result<T, Problem>): T {
  if (result.ok) return result.value;
  throw new ProblemError(result.error);
}

export function fail(c: AppContext, problem: Problem): Response {
  if ("retryAfterSeconds" in problem) c.header("Retry-After", String(problem.retryAfterSeconds));
  const wire = toWire(problem);
  return c.json(wire, wire.statusCode as ContentfulStatusCode);
}

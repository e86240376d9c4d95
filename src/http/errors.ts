/** A Problem as a response: the only place where errors become HTTP. */
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { type Problem, toWire } from "../core/errors.ts";
import type { Result } from "../core/result.ts";
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

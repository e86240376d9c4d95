import { describe, expect, it } from "vitest";
import { toWire } from "../../src/core/errors.ts";
import { DbError } from "../../src/db/error.ts";
import { ProblemError, problemOf } from "../../src/http/errors.ts";

/** An error as the platform throws it across a call to an object. */
const thrown = (message: string, marks: Record<string, boolean> = {}) =>
  Object.assign(new Error(message), marks);

describe("what a caller is told of what was thrown", () => {
  it.each<[string, unknown, number, RegExp]>([
    ["a problem", new ProblemError({ kind: "not_found", message: "No." }), 404, /^No\.$/],
    ["libSQL away", new DbError("unavailable", "x"), 503, /event store/],
    ["a full disk", thrown("database or disk is full: SQLITE_FULL"), 503, /disk is full.*goes on/],
    ["a disk that fails", thrown("disk I/O error: SQLITE_IOERR_WRITE"), 503, /cannot be written to/],
    [
      "an object with too much to do",
      thrown("Durable Object is overloaded.", { overloaded: true }),
      503,
      /more to do/,
    ],
    ["an object that is gone", thrown("Network connection lost.", { retryable: true }), 503, /Send it again/],
    [
      "an object that broke",
      thrown("internal error; reference = jivuvcpjvepctb8l2nev8rbj"),
      503,
      /Send it again/,
    ],
    ["a bug", new TypeError("x is undefined"), 500, /^Something went wrong here, and it has been logged\.$/],
    ["something that is no error", "a secret", 500, /^Something went wrong here/],
    ["nothing", undefined, 500, /^Something went wrong here/],
  ])("%s", (_, cause, status, message) => {
    const wire = toWire(problemOf(cause));
    expect(wire).toMatchObject({ statusCode: status, message: expect.stringMatching(message) });
  });

  it("of a full disk is when to come again", () => {
    expect(problemOf(thrown("database or disk is full: SQLITE_FULL"))).toMatchObject({
      retryAfterSeconds: 60,
    });
  });
});

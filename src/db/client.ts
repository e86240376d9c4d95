/**
 * A client of libSQL: Turso, sqld or the embedded store, over HTTP. Every call has a deadline, and every failure is a
 * DbError. Make a client per request or per object: on Workers an I/O object must not be used by another request.
 */
import { type Client, createClient } from "@libsql/client/web";
import type { LibSQLDatabase } from "drizzle-orm/libsql";
import { drizzle } from "drizzle-orm/libsql/web";
import { LIBSQL_TIMEOUT_MS } from "../core/limits.ts";
import { DbError, toDbError } from "./error.ts";

export type Db = LibSQLDatabase<Record<string, never>> & { $client: Client };

export interface DbOptions {
  /** `libsql:`, `https:` or `http:`. */
  url: string;
  authToken: string | null;
  /** What carries the requests; absent: the platform's fetch. */
  fetch?: (request: Request) => Promise<Response>;
  /** Absent: LIBSQL_TIMEOUT_MS. */
  timeoutMs?: number;
  /** Asked before each request; what it throws is what the request comes to. */
  ready?: () => Promise<void>;
}

const SCHEMES = new Set(["libsql:", "https:", "http:"]);

/** Opens nothing yet: the first query does. Throws a DbError at a URL that cannot be used. */
export function openDb({ url, authToken, fetch, timeoutMs = LIBSQL_TIMEOUT_MS, ready }: DbOptions): Db {
  const scheme = /^[a-z][a-z0-9+.-]*:/i.exec(url)?.[0].toLowerCase();
  if (scheme === "file:" || url === ":memory:")
    throw new DbError(
      "unavailable",
      "A database in a file cannot be opened from a Worker: leave LIBSQL_URL unset for the embedded store, or run sqld.",
    );
  if (scheme === undefined || !SCHEMES.has(scheme))
    throw new DbError("unavailable", "The libSQL URL must begin with libsql:, https: or http:.");
  try {
    const client = createClient({
      url,
      ...(authToken === null ? {} : { authToken }),
      fetch: after(ready, withDeadline(fetch ?? ((request) => globalThis.fetch(request)), timeoutMs)),
    });
    return drizzle(client) as Db;
  } catch (cause) {
    throw toDbError(cause);
  }
}

type Fetch = (request: Request) => Promise<Response>;

const after = (ready: DbOptions["ready"], fetch: Fetch): Fetch =>
  ready === undefined
    ? fetch
    : async (request) => {
        await ready();
        return fetch(request);
      };

/** The answer to a query; throws nothing but DbError. */
export async function ask<T>(query: PromiseLike<T>): Promise<T> {
  try {
    return await query;
  } catch (cause) {
    throw toDbError(cause);
  }
}

/**
 * A response that has been read, with as much of one as the driver asks for. A Response made anew would hold the text
 * outside of V8's sight until a collection comes: a long export held all it had ever read (seen: 880 MB for a million events).
 */
const whole = ({ ok, status, statusText, headers }: Response, text: string): Response =>
  ({
    ok,
    status,
    statusText,
    headers,
    arrayBuffer: async () => new TextEncoder().encode(text).buffer,
    text: async () => text,
    json: async () => JSON.parse(text) as unknown,
  }) as Response;

/** Fetches with one deadline over connecting, headers and body, kept even by a fetch that ignores its signal. */
function withDeadline(fetch: Fetch, timeoutMs: number): Fetch {
  return async (request: Request): Promise<Response> => {
    const controller = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const error = new DbError("unavailable", `libSQL did not answer within ${timeoutMs} ms.`);
        reject(error);
        controller.abort(error);
      }, timeoutMs);
    });
    const answer = async () => {
      const response = await fetch(new Request(request, { signal: controller.signal }));
      return whole(response, await response.text());
    };
    const answered = answer();
    answered.catch(() => undefined); // When the deadline came first, nobody else hears of it.
    try {
      return await Promise.race([answered, late]);
    } finally {
      clearTimeout(timer);
    }
  };
}

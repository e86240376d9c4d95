/** What can go wrong between us and libSQL, as one error. Messages hold no parameters, tokens or URLs. */

/**
 * `unavailable`: try again later, or put the configuration right; the same call may well succeed then.
 * `unfit`: its tables are older or newer than this code; the message says what the operator is to do, and may be shown.
 * `refused`: libSQL understood the call and will never take this data (a constraint, a wrong type, too large).
 */
export type DbErrorKind = "unavailable" | "unfit" | "refused";

/** The code that the embedded store gives an `unfit`. */
export const UNFIT_CODE = "DATABASE_UNFIT";

export class DbError extends Error {
  readonly kind: DbErrorKind;
  constructor(kind: DbErrorKind, message: string) {
    super(message);
    this.name = "DbError";
    this.kind = kind;
  }
}

/** Codes of SQLite that judge the data rather than the moment. All else is `unavailable`, which loses nothing. */
const REFUSALS: readonly [code: RegExp, reason: string][] = [
  [/^SQLITE_CONSTRAINT/, "a row breaks a rule of its table"],
  [/^SQLITE_MISMATCH/, "a value has the wrong type"],
  [/^SQLITE_TOOBIG/, "a value is larger than the database takes"],
  [/^SQLITE_RANGE/, "a parameter is out of range"],
];
/** Refusals that come as a plain SQLITE_ERROR. */
const REFUSED_WORDS = /malformed JSON|JSON cannot hold BLOB|string or blob too big|integer overflow/i;

/** The DbError that a failure of client, driver or network amounts to. */
export function toDbError(cause: unknown): DbError {
  for (
    let error: unknown = cause, depth = 0;
    error instanceof Error && depth < 8;
    error = error.cause, depth++
  ) {
    if (error instanceof DbError) return error;
    const { code } = error as { code?: unknown };
    if (typeof code !== "string") continue;
    const known = REFUSALS.find(([pattern]) => pattern.test(code));
    if (known !== undefined) return new DbError("refused", `libSQL refused: ${known[1]} (${code}).`);
    if (code === UNFIT_CODE) return new DbError("unfit", clean(error.message.replace(`${code}: `, "")));
    if (code.startsWith("SQL") || code === "UNKNOWN") {
      const kind = REFUSED_WORDS.test(error.message) ? "refused" : "unavailable";
      return new DbError(kind, `libSQL could not do it: ${clean(error.message)}`);
    }
    if (code === "SERVER_ERROR" && / 413\b/.test(error.message))
      return new DbError("refused", "libSQL refused: the request is larger than it takes (413).");
    if (code === "SERVER_ERROR")
      return new DbError("unavailable", `libSQL could not do it: ${status(error.message)}`);
    if (/^[A-Z_]+$/.test(code)) return new DbError("unavailable", `libSQL could not be asked (${code}).`);
  }
  return new DbError("unavailable", "libSQL could not be reached.");
}

/** SQLite's own words name tables and columns, never values; what follows a newline or exceeds a line is cut. */
const clean = (message: string): string => message.split("\n")[0]!.slice(0, 200);

/** Of an HTTP failure only the status is safe to repeat: bodies may echo the request. */
function status(message: string): string {
  const code = /HTTP status (\d{3})/.exec(message)?.[1];
  if (code === "401" || code === "403") return `it answered ${code}; check LIBSQL_AUTH_TOKEN.`;
  if (code === "404") return "it answered 404; check LIBSQL_URL.";
  return `it answered ${code ?? "with an error"}.`;
}

/**
 * A Hrana pipeline from text, checked part by part. Pure. Written out rather than declared as a schema, because every
 * value of every batch passes through here.
 */
import { err, ok, type Result } from "../core/result.ts";
import type { Condition, Pipeline, SqlRef, Stmt, StreamRequest, WireValue } from "./hrana.ts";

/** What is wrong, and never more than that: a body may hold addresses. */
class Malformed extends Error {}

type Fields = Record<string, unknown>;

/** A pipeline from a request's body, or what is wrong with it. Never throws, whatever the text. */
export function parsePipeline(text: string): Result<Pipeline, string> {
  try {
    const { baton, requests } = fields(JSON.parse(text), "The body");
    return ok({
      baton: optional(baton, isString, "baton"),
      requests: list(requests, "requests").map(readRequest),
    });
  } catch (cause) {
    if (cause instanceof Malformed) return err(cause.message);
    if (cause instanceof SyntaxError) return err("The body is not JSON.");
    if (cause instanceof RangeError) return err("The body is nested too deeply.");
    throw cause;
  }
}

function readRequest(value: unknown): StreamRequest {
  const request = fields(value, "A request");
  switch (request.type) {
    case "close":
    case "get_autocommit":
      return { type: request.type };
    case "execute":
      return { type: "execute", stmt: readStmt(request.stmt) };
    case "batch":
      return {
        type: "batch",
        batch: { steps: list(fields(request.batch, "batch").steps, "steps").map(readStep) },
      };
    case "sequence":
    case "describe":
      return { type: request.type, ...readSqlRef(request) };
    case "store_sql":
      return {
        type: "store_sql",
        sql_id: required(request.sql_id, isInteger, "sql_id"),
        sql: required(request.sql, isString, "sql"),
      };
    case "close_sql":
      return { type: "close_sql", sql_id: required(request.sql_id, isInteger, "sql_id") };
    default:
      throw new Malformed("A request has no known type.");
  }
}

function readStep(value: unknown): { condition: Condition | null; stmt: Stmt } {
  const { condition, stmt } = fields(value, "A step");
  return { condition: condition == null ? null : readCondition(condition), stmt: readStmt(stmt) };
}

function readCondition(value: unknown): Condition {
  const condition = fields(value, "A condition");
  switch (condition.type) {
    case "ok":
    case "error":
      return { type: condition.type, step: required(condition.step, isInteger, "step") };
    case "not":
      return { type: "not", cond: readCondition(condition.cond) };
    case "and":
    case "or":
      return { type: condition.type, conds: list(condition.conds, "conds").map(readCondition) };
    case "is_autocommit":
      return { type: "is_autocommit" };
    default:
      throw new Malformed("A condition has no known type.");
  }
}

const readSqlRef = ({ sql, sql_id }: Fields): SqlRef => ({
  sql: optional(sql, isString, "sql"),
  sql_id: optional(sql_id, isInteger, "sql_id"),
});

function readStmt(value: unknown): Stmt {
  const stmt = fields(value, "stmt");
  return {
    ...readSqlRef(stmt),
    args: stmt.args == null ? null : list(stmt.args, "args").map(readValue),
    named_args: stmt.named_args == null ? null : list(stmt.named_args, "named_args").map(readNamed),
    want_rows: optional(stmt.want_rows, isBoolean, "want_rows"),
  };
}

function readNamed(value: unknown): { name: string; value: WireValue } {
  const named = fields(value, "A named argument");
  return { name: required(named.name, isString, "name"), value: readValue(named.value) };
}

function readValue(given: unknown): WireValue {
  const { type, value, base64 } = fields(given, "A value");
  switch (type) {
    case "null":
      return { type };
    case "integer":
      return { type, value: required(value, isIntegerText, "The value of an integer") };
    case "float":
      return { type, value: required(value, isNumber, "The value of a float") };
    case "text":
      return { type, value: required(value, isString, "The value of a text") };
    case "blob":
      return { type, base64: required(base64, isBase64, "base64") };
    default:
      throw new Malformed("A value has no known type.");
  }
}

const isString = (value: unknown): value is string => typeof value === "string";
const isNumber = (value: unknown): value is number => typeof value === "number";
const isBoolean = (value: unknown): value is boolean => typeof value === "boolean";
const isInteger = (value: unknown): value is number => Number.isSafeInteger(value);
const isIntegerText = (value: unknown): value is string => isString(value) && /^-?\d{1,19}$/.test(value);

/** With padding or without: servers and clients differ. */
function isBase64(value: unknown): value is string {
  if (!isString(value) || !/^[A-Za-z0-9+/]*={0,2}$/.test(value)) return false;
  return value.endsWith("=") ? value.length % 4 === 0 : value.length % 4 !== 1;
}

function fields(value: unknown, what: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Malformed(`${what} must be an object.`);
  return value as Fields;
}

function list(value: unknown, what: string): unknown[] {
  if (!Array.isArray(value)) throw new Malformed(`${what} must be a list.`);
  return value;
}

function required<T>(value: unknown, is: (value: unknown) => value is T, what: string): T {
  if (!is(value)) throw new Malformed(`${what} is missing or has the wrong type.`);
  return value;
}

const optional = <T>(value: unknown, is: (value: unknown) => value is T, what: string): T | null =>
  value == null ? null : required(value, is, what);

/**
 * Hrana version 2 over HTTP: what a `POST /v2/pipeline` carries and is answered with, its values, and its step conditions.
 * Pure. Reading one from text is in hrana-parse.ts.
 * Source: github.com/tursodatabase/libsql, docs/HRANA_2_SPEC.md.
 */
/** A value of SQLite. A bigint is an INTEGER, a number a REAL. */
export type SqlValue = null | bigint | number | string | Uint8Array;

export type WireValue =
  | { type: "null" }
  | { type: "integer"; value: string }
  | { type: "float"; value: number }
  | { type: "text"; value: string }
  | { type: "blob"; base64: string };

/** Either the text, or the number it was stored under earlier in the same pipeline. */
export interface SqlRef {
  sql?: string | null;
  sql_id?: number | null;
}

export interface Stmt extends SqlRef {
  args?: WireValue[] | null;
  named_args?: { name: string; value: WireValue }[] | null;
  want_rows?: boolean | null;
}

export type Condition =
  | { type: "ok" | "error"; step: number }
  | { type: "not"; cond: Condition }
  | { type: "and" | "or"; conds: Condition[] }
  | { type: "is_autocommit" };

export type StreamRequest =
  | { type: "close" | "get_autocommit" }
  | { type: "execute"; stmt: Stmt }
  | { type: "batch"; batch: { steps: { condition?: Condition | null; stmt: Stmt }[] } }
  | ({ type: "sequence" | "describe" } & SqlRef)
  | { type: "store_sql"; sql_id: number; sql: string }
  | { type: "close_sql"; sql_id: number };

export interface Pipeline {
  baton?: string | null;
  requests: StreamRequest[];
}

export interface StmtResult {
  cols: { name: string | null; decltype: string | null }[];
  rows: WireValue[][];
  affected_row_count: number;
  last_insert_rowid: string | null;
}

export interface DescribeResult {
  params: { name: string | null }[];
  cols: { name: string; decltype: string | null }[];
  is_explain: boolean;
  is_readonly: boolean;
}

export interface WireError {
  message: string;
  code: string;
}

export type StreamResponse =
  | { type: "close" | "sequence" | "store_sql" | "close_sql" }
  | { type: "execute"; result: StmtResult }
  | {
      type: "batch";
      result: { step_results: (StmtResult | null)[]; step_errors: (WireError | null)[] };
    }
  | { type: "describe"; result: DescribeResult }
  | { type: "get_autocommit"; is_autocommit: boolean };

export type StreamResult = { type: "ok"; response: StreamResponse } | { type: "error"; error: WireError };

export function fromWire(value: WireValue): SqlValue {
  switch (value.type) {
    case "null":
      return null;
    case "integer":
      return BigInt(value.value);
    case "float":
    case "text":
      return value.value;
    case "blob":
      return Uint8Array.from(atob(value.base64), (char) => char.charCodeAt(0));
  }
}

export function toWire(value: SqlValue): WireValue {
  if (value === null) return { type: "null" };
  if (typeof value === "bigint") return { type: "integer", value: String(value) };
  // JSON has no infinities; SQLite makes them of 9e999 only.
  if (typeof value === "number") return Number.isFinite(value) ? { type: "float", value } : { type: "null" };
  if (typeof value === "string") return { type: "text", value };
  let binary = "";
  for (let at = 0; at < value.length; at += 8_192)
    binary += String.fromCharCode(...value.subarray(at, at + 8_192));
  return { type: "blob", base64: btoa(binary) };
}

/** Whether a step is to run. `passed` holds true, false or null (not run) for the steps so far. */
export function holds(
  condition: Condition,
  passed: readonly (boolean | null)[],
  autocommit: boolean,
): boolean {
  switch (condition.type) {
    case "ok":
      return passed[condition.step] === true;
    case "error":
      return passed[condition.step] === false;
    case "not":
      return !holds(condition.cond, passed, autocommit);
    case "and":
      return condition.conds.every((one) => holds(one, passed, autocommit));
    case "or":
      return condition.conds.some((one) => holds(one, passed, autocommit));
    case "is_autocommit":
      return autocommit;
  }
}

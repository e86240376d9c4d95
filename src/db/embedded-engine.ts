/**
 * Single statements on the SQLite of a Durable Object. The platform binds every number as REAL and rounds what it returns
 * to a double; here an INTEGER argument stays one, and integers beyond 2^53 are read exactly.
 */
import { type DescribeResult, fromWire, type SqlValue, type Stmt, type StmtResult, toWire } from "./hrana.ts";
import { type Engine, SqlFailure } from "./hrana-program.ts";
import { readSql, respell, type SqlText } from "./sql-text.ts";

const WRITES = new Set(["INSERT", "UPDATE", "DELETE", "REPLACE", "WITH"]);
const READS = new Set(["SELECT", "VALUES", "WITH"]);

export class EmbeddedEngine implements Engine {
  readonly #sql: SqlStorage;
  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  execute(sql: string, stmt: Stmt): StmtResult {
    const text = readSql(sql);
    if (text.keyword === "") throw new SqlFailure("SQL_NO_STATEMENT", "The SQL text holds no statement.");
    if (text.many) throw new SqlFailure("SQL_MANY_STATEMENTS", "The SQL text holds more than one statement.");
    const args = argumentsOf(text, stmt);
    // A unary plus takes the affinity away that CAST gives, so that comparisons stay those of a bound value.
    const spelled = args.some((arg) => typeof arg === "bigint")
      ? respell(sql.slice(0, text.end), text, (index) =>
          typeof args[index - 1] === "bigint" ? `(+CAST(?${index} AS INTEGER))` : `?${index}`,
        )
      : sql.slice(0, text.end);
    const bindings = args.map(binding);
    const before = text.keyword === "WITH" ? this.#one("SELECT total_changes()") : 0;
    const { columns, rows } = this.#run(spelled, bindings);
    const changed =
      WRITES.has(text.keyword) && (before === 0 || this.#one("SELECT total_changes()") !== before);
    const values =
      READS.has(text.keyword) && !changed && rows.some((row) => row.some(isRounded))
        ? this.#exact(spelled, bindings, columns.length)
        : rows.map((row) => row.map(sqlValue));
    return {
      cols: columns.map((name) => ({ name, decltype: null })),
      rows: stmt.want_rows === false ? [] : values.map((row) => row.map(toWire)),
      affected_row_count: changed ? this.#one("SELECT changes()") : 0,
      last_insert_rowid: changed ? String(this.#one("SELECT last_insert_rowid()")) : null,
    };
  }

  sequence(sql: string): void {
    const { keyword, end } = readSql(sql);
    if (keyword !== "") this.#run(sql.slice(0, end), []);
  }

  describe(sql: string): DescribeResult {
    const text = readSql(sql);
    const params: DescribeResult["params"] = Array.from({ length: text.count }, () => ({ name: null }));
    for (const { index, name } of text.parameters) if (name !== null) params[index - 1] = { name };
    const nulls = Array.from({ length: text.count }, () => null);
    const is_explain = text.keyword === "EXPLAIN";
    const body = sql.slice(0, text.end).replace(/;$/, "");
    let columns: string[] = [];
    if (READS.has(text.keyword)) ({ columns } = this.#run(`SELECT * FROM (${body}) LIMIT 0`, nulls));
    else if (!is_explain) this.#run(`EXPLAIN ${body}`, nulls);
    return {
      params,
      cols: columns.map((name) => ({ name, decltype: null })),
      is_explain,
      is_readonly: READS.has(text.keyword) || is_explain,
    };
  }

  #run(sql: string, bindings: SqlStorageValue[]): { columns: string[]; rows: SqlStorageValue[][] } {
    try {
      const cursor = this.#sql.exec(sql, ...bindings);
      return { rows: [...cursor.raw()], columns: cursor.columnNames };
    } catch (cause) {
      throw failureOf(cause);
    }
  }

  #one(sql: string): number {
    return this.#run(sql, []).rows[0]![0] as number;
  }

  /** The same rows, read once more as text where they are integers. */
  #exact(sql: string, bindings: SqlStorageValue[], width: number): SqlValue[][] {
    const names = Array.from({ length: width }, (_, i) => `c${i}`);
    const pairs = names.map(
      (name) => `${name}, CASE typeof(${name}) WHEN 'integer' THEN CAST(${name} AS TEXT) END`,
    );
    const body = sql.replace(/;$/, "");
    const { rows } = this.#run(
      `WITH exactly(${names.join(", ")}) AS (${body}) SELECT ${pairs.join(", ")} FROM exactly`,
      bindings,
    );
    return rows.map((row) =>
      names.map((_, i) => {
        const integer = row[i * 2 + 1];
        return typeof integer === "string" ? BigInt(integer) : sqlValue(row[i * 2]!);
      }),
    );
  }
}

/** The value of each parameter in order. Hrana takes names with their prefix or without. */
function argumentsOf({ parameters, count }: SqlText, { args, named_args }: Stmt): SqlValue[] {
  const values = Array.from({ length: count }, (_, i): SqlValue | undefined => {
    const arg = args?.[i];
    return arg === undefined ? undefined : fromWire(arg);
  });
  for (const { index, name } of parameters) {
    if (name === null) continue;
    const named = named_args?.find((one) => one.name === name || one.name === name.slice(1));
    if (named !== undefined) values[index - 1] = fromWire(named.value);
  }
  return values.map((value, i) => {
    if (value === undefined) {
      const name = parameters.find(({ index }) => index === i + 1)?.name;
      // A number skipped by ?7 has no place in the statement and needs no value.
      if (!parameters.some(({ index }) => index === i + 1)) return null;
      throw new SqlFailure("ARGS_INVALID", `No value was given for parameter ${name ?? i + 1}.`);
    }
    if (typeof value === "bigint" && BigInt.asIntN(64, value) !== value)
      throw new SqlFailure("ARGS_INVALID", `The integer of parameter ${i + 1} exceeds 64 bits.`);
    return value;
  });
}

function binding(value: SqlValue): SqlStorageValue {
  if (typeof value === "bigint") {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : String(value);
  }
  return value instanceof Uint8Array ? (value.slice().buffer as ArrayBuffer) : value;
}

const isRounded = (value: SqlStorageValue): boolean =>
  typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value);

/** The platform does not tell 5 from 5.0; to a JavaScript client they are one. */
function sqlValue(value: SqlStorageValue): SqlValue {
  if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : value;
  return value instanceof ArrayBuffer ? new Uint8Array(value) : value;
}

/** The platform's messages end in `: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_NOTNULL)`. */
function failureOf(cause: unknown): SqlFailure {
  const message = cause instanceof Error ? cause.message : String(cause);
  const code = /: (SQLITE_[A-Z_]+)(?: \(extended: (SQLITE_[A-Z_]+)\))?$/.exec(message);
  return new SqlFailure(
    code?.[2] ?? code?.[1] ?? "SQLITE_ERROR",
    code === null ? message : message.slice(0, code.index),
  );
}

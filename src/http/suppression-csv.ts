/**
 * Suppressions as CSV (RFC 4180): files as people have them in, and a file that any spreadsheet opens safely out. Read row by
 * row, so that a million of them need no more memory than a thousand.
 */
import { parse as csvParser } from "csv-parse/stream";
import { IMPORT_BYTES, IMPORT_RECORD_CHARS, MB, SUPPRESSIONS_PER_CALL } from "../core/limits.ts";
import { parseMailbox } from "../schema/address.ts";
import { parse } from "../schema/parse.ts";
import {
  comparedAddress,
  ImportedSuppression,
  type NewSuppression,
  type Suppression,
} from "../schema/suppression.ts";

export const CSV_COLUMNS = [
  "email",
  "topic",
  "origin",
  "category",
  "reason",
  "source_id",
  "created_at",
  "expires_at",
] as const;

/** Names that other tools give the column of addresses, the surest first: beside an `email` an `address` is that of a house. */
const EMAIL_NAMES = ["email", "emailaddress", "mail", "mailaddress", "recipient", "address"];

/** What makes a spreadsheet take a cell for a formula (OWASP: CSV injection). A quote in front makes it text. */
const FORMULA = /^[=+\-@\t\r']/;
const GUARDED = /^'(?=[=+\-@\t\r'])/;

/** One cell, safe to open. */
export function csvCell(text: string): string {
  const safe = FORMULA.test(text) ? `'${text}` : text;
  return /[",;\t\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

const iso = (ms: number | null): string => (ms === null ? "" : new Date(ms).toISOString());

export const csvHeader = `${CSV_COLUMNS.join(",")}\r\n`;
export const csvLine = (entry: Suppression): string =>
  `${[
    entry.address,
    entry.topic,
    entry.origin,
    entry.category,
    entry.reason ?? "",
    entry.sourceId ?? "",
    iso(entry.createdAt),
    iso(entry.expiresAt),
  ]
    .map(csvCell)
    .join(",")}\r\n`;

export interface CsvBatch {
  /** Rows read, good and bad. */
  rows: number;
  entries: NewSuppression[];
  faults: { line: number; reason: string }[];
  /** Nothing after this batch can be read: why, and in which line. */
  end: { line: number; reason: string } | null;
}

/** Reads a file in batches. Lines are counted as an editor counts them; a reason repeats nothing of what stands there. */
export async function* readSuppressions(
  body: ReadableStream<Uint8Array>,
  now: number,
): AsyncGenerator<CsvBatch> {
  const records = recordsOf(body);
  let columns: Columns | null = null;
  let line = 0;
  let batch = emptyBatch();
  try {
    for await (const { record, info } of records) {
      line = info.lines;
      if (columns === null) {
        const first = columnsOf(record);
        if (first === null) {
          yield {
            ...batch,
            end: { line, reason: "the first row neither names a column `email` nor has an address in it" },
          };
          return;
        }
        columns = first.columns;
        if (first.isHeader) continue;
      }
      batch.rows += 1;
      const read = entryOf(record, columns, now);
      if (typeof read === "string") batch.faults.push({ line, reason: read });
      else batch.entries.push(read);
      if (batch.rows >= SUPPRESSIONS_PER_CALL) {
        yield batch;
        batch = emptyBatch();
      }
    }
  } catch (cause) {
    yield { ...batch, end: { line: line + 1, reason: reasonOf(cause) } };
    return;
  }
  yield columns === null ? { ...batch, end: { line: 1, reason: "the file is empty" } } : batch;
}

const emptyBatch = (): CsvBatch => ({ rows: 0, entries: [], faults: [], end: null });

/** Where in a row what stands; -1: nowhere. */
type Columns = Record<
  "email" | "topic" | "origin" | "category" | "reason" | "source_id" | "expires_at",
  number
>;
const NOWHERE: Columns = {
  email: -1,
  topic: -1,
  origin: -1,
  category: -1,
  reason: -1,
  source_id: -1,
  expires_at: -1,
};

/** What the first row says about columns: a header, or data whose first address shows the column. Null: neither. */
function columnsOf(record: readonly string[]): { columns: Columns; isHeader: boolean } | null {
  const names = record.map((cell) =>
    cell
      .trim()
      .toLowerCase()
      .replace(/[\s-]+/g, "_"),
  );
  const plain = names.map((name) => name.replaceAll("_", ""));
  const email = EMAIL_NAMES.map((name) => plain.indexOf(name)).find((at) => at >= 0) ?? -1;
  if (email >= 0) {
    const columns = { ...NOWHERE, email };
    for (const name of Object.keys(NOWHERE) as (keyof Columns)[])
      if (name !== "email") columns[name] = names.indexOf(name);
    return { columns, isHeader: true };
  }
  const first = record.findIndex((cell) => cell.includes("@"));
  return first < 0 ? null : { columns: { ...NOWHERE, email: first }, isHeader: false };
}

/** The entry of a row, or what is wrong with it. */
function entryOf(record: readonly string[], columns: Columns, now: number): NewSuppression | string {
  const cell = (name: keyof Columns) => record[columns[name]]?.trim().replace(GUARDED, "") || null;
  const mailbox = parseMailbox(cell("email") ?? "");
  if (!mailbox.ok) return `the address ${mailbox.error}`;
  const address = comparedAddress(mailbox.value.address);
  const [origin, topic, category, reason, source_id, expires_at] = [
    cell("origin")?.toLowerCase() ?? null,
    cell("topic"),
    cell("category"),
    cell("reason"),
    cell("source_id"),
    cell("expires_at"),
  ];
  const more = parse(ImportedSuppression, { origin, topic, category, reason, source_id, expires_at });
  if (!more.ok) {
    const [issue] = "issues" in more.error ? more.error.issues : [];
    return issue === undefined ? "the row is not valid" : `${issue.path} ${issue.message}`;
  }
  const expiresAt = more.value.expires_at == null ? null : Date.parse(more.value.expires_at);
  if (expiresAt !== null && expiresAt <= now) return "expires_at is in the past";
  const from = more.value.origin ?? "manual";
  return {
    address,
    topic: more.value.topic ?? "",
    origin: from,
    category: more.value.category ?? from,
    reason: more.value.reason ?? null,
    sourceId: more.value.source_id ?? null,
    expiresAt,
  };
}

class TooLarge extends Error {}

type CsvRecord = { record: string[]; info: { lines: number } };

function recordsOf(body: ReadableStream<Uint8Array>): AsyncIterable<CsvRecord> {
  let size = 0;
  const bounded = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      size += chunk.byteLength;
      if (size > IMPORT_BYTES) controller.error(new TooLarge());
      else controller.enqueue(chunk);
    },
  });
  // Excel writes `;` where the comma is the decimal sign, and tabs as "Unicode text"; an address has neither.
  const parser = csvParser({
    bom: true,
    delimiter: [",", ";", "\t"],
    info: true,
    max_record_size: IMPORT_RECORD_CHARS,
    record_delimiter: ["\r\n", "\n", "\r"],
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    skip_records_with_empty_values: true,
  }) as unknown as TransformStream<Uint8Array, CsvRecord>;
  return body.pipeThrough(bounded).pipeThrough(parser) as unknown as AsyncIterable<CsvRecord>;
}

function reasonOf(cause: unknown): string {
  if (cause instanceof TooLarge) return `the file is larger than ${IMPORT_BYTES / MB} MB; send it in parts`;
  const code = (cause as { code?: unknown } | null)?.code;
  if (code === "CSV_MAX_RECORD_SIZE" || code === "CSV_QUOTE_NOT_CLOSED")
    return `a quotation mark is opened here or further down and never closed, or the row is longer than ${IMPORT_RECORD_CHARS} characters`;
  if (code === "CSV_INVALID_CLOSING_QUOTE" || code === "CSV_NON_TRIMABLE_CHAR_AFTER_CLOSING_QUOTE")
    return "something stands between a closing quotation mark and the next separator";
  return "the file could not be read any further";
}

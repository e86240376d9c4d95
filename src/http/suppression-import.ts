/** POST /suppressions/import and GET /suppressions/export: whole lists, streamed in both directions. */
import { Hono } from "hono";
import { IMPORT_FAULTS_LISTED, IMPORT_PROGRESS_ROWS, SUPPRESSIONS_PER_CALL } from "../core/limits.ts";
import { registryOf } from "../env.ts";
import { log } from "../log.ts";
import { isErased } from "../schema/suppression.ts";
import { compressedProblem } from "./body.ts";
import type { AppContext, AppEnv } from "./context.ts";
import { fail } from "./errors.ts";
import { type CsvBatch, csvHeader, csvLine, readSuppressions } from "./suppression-csv.ts";
import { suppressionFilter } from "./suppressions.ts";

export const suppressionImport = new Hono<AppEnv>();

/** What an import has come to. `invalid` names the first IMPORT_FAULTS_LISTED rows at fault, `invalid_total` counts all. */
interface Summary {
  object: "suppression_import";
  rows: number;
  added: number;
  already: number;
  invalid_total: number;
  invalid: { line: number; reason: string }[];
}

suppressionImport.post("/suppressions/import", async (c) => {
  const compressed = compressedProblem(c.req.raw);
  if (compressed !== null) return fail(c, compressed);
  if (c.req.header("content-type")?.includes("json"))
    return fail(c, {
      kind: "invalid_parameter",
      message:
        "A file is expected here, as `Content-Type: text/csv`; POST /suppressions/batch/add takes JSON.",
    });
  const { body } = c.req.raw;
  if (body === null)
    return fail(c, { kind: "bad_json", message: "The body is empty; a CSV file is expected." });
  const summary: Summary = {
    object: "suppression_import",
    rows: 0,
    added: 0,
    already: 0,
    invalid_total: 0,
    invalid: [],
  };
  const batches = readSuppressions(body, Date.now());
  if (c.req.header("accept")?.includes("application/x-ndjson")) return streamed(c, batches, summary);
  for await (const batch of batches) {
    await take(c, batch, summary);
    if (batch.end !== null) return stopped(c, batch.end, summary);
  }
  return c.json(summary);
});

/** Puts a batch on the list, and its numbers into the summary. */
async function take(c: AppContext, batch: CsvBatch, summary: Summary): Promise<void> {
  if (batch.entries.length > 0) {
    const { added, already } = await registryOf(c.env).importSuppressions(batch.entries);
    summary.added += added;
    summary.already += already;
  }
  summary.rows += batch.rows;
  summary.invalid_total += batch.faults.length;
  summary.invalid.push(...batch.faults.slice(0, IMPORT_FAULTS_LISTED - summary.invalid.length));
}

const sentence = (end: NonNullable<CsvBatch["end"]>, { rows, added }: Summary): string =>
  `Line ${end.line}: ${end.reason}. ${
    rows === 0
      ? "Nothing was taken."
      : `The ${rows} rows before it were read and ${added} added; sending the file again repeats nothing.`
  }`;

const stopped = (c: AppContext, end: NonNullable<CsvBatch["end"]>, summary: Summary): Response =>
  fail(c, { kind: "invalid", issues: [{ path: "", message: sentence(end, summary) }] });

/** A line for every IMPORT_PROGRESS_ROWS, and the summary or an error as the last one. Reads on as the client does. */
function streamed(c: AppContext, batches: AsyncGenerator<CsvBatch>, summary: Summary): Response {
  const encoder = new TextEncoder();
  const line = (value: object) => encoder.encode(`${JSON.stringify(value)}\n`);
  let told = 0;
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        for (;;) {
          const { value: batch, done } = await batches.next();
          if (done) {
            controller.enqueue(line(summary));
            controller.close();
            return;
          }
          await take(c, batch, summary);
          if (batch.end !== null) {
            const problem = {
              statusCode: 422,
              name: "validation_error",
              message: sentence(batch.end, summary),
            };
            controller.enqueue(line({ object: "error", ...problem }));
            controller.close();
            return;
          }
          if (summary.rows - told < IMPORT_PROGRESS_ROWS) continue;
          told = summary.rows;
          const { rows, added, already, invalid_total } = summary;
          controller.enqueue(
            line({ object: "suppression_import_progress", rows, added, already, invalid_total }),
          );
          return;
        }
      } catch (cause) {
        // The status has gone out already: the stream breaks off, and no last line says that all is well.
        log("import_failed", { requestId: c.get("requestId"), cause: String(cause) });
        controller.error(cause);
      }
    },
    async cancel() {
      await batches.return(undefined);
    },
  });
  return c.body(stream, 200, { "Content-Type": "application/x-ndjson" });
}

suppressionImport.get("/suppressions/export", (c) => {
  const filter = suppressionFilter(c);
  const encoder = new TextEncoder();
  let last = "";
  let begun = false;
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      // Oldest first, from id to id: what is added meanwhile comes at the end.
      const { rows, hasMore } = await registryOf(c.env).listSuppressions({
        ...filter,
        limit: SUPPRESSIONS_PER_CALL,
        before: last,
      });
      last = rows[0]?.id ?? last;
      const lines = rows
        .reverse()
        .filter(({ address }) => !isErased(address))
        .map(csvLine);
      controller.enqueue(encoder.encode(`${begun ? "" : csvHeader}${lines.join("")}`));
      begun = true;
      if (!hasMore) controller.close();
    },
  });
  return c.body(stream, 200, {
    "Content-Type": "text/csv; charset=utf-8; header=present",
    "Content-Disposition": 'attachment; filename="suppressions.csv"',
  });
});

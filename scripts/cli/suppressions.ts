/** `postern suppressions`: the list in and out as CSV. */
import { createReadStream, createWriteStream, statSync } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream as WebStream } from "node:stream/web";
import type { Command } from "commander";
import { clientOf, failureOf } from "./client.ts";
import { EXIT, Failure } from "./failure.ts";
import { lines } from "./ndjson.ts";
import type { Global } from "./options.ts";
import { outputOf } from "./output.ts";

interface Summary {
  object: string;
  rows: number;
  added: number;
  already: number;
  invalid_total: number;
  invalid?: { line: number; reason: string }[];
}

/** So many wrong lines are shown; --json has all that the gateway names. */
const FAULTS_SHOWN = 10;

export function addSuppressions(program: Command): void {
  const suppressions = program
    .command("suppressions")
    .description("the list of addresses that get no mail, as CSV");
  suppressions
    .command("import <file>")
    .description("add the addresses of a CSV file: a list, or a header with a column `email`")
    .action(async (file: string, _: unknown, command: Command) => {
      await bring(file, command.optsWithGlobals<Global>());
    });
  suppressions
    .command("export [file]")
    .description("write the list as CSV, to standard output or a file")
    .action(async (file: string | undefined, _: unknown, command: Command) => {
      const options = command.optsWithGlobals<Global>();
      const client = clientOf(options);
      const response = await client.call("/suppressions/export");
      if (!response.ok || response.body === null) throw await failureOf(response);
      if (response.headers.get("content-type")?.startsWith("text/csv") !== true)
        throw new Failure(EXIT.refused, `what answers at ${client.base} is no Postern: it sends no CSV`);
      const csv = Readable.fromWeb(response.body as unknown as WebStream);
      // A list that broke off must not look like a whole one.
      await pipeline(csv, file === undefined ? process.stdout : createWriteStream(file), {
        end: file !== undefined,
      }).catch(({ code, syscall }: NodeJS.ErrnoException) => {
        if (file === undefined && code === "EPIPE") process.exit(EXIT.done); // Whoever reads has seen enough.
        throw syscall === undefined
          ? new Failure(
              EXIT.unavailable,
              `the answer broke off; ${file ?? "what came"} is not the whole list`,
            )
          : new Failure(EXIT.refused, `${file ?? "standard output"} cannot be written (${code})`);
      });
      if (file !== undefined) outputOf(options.json).note(`Written to ${file}.`);
    });
}

async function bring(file: string, options: Global): Promise<void> {
  const output = outputOf(options.json);
  if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true)
    throw new Failure(EXIT.refused, `${file} is not a file that can be read`);
  const response = await clientOf(options).call("/suppressions/import", {
    method: "POST",
    body: Readable.toWeb(createReadStream(file)) as unknown as ReadableStream,
    headers: { "content-type": "text/csv", accept: "application/x-ndjson" },
  });
  if (!response.ok) throw await failureOf(response);
  let last: Summary | null = null;
  for await (const line of lines<Summary & { message?: string }>(response)) {
    if (line.message !== undefined) throw new Failure(EXIT.refused, line.message, line);
    last = line;
    if (line.object !== "suppression_import" && process.stderr.isTTY)
      output.note(
        `\x1b[1A\r\x1b[K${line.rows.toLocaleString("en-US")} lines read, ${line.added.toLocaleString("en-US")} added`,
      );
  }
  if (last?.object !== "suppression_import")
    throw new Failure(EXIT.unavailable, "the answer broke off; send the file again, nothing is added twice");
  const summary = last;
  output.result(summary, () => [
    `${summary.added} added, ${summary.already} were there already, ${summary.invalid_total} lines could not be read.`,
    ...(summary.invalid ?? []).slice(0, FAULTS_SHOWN).map(({ line, reason }) => `  line ${line}: ${reason}`),
    ...(summary.invalid_total > FAULTS_SHOWN ? [`  and ${summary.invalid_total - FAULTS_SHOWN} more`] : []),
  ]);
  if (summary.invalid_total > 0) process.exitCode = EXIT.refused;
}

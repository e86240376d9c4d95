/**
 * A bulk run that can be taken up again. What is done is written down beside the CSV file after each call; a call that was
 * made but not written down is repeated under the same Idempotency-Key, so that nobody gets the mail twice. One process at
 * a time works on a file.
 */
import { createHash, randomUUID } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { lockFile } from "../start/lock.ts";
import type { Client } from "./client.ts";
import { EXIT, Failure } from "./failure.ts";
import type { Output } from "./output.ts";
import { Progress } from "./progress.ts";
import type { Recipient } from "./recipients.ts";

/** Recipients of one call: small enough to see progress, large enough to be quick. */
const CHUNK = 1_000;
/** The gateway forgets an Idempotency-Key after 24 hours: a call older than that cannot be repeated safely. */
const KEY_HOURS = 24;

interface Journal {
  run: string;
  /** Hash of the message, and of where it goes. */
  message: string;
  chunks: { hash: string; id: string; accepted: number; suppressed: number }[];
  /** The call that was made last, and when: it may or may not have arrived. */
  trying: { chunk: number; at: string } | null;
  /** The process that wrote this. */
  pid: number;
}

export interface Tally {
  accepted: number;
  suppressed: number;
  ids: string[];
}

export const journalOf = (csv: string): string => `${csv}.postern.json`;

interface RunOptions {
  again: boolean;
  headers: Record<string, string>;
  output: Output;
  silent: boolean;
}

export async function bulkRun(
  client: Client,
  csv: string,
  message: Record<string, unknown>,
  recipients: readonly Recipient[],
  options: RunOptions,
): Promise<Tally> {
  const lock = lockRun(csv);
  try {
    return await lockedRun(client, csv, message, recipients, options);
  } finally {
    lock.close();
  }
}

async function lockedRun(
  client: Client,
  csv: string,
  message: Record<string, unknown>,
  recipients: readonly Recipient[],
  { again, headers, output, silent }: RunOptions,
): Promise<Tally> {
  const file = journalOf(csv);
  const chunks = Array.from({ length: Math.ceil(recipients.length / CHUNK) }, (_, i) =>
    recipients.slice(i * CHUNK, (i + 1) * CHUNK),
  );
  const journal = again ? null : readJournal(file);
  // What went into the sandbox reached nobody: such a run is another one than that of the same message for real.
  const what = headers["x-sandbox"] === undefined ? message : { sandbox: true, message };
  const { pid } = process;
  const run: Journal = journal ?? { run: randomUUID(), message: hashOf(what), chunks: [], trying: null, pid };
  run.pid = pid;
  if (journal !== null) checkSame(journal, what, chunks, csv);
  const done = () => Math.min(run.chunks.length * CHUNK, recipients.length);
  if (journal !== null && run.chunks.length === chunks.length)
    throw new Failure(
      EXIT.refused,
      `${csv} was sent already (see ${file}); --again sends it to everyone once more`,
    );
  if (run.chunks.length > 0) output.note(`Goes on after ${done().toLocaleString("en-US")} recipients.`);
  const progress = new Progress(recipients.length, done(), silent);
  progress.at(done());
  for (let i = run.chunks.length; i < chunks.length; i++) {
    const chunk = chunks[i]!;
    if (run.trying?.chunk !== i) run.trying = { chunk: i, at: new Date().toISOString() };
    else if (Date.now() - Date.parse(run.trying.at) > KEY_HOURS * 3_600_000)
      throw new Failure(
        EXIT.refused,
        `the call for lines ${chunk[0]!.line} to ${chunk.at(-1)!.line} was begun more than ${KEY_HOURS} h ago and may have arrived: look at GET /emails, then send the rest from a file of its own`,
      );
    writeJournal(file, run);
    const answer = await client
      .persist<{ id: string; accepted: number; suppressed: number }>(
        "/emails/bulk",
        {
          method: "POST",
          body: { ...message, recipients: chunk.map(({ to, variables }) => ({ to, variables })) },
          headers: { ...headers, "idempotency-key": `cli-${run.run}-${i}` },
        },
        (seconds, why) => output.note(`\n${why} Trying again in ${seconds} s.`),
      )
      .catch((cause: unknown) => {
        progress.end();
        throw cause instanceof Failure ? withLines(cause, chunk) : cause;
      });
    run.chunks.push({ hash: hashOf(chunk), ...answer });
    run.trying = null;
    writeJournal(file, run);
    progress.at(done());
  }
  progress.end();
  return {
    accepted: run.chunks.reduce((sum, { accepted }) => sum + accepted, 0),
    suppressed: run.chunks.reduce((sum, { suppressed }) => sum + suppressed, 0),
    ids: run.chunks.map(({ id }) => id),
  };
}

/** The file is this process's until the lock is closed. The lock itself cannot say who has it: the journal does. */
function lockRun(csv: string): { close(): void } {
  const path = `${csv}.postern.lock`;
  let lock: { close(): void } | null;
  try {
    lock = lockFile(path);
  } catch {
    throw new Failure(EXIT.refused, `${path}, which keeps other runs away from ${csv}, cannot be written`);
  }
  if (lock !== null) return lock;
  const pid = readJournal(journalOf(csv))?.pid;
  const who = pid === undefined ? "another run" : `another run (process ${pid})`;
  throw new Failure(EXIT.refused, `${who} is at work on ${csv}: wait until it has ended, or end it`);
}

/** What was sent must still be what the file begins with; what comes after it may have been mended. */
function checkSame(
  journal: Journal,
  message: object,
  chunks: readonly (readonly Recipient[])[],
  csv: string,
): void {
  const changed =
    journal.message !== hashOf(message)
      ? "the message, or whether it goes into the sandbox, is another one than that of the run begun before"
      : journal.chunks.some(({ hash }, i) => chunks[i] === undefined || hash !== hashOf(chunks[i]))
        ? `lines of ${csv} that were sent already have changed`
        : null;
  if (changed !== null)
    throw new Failure(EXIT.refused, `${changed}; --again forgets that run and sends to everyone`);
}

/** `recipients[3].to` means little to whoever has a file: its line does. */
function withLines(failure: Failure, chunk: readonly Recipient[]): Failure {
  const message = failure.message.replace(
    /`recipients\[(\d+)\](\.\w+)?`/g,
    (_, index: string, field: string | undefined) =>
      `line ${chunk[Number(index)]?.line ?? "?"}${field ?? ""}`,
  );
  return new Failure(failure.exit, message, failure.answer);
}

const hashOf = (value: unknown): string =>
  createHash("sha256").update(JSON.stringify(value)).digest("base64url");

function readJournal(file: string): Journal | null {
  if (!existsSync(file)) return null;
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Journal;
  } catch {
    throw new Failure(EXIT.refused, `${file} is damaged: remove it to send to everyone anew`);
  }
}

/** Whole or not at all. Without it nothing is sent: who has had the mail must be known. */
function writeJournal(file: string, journal: Journal): void {
  try {
    writeFileSync(`${file}.new`, `${JSON.stringify(journal)}\n`);
    renameSync(`${file}.new`, file);
  } catch (cause) {
    throw new Failure(
      EXIT.refused,
      `${file}, where it is kept who has had the mail, cannot be written (${(cause as NodeJS.ErrnoException).code})`,
    );
  }
}

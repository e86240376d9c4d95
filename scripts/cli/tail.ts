/** `postern tail`: events as they happen. */
import { setTimeout as sleep } from "node:timers/promises";
import { type Command, InvalidArgumentError } from "commander";
import { type Client, clientOf, failureOf } from "./client.ts";
import { EXIT, Failure } from "./failure.ts";
import { lines } from "./ndjson.ts";
import type { Global } from "./options.ts";
import { outputOf, paint } from "./output.ts";

interface EventObject {
  id: string;
  type: string;
  created_at: string;
  email_id: string;
  recipient: string | null;
  data: {
    attempt?: { relay: string; code: number | null; text: string; sentence: string };
    reason?: string;
    category?: string;
    click?: { link: string };
    visitor?: { verdict?: string };
  };
}

interface TailOptions extends Global {
  type?: string;
  email?: string;
  recipient?: string;
  tag?: string;
  since?: string;
  exitAfter?: number;
}

const POLL_MS = 1_000;
/** An event may come to libSQL some time after it happened: so much is read again each time, and what was shown is not shown twice. */
const OVERLAP_MS = 15_000;

export function addTail(program: Command): void {
  program
    .command("tail")
    .description("show events as they happen, until Ctrl-C")
    .option("--type <types>", "only these, such as bounced,complained")
    .option("--email <id>", "only those of one message")
    .option("--recipient <address>", "only those of one person")
    .option("--tag <name=value>", "only those of messages with this tag")
    .option("--since <time>", "begin with what happened since then: a date, or such as 2026-11-24T08:00:00Z")
    .option("--exit-after <count>", "end after so many events", (text) => {
      if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError("It must be a number.");
      return Number(text);
    })
    .action(async (_: unknown, command: Command) => {
      await tail(command.optsWithGlobals<TailOptions>());
    });
}

async function tail(options: TailOptions): Promise<void> {
  const client = clientOf(options);
  const output = outputOf(options.json);
  const query = new URLSearchParams();
  for (const name of ["type", "email", "recipient", "tag"] as const)
    if (options[name] !== undefined) query.set(name, options[name]);
  let since = options.since ?? new Date().toISOString();
  const shown = new Map<string, number>();
  let count = 0;
  let reached = false;
  let patient = false;
  for (;;) {
    const startedAt = Date.now();
    try {
      for await (const event of await eventsSince(client, query, since)) {
        if (shown.has(event.id)) continue;
        shown.set(event.id, startedAt);
        output.result(event, () => [describe(event)]);
        count += 1;
        if (count === options.exitAfter) return;
      }
      reached = true;
      patient = false;
    } catch (cause) {
      // What is wrong from the start is said; a gateway that goes away later is waited for.
      if (!(cause instanceof Failure) || cause.exit !== EXIT.unavailable || !reached) throw cause;
      if (!patient) output.note(`${cause.message} Waiting.`);
      patient = true;
      await sleep(POLL_MS);
      continue;
    }
    since = new Date(startedAt - OVERLAP_MS).toISOString();
    for (const [id, at] of shown) if (at < startedAt - 2 * OVERLAP_MS) shown.delete(id);
    await sleep(POLL_MS);
  }
}

async function eventsSince(client: Client, query: URLSearchParams, since: string) {
  const all = new URLSearchParams(query);
  all.set("since", since);
  const response = await client.call(`/events?${all}`, { headers: { accept: "application/x-ndjson" } });
  if (!response.ok) throw await failureOf(response);
  return lines<EventObject>(response);
}

const COLOURS: Record<string, Parameters<typeof paint>[0]> = {
  bounced: "red",
  failed: "red",
  complained: "red",
  suppressed: "yellow",
  delivery_delayed: "yellow",
  delivered: "green",
  opened: "cyan",
  clicked: "cyan",
};

/** One line: when, what, whose, and what there is to say. */
export function describe({ type, created_at, recipient, email_id, data }: EventObject): string {
  const name = type.replace(/^email\./, "");
  const words = [
    data.click?.link,
    data.visitor?.verdict === undefined ? undefined : `(${data.visitor.verdict})`,
    data.attempt === undefined ? undefined : `${data.attempt.relay}: ${data.attempt.text}`,
    data.reason,
  ].filter((part) => part !== undefined);
  // What relays and senders of bounces write is not for the terminal to obey.
  const said = words.join(" ").replace(/\p{Cc}+/gu, " ");
  return `${created_at.slice(11, 19)}  ${paint(COLOURS[name] ?? "reset", name.padEnd(16))}  ${recipient ?? email_id}  ${said}`.trimEnd();
}

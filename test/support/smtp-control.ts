/** For tests in workerd: SMTP peers on demand (see smtp-peers.ts), and relays that point at them. */
import { inject } from "vitest";
import type { Attempt, Copy, Source } from "../../src/smtp/attempt.ts";
import { DEADLINES, type Deadlines } from "../../src/smtp/deadlines.ts";
import { parseRelayUrl, type Relay } from "../../src/smtp/relay.ts";
import type { ConnectionLog, Script, ScriptStep } from "./scripted-relay.ts";
import type { SinkLog, SinkOptions } from "./sink-relay.ts";
import type { ServerOptions } from "./smtp-peers.ts";

export type { ScriptStep };

async function start(kind: string, options: unknown): Promise<number> {
  const response = await fetch(`${inject("smtpPeers")}/${kind}`, {
    method: "POST",
    body: JSON.stringify(options),
  });
  return ((await response.json()) as { port: number }).port;
}

async function read<T>(port: number, method = "GET"): Promise<T> {
  return (await fetch(`${inject("smtpPeers")}/${port}`, { method })).json() as Promise<T>;
}

export const scripted = (script: Script): Promise<number> => start("scripted", script);
export const sink = (options: SinkOptions): Promise<number> => start("sink", options);
export const server = (options: ServerOptions): Promise<number> => start("server", options);
export const stop = (port: number): Promise<unknown> => read(port, "DELETE");
export const scriptLog = (port: number) => read<{ connections: ConnectionLog[]; open: number }>(port);
export const sinkLog = (port: number) => read<SinkLog>(port);
export const serverLog = (port: number) =>
  read<{ logins: string[]; messages: { from: string; to: string[]; raw: string; secure: boolean }[] }>(port);

/** Polls until `done` or two seconds have gone. */
export async function until<T>(get: () => Promise<T>, done: (value: T) => boolean): Promise<T> {
  const since = Date.now();
  for (;;) {
    const value = await get();
    if (done(value) || Date.now() - since > 2_000) return value;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** A relay on loopback; `query` and `user` as in SMTP_URL. */
export function relayAt(port: number, query = "", user = "", scheme = "smtp", host = "127.0.0.1"): Relay {
  const relay = parseRelayUrl(`${scheme}://${user === "" ? "" : `${user}@`}${host}:${port}${query}`, "test");
  if (!relay.ok) throw new Error(relay.error);
  return relay.value;
}

/** Deadlines that let a test wait for them. */
export const short = (ms: number): Deadlines => ({
  ...DEADLINES,
  greeting: ms,
  command: ms,
  data: ms,
  final: ms,
  write: ms,
  quit: ms,
});

export const copyTo = (forwardPath: string, text = "Subject: Hello\r\n\r\nHello.\r\n"): Copy => ({
  reversePath: "news@example.com",
  forwardPath,
  bytes: new TextEncoder().encode(text),
  smtputf8: false,
});

export interface TestJob {
  copy: Copy;
}

/** A source over a list, which notes everything it is told. */
export class ListSource implements Source<TestJob> {
  readonly attempts: { to: string; attempt: Attempt }[] = [];
  readonly failures: Attempt[] = [];
  taken = 0;
  /** Messages begun and not told of; and how many there were at most. */
  readonly onTheWire = new Set<TestJob>();
  mostOnTheWire = 0;
  readonly queue: Copy[];

  constructor(copies: Copy[]) {
    this.queue = copies;
  }

  next(): TestJob | null {
    const copy = this.queue.shift();
    if (copy === undefined) return null;
    this.taken += 1;
    return { copy };
  }

  begun(job: TestJob): void {
    this.onTheWire.add(job);
    this.mostOnTheWire = Math.max(this.mostOnTheWire, this.onTheWire.size);
  }

  done(job: TestJob, attempt: Attempt): void {
    this.onTheWire.delete(job);
    this.attempts.push({ to: job.copy.forwardPath, attempt });
  }

  unreachable(failure: Attempt): void {
    this.failures.push(failure);
  }

  /** `recipient: disposition category`, in the order of the outcomes. */
  get outcomes(): string[] {
    return this.attempts.map(({ to, attempt }) => `${to}: ${attempt.disposition} ${attempt.category}`);
  }
}

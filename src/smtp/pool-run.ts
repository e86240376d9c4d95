/** What a pool keeps while it works: one run, the copies it holds, and what it says of them. */
import { SMTP_FAR_MS, SMTP_MESSAGES_UNANSWERED, SMTP_MESSAGES_UNANSWERED_FAR } from "../core/limits.ts";
import type { Category } from "../policy/category.ts";
import type { Attempt, Copy, Source } from "./attempt.ts";
import type { Berths } from "./berths.ts";
import type { ConversationLimits } from "./conversation.ts";
import type { SmtpFailure } from "./failure.ts";
import type { Relay } from "./relay.ts";
import type { SessionDeps, SmtpSession } from "./session.ts";
import type { Outcome } from "./transaction.ts";

export interface PoolDeps extends SessionDeps {
  /** One line for the operator, without secrets. */
  log?: (line: string) => void;
  /** Default: SMTP_IDLE_MS. */
  idleMs?: number;
  /** What it shares with other pools. Default: a berth for each session. */
  berths?: Berths;
}

/** For GET /relays. */
export interface PoolState {
  /** Sessions open, whether sending or idle. */
  open: number;
  /** Of them sending. */
  busy: number;
  /** Milliseconds since 1970. */
  lastError: { at: number; category: Category; sentence: string; detail: string } | null;
  /** The port of the last session that opened. */
  lastPort: number | null;
}

/** A copy taken from a source. */
export interface Item<Job> {
  copy: Copy;
  job: Job;
  source: Source<Job & { copy: Copy }>;
  startedAt: number;
}

/** From the first `work` until the source is dry. */
export interface Run<Job extends { copy: Copy }> {
  source: Source<Job>;
  promise: Promise<void>;
  end: (error: unknown) => void;
  /** Set once the relay counts as unreachable: nothing more is taken. */
  stopped: Attempt | null;
  /** Sessions in a row that ended without an answered copy. */
  fruitless: number;
  /** A bug in the source, thrown out of `work`. */
  thrown: { error: unknown } | null;
}

/** A failure as the outcome of a session that could not be had. */
export const failureOutcome = (failure: SmtpFailure, transcript: string): Outcome => ({
  step: failure.step,
  verdict: failure.verdict,
  reply: failure.reply,
  problem: failure.problem,
  transcript,
});

/** Not a byte of the copy was sent. */
export const UNSENT: Outcome = {
  step: "mail",
  verdict: {
    disposition: "deferred",
    category: "connection_lost",
    action: "retry",
    sentence: "The session ended before this message was sent.",
  },
  reply: null,
  problem: "the session ended before this message was sent",
  transcript: null,
};

/** An outcome as it is told. Times in milliseconds since 1970. */
export const attemptOf = (
  relay: Relay,
  { step, verdict, reply, problem, transcript }: Outcome,
  { port, tls, startedAt, endedAt }: { port: number; tls: boolean; startedAt: number; endedAt: number },
): Attempt => ({
  step,
  disposition: verdict.disposition,
  category: verdict.category,
  sentence: verdict.sentence,
  reply,
  problem,
  relay: relay.name,
  host: relay.host,
  port,
  tls,
  startedAt,
  durationMs: endedAt - startedAt,
  transcript,
});

/** What a session of a relay may carry, and how much of it at a time. */
export function limitsOf(
  relay: Relay,
  { roundTripMs }: Pick<SmtpSession, "roundTripMs">,
): ConversationLimits {
  const { messagesPerConnection, connections } = relay;
  const unanswered = roundTripMs < SMTP_FAR_MS ? SMTP_MESSAGES_UNANSWERED : SMTP_MESSAGES_UNANSWERED_FAR;
  return { messages: messagesPerConnection, window: Math.max(2, Math.floor(unanswered / connections)) };
}

export function newRun<Job extends { copy: Copy }>(source: Source<Job>): Run<Job> {
  let end: Run<Job>["end"] = () => {};
  const promise = new Promise<void>((resolve, reject) => {
    end = (thrown) => {
      if (thrown === null) resolve();
      else reject((thrown as { error: unknown }).error);
    };
  });
  return { source, promise, end, stopped: null, fruitless: 0, thrown: null };
}

/** When any of some sessions last moved, in milliseconds since 1970; 0 when there are none. */
export function lastMove(sessions: Iterable<{ movedAt: number }>): number {
  let last = 0;
  for (const { movedAt } of sessions) last = Math.max(last, movedAt);
  return last;
}

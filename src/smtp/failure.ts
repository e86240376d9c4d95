/**
 * How a session ends badly, and the words for what workerd's sockets say. A failure is thrown inside a session only, and
 * becomes a value at its edges (`openSession`, `converse`).
 */

import type { Category } from "../policy/category.ts";
import { judge, judgeProblem, type Verdict } from "../policy/outcome.ts";
import type { Reply, Step } from "../policy/reply.ts";

/** The session is over. Either a reply said so, or `category` and `problem` say what went wrong without one. */
export class SmtpFailure extends Error {
  readonly step: Step;
  readonly reply: Reply | null;
  readonly problem: string | null;
  readonly verdict: Verdict;

  constructor(step: Step, cause: Reply | { category: Category; problem: string }) {
    const reply = "code" in cause ? cause : null;
    super("code" in cause ? `${step}: ${cause.code} ${cause.text}` : `${step}: ${cause.problem}`);
    this.name = "SmtpFailure";
    this.step = step;
    this.reply = reply;
    this.problem = "code" in cause ? null : cause.problem;
    this.verdict = "code" in cause ? judge(cause, step) : judgeProblem(cause.category);
  }

  /** What happened, in one line: the relay's words, or ours. */
  get detail(): string {
    const { reply } = this;
    if (reply === null) return this.problem ?? this.message;
    return [reply.code, reply.enhanced, reply.text.replaceAll("\n", " ")]
      .filter((part) => part !== null && part !== "")
      .join(" ");
  }
}

/** The relay does not speak SMTP as it should. */
export const protocolError = (step: Step, problem: string): SmtpFailure =>
  new SmtpFailure(step, { category: "protocol_error", problem });

/** Something came that answers nothing; `reply` is undefined when it is no whole reply yet. */
export const unasked = (step: Step, reply: Reply | undefined): SmtpFailure =>
  reply !== undefined && reply.code >= 400
    ? new SmtpFailure(step, reply)
    : protocolError(step, "the relay answered a command that was not sent");

/** What a socket error at a point of the session means. */
interface SocketError {
  says: RegExp;
  category: Category;
  problem: string;
}

/**
 * workerd says little: for a refused connection, a failed lookup or a refused certificate only "Network connection
 * lost.", "Stream was cancelled." or "proxy request failed" (cloudflare/workerd, seen in runs; cloudflare/workers-sdk
 * and zou-yu/worker-mailer issue 16). Only these texts tell more.
 */
const CONNECT_ERRORS: readonly SocketError[] = [
  {
    says: /port 25 (are|is) prohibited|prohibited/i,
    category: "port_prohibited",
    problem: "the platform prohibits connections to this port",
  },
  {
    says: /cannot connect to (the specified address|cloudflare)|consider using fetch/i,
    category: "connect_failed",
    problem: "the platform could not or would not connect to this address",
  },
  {
    says: /dns|resolve|getaddrinfo|name or service not known|no such host/i,
    category: "relay_unresolved",
    problem: "the host name could not be resolved",
  },
  {
    says: /specified address (could not be|is missing|is invalid)|invalid (address|port)/i,
    category: "relay_unresolved",
    problem: "the host or port is not a valid address",
  },
];

/** A failure to connect: TCP did not open, or (with implicit TLS) its handshake did not end well: see probe.ts. */
export function connectFailure(error: unknown): SmtpFailure {
  const text = messageOf(error);
  const known = CONNECT_ERRORS.find((row) => row.says.test(text));
  const category = known?.category ?? "connect_failed";
  return new SmtpFailure("connect", { category, problem: `${known?.problem ?? "no connection"} (${text})` });
}

/** A failed TLS handshake. */
export function tlsFailure(step: Step, error: unknown): SmtpFailure {
  const problem = `the TLS handshake failed; the platform says only "${messageOf(error)}"`;
  return new SmtpFailure(step, { category: "tls_failed", problem });
}

/** Silence or a hang-up where the greeting should be, without TLS: often a server that waits for a TLS handshake. */
export function greetingFailure(failure: SmtpFailure, port: number): SmtpFailure {
  const { category } = failure.verdict;
  if (failure.reply !== null || (category !== "timed_out" && category !== "connection_lost")) return failure;
  const hint = `if port ${port} wants TLS from the first byte, use smtps://`;
  return new SmtpFailure("greeting", {
    category: port === 465 ? "wrong_tls_mode" : category,
    problem: `no greeting: ${failure.problem}; ${hint}`,
  });
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/**
 * One copy handed to a relay, and what came of it. These shapes are what the outbox and the SMTP room tell each other.
 * The record for people is made from an Attempt by the outbox.
 */

import type { Category } from "../policy/category.ts";
import type { Disposition, Reply, Step } from "../policy/reply.ts";
import type { EventType } from "../schema/event.ts";

/** One copy for one recipient, ready for the wire. */
export interface Copy {
  /** Envelope sender (RFC 5321 reverse-path), without angle brackets; "" is the null sender. */
  reversePath: string;
  /** Envelope recipient (forward-path), without angle brackets. The domain is A-labels already. */
  forwardPath: string;
  /** Wire form: CRLF line ends, dots stuffed, ends in CRLF, without the final dot. */
  bytes: Uint8Array;
  /** The headers or an address hold raw UTF-8: needs SMTPUTF8 (RFC 6531). */
  smtputf8: boolean;
}

export interface Attempt {
  /** How far the copy got: where the deciding reply or failure came. */
  step: Step;
  disposition: Disposition;
  category: Category;
  /** For a person: what happened, and what to do about it if there is anything. */
  sentence: string;
  /** Null when no reply came (hang-up, timeout, refused certificate, …); `problem` says what went wrong then. */
  reply: Reply | null;
  problem: string | null;
  relay: string;
  host: string;
  port: number;
  tls: boolean;
  /** Milliseconds since 1970, and milliseconds. */
  startedAt: number;
  durationMs: number;
  /** Masked dialogue of this attempt (no credentials, no message), or null when accepted. At most TRANSCRIPT_BYTES. */
  transcript: string | null;
  /** In the sandbox: what is told after the acceptance. */
  sequel?: EventType[];
}

/**
 * Where a pool gets work. All are called synchronously from session loops of one object.
 * `next` must have written the attempt down before it returns: what it returns may reach the relay.
 */
export interface Source<Job extends { copy: Copy }> {
  /** The next copy this relay may send now, or null when there is none. */
  next(): Job | null;
  /** The copy's message goes on the wire: from now until `done`, nobody can tell whether the relay has it. */
  begun(job: Job): void;
  /** What came of a copy. Called exactly once for every job that `next` returned. */
  done(job: Job, attempt: Attempt): void;
  /** A session could not be opened (no job was taken). The pool stops; the caller decides when to try again. */
  unreachable(failure: Attempt): void;
}

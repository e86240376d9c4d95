/**
 * How long each wait may take, and the one timer of a session that watches them. Setting a deadline for each reply would
 * cost a timer each (and worker-mailer, which never clears them, dies of it after 10,000); here one timer is moved only
 * when it fires or is too late.
 */
import {
  SMTP_COMMAND_MS,
  SMTP_CONNECT_MS,
  SMTP_DATA_REPLY_MS,
  SMTP_FINAL_REPLY_MS,
  SMTP_GREETING_MS,
  SMTP_QUIT_MS,
  SMTP_WRITE_MS,
} from "../core/limits.ts";

/** Milliseconds for each kind of wait. Tests pass shorter ones. */
export interface Deadlines {
  connect: number;
  greeting: number;
  command: number;
  data: number;
  final: number;
  write: number;
  quit: number;
}

export const DEADLINES: Deadlines = {
  connect: SMTP_CONNECT_MS,
  greeting: SMTP_GREETING_MS,
  command: SMTP_COMMAND_MS,
  data: SMTP_DATA_REPLY_MS,
  final: SMTP_FINAL_REPLY_MS,
  write: SMTP_WRITE_MS,
  quit: SMTP_QUIT_MS,
};

/** One alarm, many deadlines. Holds at most one timer of the platform. */
export class DeadlineTimer {
  #timer: ReturnType<typeof setTimeout> | null = null;
  #firesAt = 0;
  #deadline = Number.POSITIVE_INFINITY;
  #now: () => number;
  #expired: () => void;

  /** `expired` is called when a deadline passes that was not lifted. */
  constructor(now: () => number, expired: () => void) {
    this.#now = now;
    this.#expired = expired;
  }

  /** A deadline `ms` from now, instead of the one before. */
  set(ms: number): void {
    const at = this.#now() + ms;
    this.#deadline = at;
    // A timer that fires earlier looks again then; one that fires too late is no use.
    if (this.#timer !== null && this.#firesAt > at) this.#clear();
    if (this.#timer === null) this.#arm(at, ms);
  }

  /** No deadline for now. A running timer is left to fire in vain: the next `set` will most likely use it. */
  lift(): void {
    this.#deadline = Number.POSITIVE_INFINITY;
  }

  /** No deadline and no timer. */
  stop(): void {
    this.lift();
    this.#clear();
  }

  #arm(at: number, ms: number): void {
    this.#firesAt = at;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (this.#deadline === Number.POSITIVE_INFINITY) return;
      const left = this.#deadline - this.#now();
      if (left > 0) this.#arm(this.#deadline, left);
      else this.#expired();
    }, ms);
  }

  #clear(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}

/**
 * One connection to a relay: bytes out, replies in, a deadline on every wait, a bound on every read, and a poison flag.
 * It repairs worker-mailer's reading and writing; what is said over it is session.ts's and transaction.ts's.
 */

import { utf8 } from "../core/bytes.ts";
import { SMTP_WRITE_CHUNK_BYTES } from "../core/limits.ts";
import type { Reply, Step } from "../policy/reply.ts";
import { binaryString, type Credentials, redact } from "./auth.ts";
import { type Deadlines, DeadlineTimer } from "./deadlines.ts";
import { messageOf, SmtpFailure, unasked } from "./failure.ts";
import type { Listener } from "./listener.ts";
import { ReplyParser } from "./reply.ts";
import { spellReply } from "./transcript.ts";
import { WorkerMailerBase } from "./worker-mailer.ts";

export interface ConnectionOptions {
  host: string;
  port: number;
  /** TLS from the first byte. */
  secure: boolean;
  /** The socket may be upgraded later. */
  startTls: boolean;
  credentials: Credentials | null;
  deadlines: Deadlines;
  now: () => number;
}

export class SmtpConnection extends WorkerMailerBase {
  /** What has been said while the session was opened, masked. */
  readonly opening: string[] = [];
  protected readonly secrets: Credentials | null;
  readonly waits: Deadlines;
  /** What the base class's `read` reports as its step and waits by. */
  protected step: Step = "greeting";
  protected waitMs: number;
  #parser = new ReplyParser();
  #failure: SmtpFailure | null = null;
  #timer: DeadlineTimer;
  #wake: (() => void) | null = null;
  #reading = false;
  #now: () => number;
  /** When it last said something, or took a piece of a large message: milliseconds since 1970. */
  movedAt: number;
  #listener: Listener | null = null;
  /** Called once, when the connection is given up. */
  dropped: (() => void) | null = null;
  /** Opens the socket. Throws what `connect()` throws on an address it does not take. */
  constructor(options: ConnectionOptions) {
    const { credentials } = options;
    super({
      host: options.host,
      port: options.port,
      secure: options.secure,
      startTls: options.startTls,
      logLevel: 4,
      // As binary strings: the library calls btoa on them, which takes no character above 255.
      ...(credentials === null
        ? {}
        : {
            credentials: {
              username: binaryString(credentials.user),
              password: binaryString(credentials.password),
            },
          }),
    });
    this.secrets = credentials;
    this.waits = options.deadlines;
    this.waitMs = options.deadlines.command;
    this.#now = options.now;
    this.movedAt = options.now();
    this.#timer = new DeadlineTimer(options.now, () =>
      this.fail(
        new SmtpFailure(this.step, { category: "timed_out", problem: `no answer in time (${this.step})` }),
      ),
    );
    this.settleQuietly();
  }

  /** Not null: the session is over, and nothing more is read or written. */
  get failure(): SmtpFailure | null {
    return this.#failure;
  }

  /** The next reply. Throws SmtpFailure on hang-up, timeout or bytes that are no reply. */
  async reply(step: Step, ms: number): Promise<Reply> {
    this.step = step;
    let reply = this.#parser.shift();
    while (reply === undefined) {
      if (this.#failure !== null) throw this.#failure;
      this.#timer.set(ms);
      await this.#pause();
      reply = this.#parser.shift();
    }
    this.#timer.lift();
    return reply;
  }

  /** From now on replies go to a listener, many at a time, instead of to whoever awaits one. Null: no more. */
  listen(listener: Listener | null): void {
    this.#listener = listener;
    if (listener === null) this.#timer.lift();
    else this.#read();
  }

  /** The next reply, where one is there. */
  next(): Reply | undefined {
    return this.#parser.shift();
  }

  /** The listener's next reply is to come within `ms`. */
  expect(step: Step, ms: number): void {
    this.step = step;
    this.#timer.set(ms);
  }

  /** True when a reply is there already, so that `reply` will not wait. */
  get answered(): boolean {
    return this.#parser.length > 0;
  }

  protected get silent(): boolean {
    return this.#parser.empty;
  }

  /**
   * Call when every reply that is due has been read. Whatever else is there answers nothing: a relay out of step, whose
   * next "250" would be taken for a message's. Throws SmtpFailure.
   */
  expectSilence(step: Step): void {
    if (this.#failure !== null) throw this.#failure;
    if (this.#parser.empty) return;
    throw this.fail(unasked(step, this.#parser.shift()));
  }

  /** Writes without waiting: a failed write shows as the end of the reading side, after any last reply ("421 …"). */
  transmit(bytes: Uint8Array): void {
    if (this.#failure !== null) throw this.#failure;
    this.writer.write(bytes).catch(() => {});
  }

  /** Writes piece by piece, each with a deadline; stops when the relay answers early. Throws SmtpFailure. */
  async transmitLarge(bytes: Uint8Array, step: Step): Promise<void> {
    this.step = step;
    for (let at = 0; at < bytes.length && !this.answered; at += SMTP_WRITE_CHUNK_BYTES) {
      if (this.#failure !== null) throw this.#failure;
      let written = false;
      const done = () => {
        written = true;
        this.movedAt = this.#now();
        this.#wake?.();
      };
      this.writer.write(bytes.subarray(at, at + SMTP_WRITE_CHUNK_BYTES)).then(done, () => {});
      this.#timer.set(this.waits.write);
      while (!written && !this.answered && this.#failure === null) await this.#pause();
    }
    this.#timer.lift();
  }

  /** Waits for a promise of the platform, at most `ms`. Throws what it rejects with, or SmtpFailure. */
  protected async within<T>(promise: Promise<T>, step: Step, ms: number): Promise<T> {
    this.step = step;
    let settled: { value: T } | { error: unknown } | null = null;
    promise.then(
      (value) => {
        settled = { value };
        this.#wake?.();
      },
      (error) => {
        settled = { error };
        this.#wake?.();
      },
    );
    this.#timer.set(ms);
    while (settled === null && this.#failure === null)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    this.#wake = null;
    this.#timer.lift();
    const end = settled as { value: T } | { error: unknown } | null;
    if (end === null) throw this.#failure;
    if ("error" in end) throw end.error;
    return end.value;
  }

  /** While nothing is under way: calls `ended` when the relay closes or says anything. */
  watch(ended: () => void): void {
    this.#timer.stop();
    this.listen({ heard: ended, failed: ended });
  }

  unwatch(): void {
    this.listen(null);
  }

  /** Ends the session for good. Returns the failure that holds, which is the first. */
  fail(failure: SmtpFailure): SmtpFailure {
    if (this.#failure === null) {
      this.#failure = failure;
      this.drop();
      this.#wake?.();
      this.#listener?.failed(failure);
    }
    return this.#failure;
  }

  /** Closes the socket and the timer. `socket.close()` may never settle after STARTTLS: not awaited. */
  drop(): void {
    this.#failure ??= new SmtpFailure(this.step, {
      category: "connection_lost",
      problem: "the session was closed",
    });
    this.#timer.stop();
    this.reader.cancel().catch(() => {});
    this.socket.close().catch(() => {});
    this.dropped?.();
    this.dropped = null;
  }

  /** The base class reads replies as text; the enhanced code is put back. */
  override async read(): Promise<string> {
    const reply = await this.reply(this.step, this.waitMs);
    return `${reply.code} ${reply.text}`;
  }

  override readTimeout(): Promise<string> {
    return this.read();
  }

  override async write(text: string): Promise<void> {
    this.transmit(utf8(text));
  }

  /** A reply to a command of the opening: into the record, without credentials. */
  protected record(reply: Reply): Reply {
    const masked = this.secrets === null ? reply : { ...reply, text: redact(reply.text, this.secrets) };
    this.opening.push(spellReply(masked));
    return masked;
  }

  /** The platform rejects these promises too when a connection fails; unhandled, they would be logged as errors. */
  protected settleQuietly(): void {
    this.socket.opened.catch(() => {});
    this.socket.closed.catch(() => {});
    this.reader.closed.catch(() => {});
    this.writer.closed.catch(() => {});
    this.writer.ready?.catch(() => {});
  }

  /** Until something happens: bytes, the end, the deadline. */
  #pause(): Promise<void> {
    this.#read();
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = null;
        resolve();
      };
    });
  }

  #read(): void {
    if (this.#reading || this.#failure !== null) return;
    this.#reading = true;
    this.reader.read().then(this.#arrived, this.#lost);
  }

  #arrived = (result: ReadableStreamReadResult<Uint8Array>): void => {
    this.#reading = false;
    if (this.#failure !== null) return;
    if (result.done) {
      this.fail(
        new SmtpFailure(this.step, {
          category: "connection_lost",
          problem: "the relay closed the connection",
        }),
      );
      return;
    }
    this.movedAt = this.#now();
    const fault = this.#parser.push(result.value);
    if (fault !== null) {
      this.fail(new SmtpFailure(this.step, { category: "protocol_error", problem: fault }));
    } else if (this.#listener !== null) {
      if (this.#parser.length > 0) this.#listener.heard();
      if (this.#listener !== null) this.#read();
    } else if (this.#parser.length === 0) this.#read();
    else this.#wake?.();
  };

  #lost = (error: unknown): void => {
    this.#reading = false;
    this.fail(
      new SmtpFailure(this.step, {
        category: "connection_lost",
        problem: `the connection broke (${messageOf(error)})`,
      }),
    );
  };
}

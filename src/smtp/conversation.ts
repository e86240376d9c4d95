/**
 * Sending copies over an open session, as replies come in: no promise for a reply, and one write for all that may be said.
 *
 * - Without PIPELINING (RFC 2920): one command at a time.
 * - With it: MAIL, RCPT and DATA in one write, and the end of one body with the next envelope in one write. At any time at
 *   most one message is unanswered, since a body may not go before the 354.
 * - With CHUNKING too (RFC 3030): whole messages in one write, up to a window of them unanswered.
 *
 * In a window an envelope begins with RSET, so that a refusal of the message before (which may leave its MAIL standing) is never in its way.
 */
import { SMTP_JOINED_WRITE_BYTES } from "../core/limits.ts";
import { judgeProblem } from "../policy/outcome.ts";
import type { Copy } from "./attempt.ts";
import { unfitFor } from "./envelope.ts";
import { protocolError, SmtpFailure } from "./failure.ts";
import { Hearing } from "./hearing.ts";
import type { Listener } from "./listener.ts";
import type { SmtpSession } from "./session.ts";
import { Speaker, STEP_OF } from "./speaker.ts";
import { type Feed, Transaction } from "./transaction.ts";

export interface ConversationLimits {
  /** Copies answered in this session, after which nothing more is taken. */
  messages: number;
  /** Messages unanswered at a time. */
  window: number;
}

/**
 * Sends copies until the feed is dry or the session has had its share. True: the session can be used again. False: it has
 * failed (`session.failure`), and every copy it took was settled or given back.
 */
export const converse = <Item extends { copy: Copy }>(
  session: SmtpSession,
  feed: Feed<Item>,
  limits: ConversationLimits,
): Promise<boolean> => new Conversation(session, feed, limits).run();

class Conversation<Item extends { copy: Copy }> implements Listener {
  readonly #session: SmtpSession;
  readonly #feed: Feed<Item>;
  readonly #limits: ConversationLimits;
  readonly #pipelining: boolean;
  readonly #speaker: Speaker<Item>;
  readonly #hearing: Hearing<Item>;
  #end: { resolve: (usable: boolean) => void; reject: (bug: unknown) => void } | null = null;

  constructor(session: SmtpSession, feed: Feed<Item>, limits: ConversationLimits) {
    this.#session = session;
    this.#feed = feed;
    this.#limits = limits;
    this.#speaker = new Speaker(session);
    this.#hearing = new Hearing(session, feed, this.#speaker);
    this.#pipelining = session.capabilities.pipelining;
  }

  run(): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#end = { resolve, reject };
      this.#session.listen(this);
      this.#attempt(() => {
        this.#session.expectSilence("mail");
        this.#proceed();
      });
    });
  }

  /** Replies have come. All are read before anything is sent: none of them can answer what was not asked yet. */
  heard(): void {
    this.#attempt(() => {
      for (let due = this.#speaker.next(); due !== undefined; due = this.#speaker.next()) {
        this.#hearing.hear(due, due.reply);
        if (this.#session.isMuddled) return this.#finish();
        if (this.#speaker.isQuiet) this.#session.expectSilence(STEP_OF[due.command]);
      }
      this.#proceed();
    });
  }

  failed(failure: SmtpFailure): void {
    this.#attempt(() => {
      throw failure;
    });
  }

  /** Failures end the conversation, bugs of the feed too. */
  #attempt(act: () => void): void {
    if (this.#end === null) return;
    try {
      act();
    } catch (error) {
      this.#break(error);
    }
  }

  #break(error: unknown): void {
    const end = this.#end;
    if (end === null) return; // The failure was told while it was being thrown.
    this.#end = null;
    this.#session.listen(null);
    try {
      if (!(error instanceof SmtpFailure)) throw error;
      this.#hearing.abandon(error);
      end.resolve(false);
    } catch (bug) {
      end.reject(bug);
    }
  }

  /** Says all that may be said now. */
  #proceed(): void {
    const { next } = this.#hearing;
    this.#hearing.next = null;
    if (next !== null) this.#speaker.say(next.command, next.of);
    if (this.#hearing.ready !== null && !this.#sendReady()) return;
    while (this.#hasRoom()) {
      // One command at a time: what is owed goes alone.
      if (!this.#pipelining && this.#speaker.owed.length > 0) break;
      const item = this.#next();
      if (item === null || !this.#begin(item)) break;
    }
    if (this.#speaker.isQuiet) {
      if (this.#hearing.full !== null) throw this.#session.fail(this.#hearing.full);
      if (this.#speaker.owed.length === 0) {
        this.#finish();
        return;
      }
      this.#speaker.payOwed(null);
    }
    this.#speaker.flush();
  }

  /** Whether another copy's envelope may go out now. */
  #hasRoom(): boolean {
    if (this.#hearing.full !== null) return false;
    const { length } = this.#hearing.open;
    if (length === 0) return this.#pipelining || this.#speaker.isQuiet;
    const last = this.#hearing.open[length - 1]!;
    return this.#chunks && last.chunked && last.isSent && length < this.#limits.window;
  }

  /** Messages go by BDAT. */
  get #chunks(): boolean {
    return this.#pipelining && this.#session.capabilities.chunking && this.#feed.chunking;
  }

  /** The next copy that this relay can carry at all; those it cannot are settled without a word to the relay. */
  #next(): Item | null {
    const session = this.#session;
    if (session.answeredCopies + this.#hearing.open.length >= this.#limits.messages) return null;
    for (;;) {
      const item = this.#hearing.held.shift() ?? this.#feed.take();
      if (item === null) return null;
      const unfit = unfitFor(item.copy, session.capabilities);
      if (unfit === null) return item;
      const { category, problem } = unfit;
      const verdict = judgeProblem(category);
      this.#feed.settle(item, { step: "mail", verdict, reply: null, problem, transcript: null });
    }
  }

  /** A copy's envelope, with its message where that may follow at once. False: it has to wait for the window to empty. */
  #begin(item: Item): boolean {
    const inWindow = this.#hearing.open.length > 0 && this.#chunks;
    // A large message waits for its envelope's answers: a refusal saves sending it.
    const chunked = this.#chunks && !isLarge(item.copy);
    if (inWindow && !chunked) {
      this.#hearing.held.unshift(item);
      return false;
    }
    if (inWindow) this.#speaker.owed = ["reset"];
    const copy = new Transaction(item, chunked);
    this.#hearing.open.push(copy);
    this.#speaker.payOwed(copy);
    this.#speaker.say("mail", copy);
    if (!this.#pipelining) return true;
    this.#speaker.say("rcpt", copy);
    if (!chunked) this.#speaker.say("data", copy);
    else if (this.#session.takesChunks) this.#sendChunk(copy);
    else this.#speaker.sayFirstChunk(copy);
    return true;
  }

  /** The message that the relay waits for. False: it takes a while, and goes on by itself. */
  #sendReady(): boolean {
    const copy = this.#hearing.ready!;
    this.#hearing.ready = null;
    if (copy.chunked) {
      this.#sendChunk(copy);
      return true;
    }
    this.#sends(copy);
    if (isLarge(copy.item.copy)) {
      void this.#sendLarge(copy);
      return false;
    }
    this.#speaker.sayBody(copy);
    this.#endBody(copy);
    return true;
  }

  #sendChunk(copy: Transaction<Item>): void {
    this.#sends(copy);
    this.#speaker.sayLastChunk(copy);
  }

  #sends(copy: Transaction<Item>): void {
    this.#feed.begun(copy.item);
    copy.isSent = true;
  }

  /** The final dot, with the next copy's envelope behind it; taken only where that can go out now. */
  #endBody(copy: Transaction<Item>): void {
    this.#speaker.sayDot(copy);
    const item = this.#pipelining && !this.#chunks ? this.#next() : null;
    if (item !== null) this.#begin(item);
  }

  async #sendLarge(copy: Transaction<Item>): Promise<void> {
    const session = this.#session;
    let failure: unknown = null;
    session.listen(null);
    try {
      await session.transmitLarge(copy.item.copy.bytes, "body");
    } catch (error) {
      failure = error;
    }
    this.#attempt(() => {
      if (failure !== null) throw failure;
      session.listen(this);
      const early = session.next();
      if (early === undefined) {
        this.#endBody(copy);
        this.#proceed();
        return;
      }
      // An answer before the end is a refusal; the rest cannot be sent, nor the session used again.
      this.#hearing.note(copy, "body", early);
      throw session.fail(
        early.code >= 400
          ? new SmtpFailure("body", early)
          : protocolError("body", "the relay answered before the message ended"),
      );
    });
  }

  #finish(): void {
    const end = this.#end!;
    this.#end = null;
    this.#session.listen(null);
    for (const item of this.#hearing.held) this.#feed.giveBack(item);
    end.resolve(true);
  }
}

/** Copying it into one write with others would cost more than a packet. */
const isLarge = (copy: Copy): boolean => copy.bytes.length > SMTP_JOINED_WRITE_BYTES;

/**
 * Sending copies over an open session: MAIL, RCPT and DATA in one write where PIPELINING allows (RFC 2920), and the end
 * of one body with the next copy's envelope in one write. At any time at most one body is unacknowledged.
 */
import { SMTP_JOINED_WRITE_BYTES } from "../core/limits.ts";
import { judge, judgeProblem, type Verdict } from "../policy/outcome.ts";
import type { Reply, Step } from "../policy/reply.ts";
import type { Copy } from "./attempt.ts";
import { dialogueOf, envelopeOf, hasControl, needsUtf8 } from "./envelope.ts";
import { SmtpFailure } from "./failure.ts";
import type { SmtpSession } from "./session.ts";
import { transcriptOf } from "./transcript.ts";

/** What came of one copy. */
export interface Outcome {
  /** How far the copy got: where the deciding reply or failure came. */
  step: Step;
  verdict: Verdict;
  reply: Reply | null;
  problem: string | null;
  /** Null when accepted. */
  transcript: string | null;
}

/** Where a session gets copies from. Called synchronously. */
export interface Feed<Item extends { copy: Copy }> {
  take(): Item | null;
  /** The copy's outcome. */
  settle(item: Item, outcome: Outcome): void;
  /** Not one byte of this copy's message has been sent: another session may take it. */
  giveBack(item: Item): void;
}

const DOT = ".\r\n";
const RSET = "RSET\r\n";
const encoder = new TextEncoder();

/**
 * Sends copies until the feed is dry or `limit` copies were answered in this session. True: the session can be used
 * again. False: it has failed (`session.failure`), and every copy it took was settled or given back.
 */
export async function converse<Item extends { copy: Copy }>(
  session: SmtpSession,
  feed: Feed<Item>,
  limit: number,
): Promise<boolean> {
  return new Conversation(session, feed, limit).run();
}

class Conversation<Item extends { copy: Copy }> {
  #session: SmtpSession;
  #feed: Feed<Item>;
  #limit: number;
  #pipelining: boolean;
  /** Commands that must go before the next envelope, whose replies decide nothing. */
  #owed = "";
  /** The copy whose outcome is due, and how far it got. */
  #current: Item | null = null;
  #step: Step = "mail";
  #replies: { step: Step; reply: Reply }[] = [];
  /** The copy whose envelope went out behind the current body. */
  #next: Item | null = null;

  constructor(session: SmtpSession, feed: Feed<Item>, limit: number) {
    this.#session = session;
    this.#feed = feed;
    this.#limit = limit;
    this.#pipelining = session.capabilities.pipelining;
  }

  async run(): Promise<boolean> {
    try {
      this.#session.expectSilence("mail");
      this.#current = this.#take();
      while (this.#current !== null) {
        this.#begin();
        if (this.#pipelining) await this.#sendEnvelope();
        let ready = await this.#readEnvelope();
        while (ready) {
          await this.#sendBody();
          ready = this.#current !== null && (await this.#readEnvelope());
        }
        this.#current ??= this.#take();
      }
      if (this.#owed !== "") await this.#payOwed();
      return true;
    } catch (error) {
      if (!(error instanceof SmtpFailure)) throw error;
      this.#abandon(error);
      return false;
    }
  }

  /** The next copy that this relay can carry at all; those it cannot are settled without a word to the relay. */
  #take(): Item | null {
    const session = this.#session;
    if (session.answeredCopies >= this.#limit) return null;
    for (;;) {
      const item = this.#feed.take();
      if (item === null) return null;
      const { size, smtputf8 } = session.capabilities;
      const { copy } = item;
      if (hasControl(copy.reversePath) || hasControl(copy.forwardPath)) {
        this.#refuseHere(item, "invalid_recipient", "an envelope address holds a control character");
      } else if (size !== null && copy.bytes.length > size) {
        const problem = `the message has ${copy.bytes.length} bytes, and the relay takes ${size}`;
        this.#refuseHere(item, "message_too_large", problem);
      } else if (needsUtf8(copy) && !smtputf8) {
        this.#refuseHere(item, "smtputf8_unsupported", "the relay does not offer SMTPUTF8");
      } else {
        return item;
      }
    }
  }

  #refuseHere(item: Item, category: Parameters<typeof judgeProblem>[0], problem: string): void {
    this.#feed.settle(item, {
      step: "mail",
      verdict: judgeProblem(category),
      reply: null,
      problem,
      transcript: null,
    });
  }

  #begin(): void {
    this.#step = "mail";
    this.#replies = [];
  }

  /** Whatever is owed and the whole envelope in one write. */
  async #sendEnvelope(): Promise<void> {
    const owed = this.#owed;
    this.#owed = "";
    this.#session.transmit(encoder.encode(owed + this.#spell(this.#current!)));
    await this.#readOwed(owed);
  }

  #spell(item: Item): string {
    const { mail, rcpt } = envelopeOf(item.copy, this.#session.capabilities);
    return `${mail}${rcpt}DATA\r\n`;
  }

  /** The replies to MAIL, RCPT and DATA. True: the relay waits for the message. False: the copy was settled. */
  async #readEnvelope(): Promise<boolean> {
    const mail = await this.#ask("mail");
    if (!this.#pipelining && mail.code >= 300) return this.#refused("mail", mail, "");
    const rcpt = await this.#ask("rcpt");
    if (!this.#pipelining && rcpt.code >= 300) return this.#refused("rcpt", rcpt, "");
    const data = await this.#ask("data");
    // RFC 2920 section 3.1: a relay may say 354 although no recipient stands. Then the lone dot ends it.
    const dot = data.code === 354 ? DOT : "";
    if (mail.code >= 300) return this.#refused("mail", mail, dot);
    if (rcpt.code >= 300) return this.#refused("rcpt", rcpt, dot);
    if (data.code !== 354) return this.#refused("data", data, "");
    this.#session.expectSilence("data");
    return true;
  }

  /** Sends the command if nothing was sent ahead, and reads its reply. 421 ends the session wherever it comes. */
  async #ask(step: "mail" | "rcpt" | "data"): Promise<Reply> {
    this.#step = step;
    const session = this.#session;
    if (!this.#pipelining) {
      if (this.#owed !== "") await this.#payOwed();
      const { mail, rcpt } = envelopeOf(this.#current!.copy, session.capabilities);
      session.transmit(encoder.encode(step === "mail" ? mail : step === "rcpt" ? rcpt : "DATA\r\n"));
    }
    const ms = step === "data" ? session.waits.data : session.waits.command;
    return this.#heard(step, await session.reply(step, ms));
  }

  #heard(step: Step, reply: Reply): Reply {
    this.#replies.push({ step, reply });
    if (this.#endsSession(step, reply)) throw this.#session.fail(new SmtpFailure(step, reply));
    // Neither a refusal nor what the command asks for: the relay is out of step, and its next "250" proves nothing.
    const wanted = step === "data" ? reply.code === 354 : reply.code < 300;
    if (reply.code < 400 && !wanted)
      throw this.#session.fail(protocolError(step, `the relay answered ${step} with ${reply.code}`));
    return reply;
  }

  /** 421 wherever it comes; and whatever says that this session has had its share, once it has had some. */
  #endsSession(step: Step, reply: Reply): boolean {
    if (reply.code < 400 || this.#session.answeredCopies === 0) return reply.code === 421;
    return reply.code === 421 || judge(reply, step).category === "session_full";
  }

  #refused(step: Step, reply: Reply, dot: string): false {
    this.#session.expectSilence(step);
    this.#owed = dot + RSET;
    this.#settle(step, judge(reply, step), reply);
    this.#current = null;
    return false;
  }

  /** The message and its final dot, with the next copy's envelope behind it; then the reply that decides. */
  async #sendBody(): Promise<void> {
    const session = this.#session;
    const { bytes } = this.#current!.copy;
    this.#step = "body";
    // The next one is taken only where its envelope can go out now, and only if the session will live that long.
    if (this.#pipelining && session.answeredCopies + 1 < this.#limit) this.#next = this.#take();
    // Wire form ends in CRLF; were it not so, the dot would be text and the relay would wait for ever.
    const ended = bytes.length >= 2 && bytes[bytes.length - 2] === 13 && bytes[bytes.length - 1] === 10;
    const tail = encoder.encode(
      `${ended ? "" : "\r\n"}${DOT}${this.#next === null ? "" : this.#spell(this.#next)}`,
    );
    if (bytes.length <= SMTP_JOINED_WRITE_BYTES) {
      const whole = new Uint8Array(bytes.length + tail.length);
      whole.set(bytes);
      whole.set(tail, bytes.length);
      session.transmit(whole);
    } else {
      await session.transmitLarge(bytes, "body");
      if (session.answered) {
        // An answer before the end is a refusal; the rest cannot be sent, nor the session used again.
        const early = this.#heard("body", await session.reply("body", session.waits.final));
        throw session.fail(
          early.code >= 400
            ? new SmtpFailure("body", early)
            : protocolError("body", "the relay answered before the message ended"),
        );
      }
      session.transmit(tail);
    }
    const reply = this.#heard("body", await session.reply("body", session.waits.final));
    this.#settle("body", judge(reply, "body"), reply);
    this.#current = this.#next;
    this.#next = null;
    if (this.#current === null) session.expectSilence("body");
    this.#begin();
  }

  async #payOwed(): Promise<void> {
    const owed = this.#owed;
    this.#owed = "";
    this.#session.transmit(encoder.encode(owed));
    await this.#readOwed(owed);
  }

  /** The lone dot's reply says nothing ("554 no valid recipients" or even 250); RSET must work. */
  async #readOwed(owed: string): Promise<void> {
    const session = this.#session;
    if (owed.startsWith(DOT)) {
      const reply = await session.reply("body", session.waits.final);
      if (reply.code === 421) throw session.fail(new SmtpFailure("mail", reply));
    }
    if (owed.endsWith(RSET)) {
      const reply = await session.reply("mail", session.waits.command);
      if (reply.code >= 300) throw session.fail(new SmtpFailure("mail", reply));
    }
  }

  #settle(step: Step, verdict: Verdict, reply: Reply | null, problem: string | null = null): void {
    const item = this.#current!;
    if (reply !== null && reply.code !== 421) this.#session.answeredCopies += 1;
    const accepted = verdict.disposition === "accepted";
    const transcript = accepted
      ? null
      : transcriptOf(
          this.#session.opening,
          dialogueOf(item.copy, this.#session.capabilities, this.#replies, this.#step),
        );
    this.#feed.settle(item, { step, verdict, reply, problem, transcript });
  }

  /**
   * The session failed. A copy whose message was under way is deferred: if the hang-up came after the final dot, the
   * relay may have taken it, and we choose a possible duplicate over a loss (RFC 5321 section 4.5.3.2.6 leaves no third).
   * A copy that got no further than its envelope goes to another session, if this one has answered a copy before: then
   * it was the session that was at its end, not the copy. Otherwise it is deferred, so that a relay that drops every
   * session at MAIL does not go round for ever.
   */
  #abandon(failure: SmtpFailure): void {
    const { verdict, reply, problem } = failure;
    const refusal = this.#replies.find(
      ({ step, reply: one }) => step !== "body" && one.code >= 400 && !this.#endsSession(step, one),
    );
    if (this.#current !== null) {
      // Refused in words before the session broke: the words count.
      if (refusal !== undefined)
        this.#settle(refusal.step, judge(refusal.reply, refusal.step), refusal.reply);
      else if (this.#step !== "body" && this.#session.answeredCopies > 0) this.#feed.giveBack(this.#current);
      else this.#settle(this.#step, verdict, reply, problem);
    }
    if (this.#next !== null) this.#feed.giveBack(this.#next);
    this.#current = null;
    this.#next = null;
  }
}

const protocolError = (step: Step, problem: string) =>
  new SmtpFailure(step, { category: "protocol_error", problem });

/**
 * The copies under way in a session, and what each reply means for them. Says nothing itself: what is to be said next is
 * left for conversation.ts in `ready`, `next`, `held` and the speaker's `owed`.
 */
import { judge, type Verdict } from "../policy/outcome.ts";
import type { Reply, Step } from "../policy/reply.ts";
import type { Copy } from "./attempt.ts";
import { notUnderstood } from "./chunk.ts";
import { dialogueOf } from "./envelope.ts";
import { protocolError, SmtpFailure } from "./failure.ts";
import type { SmtpSession } from "./session.ts";
import { type Command, type Due, type Speaker, STEP_OF } from "./speaker.ts";
import type { Feed, Heard, Transaction } from "./transaction.ts";
import { transcriptOf } from "./transcript.ts";

export class Hearing<Item extends { copy: Copy }> {
  readonly #session: SmtpSession;
  readonly #feed: Feed<Item>;
  readonly #speaker: Speaker<Item>;
  readonly #pipelining: boolean;
  /** Copies under way, in the order in which they were begun. */
  readonly open: Transaction<Item>[] = [];
  /** The relay waits for this one's message. */
  ready: Transaction<Item> | null = null;
  /** One command at a time: the one that comes next. */
  next: { command: "rcpt" | "data"; of: Transaction<Item> } | null = null;
  /** Taken, and to be sent before anything else is taken. */
  readonly held: Item[] = [];
  /** The session has had its share, says the relay. */
  full: SmtpFailure | null = null;
  /** The copy that the last answer was about, when it was about one. */
  #blamed: Transaction<Item> | null = null;

  constructor(session: SmtpSession, feed: Feed<Item>, speaker: Speaker<Item>) {
    this.#session = session;
    this.#feed = feed;
    this.#speaker = speaker;
    this.#pipelining = session.capabilities.pipelining;
  }

  /** Takes a reply in. Throws SmtpFailure when it ends the session. */
  hear({ command, of }: Due<Item>, reply: Reply): void {
    if (command === "dot" || command === "reset") {
      // The lone dot's reply says nothing ("554 no valid recipients" or even 250); RSET must work.
      this.#blamed = of;
      if (reply.code === 421 || (command === "reset" && reply.code >= 300))
        throw this.#session.fail(new SmtpFailure("mail", reply));
      return;
    }
    const copy = of!;
    this.note(copy, STEP_OF[command], reply);
    this.#expectSense(command, copy, reply);
    if (command === "body") this.#messageAnswered(copy, reply);
    else if (command === "chunk") this.#firstChunkAnswered(copy, reply);
    else if (command === "data") this.#dataAnswered(copy, reply);
    else this.#pathAnswered(command, copy, reply);
  }

  /** Puts a reply on the copy's record. */
  note(copy: Transaction<Item>, step: Step, reply: Reply): void {
    this.#blamed = copy;
    copy.step = step;
    copy.replies.push({ step, reply });
  }

  /** The answer to MAIL or RCPT. */
  #pathAnswered(command: Command, copy: Transaction<Item>, reply: Reply): void {
    const { step } = copy;
    if (reply.code >= 400 && !copy.isSurplus) copy.refusal ??= { step, reply };
    if (this.#pipelining) return;
    if (copy.refusal !== null) this.#decided(copy, copy.refusal, ["reset"]);
    else this.next = { command: command === "mail" ? "rcpt" : "data", of: copy };
  }

  /** Throws when the session is over: by 421, by a reply that says its share is used up, or by one that makes no sense. */
  #expectSense(command: Command, copy: Transaction<Item>, reply: Reply): void {
    const { step } = copy;
    if (this.#endsSession(step, reply)) {
      const failure = new SmtpFailure(step, reply);
      copy.isSurplus = step !== "body" && this.#session.answeredCopies > 0;
      // What is in the window still has its answers coming, unless the relay goes.
      const waits = reply.code !== 421 && copy.isSurplus && copy.isSent;
      if (!waits) throw this.#session.fail(failure);
      this.full ??= failure;
      return;
    }
    // Neither a refusal nor what the command asks for: the relay is out of step, and its next "250" proves nothing.
    const wanted = command === "data" ? reply.code === 354 : reply.code < 300;
    if (reply.code < 400 && !wanted)
      throw this.#session.fail(protocolError(step, `the relay answered ${step} with ${reply.code}`));
  }

  /** 421 wherever it comes; and whatever says that this session has had its share, once it has had some. */
  #endsSession(step: Step, reply: Reply): boolean {
    if (reply.code < 400 || this.#session.answeredCopies === 0) return reply.code === 421;
    return reply.code === 421 || judge(reply, step).category === "session_full";
  }

  #dataAnswered(copy: Transaction<Item>, reply: Reply): void {
    // RFC 2920 section 3.1: a relay may say 354 although no recipient stands. Then the lone dot ends it.
    if (copy.refusal !== null)
      this.#decided(copy, copy.refusal, reply.code === 354 ? ["dot", "reset"] : ["reset"]);
    else if (reply.code !== 354) this.#decided(copy, { step: "data", reply }, ["reset"]);
    else this.ready = copy;
  }

  #firstChunkAnswered(copy: Transaction<Item>, reply: Reply): void {
    if (copy.refusal !== null) this.#decided(copy, copy.refusal, ["reset"]);
    else if (notUnderstood(reply.code)) {
      this.#byData(copy);
      this.#session.isMuddled = true; // There may be an answer to the chunk's bytes too, taken for a command.
    } else if (reply.code >= 300) this.#decided(copy, { step: "data", reply }, ["reset"]);
    else {
      this.#session.takesChunks = true;
      this.ready = copy;
    }
  }

  #messageAnswered(copy: Transaction<Item>, reply: Reply): void {
    if (copy.isSurplus) {
      this.#leave(copy);
      this.#feed.giveBack(copy.item);
    } else if (copy.refusal !== null) this.#decided(copy, copy.refusal, ["reset"]);
    else if (copy.chunked && notUnderstood(reply.code)) this.#byData(copy);
    else {
      // After an error of BDAT the state is indeterminate, and RSET clears it (RFC 3030 section 2).
      const unclear = copy.chunked && reply.code >= 400;
      this.#decided(copy, { step: "body", reply }, unclear ? ["reset"] : []);
    }
  }

  /** It says CHUNKING and does not take BDAT: this copy, and all after it, go by DATA. */
  #byData(copy: Transaction<Item>): void {
    this.#feed.refuseChunking();
    this.#leave(copy);
    this.held.push(copy.item);
    this.#speaker.owed = ["reset"];
  }

  /** This reply is the copy's outcome. */
  #decided(copy: Transaction<Item>, { step, reply }: Heard, owed: Command[]): void {
    this.#leave(copy);
    this.#speaker.owed = owed;
    this.settle(copy, step, judge(reply, step), reply);
  }

  #leave(copy: Transaction<Item>): void {
    this.open.splice(this.open.indexOf(copy), 1);
  }

  settle(
    copy: Transaction<Item>,
    step: Step,
    verdict: Verdict,
    reply: Reply | null,
    problem: string | null = null,
  ): void {
    if (reply !== null && reply.code !== 421) this.#session.answeredCopies += 1;
    const accepted = verdict.disposition === "accepted";
    const transcript = accepted
      ? null
      : transcriptOf(this.#session.opening, dialogueOf(copy, this.#session.capabilities, step));
    this.#feed.settle(copy.item, { step, verdict, reply, problem, transcript });
  }

  /**
   * The session failed. A copy whose message was on the wire is deferred: the relay may have taken it, and we choose a
   * possible duplicate over a loss (RFC 5321 section 4.5.3.2.6 leaves no third). Not so when the relay closed in words
   * (421): it took nothing after them; nor when it said that this copy was too many for the session. A copy that got no
   * further than its envelope goes to another session, if this one has answered a copy before: then it was the session
   * that was at its end, not the copy. Otherwise the first is deferred, so that a relay that drops every session at MAIL
   * does not go round for ever.
   */
  abandon(failure: SmtpFailure): void {
    const { verdict, reply, problem } = failure;
    for (const [i, copy] of this.open.entries()) {
      const isBlamed = copy === this.#blamed;
      if (copy.refusal !== null) {
        // Refused in words before the session broke: the words count.
        const { step, reply: words } = copy.refusal;
        this.settle(copy, step, judge(words, step), words);
        continue;
      }
      const isOpen = copy.isSent && !copy.isSurplus;
      const mayBeTaken = isOpen && (reply === null || (isBlamed && failure.step === "body"));
      if (!mayBeTaken && (i > 0 || this.#session.answeredCopies > 0)) this.#feed.giveBack(copy.item);
      else
        this.settle(
          copy,
          mayBeTaken ? "body" : isBlamed ? failure.step : this.#speaker.reached(copy),
          verdict,
          reply,
          problem,
        );
    }
    for (const item of this.held) this.#feed.giveBack(item);
  }
}

/**
 * One copy's way through a session: what it was answered, and what has come of it. Also what a session's loop and whoever
 * feeds it tell each other. What is sent when is conversation.ts's.
 */
import type { Verdict } from "../policy/outcome.ts";
import type { Reply, Step } from "../policy/reply.ts";
import type { Copy } from "./attempt.ts";

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
  /** The copy's message goes on the wire now: until it is settled, nobody can tell whether the relay has it. */
  begun(item: Item): void;
  /** The copy's outcome. */
  settle(item: Item, outcome: Outcome): void;
  /** The relay has not taken this copy: another session may. */
  giveBack(item: Item): void;
  /** Whether the relay's offer of CHUNKING may be believed. */
  readonly chunking: boolean;
  /** It offered CHUNKING and does not take BDAT. */
  refuseChunking(): void;
}

/** A reply at a step. */
export interface Heard {
  step: Step;
  reply: Reply;
}

export class Transaction<Item extends { copy: Copy }> {
  readonly item: Item;
  /** Its message goes by BDAT (RFC 3030) rather than by DATA. */
  chunked: boolean;
  /** Bytes of it that went ahead of the rest, to see whether the relay takes BDAT. */
  firstChunk = 0;
  /** How far it got: the step whose reply is due, or came last. */
  step: Step = "mail";
  readonly replies: Heard[] = [];
  /** The first reply that refused it before its message was asked for. */
  refusal: Heard | null = null;
  /** Its message is on the wire, and may have been taken although no answer came. */
  isSent = false;
  /** The session has had its share, says the relay: this copy is for another one. */
  isSurplus = false;

  constructor(item: Item, chunked: boolean) {
    this.item = item;
    this.chunked = chunked;
  }
}

/**
 * What a conversation says, gathered into one write, and what is due for it: a list in the order of what was sent, so that
 * each reply belongs to its first entry. When to say what is conversation.ts's.
 */
import type { Reply, Step } from "../policy/reply.ts";
import type { Copy } from "./attempt.ts";
import { chunk, firstLine, lastChunk, unstuffed } from "./chunk.ts";
import { mailCommand, rcptCommand } from "./envelope.ts";
import { Outgoing } from "./outgoing.ts";
import type { SmtpSession } from "./session.ts";
import type { Transaction } from "./transaction.ts";

/** What a reply answers. `dot` ends a body that nobody asked for; `chunk` is a first part of a message. */
export type Command = "reset" | "dot" | "mail" | "rcpt" | "chunk" | "data" | "body";

export const STEP_OF: Readonly<Record<Command, Step>> = {
  reset: "mail",
  dot: "mail",
  mail: "mail",
  rcpt: "rcpt",
  chunk: "data",
  data: "data",
  body: "body",
};

const DOT = ".\r\n";
const RSET = "RSET\r\n";

export interface Due<Item extends { copy: Copy }> {
  command: Command;
  /** The copy it is about; null for what is owed at the end. */
  of: Transaction<Item> | null;
}

export class Speaker<Item extends { copy: Copy }> {
  readonly #session: SmtpSession;
  readonly #out = new Outgoing();
  #due: Due<Item>[] = [];
  /** Must go before the next envelope; the answers decide nothing. */
  owed: readonly Command[] = [];

  constructor(session: SmtpSession) {
    this.#session = session;
  }

  /** Everything was answered. */
  get isQuiet(): boolean {
    return this.#due.length === 0;
  }

  say(command: "mail" | "rcpt" | "data", copy: Transaction<Item>): void {
    const { capabilities } = this.#session;
    if (command === "mail") this.#out.add(mailCommand(copy.item.copy, capabilities));
    else if (command === "rcpt") this.#out.add(rcptCommand(copy.item.copy, capabilities));
    else this.#out.add("DATA\r\n");
    this.#due.push({ command, of: copy });
  }

  /** The first line of a message by BDAT. */
  sayFirstChunk(copy: Transaction<Item>): void {
    const bytes = unstuffed(copy.item.copy.bytes);
    copy.firstChunk = firstLine(bytes);
    this.#out.add(chunk(copy.firstChunk));
    this.#out.add(bytes.subarray(0, copy.firstChunk));
    this.#due.push({ command: "chunk", of: copy });
  }

  /** A message by BDAT, without what went ahead of it. */
  sayLastChunk(copy: Transaction<Item>): void {
    const bytes = unstuffed(copy.item.copy.bytes).subarray(copy.firstChunk);
    const end = endsLine(copy.item.copy.bytes) ? "" : "\r\n";
    this.#out.add(lastChunk(bytes.length + end.length));
    this.#out.add(bytes);
    this.#out.add(end);
    this.#due.push({ command: "body", of: copy });
  }

  /** A message after DATA, without its final dot. */
  sayBody(copy: Transaction<Item>): void {
    this.#out.add(copy.item.copy.bytes);
  }

  /** The final dot. Wire form ends in CRLF; were it not so, the dot would be text and the relay would wait for ever. */
  sayDot(copy: Transaction<Item>): void {
    this.#out.add(endsLine(copy.item.copy.bytes) ? DOT : `\r\n${DOT}`);
    this.#due.push({ command: "body", of: copy });
  }

  payOwed(before: Transaction<Item> | null): void {
    for (const command of this.owed) {
      this.#out.add(command === "dot" ? DOT : RSET);
      this.#due.push({ command, of: before });
    }
    this.owed = [];
  }

  /** Writes what was said, and waits for the first answer that is due. */
  flush(): void {
    const bytes = this.#out.take();
    if (bytes !== null) this.#session.transmit(bytes);
    const { command } = this.#due[0]!;
    const { final, data, command: other } = this.#session.waits;
    const ms = command === "body" || command === "dot" ? final : command === "data" ? data : other;
    this.#session.expect(STEP_OF[command], ms);
  }

  /** The next reply and what it answers, when one has come. Throws SmtpFailure for one that answers nothing. */
  next(): (Due<Item> & { reply: Reply }) | undefined {
    const reply = this.#session.next();
    if (reply === undefined) return undefined;
    const { command, of } = this.#due.shift()!;
    return { command, of, reply };
  }

  /** The step that a copy's next answer is due at. */
  reached(copy: Transaction<Item>): Step {
    const due = this.#due.find(({ command, of }) => of === copy && command !== "reset" && command !== "dot");
    return due === undefined ? copy.step : STEP_OF[due.command];
  }
}

const endsLine = (bytes: Uint8Array): boolean =>
  bytes.length >= 2 && bytes[bytes.length - 2] === 13 && bytes[bytes.length - 1] === 10;

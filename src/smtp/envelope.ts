/** What goes over the wire around a message: MAIL and RCPT with the parameters a relay offers. Pure. */
import type { Category } from "../policy/category.ts";
import type { Step } from "../policy/reply.ts";
import type { Copy } from "./attempt.ts";
import type { Capabilities } from "./capabilities.ts";
import { chunk, lastChunk } from "./chunk.ts";
import type { Transaction } from "./transaction.ts";
import { spellReply } from "./transcript.ts";

export function mailCommand(copy: Copy, { size, smtputf8, extended }: Capabilities): string {
  // RFC 1870: the size is declared where SIZE is offered with a limit, so that a refusal costs no message.
  const declared = extended && size !== null ? ` SIZE=${copy.bytes.length}` : "";
  const utf8 = smtputf8 && needsUtf8(copy) ? " SMTPUTF8" : "";
  return `MAIL FROM:<${copy.reversePath}>${declared}${utf8}\r\n`;
}

export function rcptCommand(copy: Copy, { dsn }: Capabilities): string {
  // RFC 3461: a report on failure and delay, never on success. Without NOTIFY the default lacks DELAY in some servers.
  return `RCPT TO:<${copy.forwardPath}>${dsn ? " NOTIFY=FAILURE,DELAY" : ""}\r\n`;
}

/** Why this relay cannot carry a copy at all, or null. */
export function unfitFor(
  copy: Copy,
  { size, smtputf8 }: Capabilities,
): { category: Category; problem: string } | null {
  if (hasControl(copy.reversePath) || hasControl(copy.forwardPath))
    return { category: "invalid_recipient", problem: "an envelope address holds a control character" };
  if (size !== null && copy.bytes.length > size)
    return {
      category: "message_too_large",
      problem: `the message has ${copy.bytes.length} bytes, and the relay takes ${size}`,
    };
  if (!smtputf8 && needsUtf8(copy))
    return { category: "smtputf8_unsupported", problem: "the relay does not offer SMTPUTF8" };
  return null;
}

const CONTROL = /[\u0000-\u001f\u007f]/;
/** The last gate: a CR or LF in an address would be a command of its own. */
const hasControl = (path: string): boolean => CONTROL.test(path);
const NON_ASCII = /[^\u0000-\u007f]/;
/** RFC 6531: raw UTF-8 in a header or an address. */
const needsUtf8 = (copy: Copy): boolean =>
  copy.smtputf8 || NON_ASCII.test(copy.forwardPath) || NON_ASCII.test(copy.reversePath);

/** A transaction for people: each command beside its answer, the message as its size, and the command that got none. */
export function dialogueOf(
  { item: { copy }, chunked, firstChunk, replies }: Transaction<{ copy: Copy }>,
  capabilities: Capabilities,
  reached: Step,
): string[] {
  const size = `(${copy.bytes.length} bytes)`;
  const said: Partial<Record<Step, string>> = {
    mail: mailCommand(copy, capabilities),
    rcpt: rcptCommand(copy, capabilities),
    data: chunked ? chunk(firstChunk) : "DATA",
    body: chunked ? `${lastChunk(copy.bytes.length - firstChunk).trim()} ${size}` : size,
  };
  const command = (step: Step) => `C: ${(said[step] ?? step).trim()}`;
  const lines = replies.flatMap(({ step, reply }) => [command(step), spellReply(reply)]);
  return replies.some(({ step }) => step === reached) ? lines : [...lines, command(reached)];
}

/** What goes over the wire around a message: MAIL and RCPT with the parameters a relay offers. Pure. */

import type { Reply, Step } from "../policy/reply.ts";
import type { Copy } from "./attempt.ts";
import type { Capabilities } from "./capabilities.ts";
import { spellReply } from "./transcript.ts";

/** The lines before a copy's message. */
interface Envelope {
  mail: string;
  rcpt: string;
}

export function envelopeOf(copy: Copy, capabilities: Capabilities): Envelope {
  const { size, smtputf8, dsn, extended } = capabilities;
  // RFC 1870: the size is declared where SIZE is offered with a limit, so that a refusal costs no message.
  const declared = extended && size !== null ? ` SIZE=${copy.bytes.length}` : "";
  const utf8 = smtputf8 && needsUtf8(copy) ? " SMTPUTF8" : "";
  // RFC 3461: a report on failure and delay, never on success. Without NOTIFY the default lacks DELAY in some servers.
  const notify = dsn ? " NOTIFY=FAILURE,DELAY" : "";
  return {
    mail: `MAIL FROM:<${copy.reversePath}>${declared}${utf8}\r\n`,
    rcpt: `RCPT TO:<${copy.forwardPath}>${notify}\r\n`,
  };
}

const CONTROL = /[\u0000-\u001f\u007f]/;
/** The last gate: a CR or LF in an address would be a command of its own. */
export const hasControl = (path: string): boolean => CONTROL.test(path);
const NON_ASCII = /[^\u0000-\u007f]/;
/** RFC 6531: raw UTF-8 in a header or an address. */
export const needsUtf8 = (copy: Copy): boolean =>
  copy.smtputf8 || NON_ASCII.test(copy.forwardPath) || NON_ASCII.test(copy.reversePath);

/** A transaction for people: each command beside its answer, the message as its size, and the command that got none. */
export function dialogueOf(
  copy: Copy,
  capabilities: Capabilities,
  replies: readonly { step: Step; reply: Reply }[],
  reached: Step,
): string[] {
  const { mail, rcpt } = envelopeOf(copy, capabilities);
  const said: Partial<Record<Step, string>> = {
    mail,
    rcpt,
    data: "DATA",
    body: `(${copy.bytes.length} bytes)`,
  };
  const command = (step: Step) => `C: ${(said[step] ?? step).trim()}`;
  const lines = replies.flatMap(({ step, reply }) => [command(step), spellReply(reply)]);
  return replies.some(({ step }) => step === reached) ? lines : [...lines, command(reached)];
}

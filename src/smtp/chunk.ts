/** A message as BDAT carries it (RFC 3030 section 2): its length first, then its bytes as they are. Pure. */

const DOT = 46;
const LF = 10;

/** The bytes of a wire form with the dots taken out that DATA doubles (RFC 5321 section 4.5.2); the same array when there are none. */
export function unstuffed(wire: Uint8Array): Uint8Array {
  const doubled: number[] = [];
  for (let at = wire.indexOf(DOT); at !== -1; at = wire.indexOf(DOT, at + 1))
    if (at === 0 || wire[at - 1] === LF) doubled.push(at);
  if (doubled.length === 0) return wire;
  const out = new Uint8Array(wire.length - doubled.length);
  let from = 0;
  let length = 0;
  for (const at of doubled) {
    out.set(wire.subarray(from, at), length);
    length += at - from;
    from = at + 1;
  }
  out.set(wire.subarray(from), length);
  return out;
}

/** Before the rest of a message, or all of it. */
export const lastChunk = (bytes: number): string => `BDAT ${bytes} LAST\r\n`;
/** Before a part of it. */
export const chunk = (bytes: number): string => `BDAT ${bytes}\r\n`;

/**
 * Where the first chunk of a session's first message ends: after its first line. A relay that does not know BDAT after all
 * takes the bytes for commands, and whoever writes messages could speak to it; so the rest goes only once it has taken the
 * first line, which begins with the name of a header field of ours and is no command. (An empty chunk would be better
 * still, but postfix 3.7 answers it with 501.)
 */
export const firstLine = (message: Uint8Array): number => message.indexOf(LF) + 1 || message.length;

/** RFC 5321 section 4.2.2: syntax error, not implemented, bad sequence. To a BDAT in its place: the relay does not take it. */
export const notUnderstood = (code: number): boolean => code >= 500 && code <= 504;

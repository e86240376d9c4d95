/**
 * The dialogue as it is kept for people: "C: " and "S: " lines, never a credential, never a byte of a message, and at
 * most TRANSCRIPT_BYTES. The opening of a session is kept once; each attempt adds its own transaction.
 */
import { TRANSCRIPT_BYTES } from "../core/limits.ts";
import type { Reply } from "../policy/reply.ts";

const HALF = Math.floor(TRANSCRIPT_BYTES / 2) - 8;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A reply as it came, codes put back on each line. */
export function spellReply(reply: Reply): string {
  const enhanced = reply.enhanced === null ? "" : `${reply.enhanced} `;
  const lines = reply.text.split("\n");
  return lines
    .map((line, i) => `S: ${reply.code}${i < lines.length - 1 ? "-" : " "}${enhanced}${line}`.trimEnd())
    .join("\n");
}

/** The session's opening and one transaction as one text; of each, at most half the bound. */
export function transcriptOf(opening: readonly string[], transaction: readonly string[]): string {
  return [head(opening.join("\n")), head(transaction.join("\n"))].filter((part) => part !== "").join("\n");
}

function head(text: string): string {
  const bytes = encoder.encode(text);
  if (bytes.length <= HALF) return text;
  return `${decoder.decode(bytes.subarray(0, HALF)).replace(/\ufffd+$/, "")}…`;
}

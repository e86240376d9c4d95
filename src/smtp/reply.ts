/**
 * SMTP replies (RFC 5321 section 4.2) out of a byte stream, with enhanced status codes (RFC 3463, RFC 2034).
 * Pure and incremental: bytes in any pieces, whole replies out. Any bytes end in replies or in one fault, never in a
 * throw, and never hold more than SMTP_REPLY_BYTES. Reading from the socket is connection.ts's.
 */
import {
  SMTP_REPLIES_HELD,
  SMTP_REPLY_BYTES,
  SMTP_REPLY_LINE_BYTES,
  SMTP_REPLY_LINES,
} from "../core/limits.ts";
import type { Reply } from "../policy/reply.ts";

const LF = 10;
const CR = 13;
const SPACE = 32;
const HYPHEN = 45;
const decoder = new TextDecoder("utf-8");
const ENHANCED = /^([245]\.\d{1,3}\.\d{1,3})(?: +|$)/;
const CONTROL = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g;

export class ReplyParser {
  /** What is wrong with the bytes so far, or null. Final: the stream cannot be trusted after it. */
  fault: string | null = null;
  #held: Reply[] = [];
  /** The unfinished line. */
  #line = new Uint8Array(0);
  #code = 0;
  #lines: string[] = [];
  #bytes = 0;

  /** Takes bytes in. Returns `fault`. */
  push(chunk: Uint8Array): string | null {
    let start = 0;
    while (this.fault === null && start < chunk.length) {
      const end = chunk.indexOf(LF, start);
      const piece = chunk.subarray(start, end === -1 ? chunk.length : end);
      if (this.#line.length + piece.length > SMTP_REPLY_LINE_BYTES) {
        this.fault = `a reply line is longer than ${SMTP_REPLY_LINE_BYTES} bytes`;
        break;
      }
      if (end === -1) {
        this.#line = this.#line.length === 0 ? piece.slice() : join(this.#line, piece);
        break;
      }
      let line = piece;
      if (this.#line.length > 0) {
        line = join(this.#line, piece);
        this.#line = new Uint8Array(0);
      }
      // A bare LF ends a line too: old servers send it, and no reply can be smuggled to a client that sends nothing on.
      this.#take(line.length > 0 && line[line.length - 1] === CR ? line.subarray(0, -1) : line);
      start = end + 1;
    }
    return this.fault;
  }

  /** The oldest whole reply, which leaves the parser. */
  shift(): Reply | undefined {
    return this.#held.shift();
  }

  /** Whole replies waiting. */
  get length(): number {
    return this.#held.length;
  }

  /** True when nothing at all is held: no reply, no part of one. */
  get empty(): boolean {
    return this.#held.length === 0 && this.#lines.length === 0 && this.#line.length === 0;
  }

  #take(line: Uint8Array): void {
    const code = codeOf(line);
    const separator = line[3];
    if (code === null || (separator !== undefined && separator !== SPACE && separator !== HYPHEN)) {
      this.fault = `a line is no SMTP reply: "${printable(line)}"`;
      return;
    }
    if (this.#lines.length > 0 && code !== this.#code) {
      this.fault = `one reply has two codes, ${this.#code} and ${code}`;
      return;
    }
    this.#code = code;
    this.#bytes += line.length;
    if (this.#bytes > SMTP_REPLY_BYTES || this.#lines.length >= SMTP_REPLY_LINES) {
      this.fault = `a reply is longer than ${SMTP_REPLY_LINES} lines or ${SMTP_REPLY_BYTES} bytes`;
      return;
    }
    this.#lines.push(textOf(line));
    if (separator === HYPHEN) return;
    if (this.#held.length >= SMTP_REPLIES_HELD) {
      this.fault = "replies come to commands that were never sent";
      return;
    }
    this.#held.push(this.#lines.length === 1 ? common(code, this.#lines[0]!) : replyOf(code, this.#lines));
    this.#lines = [];
    this.#bytes = 0;
  }
}

/** A relay says the same few lines over and over: each is read once. Replies are never changed. */
const commonReplies = new Map<string, Reply>();
const COMMON_REPLIES = 50;

function common(code: number, line: string): Reply {
  const key = `${code}${line}`;
  let reply = commonReplies.get(key);
  if (reply === undefined) {
    reply = replyOf(code, [line]);
    // What follows the final dot names the message in the relay's queue and never comes again.
    if (commonReplies.size >= COMMON_REPLIES) commonReplies.clear();
    commonReplies.set(key, reply);
  }
  return reply;
}

/** A reply from its code and its lines without codes. */
export function replyOf(code: number, lines: readonly string[]): Reply {
  const enhanced = ENHANCED.exec(lines[0] ?? "")?.[1] ?? null;
  const stripped =
    enhanced === null
      ? lines
      : lines.map((line) => (line.startsWith(enhanced) ? line.slice(enhanced.length).trimStart() : line));
  return { code, enhanced, text: stripped.join("\n").replace(CONTROL, "?").trim() };
}

/** The text behind the code. Almost always ASCII and short, for which TextDecoder costs more than the rest of a reply. */
function textOf(line: Uint8Array): string {
  if (line.length > 200) return decoder.decode(line.subarray(4));
  let text = "";
  for (let i = 4; i < line.length; i++) {
    const byte = line[i]!;
    if (byte > 127) return decoder.decode(line.subarray(4));
    text += String.fromCharCode(byte);
  }
  return text;
}

function codeOf(line: Uint8Array): number | null {
  if (line.length < 3) return null;
  const [a, b, c] = [line[0]! - 48, line[1]! - 48, line[2]! - 48];
  if (a < 2 || a > 5 || b < 0 || b > 9 || c < 0 || c > 9) return null;
  return a * 100 + b * 10 + c;
}

function join(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(a.length + b.length);
  out.set(a);
  out.set(b, a.length);
  return out;
}

/** The first 60 bytes, fit for a log line. */
function printable(line: Uint8Array): string {
  const text = decoder.decode(line.subarray(0, 60)).replace(/[^\x20-\x7e]/g, "?");
  return line.length > 60 ? `${text}…` : text;
}

/**
 * The bytes of a message as they grow: ASCII, quoted-printable, base64, and slots at their offsets. What comes out is
 * wire form: every line below 998 bytes, CRLF only, no line beginning with a dot that is not stuffed.
 */
import { keep } from "../core/kept.ts";
import { TOKEN_CHARS } from "../core/limits.ts";
import type { Slot } from "./compiled.ts";

/** RFC 2045 section 6.7 rule 5 allows 76 with the soft break's `=`; RFC 2045 section 6.8 allows 76 of base64. */
const QP_LINE = 75;
const BASE64_LINE = 76;
/** Quoted-printable is written this many UTF-16 units at a time, each at most 9 bytes and its share of line breaks. */
const QP_CHUNK = 4_096;
const QP_WORST = 10;

const CR = 13;
const LF = 10;
const DOT = 46;
const EQUALS = 61;
const HEX = new TextEncoder().encode("0123456789ABCDEF");
/** First byte of a UTF-8 sequence with 1, 2, 3 more. */
const LEAD = [0, 0xc0, 0xe0, 0xf0];
const utf8 = new TextEncoder();
/** 1: stands for itself in quoted-printable. */
const LITERAL = new Uint8Array(128);
for (let code = 33; code < 127; code++) LITERAL[code] = code === EQUALS ? 0 : 1;

export class WireWriter {
  private bytes: Uint8Array<ArrayBuffer>;
  private length = 0;
  /** Column of quoted-printable text. */
  private column = 0;
  readonly slots: { at: number; slot: Slot }[] = [];

  constructor(expected: number) {
    this.bytes = new Uint8Array(expected);
  }

  private reserve(more: number): void {
    if (this.length + more <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.length + more));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }

  /** Text that needs no encoding: header lines, boundaries. */
  text(text: string): void {
    this.reserve(text.length * 3);
    // Header lines are short and nearly always ASCII: a loop beats a call into native code.
    const { bytes, length } = this;
    let i = 0;
    for (; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code > 127) break;
      bytes[length + i] = code;
    }
    if (i === text.length) this.length += i;
    else this.length += utf8.encodeInto(text, this.bytes.subarray(this.length)).written;
  }

  slot(slot: Slot): void {
    this.slots.push({ at: this.length, slot });
  }

  private softBreak(): void {
    this.bytes[this.length++] = EQUALS;
    this.bytes[this.length++] = CR;
    this.bytes[this.length++] = LF;
    this.column = 0;
  }

  private escape(byte: number): void {
    this.bytes[this.length++] = EQUALS;
    this.bytes[this.length++] = HEX[byte >> 4]!;
    this.bytes[this.length++] = HEX[byte & 15]!;
    this.column += 3;
  }

  /** A whole body part in quoted-printable. CRLF, LF and a lone CR are line breaks. */
  quotedPrintable(pieces: readonly (string | Slot)[]): void {
    this.column = 0;
    const last = pieces.length - 1;
    for (const [i, piece] of pieces.entries()) {
      if (typeof piece === "string") this.quote(piece, i === last);
      else this.quoteSlot(piece, i === last);
    }
  }

  /**
   * A token has a fixed length and stays within its line. Any other value gets lines of its own between soft breaks;
   * after the last there is none, since a body may not end in one.
   */
  private quoteSlot(slot: Slot, final: boolean): void {
    this.reserve(6);
    if (slot.kind === "token") {
      if (this.column + TOKEN_CHARS > QP_LINE) this.softBreak();
      this.slot(slot);
      this.column += TOKEN_CHARS;
    } else {
      if (this.column > 0) this.softBreak();
      this.slot(slot);
      if (!final) this.softBreak();
    }
  }

  /**
   * Appends text in quoted-printable. `final`: nothing follows, so white space at the end is at a line's end and must
   * be encoded (RFC 2045 section 6.7 rule 3). A dot at a line's start is encoded: dot stuffing then never applies.
   */
  quote(text: string, final: boolean): void {
    for (let start = 0; start < text.length; start += QP_CHUNK) {
      const end = Math.min(start + QP_CHUNK, text.length);
      this.reserve((end - start) * QP_WORST + 3);
      this.quoteChunk(text, start, end, final);
    }
  }

  private quoteChunk(text: string, start: number, end: number, final: boolean): void {
    const { bytes } = this;
    for (let i = start; i < end; i++) {
      const code = text.charCodeAt(i);
      if (code < 128 && LITERAL[code] === 1) {
        if (this.column >= QP_LINE) this.softBreak();
        if (code === DOT && this.column === 0) {
          this.escape(code);
          continue;
        }
        // A run of characters that stand for themselves: most of a message.
        const from = this.length;
        const stop = Math.min(end, i + QP_LINE - this.column);
        let length = from;
        let next = code;
        do {
          bytes[length++] = next;
          next = ++i < stop ? text.charCodeAt(i) : 0;
          // A space that something follows on the same line is one of them.
        } while (
          (next < 128 && LITERAL[next] === 1) ||
          (next === 32 && i + 1 < stop && text.charCodeAt(i + 1) > 32)
        );
        i--;
        this.length = length;
        this.column += length - from;
      } else if (code === CR || code === LF) {
        if (code === LF && i > 0 && text.charCodeAt(i - 1) === CR) continue;
        bytes[this.length++] = CR;
        bytes[this.length++] = LF;
        this.column = 0;
      } else if (code === 32 || code === 9) {
        const next = i + 1 < text.length ? text.charCodeAt(i + 1) : final ? LF : 0;
        const atEnd = next === LF || next === CR;
        if (this.column + (atEnd ? 3 : 1) > QP_LINE) this.softBreak();
        if (atEnd) this.escape(code);
        else {
          bytes[this.length++] = code;
          this.column++;
        }
      } else this.quoteCharacter(text, i, code);
    }
  }

  /** One character in UTF-8, never split over lines. The second half of a surrogate pair was written with the first. */
  private quoteCharacter(text: string, at: number, code: number): void {
    let point = code;
    if (code >= 0xd800 && code <= 0xdfff) {
      if (code >= 0xdc00 && at > 0 && (text.charCodeAt(at - 1) & 0xfc00) === 0xd800) return;
      point = text.codePointAt(at)!;
      if (point < 0x10000) point = 0xfffd; // A lone surrogate has no UTF-8.
    }
    const more = point < 0x80 ? 0 : point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
    if (this.column + (more + 1) * 3 > QP_LINE) this.softBreak();
    this.escape(more === 0 ? point : LEAD[more]! | (point >> (more * 6)));
    for (let shift = (more - 1) * 6; shift >= 0; shift -= 6) this.escape(0x80 | ((point >> shift) & 63));
  }

  /** Base64 text, wrapped without decoding it. Ends in CRLF. */
  base64(content: string): void {
    const lines = Math.ceil(content.length / BASE64_LINE);
    const total = content.length + lines * 2;
    this.reserve(total);
    // Written at the end of its room, then moved forward line by line: no second buffer for a large file.
    let from = this.length + lines * 2;
    utf8.encodeInto(content, this.bytes.subarray(from, from + content.length));
    const end = from + content.length;
    while (from < end) {
      const stop = Math.min(from + BASE64_LINE, end);
      this.bytes.copyWithin(this.length, from, stop);
      this.length += stop - from;
      from = stop;
      this.bytes[this.length++] = CR;
      this.bytes[this.length++] = LF;
    }
  }

  /** Lines of 7-bit text that need no encoding: LF becomes CRLF, dots are stuffed (RFC 5321 section 4.5.2). Ends in CRLF. */
  sevenBit(data: Uint8Array): void {
    this.reserve(data.length * 2 + 3);
    let previous = LF;
    for (const byte of data) {
      if (byte === LF && previous !== CR) this.bytes[this.length++] = CR;
      if (byte === DOT && previous === LF) this.bytes[this.length++] = DOT;
      this.bytes[this.length++] = byte;
      previous = byte;
    }
    if (previous !== LF) {
      this.bytes[this.length++] = CR;
      this.bytes[this.length++] = LF;
    }
  }

  /** Ends a line if one is open. */
  endLine(): void {
    const inSlot = this.slots.at(-1)?.at === this.length;
    if (inSlot || this.bytes[this.length - 1] !== LF) this.text("\r\n");
  }

  /** What was written, in a buffer of exactly its size: a view of a larger one would be cloned whole. Ends the writer. */
  finish(): Uint8Array {
    return new Uint8Array(this.bytes.buffer.transfer(this.length));
  }
}

keep(new WireWriter(1));

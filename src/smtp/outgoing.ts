/** What is to be written, gathered so that several commands and messages go out in one write. */
import { concat } from "../core/bytes.ts";

const encoder = new TextEncoder();

export class Outgoing {
  #pieces: (string | Uint8Array)[] = [];
  #length = 0;

  /** Adds text or bytes. Bytes must not change until they are taken. */
  add(piece: string | Uint8Array): void {
    this.#pieces.push(piece);
    this.#length += piece.length;
  }

  /** Everything added since, in one piece; null when there is nothing. */
  take(): Uint8Array | null {
    if (this.#length === 0) return null;
    const pieces = this.#pieces;
    const out = new Uint8Array(this.#length);
    this.#pieces = [];
    this.#length = 0;
    let at = 0;
    for (const piece of pieces) {
      if (typeof piece !== "string") {
        out.set(piece, at);
        at += piece.length;
        continue;
      }
      // Commands are short and nearly always ASCII: a loop beats a call into native code.
      for (let i = 0; i < piece.length; i++) {
        const code = piece.charCodeAt(i);
        if (code > 127)
          return concat(pieces.map((one) => (typeof one === "string" ? encoder.encode(one) : one)));
        out[at++] = code;
      }
    }
    return out;
  }
}

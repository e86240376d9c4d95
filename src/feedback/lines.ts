/**
 * Raw mail made fit for a MIME parser: at most FEEDBACK_BYTES and FEEDBACK_LINES, lines that end in LF, no line before the
 * headers, and no more lines that could be boundaries than a parser should have to look at. Pure.
 */
import { FEEDBACK_BYTES, FEEDBACK_DASH_LINES, FEEDBACK_LINES } from "../core/limits.ts";

const LF = 10;
const CR = 13;
const SPACE = 32;
const DASH = 45;
const decoder = new TextDecoder("utf-16le");
const encoder = new TextEncoder();

/**
 * Some mailers end lines in CR alone, and pipes turn CRLF into CR CR LF. Both are one line end. What follows too many lines,
 * or the FEEDBACK_DASH_LINES-th one that begins with two dashes, is left out.
 */
export function normalLines(raw: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = withoutWideCharacters(raw.subarray(0, FEEDBACK_BYTES));
  const out = new Uint8Array(bytes.length);
  let at = 0;
  let lines = 0;
  let dashed = 0;
  let i = start(bytes);
  while (i < bytes.length) {
    let byte = bytes[i++]!;
    if (byte === CR) {
      let next = i;
      while (bytes[next] === CR) next++;
      // CRs before a LF are part of its line end; one without is a line end itself.
      if (bytes[next] === LF) {
        i = next;
        continue;
      }
      byte = LF;
    }
    out[at++] = byte;
    if (byte !== LF) continue;
    if (++lines > FEEDBACK_LINES) break;
    if (bytes[i] === DASH && bytes[i + 1] === DASH && ++dashed > FEEDBACK_DASH_LINES) break;
  }
  return out.subarray(0, at);
}

/** Where the headers begin: behind empty lines, and behind the "From " line that pipes of mail servers may put first. */
function start(bytes: Uint8Array): number {
  let i = 0;
  while (bytes[i] === LF || bytes[i] === CR || bytes[i] === SPACE) i++;
  if (!/^>?From /.test(String.fromCharCode(...bytes.subarray(i, i + 6)))) return i;
  while (i < bytes.length && bytes[i] !== LF && bytes[i] !== CR) i++;
  return i + (bytes[i] === CR && bytes[i + 1] === LF ? 2 : 1);
}

/** A message saved as UTF-16 as a whole, told by its byte order mark; a UTF-8 mark is dropped. */
function withoutWideCharacters(bytes: Uint8Array): Uint8Array {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return encoder.encode(decoder.decode(bytes));
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
}

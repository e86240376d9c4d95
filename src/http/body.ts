/** Bodies, read with a bound: JSON, and the beginning of anything. */
import { concat } from "../core/bytes.ts";
import type { Problem } from "../core/errors.ts";
import { MB, REQUEST_BODY_BYTES } from "../core/limits.ts";
import { err, ok, type Result } from "../core/result.ts";

const tooLarge = (bound: number): Problem => ({
  kind: "too_large",
  message: `The body is larger than ${Math.round(bound / MB)} MB.`,
});

/**
 * The body as text, or null when it is longer than `bound` bytes. Reading stops there. `strict`: throws a TypeError where it
 * is not UTF-8; otherwise such bytes become U+FFFD.
 */
export async function readText(request: Request, bound: number, strict = false): Promise<string | null> {
  const decoder = new TextDecoder("utf-8", { fatal: strict, ignoreBOM: false });
  const length = request.headers.get("content-length");
  if (Number(length ?? 0) > bound) return null;
  if (request.body === null) return "";
  // HTTP lets no more through than was announced: one read, where the loop below takes a turn for each chunk.
  // Not text(): it complains of content types that are not text, and we ask none.
  if (length !== null && /^\d+$/.test(length)) return decoder.decode(await request.arrayBuffer());
  const parts: string[] = [];
  let size = 0;
  for await (const chunk of request.body) {
    size += chunk.byteLength;
    if (size > bound) return null;
    parts.push(decoder.decode(chunk, { stream: true }));
  }
  parts.push(decoder.decode());
  return parts.join("");
}

/** Not whatever stands there: some clients name a charset. */
const COMPRESSED = /\b(gzip|deflate|br|zstd|compress)\b/i;

/** That a body is compressed; null: it is not. For every route that reads one: unread, compressed mail would be mail that says nothing. */
export function compressedProblem(request: Request): Problem | null {
  const encoding = request.headers.get("content-encoding") ?? "";
  if (!COMPRESSED.test(encoding)) return null;
  return {
    kind: "compressed",
    message: `The body comes with Content-Encoding: ${encoding.slice(0, 20)}, which is not understood here; send it uncompressed, without that header.`,
  };
}

/** The parsed body and its text, or what is wrong with it. The content type is not asked: SDKs differ in it. */
export async function readJson(
  request: Request,
  bound: number = REQUEST_BODY_BYTES,
): Promise<Result<{ value: unknown; text: string }, Problem>> {
  const compressed = compressedProblem(request);
  if (compressed !== null) return err(compressed);
  let text: string | null;
  try {
    text = await readText(request, bound, true);
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    // Taken anyway, a letter in Latin-1 would go out to people as a question mark.
    return err({
      kind: "bad_json",
      message: "The body is not UTF-8, as JSON must be (RFC 8259 section 8.1).",
    });
  }
  if (text === null) return err(tooLarge(bound));
  if (text.trim() === "")
    return err({ kind: "bad_json", message: "The body is empty; a JSON object is expected." });
  try {
    return ok({ value: JSON.parse(text), text });
  } catch (cause) {
    // V8 quotes the text around the fault; a position is enough, and repeats nothing.
    const at = /position (\d+)/.exec(String(cause))?.[1];
    return err({
      kind: "bad_json",
      message: `The body is not valid JSON${at === undefined ? "" : ` (at character ${at})`}.`,
    });
  }
}

/** The first `keep` bytes of a stream, which is read to its end; null when it is longer than `bound` bytes. */
export async function readStart(
  stream: ReadableStream<Uint8Array> | null,
  keep: number,
  bound: number,
): Promise<Uint8Array | null> {
  const parts: Uint8Array[] = [];
  let kept = 0;
  let size = 0;
  for await (const chunk of stream ?? []) {
    size += chunk.byteLength;
    if (size > bound) return null;
    if (kept >= keep) continue;
    parts.push(chunk.subarray(0, keep - kept));
    kept += Math.min(chunk.byteLength, keep - kept);
  }
  return concat(parts);
}

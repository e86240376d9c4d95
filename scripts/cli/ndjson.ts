/** One JSON object a line, from a response's body as it comes. */
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";

export async function* lines<T>(response: Response): AsyncGenerator<T> {
  if (response.body === null) return;
  const text = Readable.fromWeb(response.body as unknown as ReadableStream);
  for await (const line of createInterface({ input: text, crlfDelay: Number.POSITIVE_INFINITY }))
    if (line !== "") yield JSON.parse(line) as T;
}

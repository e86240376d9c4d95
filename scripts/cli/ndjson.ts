/** One JSON object a line, from a response's body as it comes. */
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import { EXIT, Failure } from "./failure.ts";

/** The value of a text that a gateway answered. `base`: the address that was asked. */
export function parsedJson<T>(text: string, base: string): T {
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new Failure(
      EXIT.refused,
      `what answers at ${base} is no Postern: ${JSON.stringify(text.slice(0, 80))}`,
    );
  }
}

/** An answer that breaks off is a Failure like a gateway that is away. */
export async function* lines<T>(response: Response): AsyncGenerator<T> {
  if (response.body === null) return;
  const text = Readable.fromWeb(response.body as unknown as ReadableStream);
  try {
    for await (const line of createInterface({ input: text, crlfDelay: Number.POSITIVE_INFINITY }))
      if (line !== "") yield parsedJson<T>(line, new URL(response.url).origin);
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    throw new Failure(EXIT.unavailable, "the answer broke off");
  }
}

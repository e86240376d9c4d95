/** Compiled messages that deliveries are being made of: a small cache in front of the queue, bounded in bytes. */
import type { EmailId } from "../core/ids.ts";
import { MB } from "../core/limits.ts";
import type { Queue, QueuedEmail } from "./queue.ts";

/** A Durable Object has 128 MB; one message of 25 MB must fit, spliced once for each of four sessions. */
const CACHE_BYTES = 8 * MB;

export class Contents {
  readonly #queue: Queue;
  readonly #held = new Map<EmailId, QueuedEmail>();
  #bytes = 0;

  constructor(queue: Queue) {
    this.#queue = queue;
  }

  get(id: EmailId): QueuedEmail | null {
    const held = this.#held.get(id);
    if (held !== undefined) return held;
    const email = this.#queue.email(id);
    if (email === null) return null;
    this.put(id, email);
    return email;
  }

  /** A message that is wanted soon: one just accepted need not be read back. */
  put(id: EmailId, email: QueuedEmail): void {
    const size = email.compiled.bytes.length;
    if (size > CACHE_BYTES) return;
    this.drop(id);
    for (const [oldest, { compiled }] of this.#held) {
      if (this.#bytes + size <= CACHE_BYTES) break;
      this.#held.delete(oldest);
      this.#bytes -= compiled.bytes.length;
    }
    this.#held.set(id, email);
    this.#bytes += size;
  }

  /** A message changed or went. */
  drop(id: EmailId): void {
    const held = this.#held.get(id);
    if (held === undefined) return;
    this.#held.delete(id);
    this.#bytes -= held.compiled.bytes.length;
  }
}

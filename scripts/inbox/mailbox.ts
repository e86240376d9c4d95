/** What has arrived: in memory, bounded, newest first. */
import PostalMime, { type Address, type Email } from "postal-mime";
import { HEADER_BYTES, KEPT_BYTES, KEPT_MESSAGES } from "./limits.ts";

export interface Envelope {
  /** "" is the null sender. */
  from: string;
  to: string[];
}

/** One line of the list. */
export interface Entry {
  id: string;
  envelope: Envelope;
  from: string;
  to: string[];
  subject: string;
  /** When it arrived, ISO 8601. */
  at: string;
  bytes: number;
  attachments: number;
}

export interface Message extends Entry {
  raw: Buffer;
}

export interface Bounds {
  messages: number;
  bytes: number;
}

export class Mailbox {
  #messages: Message[] = [];
  #bytes = 0;
  #count = 0;
  /** Grows with every change. */
  version = 0;
  readonly #bounds: Bounds;

  constructor(bounds: Bounds = { messages: KEPT_MESSAGES, bytes: KEPT_BYTES }) {
    this.#bounds = bounds;
  }

  /** Keeps a message, and forgets the oldest ones beyond the bounds. Bytes that are no mail are kept as they are. */
  async add(envelope: Envelope, raw: Buffer, now: Date): Promise<Entry> {
    const email = await parse(raw);
    const message: Message = {
      id: String(++this.#count),
      envelope,
      from: email.from === undefined ? envelope.from : addressText(email.from),
      to: email.to === undefined ? envelope.to : email.to.map(addressText),
      subject: email.subject ?? "",
      at: now.toISOString(),
      bytes: raw.length,
      attachments: email.attachments.length,
      raw,
    };
    this.#messages.unshift(message);
    this.#bytes += raw.length;
    while (
      this.#messages.length > this.#bounds.messages ||
      (this.#bytes > this.#bounds.bytes && this.#messages.length > 1)
    ) {
      this.#bytes -= this.#messages.pop()!.bytes;
    }
    this.version++;
    return entryOf(message);
  }

  list(): Entry[] {
    return this.#messages.map(entryOf);
  }

  get(id: string): Message | null {
    return this.#messages.find((message) => message.id === id) ?? null;
  }

  clear(): void {
    this.#messages = [];
    this.#bytes = 0;
    this.version++;
  }
}

/** The parts of a message; what cannot be parsed has none. */
export async function parse(raw: Buffer): Promise<Email> {
  try {
    return await PostalMime.parse(raw, { attachmentEncoding: "arraybuffer", maxHeadersSize: HEADER_BYTES });
  } catch {
    return { headers: [], headerLines: [], attachments: [] } as unknown as Email;
  }
}

/** `Name <address>`, a bare address, or a group's name and members. */
export function addressText(address: Address): string {
  if (address.group !== undefined) return `${address.name}: ${address.group.map(addressText).join(", ")};`;
  return address.name === "" ? address.address : `${address.name} <${address.address}>`;
}

const entryOf = ({ raw: _, ...entry }: Message): Entry => entry;

/** The dialogue that the bare peers on workerd have with a relay: pipelined as Postern pipelines, and nothing more. */
import { connect } from "cloudflare:sockets";

/** Sessions at a time, as Postern has by default. */
export const SESSIONS = 4;
export const ENVELOPE = "MAIL FROM:<bench@example.com>\r\nRCPT TO:<someone@example.net>\r\nDATA\r\n";
/** A message of 2 kB with its final dot. */
export const MESSAGE = `From: bench@example.com\r\nTo: someone@example.net\r\nSubject: Bench\r\n\r\n${`${"x".repeat(70)}\r\n`.repeat(28)}.\r\n`;
const LF = 10;

export interface Dialogue {
  say: (bytes: Uint8Array) => void;
  /** Reads until so many lines have come. */
  lines: (count: number) => Promise<void>;
  close: () => Promise<void>;
}

/** Opens a connection to a relay on this machine, up to the answer to HELO. */
export async function dialogue(port: number): Promise<Dialogue> {
  const socket = connect({ hostname: "127.0.0.1", port });
  const [writer, reader] = [socket.writable.getWriter(), socket.readable.getReader()];
  const say = (bytes: Uint8Array): void => {
    writer.write(bytes).catch(() => {});
  };
  const lines = async (count: number): Promise<void> => {
    for (let left = count; left > 0; ) {
      const { value, done } = await reader.read();
      if (done) throw new Error("the relay closed the connection");
      for (const byte of value as Uint8Array) if (byte === LF) left--;
    }
  };
  await lines(1);
  say(new TextEncoder().encode("HELO bench\r\n"));
  await lines(1);
  return { say, lines, close: () => socket.close() };
}

/** Sends the same message again and again: the end of one and the next envelope in one write. `taken` is called after each. */
export async function sendSame(port: number, messages: number, taken: () => void): Promise<void> {
  const encoder = new TextEncoder();
  const { say, lines, close } = await dialogue(port);
  say(encoder.encode(ENVELOPE));
  await lines(3);
  const more = encoder.encode(MESSAGE + ENVELOPE);
  for (let i = 1; i < messages; i++) {
    say(more);
    await lines(4);
    taken();
  }
  say(encoder.encode(MESSAGE));
  await lines(1);
  taken();
  await close();
}

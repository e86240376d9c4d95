/**
 * The floor of sending on this runtime: four sessions that send the same 2 kB again and again, pipelined as Postern pipelines, and
 * read what comes back. No queue, no copy of one's own, nothing kept. POST {port, messages for each session}.
 */
import { connect } from "cloudflare:sockets";

const SESSIONS = 4;
const ENVELOPE = "MAIL FROM:<bench@example.com>\r\nRCPT TO:<someone@example.net>\r\nDATA\r\n";
const MESSAGE = `From: bench@example.com\r\nTo: someone@example.net\r\nSubject: Bench\r\n\r\n${`${"x".repeat(70)}\r\n`.repeat(28)}.\r\n`;
const LF = 10;

async function session(port: number, messages: number): Promise<void> {
  const socket = connect({ hostname: "127.0.0.1", port });
  const [writer, reader] = [socket.writable.getWriter(), socket.readable.getReader()];
  const encoder = new TextEncoder();
  const say = (bytes: Uint8Array): void => {
    writer.write(bytes).catch(() => {});
  };
  /** Reads until so many lines have come. */
  const lines = async (count: number): Promise<void> => {
    for (let left = count; left > 0; ) {
      const { value, done } = await reader.read();
      if (done) throw new Error("the relay closed the connection");
      for (const byte of value as Uint8Array) if (byte === LF) left--;
    }
  };
  await lines(1);
  say(encoder.encode("HELO bench\r\n"));
  await lines(1);
  say(encoder.encode(ENVELOPE));
  await lines(3);
  const more = encoder.encode(MESSAGE + ENVELOPE);
  for (let i = 1; i < messages; i++) {
    say(more);
    await lines(4);
  }
  say(encoder.encode(MESSAGE));
  await lines(1);
  await socket.close();
}

export default {
  async fetch(request: Request): Promise<Response> {
    if (request.method !== "POST") return new Response("ok");
    const { port, messages } = (await request.json()) as { port: number; messages: number };
    await Promise.all(Array.from({ length: SESSIONS }, () => session(port, messages)));
    return new Response("ok");
  },
};

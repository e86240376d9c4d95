/** The inbox's SMTP side: takes every message for anyone, on loopback only. */
import type { AddressInfo } from "node:net";
import type { SMTPServerDataStream, SMTPServerSession } from "smtp-server";
import { CLOSE_MS, MESSAGE_BYTES, SMTP_CLIENTS, SMTP_IDLE_MS } from "./limits.ts";
import type { Mailbox } from "./mailbox.ts";
import { QuotedServer } from "./quoted.ts";

export interface Receiver {
  port: number;
  close(): Promise<void>;
}

/** Listens on a port (0: any free one) of 127.0.0.1. Rejects when it is taken. */
export function receive(mailbox: Mailbox, port: number): Promise<Receiver> {
  const server = new QuotedServer({
    banner: "Postern's local inbox",
    // No login and no TLS: nothing leaves the machine, and Postern is told so (`tls=none`).
    disabledCommands: ["AUTH", "STARTTLS"],
    disableReverseLookup: true,
    hideSMTPUTF8: false,
    hideENHANCEDSTATUSCODES: false,
    logger: false,
    size: MESSAGE_BYTES,
    maxClients: SMTP_CLIENTS,
    socketTimeout: SMTP_IDLE_MS,
    closeTimeout: CLOSE_MS,
    onData(stream, session, done) {
      collect(stream).then(
        async (raw) => {
          if (raw === null) return done(Object.assign(new Error("Message too big"), { responseCode: 552 }));
          const entry = await mailbox.add(envelopeOf(session), raw, new Date());
          done(null, `Kept as ${entry.id}`);
        },
        (error: Error) => done(error),
      );
    },
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    const listener = server.listen(port, "127.0.0.1", () => {
      server.off("error", reject);
      // A client that resets its connection is an error event, and without a listener the end of this process.
      server.on("error", () => {});
      resolve({
        port: (listener.address() as AddressInfo).port,
        close: () => new Promise((closed) => server.close(() => closed())),
      });
    });
  });
}

/** All bytes, or null when they are too many. The stream is read to its end either way, or the session would hang. */
async function collect(stream: SMTPServerDataStream): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= MESSAGE_BYTES) chunks.push(chunk);
    else chunks.length = 0;
  }
  return stream.sizeExceeded || bytes > MESSAGE_BYTES ? null : Buffer.concat(chunks);
}

function envelopeOf(session: SMTPServerSession): { from: string; to: string[] } {
  const { mailFrom, rcptTo } = session.envelope;
  return { from: mailFrom === false ? "" : mailFrom.address, to: rcptTo.map((one) => one.address) };
}

/** A local inbox: an SMTP server that keeps what it gets, and a page to read it. Both on loopback. */
import { Mailbox } from "./mailbox.ts";
import { receive } from "./receive.ts";
import { serveWeb } from "./web.ts";

export interface Inbox {
  /** For SMTP_URL. */
  smtpUrl: string;
  pageUrl: string;
  mailbox: Mailbox;
  close(): Promise<void>;
}

/** Ports: 0 is any free one. Rejects when one is taken. */
export async function openInbox(ports: { smtpPort: number; webPort: number }): Promise<Inbox> {
  const mailbox = new Mailbox();
  const receiver = await receive(mailbox, ports.smtpPort);
  const smtpUrl = `smtp://127.0.0.1:${receiver.port}?tls=none`;
  const web = await serveWeb(mailbox, smtpUrl, ports.webPort).catch(async (error: unknown) => {
    await receiver.close();
    throw error;
  });
  return {
    smtpUrl,
    pageUrl: `http://127.0.0.1:${web.port}`,
    mailbox,
    async close() {
      await Promise.all([receiver.close(), web.close()]);
    },
  };
}

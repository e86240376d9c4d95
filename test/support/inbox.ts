/** Waiting for mail in a local inbox, over its own JSON. */
import { until } from "./postern.ts";

export interface InboxEntry {
  id: string;
  subject: string;
  from: string;
  to: string[];
  envelope: { from: string; to: string[] };
}

export interface InboxMessage extends InboxEntry {
  text: string | null;
  html: string | null;
  headers: { name: string; value: string }[];
  attachments: { name: string; type: string; bytes: number; url: string }[];
}

export const list = async (page: string): Promise<InboxEntry[]> =>
  ((await (await fetch(`${page}/messages`)).json()) as { messages: InboxEntry[] }).messages;

/** The message with this subject, once it is there. */
export async function arrived(page: string, subject: string, milliseconds = 30_000): Promise<InboxMessage> {
  let found: InboxEntry | undefined;
  await until(
    async () => {
      found = (await list(page)).find((message) => message.subject === subject);
      return found !== undefined;
    },
    milliseconds,
    () => `no mail with the subject ${subject}`,
  );
  return (await (await fetch(`${page}/messages/${found!.id}`)).json()) as InboxMessage;
}

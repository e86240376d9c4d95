/**
 * The peer: worker-mailer as published, in a worker, one connection for each call of POST /bulk {from, recipients, text}.
 * It is asked for few messages a call, since its isolate dies after 10,000 commands (30 s timers that are never cleared).
 */
import { WorkerMailer } from "worker-mailer";

interface Bulk {
  port: number;
  from: string;
  recipients: string[];
  text: string;
}

export default {
  async fetch(request: Request): Promise<Response> {
    if (request.method !== "POST") return new Response("ok");
    const { port, from, recipients, text } = (await request.json()) as Bulk;
    const mailer = await WorkerMailer.connect({ host: "127.0.0.1", port, secure: false, startTls: false });
    for (const to of recipients) await mailer.send({ from, to, subject: "Bench", text });
    await mailer.close();
    return new Response("ok");
  },
};

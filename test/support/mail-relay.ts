/**
 * The relays that the worker under test is configured with: real smtp-servers on ports fixed at configuration time, which
 * keep what they take. A recipient's local part chooses the answer: `unknown…` 550, `later…` 451, `grey…` 451 with a
 * greylisting text, `fast…` 452 with a rate-limit text, `mute…` none at all.
 *   GET /mail?to=ADDRESS | ?subject=TEXT   the messages taken: [{relay, from, to, raw}]
 *   POST /relays/N/down|up    stops listening and drops sessions; listens again
 */
import { createServer } from "node:http";
import { SMTPServer } from "smtp-server";

interface Taken {
  relay: number;
  from: string;
  to: string;
  raw: string;
}

export interface MailRelays {
  /** Base URL of the control endpoint. */
  url: string;
  stop(): Promise<void>;
}

const ANSWERS: [RegExp, number, string][] = [
  [/^unknown/, 550, "5.1.1 User unknown"],
  [/^later/, 451, "4.3.0 Try again later"],
  [/^grey/, 451, "4.7.1 Greylisted, please try again in a few minutes"],
  [/^fast/, 452, "4.7.0 Rate limit exceeded, slow down"],
];

function listen(relay: number, port: number, taken: Taken[]): Promise<SMTPServer> {
  const server = new SMTPServer({
    disabledCommands: ["AUTH", "STARTTLS"],
    logger: false,
    onRcptTo({ address }, _session, done) {
      if (address.startsWith("mute")) return;
      const answer = ANSWERS.find(([pattern]) => pattern.test(address));
      if (answer === undefined) return done();
      done(Object.assign(new Error(answer[2]), { responseCode: answer[1] }));
    },
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        const { mailFrom, rcptTo } = session.envelope;
        const raw = Buffer.concat(chunks).toString("latin1");
        for (const { address } of rcptTo)
          taken.push({ relay, from: mailFrom === false ? "" : mailFrom.address, to: address, raw });
        done();
      });
    },
  });
  server.on("error", () => {}); // Without a listener a reset connection ends the process.
  return new Promise((resolve) => server.listen(port, "127.0.0.1", () => resolve(server)));
}

const close = (server: SMTPServer): Promise<void> => new Promise((resolve) => server.close(() => resolve()));

export async function startMailRelays(ports: readonly number[]): Promise<MailRelays> {
  const taken: Taken[] = [];
  const servers: (SMTPServer | null)[] = [];
  for (const [i, port] of ports.entries()) servers.push(await listen(i, port, taken));
  const control = createServer(async (request, response) => {
    const url = new URL(request.url ?? "/", "http://control");
    const change = /^\/relays\/(\d+)\/(up|down)$/.exec(url.pathname);
    if (request.method === "POST" && change !== null) {
      const i = Number(change[1]);
      const server = servers[i] ?? null;
      if (change[2] === "down" && server !== null) {
        servers[i] = null;
        await close(server);
      }
      if (change[2] === "up" && server === null) servers[i] = await listen(i, ports[i]!, taken);
      return response.end("{}");
    }
    const to = url.searchParams.get("to");
    const subject = url.searchParams.get("subject");
    const wanted = taken.filter(
      (message) =>
        (to === null || message.to === to) &&
        (subject === null || message.raw.includes(`\r\nSubject: ${subject}\r\n`)),
    );
    response.end(JSON.stringify(wanted));
  });
  await new Promise<void>((resolve) => control.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(control.address() as { port: number }).port}`,
    async stop() {
      control.close();
      for (const server of servers) if (server !== null) await close(server);
    },
  };
}

/**
 * SMTP peers on demand: tests in workerd ask for them over HTTP on loopback.
 * POST /scripted and /sink start one and answer {port}; POST /server starts a real smtp-server (TLS, AUTH);
 * GET /PORT answers its log; DELETE /PORT ends it.
 */
import { createServer } from "node:http";
import { SMTPServer } from "smtp-server";
import { type Certificates, testCertificates } from "./certificates.ts";
import { type Script, ScriptedRelay } from "./scripted-relay.ts";
import { type SinkOptions, SinkRelay } from "./sink-relay.ts";

export interface ServerOptions {
  secure: boolean;
  user: string;
  password: string;
  methods: string[];
}

interface Peer {
  read(): unknown;
  close(): void;
}

export interface SmtpPeers {
  /** Base URL of the control endpoint. */
  url: string;
  stop(): void;
}

/** Starts the control endpoint. */
export async function startSmtpPeers(): Promise<SmtpPeers> {
  const certificates = testCertificates();
  const peers = new Map<number, Peer>();
  const control = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", async () => {
      const path = (request.url ?? "/").slice(1);
      const answer = (value: unknown) => response.end(JSON.stringify(value));
      if (request.method === "POST") {
        const [port, peer] = await start(path, JSON.parse(body), certificates);
        peers.set(port, peer);
        return answer({ port });
      }
      const peer = peers.get(Number(path));
      if (request.method === "DELETE") peer?.close();
      answer(peer?.read() ?? null);
    });
  });
  await new Promise<void>((resolve) => control.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(control.address() as { port: number }).port}`,
    stop: () => {
      for (const peer of peers.values()) peer.close();
      control.close();
    },
  };
}

async function start(kind: string, options: unknown, certificates: Certificates): Promise<[number, Peer]> {
  if (kind === "server") return startServer(options as ServerOptions, certificates);
  if (kind === "sink") {
    const sink = new SinkRelay(options as SinkOptions);
    return [await sink.listen(), { read: () => sink.log, close: () => sink.close() }];
  }
  const relay = new ScriptedRelay(options as Script, certificates);
  const port = await relay.listen();
  return [port, { read: () => ({ connections: relay.log, open: relay.open }), close: () => relay.close() }];
}

function startServer(options: ServerOptions, { trusted }: Certificates): Promise<[number, Peer]> {
  const log: { logins: string[]; messages: { from: string; to: string[]; raw: string; secure: boolean }[] } =
    {
      logins: [],
      messages: [],
    };
  const server = new SMTPServer({
    ...trusted,
    secure: options.secure,
    authMethods: options.methods,
    logger: false,
    onAuth(auth, _session, done) {
      const matches =
        auth.method === "CRAM-MD5"
          ? auth.validatePassword(options.password)
          : auth.method === "XOAUTH2"
            ? auth.accessToken === options.password
            : auth.password === options.password;
      log.logins.push(`${auth.method} ${auth.username}`);
      if (auth.username === options.user && matches) done(null, { user: auth.username });
      else done(new Error("Invalid username or password"));
    },
    onData(stream, session, done) {
      let raw = "";
      stream.on("data", (chunk) => {
        raw += chunk.toString("latin1");
      });
      stream.on("end", () => {
        const { mailFrom, rcptTo } = session.envelope;
        const from = mailFrom === false ? "" : mailFrom.address;
        log.messages.push({ from, to: rcptTo.map((one) => one.address), raw, secure: session.secure });
        done();
      });
    },
  });
  // Without a listener a reset connection ends the process.
  server.on("error", () => {});
  return new Promise((resolve) => {
    const listening = server.listen(0, "127.0.0.1", () => {
      const { port } = listening.address() as { port: number };
      resolve([port, { read: () => log, close: () => server.close() }]);
    });
  });
}

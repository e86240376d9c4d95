/**
 * The floor of a gateway on this runtime that answers only when a message is stored: POST {from, to, subject, html}, one call to
 * an object, one row, one of four sessions, the row deleted. The html goes out as it came: no MIME, no link, no token, no event.
 * The relay's port is in the query: ?port=2525.
 */
import { DurableObject } from "cloudflare:workers";
import { dialogue, ENVELOPE, SESSIONS } from "./dialogue.ts";

const BATCH = 16 - SESSIONS;
/** How long what is done waits for company, in milliseconds. */
const LINGER_MS = 10;
const END = "\r\n.\r\n";
const encoder = new TextEncoder();

export class BareGateway extends DurableObject {
  #waiting: { id: number; bytes: Uint8Array }[] = [];
  #idle: (() => void)[] = [];
  #done: number[] = [];
  #timer: ReturnType<typeof setTimeout> | null = null;
  #isWorking = false;

  constructor(state: DurableObjectState, env: Env) {
    super(state, env);
    state.storage.sql.exec(
      "CREATE TABLE IF NOT EXISTS mail (id INTEGER PRIMARY KEY AUTOINCREMENT, bytes BLOB)",
    );
  }

  put(port: number, bytes: Uint8Array): number {
    const { id } = this.ctx.storage.sql
      .exec<{ id: number }>("INSERT INTO mail (bytes) VALUES (?) RETURNING id", bytes)
      .one();
    this.#waiting.push({ id, bytes });
    if (!this.#isWorking) for (let i = 0; i < SESSIONS; i++) this.ctx.waitUntil(this.#session(port));
    this.#isWorking = true;
    this.#idle.pop()?.();
    return id;
  }

  async #session(port: number): Promise<void> {
    const { say, lines } = await dialogue(port);
    const envelope = encoder.encode(ENVELOPE);
    for (;;) {
      const mail = this.#waiting.shift();
      if (mail === undefined) {
        await new Promise<void>((resolve) => this.#idle.push(resolve));
        continue;
      }
      say(envelope);
      await lines(3);
      say(mail.bytes);
      await lines(1);
      this.#done.push(mail.id);
      if (this.#done.length === BATCH) this.#forget();
      else this.#timer ??= setTimeout(() => this.#forget(), LINGER_MS);
    }
  }

  #forget(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.ctx.storage.sql.exec(
      "DELETE FROM mail WHERE id IN (SELECT value FROM json_each(?))",
      JSON.stringify(this.#done),
    );
    this.#done = [];
  }
}

interface Env {
  OBJECT: DurableObjectNamespace<BareGateway>;
}

export default {
  async fetch(request: Request, { OBJECT }: Env): Promise<Response> {
    if (request.method !== "POST") return new Response("ok");
    const port = Number(new URL(request.url).searchParams.get("port"));
    const { from, to, subject, html } = (await request.json()) as Record<string, string>;
    const header = `From: ${from}\r\nTo: ${to}\r\nSubject: ${subject}\r\nContent-Type: text/html; charset=utf-8\r\n\r\n`;
    const id = await OBJECT.get(OBJECT.idFromName("only")).put(port, encoder.encode(header + html + END));
    return Response.json({ id });
  },
};

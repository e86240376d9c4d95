/**
 * The floor of sending from a Durable Object that is to repeat no more than 16 messages after a crash: the sessions of
 * bare-session.ts, and after every twelfth acceptance (four more are on the wire) one row written and what was done deleted.
 * No intake, no copy of one's own, no link, no event. POST {port, messages for each session}.
 */
import { DurableObject } from "cloudflare:workers";
import { SESSIONS, sendSame } from "./dialogue.ts";

const BATCH = 16 - SESSIONS;
/** Characters that an event takes. */
const EVENT = "x".repeat(350);

export class BareObject extends DurableObject {
  async run(port: number, messages: number): Promise<void> {
    const { sql } = this.ctx.storage;
    sql.exec(
      `CREATE TABLE IF NOT EXISTS waiting (id INTEGER PRIMARY KEY, address TEXT);
       CREATE TABLE IF NOT EXISTS done (id INTEGER PRIMARY KEY, events TEXT);
       DELETE FROM waiting; DELETE FROM done`,
    );
    sql.exec(
      `WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ?)
       INSERT INTO waiting SELECT n, 'someone' || n || '@example.net' FROM number`,
      messages * SESSIONS,
    );
    let sent = 0;
    let accepted: number[] = [];
    const store = (): void => {
      sql.exec("DELETE FROM waiting WHERE id IN (SELECT value FROM json_each(?))", JSON.stringify(accepted));
      sql.exec("INSERT INTO done (events) VALUES (?)", EVENT.repeat(accepted.length));
      accepted = [];
    };
    const taken = (): void => {
      accepted.push(++sent);
      if (accepted.length === BATCH) store();
    };
    await Promise.all(Array.from({ length: SESSIONS }, () => sendSame(port, messages, taken)));
    store();
  }
}

interface Env {
  OBJECT: DurableObjectNamespace<BareObject>;
}

export default {
  async fetch(request: Request, { OBJECT }: Env): Promise<Response> {
    if (request.method !== "POST") return new Response("ok");
    const { port, messages } = (await request.json()) as { port: number; messages: number };
    await OBJECT.get(OBJECT.idFromName("only")).run(port, messages);
    return new Response("ok");
  },
};

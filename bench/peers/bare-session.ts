/**
 * The floor of sending on this runtime: four sessions that send the same 2 kB again and again and read what comes back. No queue,
 * no copy of one's own, nothing kept. POST {port, messages for each session}.
 */
import { SESSIONS, sendSame } from "./dialogue.ts";

export default {
  async fetch(request: Request): Promise<Response> {
    if (request.method !== "POST") return new Response("ok");
    const { port, messages } = (await request.json()) as { port: number; messages: number };
    await Promise.all(Array.from({ length: SESSIONS }, () => sendSame(port, messages, () => {})));
    return new Response("ok");
  },
};

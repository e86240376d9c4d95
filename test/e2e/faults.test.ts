/**
 * Relays that misbehave at every step of the dialogue, all at once: each message ends sent, bounced, failed or waiting,
 * the gateway answers throughout, and when the relays are well again what waits goes out by itself.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Postern, stopAll, temporaryFolder, until } from "../support/postern.ts";
import { type Fault, SINK_STEPS, SinkRelay, type SinkStep } from "../support/sink-relay.ts";

const MB = 1024 * 1024;

/** What a relay may do instead of answering, at any step. */
const FAULTS: Record<string, Fault> = {
  "hangs up": { then: "end" },
  resets: { then: "reset" },
  stalls: { then: "silence" },
  "says 421 and hangs up": { say: "421 4.3.2 Shutting down\r\n", then: "end" },
  "says 4xx": { say: "451 4.3.0 Not now\r\n" },
  "says 5xx": { say: "554 5.3.0 Never\r\n" },
  "says nonsense": { say: "\u0000\u00ff what? HTTP/1.1 400 Bad Request\r\n" },
  "says a line of 1 MB": { say: `250 ${"x".repeat(MB)}\r\n` },
  "never ends a line": { say: "x".repeat(MB), flood: true },
  "never ends a reply": { say: "250-and more\r\n".repeat(1_000), flood: true },
  "answers twice": { say: "250 2.0.0 Ok\r\n250 2.0.0 Ok\r\n" },
};

interface Case {
  name: string;
  step: SinkStep;
  relay: SinkRelay;
  to: string;
  id: string;
}

const cases: Case[] = [];
let postern: Postern;
const folder = temporaryFolder();

beforeAll(async () => {
  const relays: { name: string; url: string }[] = [];
  for (const step of SINK_STEPS)
    for (const [kind, fault] of Object.entries(FAULTS)) {
      const relay = new SinkRelay({ extensions: ["PIPELINING", "8BITMIME"], faults: { [step]: fault } });
      const name = `${step}-${kind.replaceAll(" ", "-")}`;
      relays.push({ name, url: `smtp://127.0.0.1:${await relay.listen()}?tls=none` });
      cases.push({ name, step, relay, to: `${name}@example.net`, id: "" });
    }
  postern = await Postern.start(folder.path, { RELAYS: JSON.stringify(relays) });
});
afterAll(async () => {
  await stopAll();
  for (const { relay } of cases) relay.close();
  folder.remove();
});

const status = async (id: string): Promise<string> => {
  const { body } = await postern.api("GET", `/emails/${id}`);
  return (body.recipients as { status: string }[])[0]!.status;
};

it("x", { timeout: 300_000 }, async () => {
  let over = false;
  let slowest = 0;
  let asked = 0;
  const watch = (async () => {
    while (!over) {
      const t = performance.now();
      const r = await fetch(`${postern.base}/healthz`, { signal: AbortSignal.timeout(5000) });
      expect(r.status).toBe(200);
      await r.text();
      asked++;
      slowest = Math.max(slowest, performance.now() - t);
      await new Promise((done) => setTimeout(done, 20));
    }
  })();
  for (const one of cases)
    one.id = await postern.send({ from: "a@example.com", to: one.to, subject: one.name, text: "x", relay: one.name });
  await new Promise((done) => setTimeout(done, 15_000));
  console.log("asked", asked, "slowest", slowest);
  for (const one of cases) {
    const ev = await postern.events(one.id);
    console.log(one.name.padEnd(40), await status(one.id), one.relay.log.sessions, one.relay.log.taken.length, one.relay.log.unanswered.length, ev.map((e) => `${e.type} ${(e.data as any).attempt?.step} ${(e.data as any).attempt?.category} ${(e.data as any).attempt?.text.slice(0,60)} ${((e.data as any).next_attempt_at - Date.now())}`).join(" | "));
  }
  for (const one of cases) { one.relay.options.faults = {}; one.relay.hangUp(); }
  const t0 = Date.now();
  const waiting = async () => { const w: string[] = []; for (const c of cases) if (!["sent", "bounced", "failed"].includes(await status(c.id))) w.push(c.name); return w; };
  for (let i = 0; i < 10; i++) { await new Promise((done) => setTimeout(done, 10_000)); const w = await waiting(); console.log(Date.now() - t0, w.length, w.join(" ")); if (w.length === 0) break; }
  for (const one of cases) console.log(one.name.padEnd(40), await status(one.id), one.relay.log.sessions, one.relay.log.taken.length, one.relay.log.unanswered.length);
  console.log("asked", asked, "slowest", slowest);
  over = true; await watch;
});

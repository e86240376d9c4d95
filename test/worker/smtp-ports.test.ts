/** A relay without a port: which ports are tried in which order, and what is remembered. No socket is opened on them. */
import { expect, test } from "vitest";
import { openSession } from "../../src/smtp/open-session.ts";
import { Pool } from "../../src/smtp/pool.ts";
import { parseRelayUrl } from "../../src/smtp/relay.ts";
import { verifyRelay } from "../../src/smtp/verify.ts";
import { copyTo, ListSource, relayAt, scripted, short, sink, sinkLog } from "../support/smtp-control.ts";

const deps = { now: Date.now, ehlo: "me.test", deadlines: short(500) };

test("a port that does not answer is passed over", async () => {
  const open = await sink({ extensions: ["PIPELINING"] });
  const opened = await openSession({ ...relayAt(open), port: null }, [1, open], deps);
  if (!opened.ok) throw new Error(opened.error.failure.detail);
  expect(opened.value.peer.port).toBe(open);
  await opened.value.quit();
});

test("a relay that answers and refuses is not asked again on another port", async () => {
  const refusing = await scripted({ connections: [[{ say: "554 no\r\n" }, { hangUp: "end" }]] });
  const other = await sink({ extensions: [] });
  const opened = await openSession({ ...relayAt(refusing), port: null }, [refusing, other], deps);
  expect(opened).toMatchObject({ ok: false, error: { port: refusing } });
  expect((await sinkLog(other)).sessions).toBe(0);
});

test("nothing on 587, 465 and 2525: unreachable, the last one named", async () => {
  const relay = parseRelayUrl("smtp://127.0.0.1");
  if (!relay.ok) throw new Error(relay.error);
  const source = new ListSource([copyTo("a@b.test")]);
  await new Pool(relay.value, deps).work(source);
  expect(source.failures).toMatchObject([{ category: "connect_failed", port: 2525 }]);
});

test("verify names each port that it tried, what went wrong there, and what to try", async () => {
  const relay = parseRelayUrl("smtp://127.0.0.1");
  if (!relay.ok) throw new Error(relay.error);
  const { ok, steps, advice } = await verifyRelay(relay.value, deps);
  expect(ok).toBe(false);
  expect(steps.map(({ step, ok, detail }) => `${step} ${ok} ${detail}`)).toEqual(
    [587, 465, 2525].map((port) => expect.stringMatching(`^connect false 127.0.0.1:${port}: .*connect`)),
  );
  expect(advice).toMatch(/^Ports 587, 465 and 2525 of 127\.0\.0\.1: .*could not be reached/);
  expect(advice).toContain("smtp://127.0.0.1:PORT");
});

test("verify tells the ports apart where they fail in different ways", async () => {
  const clear = await scripted({ connections: [[{ say: "220 hi\r\n" }, { stall: true }]] });
  const unknown = await scripted({ connections: [[{ tls: "unknown" }, { stall: true }]] });
  const relay = { ...relayAt(1, "", "", "smtps"), port: null };
  const { steps, advice } = await verifyRelay(relay, deps, [1, clear, unknown]);
  expect(steps.map(({ step, detail }) => [step, detail.split(": ")[0]])).toEqual(
    [1, clear, unknown].map((port) => ["connect", `127.0.0.1:${port}`]),
  );
  expect(advice).toMatch(/^Port 1 of 127\.0\.0\.1: .*could not be reached/);
  expect(advice).toContain(
    `Port ${clear} of 127.0.0.1 speaks first without TLS: use smtp://127.0.0.1:${clear}?tls=required.`,
  );
  expect(advice).toMatch(new RegExp(`Port ${unknown} of 127\\.0\\.0\\.1: .*certificate`));
});

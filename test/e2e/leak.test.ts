/**
 * Sessions that fail leave nothing behind: no sockets, no memory. Every session takes one message and fails at the next,
 * each in another way. LEAK_SESSIONS=10000 for a longer run.
 */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { afterAll, expect, it } from "vitest";
import { BULK_RECIPIENTS, SMTP_CONNECTIONS_DEFAULT } from "../../src/core/limits.ts";
import { readers, sendBulk, tally } from "../support/bulk.ts";
import { FAULTS } from "../support/faults.ts";
import { watchHealth } from "../support/health.ts";
import { Postern, stopAll, temporaryFolder, until } from "../support/postern.ts";
import { SinkRelay } from "../support/sink-relay.ts";

const SESSIONS = Number(process.env.LEAK_SESSIONS ?? 1_000);
/** Resident, of workerd. V8 collects late, so it rises with the first thousands of sessions and stays there. */
const MEMORY_MB = 400;
const WARM_UP = 200;

const folder = temporaryFolder();
const relay = new SinkRelay({ extensions: ["PIPELINING", "8BITMIME"] });
afterAll(async () => {
  await stopAll();
  relay.close();
  folder.remove();
});

/** Those that end a session; a stall would end it too, but after a minute. */
const KINDS = Object.keys(FAULTS).filter((kind) => !["stalls", "says 4xx", "says 5xx"].includes(kind));
const STEPS = ["mail", "rcpt", "data", "body"] as const;

/** Of network sockets: those to the store are Unix sockets, kept for another request or not. */
function footprint(pid: number): { sockets: number; memoryMb: number } {
  const unix = new Set(
    readFileSync("/proc/net/unix", "utf8")
      .split("\n")
      .map((line) => `socket:[${line.trim().split(/\s+/)[6]}]`),
  );
  const target = (fd: string) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`);
    } catch {
      return ""; // Closed since.
    }
  };
  const sockets = readdirSync(`/proc/${pid}/fd`)
    .map(target)
    .filter((name) => name.startsWith("socket:") && !unix.has(name)).length;
  const memory = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return { sockets, memoryMb: Math.round(Number(memory) / 1024) };
}

it(`after ${SESSIONS} failing sessions there are no more sockets than before, and not much more memory`, {
  timeout: 240_000 + SESSIONS * 50,
}, async () => {
  const postern = await Postern.start(folder.path, {
    SMTP_URL: `smtp://127.0.0.1:${await relay.listen()}?tls=none`,
  });
  // In a longer run, what was deferred comes again after a minute, and goes on for half of one.
  const idle = () =>
    until(
      () => relay.log.open === 0,
      180_000,
      () => `${relay.log.open} sessions are open`,
    );
  const wanted = readers(WARM_UP, "example.net", "warm-up");
  await sendBulk(postern, wanted);
  await until(
    () => tally(relay.log.taken, wanted).missing.length === 0,
    30_000,
    () => "the warm-up did not arrive",
  );
  await idle();
  const before = footprint(postern.workerdPid);

  const health = watchHealth(postern.base);
  relay.options.faultsAfter = 1;
  relay.watcher.connected = ({ sessions }) => {
    const kind = FAULTS[KINDS[sessions % KINDS.length]!]!;
    relay.options.faults = { [STEPS[Math.floor(sessions / KINDS.length) % STEPS.length]!]: kind };
  };
  const first = relay.log.sessions;
  relay.log.peak = 0;
  const marks: string[] = [];
  for (let round = 0; relay.log.sessions - first < SESSIONS; round++) {
    const to = readers(Math.min(SESSIONS + 10, BULK_RECIPIENTS), "example.net", `round-${round}`);
    await sendBulk(postern, to);
    const goal = relay.log.taken.length + Math.floor(to.length / 2);
    await until(
      () => relay.log.sessions - first >= SESSIONS || relay.log.taken.length >= goal,
      SESSIONS * 50,
      () => `${relay.log.sessions - first} sessions failed so far`,
    );
    const { sockets, memoryMb } = footprint(postern.workerdPid);
    marks.push(`${relay.log.sessions - first}: ${memoryMb} MB, ${sockets} sockets`);
  }
  relay.options.faults = {};
  relay.watcher.connected = undefined;
  await idle();
  const { failures, slowestMs } = await health.stop();
  // A keep-alive connection of ours or of the watch ends some seconds after its last request; one that leaked does not.
  let after = footprint(postern.workerdPid);
  await until(
    () => {
      after = footprint(postern.workerdPid);
      return after.sockets <= before.sockets + 1;
    },
    20_000,
    () => `${after.sockets} sockets, ${before.sockets} before`,
  );
  console.log(
    `${relay.log.sessions - first} sessions, ${relay.log.unanswered.length} without an answer; before ${JSON.stringify(before)}, ${marks.join("; ")}, after ${JSON.stringify(after)}; /healthz at slowest ${slowestMs} ms`,
  );
  expect(failures).toEqual([]);
  // One that was dropped may be open in the relay's eyes while the next one calls.
  expect(relay.log.peak).toBeLessThanOrEqual(2 * SMTP_CONNECTIONS_DEFAULT);
  expect(after.memoryMb).toBeLessThan(MEMORY_MB);
});

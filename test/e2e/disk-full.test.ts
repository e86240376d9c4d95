/**
 * A disk that is full while mail goes out, and has room again: nothing is half taken, nothing is lost. It takes a disk of the
 * test's own, so only root on Linux can run it, as .ci/run does.
 */
import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { DUPLICATES_AFTER_CRASH } from "../../src/core/limits.ts";
import { counts, readers, sendBulk, tally } from "../support/bulk.ts";
import { Postern, stopAll, temporaryFolder, until } from "../support/postern.ts";
import { SinkRelay } from "../support/sink-relay.ts";

const folder = temporaryFolder();
const disk = join(folder.path, "disk");
const isMounted = mount();
afterAll(async () => {
  await stopAll();
  if (isMounted) execFileSync("umount", [disk]);
  folder.remove();
});

function mount(): boolean {
  mkdirSync(disk);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=40m", "tmpfs", disk], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** Writes until not a byte more fits, while nobody else does: what breaks in the middle of it would begin again, and break again. */
function fill(path: string, { pids }: Postern): void {
  for (const pid of pids) process.kill(pid, "SIGSTOP");
  const file = openSync(path, "w");
  for (const size of [1 << 20, 1 << 12, 1])
    try {
      while (writeSync(file, Buffer.alloc(size)) === size);
    } catch {
      // Full, for pieces of this size.
    }
  closeSync(file);
  for (const pid of pids) process.kill(pid, "SIGCONT");
}

describe.skipIf(!isMounted)("a full disk", () => {
  it("is told as such; what waits goes out by itself once there is room", { timeout: 120_000 }, async () => {
    const relay = new SinkRelay({ extensions: ["PIPELINING"], delay: 10 });
    const postern = await Postern.start(join(disk, "data"), {
      SMTP_URL: `smtp://127.0.0.1:${await relay.listen()}?tls=none`,
    });
    const wanted = readers(1_500);
    const id = await sendBulk(postern, wanted);
    await until(
      () => relay.log.taken.length >= 50,
      30_000,
      () => `${relay.log.taken.length} came`,
    );
    fill(join(disk, "ballast"), postern);

    const one = { from: "ada@example.com", to: "late@example.net", subject: "S", text: "T" };
    const refused = await postern.api("POST", "/emails", one);
    expect(refused).toMatchObject({
      status: 503,
      body: { message: expect.stringContaining("disk is full") },
    });
    expect((await postern.api("GET", "/emails")).status).toBe(503);
    expect((await postern.api("GET", "/healthz")).status).toBe(200);
    expect(tally(relay.log.taken, wanted).missing.length).toBeGreaterThan(0);

    rmSync(join(disk, "ballast"));
    await until(
      () => tally(relay.log.taken, wanted).missing.length === 0,
      90_000,
      () => `${tally(relay.log.taken, wanted).missing.length} never got it`,
    );
    const { duplicates, strangers } = tally(relay.log.taken, wanted);
    expect(strangers).toEqual([]); // What was refused was not taken.
    expect(duplicates).toBeLessThanOrEqual(DUPLICATES_AFTER_CRASH);
    expect(await counts(postern, id)).toEqual({ sent: wanted.length });
    await postern.send(one);
    relay.close();
  });
});

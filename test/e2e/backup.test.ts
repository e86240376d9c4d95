/** A backup made while Postern runs and sends, and a start from it. */
import { execFile } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, describe, expect, it } from "vitest";
import { Postern, stopAll, temporaryFolder, until } from "../support/postern.ts";

const folder = temporaryFolder();
afterAll(async () => {
  await stopAll();
  folder.remove();
});

const backup = (dataDir: string, to: string) =>
  promisify(execFile)(process.execPath, ["scripts/backup.ts", to], {
    cwd: join(import.meta.dirname, "../.."),
    env: { PATH: process.env.PATH, DATA_DIR: dataDir },
  });
const mail = (more: object = {}) => ({
  from: "a@example.com",
  to: "delivered@postern.test",
  subject: "S",
  text: "T",
  ...more,
});

describe("npm run backup", () => {
  it("copies a gateway at work: what was accepted is there, or still goes", async () => {
    const state = join(folder.path, "state");
    mkdirSync(state);
    const first = await Postern.start(state);
    const kept = await first.send(mail());
    await first.eventsOf(kept, ["email.delivered"]);
    const later = await first.send(mail({ scheduled_at: "in 1 hour" }));
    const key = (await first.api("POST", "/api-keys", { name: "kept" })).body.token as string;
    const recipients = Array.from({ length: 3_000 }, (_, i) => ({ to: `delivered+${i}@postern.test` }));
    const bulk = String(
      (await first.api("POST", "/emails/bulk", { ...mail({ to: undefined }), recipients })).body.id,
    );
    const copy = join(folder.path, "copy");
    const { stdout } = await backup(state, copy);
    expect(stdout).toContain(`Start from it with DATA_DIR=${copy}`);
    await first.stop();

    const second = await Postern.start(copy);
    expect(second.key).toBe(first.key);
    expect((await second.events(kept)).map(({ type }) => type)).toEqual(["email.sent", "email.delivered"]);
    expect((await second.api("POST", `/emails/${later}/cancel`)).status).toBe(200);
    const answer = await fetch(`${second.base}/emails`, { headers: { authorization: `Bearer ${key}` } });
    expect(answer.status).toBe(200);
    let counts: unknown;
    await until(
      async () => {
        counts = (await second.api("GET", `/emails/${bulk}`)).body.counts;
        return (counts as { delivered?: number } | undefined)?.delivered === 3_000;
      },
      30_000,
      () => JSON.stringify(counts),
    );
    await second.stop();
  });

  it.each([
    ["nowhere to", (state: string) => [state, ""], "is not empty"],
    ["a file instead of a folder", (state: string) => [state, "state/keys.json"], "is no folder"],
    ["nothing can be made there", (state: string) => [state, "state/keys.json/below"], "is no whole backup"],
    ["no state", () => ["/nowhere", "x"], "holds no state of Postern"],
  ])("says what is wrong: %s", async (_, args, why) => {
    const [dataDir, name] = args(join(folder.path, "state")) as [string, string];
    await expect(backup(dataDir, join(folder.path, name))).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining(why),
    });
  });
});

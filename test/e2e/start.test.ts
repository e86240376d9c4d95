/** `npm start` as a person meets it: the first run, later runs, and what it says when something is wrong. */
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { arrived } from "../support/inbox.ts";
import { allGone, isRunning, Postern, runToEnd, stopAll, temporaryFolder } from "../support/postern.ts";

const folder = temporaryFolder();
afterAll(async () => {
  await stopAll();
  folder.remove();
});

describe("the first run", () => {
  const dataDir = join(folder.path, "first");
  let postern: Postern;
  beforeAll(async () => {
    postern = await Postern.start(dataDir);
  });
  afterAll(() => postern.stop());

  /** The command as printed, from `curl` to the first line that does not go on. */
  const printedCurl = () => /^curl (?:.*\\\n)*.*$/m.exec(postern.stdout)![0];

  it("makes a key that only its owner can read, and prints it", () => {
    expect(postern.key).toMatch(/^re_[\w-]{32}$/);
    expect(postern.stdout).toContain(postern.key);
    expect(statSync(join(dataDir, "keys.json")).mode & 0o777).toBe(0o600);
  });

  it("keeps every secret out of workerd's configuration and arguments", () => {
    const { SIGNING_SECRET } = JSON.parse(readFileSync(join(dataDir, "keys.json"), "utf8"));
    const shown = [
      ...["workerd.capnp", "store.capnp"].map((name) => join(dataDir, name)),
      ...postern.pids.map((pid) => `/proc/${pid}/cmdline`),
      `/proc/${postern.storePid}/environ`, // The store has no use for them.
    ];
    for (const file of shown)
      for (const secret of [postern.key, SIGNING_SECRET])
        expect(readFileSync(file, "utf8"), file).not.toContain(secret);
    expect(postern.stdout).not.toContain(SIGNING_SECRET);
  });

  it("prints no colours into a pipe", () => {
    expect(postern.stdout).not.toContain("\x1b");
  });

  it("prints a curl command that works as it is, and the mail is in the inbox with a tracked link", async () => {
    const answer = JSON.parse(
      execFileSync("/bin/sh", ["-c", printedCurl()], { encoding: "utf8", stdio: "pipe" }),
    );
    expect(answer.id).toMatch(/^[0-9a-f-]{36}$/);
    const mail = await arrived(postern.inbox!, "It works");
    expect(mail.to).toEqual(["you@example.com"]);
    const link = /href="([^"]+)"/.exec(mail.html!)![1]!.replaceAll("&amp;", "&");
    expect(link).toContain(`${postern.base}/c/`);
    const redirect = await fetch(link, { redirect: "manual" });
    expect([redirect.status, redirect.headers.get("location")]).toEqual([
      302,
      `${postern.base}/healthz?from=mail`,
    ]);
    await postern.eventsOf(answer.id, ["email.sent", "email.clicked"]);
  });

  it("lets no second start into the same folder, and says so in one line", async () => {
    const second = await runToEnd({ DATA_DIR: dataDir });
    expect(second).toEqual({
      code: 1,
      stdout: "",
      stderr: expect.stringMatching(/^postern: DATA_DIR .* is in use by another start; .*\n$/),
    });
  });
});

const mail = { from: "a@example.com", to: "b@example.com", subject: "Kept", text: "Hello" };

describe("later runs", () => {
  it("have the same key, the same mail, and do not print the key into a log", async () => {
    const dataDir = join(folder.path, "later");
    const first = await Postern.start(dataDir);
    const id = await first.send(mail);
    await first.eventsOf(id, ["email.sent"]);
    expect(await first.stop()).toBe(0);

    const second = await Postern.start(dataDir);
    expect(second.key).toBe(first.key);
    expect(second.stdout).not.toContain(second.key);
    expect(second.stdout).toContain("keys.json");
    const email = await second.api("GET", `/emails/${id}`);
    expect(email.status).toBe(200);
    expect(email.body).toMatchObject({ id, subject: "Kept" });
    await second.stop();
  });

  it("take a key that is given, and never print it", async () => {
    const postern = await Postern.start(join(folder.path, "given"), { API_KEY: "a-key-of-my-own-choice" });
    const answer = await fetch(`${postern.base}/emails`, {
      headers: { Authorization: "Bearer a-key-of-my-own-choice" },
    });
    expect(answer.status).toBe(200);
    expect(postern.stdout).not.toContain("a-key-of-my-own-choice");
    await postern.stop();
  });
});

describe("the end", () => {
  it.each(["SIGINT", "SIGTERM"] as const)("%s leaves no process behind", async (signal) => {
    const postern = await Postern.start(join(folder.path, `end-${signal}`));
    const { pids } = postern;
    expect(pids.map(isRunning)).toEqual([true, true]);
    expect(await postern.stop(signal)).toBe(0);
    expect(pids.map(isRunning)).toEqual([false, false]);
    await expect(fetch(`${postern.base}/healthz`)).rejects.toThrow();
    await expect(fetch(postern.inbox!)).rejects.toThrow();
  });

  it("takes both processes along even when start itself is killed outright", async () => {
    const postern = await Postern.start(join(folder.path, "outright"));
    const { pids } = postern;
    expect(pids).toHaveLength(2);
    await postern.stop("SIGKILL");
    await allGone(pids);
  });

  it.each([
    ["workerd", "the worker's", "postern: workerd"],
    ["store", "the store's", "postern: the store's workerd"],
  ])("comes with the exit code and a line when %s, %s process, ends by itself", async (role, _, named) => {
    const postern = await Postern.start(join(folder.path, `crash-${role}`));
    const { pids } = postern;
    process.kill(role === "store" ? postern.storePid! : postern.workerdPid, "SIGKILL");
    // SIGWINCH does nothing; it only waits for the exit.
    expect(await postern.stop("SIGWINCH")).toBe(137);
    expect(postern.stderr).toContain(`${named} ended by itself with code 137`);
    expect(pids.map(isRunning)).toEqual([false, false]);
  });
});

describe("the store's process", () => {
  it("serves under a DATA_DIR that is longer than a socket's path may be, after a kill -9, too", async () => {
    const dataDir = join(folder.path, "long-".repeat(30), "state");
    const first = await Postern.start(dataDir);
    const id = await first.send(mail);
    await first.eventsOf(id, ["email.sent"]);
    await first.kill();
    expect(existsSync(join(dataDir, "storage", "store.sock"))).toBe(true);
    const second = await Postern.start(dataDir);
    expect((await second.events(id)).map(({ type }) => type)).toContain("email.sent");
    await second.stop();
    expect(existsSync(join(dataDir, "storage", "store.sock"))).toBe(false);
  });

  it("is not there when libSQL is elsewhere", async () => {
    const postern = await Postern.start(join(folder.path, "elsewhere"), { LIBSQL_URL: "http://127.0.0.1:9" });
    expect(postern.storePid).toBeNull();
    await postern.stop();
  });

  it("one that was left behind keeps a start out, by name", async () => {
    const dataDir = join(folder.path, "left");
    mkdirSync(dataDir);
    // Stands for it: a program with the folder among its arguments.
    const left = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)", dataDir]);
    writeFileSync(join(dataDir, "store.pid"), String(left.pid));
    const run = await runToEnd({ DATA_DIR: dataDir });
    left.kill("SIGKILL");
    expect([run.code, run.stderr]).toEqual([1, expect.stringContaining(`end it with: kill ${left.pid}\n`)]);
  });
});

describe("a set-up that cannot work is one line and exit code 1", () => {
  const dataDir = () => join(folder.path, "wrong");
  const file = join(folder.path, "a-file");
  writeFileSync(file, "");
  const rows: [string, Record<string, string>, RegExp][] = [
    ["a port that is none", { PORT: "http" }, /^postern: PORT must be a port from 0 to 65535/],
    ["a port out of range", { PORT: "65536" }, /^postern: PORT must be a port/],
    [
      "an address of another machine",
      { HOST: "192.0.2.1" },
      /^postern: HOST 192\.0\.2\.1 is no address of this machine/,
    ],
    [
      "an SMTP_URL of another scheme",
      { SMTP_URL: "http://mail.example.com" },
      /^postern: SMTP_URL must begin with smtp:\/\//,
    ],
    [
      "a bad query in it",
      { SMTP_URL: "smtp://u:hunter2@mail.example.com?tls=perhaps" },
      /^postern: SMTP_URL .*tls must be one of/,
    ],
    ["RELAYS that are no JSON", { RELAYS: "mail.example.com" }, /^postern: RELAYS must be a JSON array/],
    ["a PUBLIC_URL that is no URL", { PUBLIC_URL: "mail.example.com" }, /^postern: PUBLIC_URL must be a/],
    ["a DATA_DIR that is a file", { DATA_DIR: file }, /^postern: DATA_DIR .* cannot be written to/],
    ["a DATA_DIR below a file", { DATA_DIR: join(file, "x") }, /^postern: DATA_DIR .* cannot be written to/],
    [
      "a DATA_DIR where nothing can be made",
      { DATA_DIR: "/proc/postern" },
      /^postern: DATA_DIR .* cannot be written to/,
    ],
    [
      "certificates that are not there",
      { NODE_EXTRA_CA_CERTS: join(folder.path, "none.pem") },
      /postern: NODE_EXTRA_CA_CERTS .* cannot be read \(ENOENT\)\n$/,
    ],
  ];
  it.each(rows)("%s", async (_, variables, expected) => {
    const run = await runToEnd({ DATA_DIR: dataDir(), ...variables });
    expect(run.stderr).toMatch(expected);
    // Node warns of the file itself, before it runs anything of ours.
    expect(
      run.stderr
        .split("\n")
        .filter((line) => line !== "" && !line.startsWith("Warning: Ignoring extra certs")),
    ).toHaveLength(1);
    expect(run.stderr).not.toContain("hunter2");
    expect(run.code).toBe(1);
  });

  it("a port that is taken", async () => {
    const holder = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => holder.once("listening", resolve));
    const { port } = holder.address() as { port: number };
    const run = await runToEnd({ DATA_DIR: dataDir(), PORT: String(port) });
    holder.close();
    expect(run).toEqual({
      code: 1,
      stdout: "",
      stderr: expect.stringMatching(new RegExp(`^postern: Port ${port} on 127.0.0.1 is taken; .*\n$`)),
    });
  });

  it("keys that are damaged", async () => {
    const path = join(folder.path, "damaged");
    mkdirSync(path);
    writeFileSync(join(path, "keys.json"), '{"API_KEY": "re_');
    const run = await runToEnd({ DATA_DIR: path });
    expect([run.code, run.stderr]).toEqual([
      1,
      expect.stringMatching(/^postern: .*keys\.json is damaged.*\n$/),
    ]);
  });
});

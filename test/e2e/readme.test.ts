/** Every command that the README shows is run, as it stands there but for addresses, keys and files. */
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SMTPServer } from "smtp-server";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CloudflareApi, cloudflareApi } from "../support/cloudflare-api.ts";
import { Postern, stopAll, temporaryFolder, until } from "../support/postern.ts";

const ROOT = join(import.meta.dirname, "../..");
const README = readFileSync(join(ROOT, "README.md"), "utf8");
const folder = temporaryFolder();
let postern: Postern;
/** The relay `main`, which takes everything. */
const relay = new SMTPServer({
  disabledCommands: ["AUTH", "STARTTLS"],
  logger: false,
  onData: (stream, _session, done) => void stream.resume().on("end", done),
});
let cloudflare: CloudflareApi;

/** Commands of all `sh` blocks: lines that go on after `\`, or within quotes, are one. */
const COMMANDS = [...README.matchAll(/^```sh\n([\s\S]*?)^```/gm)].flatMap(([, block]) => {
  const commands: string[] = [];
  let open = "";
  for (const line of block!.split("\n")) {
    open += `${line}\n`;
    const quotes = open.replace(/\\['"]/g, "").match(/'/g)?.length ?? 0;
    if (line.endsWith("\\") || quotes % 2 === 1) continue;
    if (open.trim() !== "") commands.push(open.trim().replace(/ {2,}# .*$/, ""));
    open = "";
  }
  return commands;
});

/** What runs elsewhere, and where. */
const ELSEWHERE: Record<string, string> = {
  "npm ci && npm start":
    "npm ci has made node_modules, and `npm start` is what every test of this folder starts",
  "npm ci && npm test": ".ci/run",
  "npm run check": ".ci/run",
  "npm run bench": "takes many minutes of a quiet machine; by hand",
};

beforeAll(async () => {
  const state = join(folder.path, "state");
  mkdirSync(state);
  relay.on("error", () => undefined);
  await new Promise<void>((resolve) => relay.listen(0, "127.0.0.1", resolve));
  const { port } = relay.server.address() as { port: number };
  cloudflare = await cloudflareApi();
  postern = await Postern.start(state, {
    RELAYS: JSON.stringify([{ name: "main", url: `smtp://127.0.0.1:${port}?tls=none` }]),
  });
  writeFileSync(join(folder.path, "news.html"), "<p>News for {{name|you}}</p>");
  writeFileSync(join(folder.path, "readers.csv"), "email,name\nbea@example.net,Bea\ncarl@example.net,\n");
  writeFileSync(join(folder.path, "list.csv"), "email\ngone@example.net\n");
});
afterAll(async () => {
  cloudflare?.close();
  await stopAll();
  await new Promise<void>((resolve) => relay.close(() => resolve()));
  folder.remove();
});

interface Ran {
  code: number | null;
  stdout: string;
  stderr: string;
}

function shell(command: string, variables: Record<string, string> = {}, enough?: RegExp): Promise<Ran> {
  const child = spawn("bash", ["-c", command], {
    cwd: folder.path,
    // Its own group, so that all of it can be ended.
    detached: true,
    env: {
      PATH: `${join(ROOT, "node_modules/.bin")}:${process.env.PATH}`,
      HOME: folder.path,
      POSTERN_URL: postern.base,
      API_KEY: postern.key,
      ...variables,
    },
  });
  const ran: Ran = { code: null, stdout: "", stderr: "" };
  child.stdout.on("data", (chunk: Buffer) => {
    ran.stdout += chunk;
    if (enough?.test(ran.stdout)) process.kill(-child.pid!, "SIGINT");
  });
  child.stderr.on("data", (chunk: Buffer) => {
    ran.stderr += chunk;
  });
  child.stdin.end();
  return new Promise((resolve) => child.once("close", (code) => resolve({ ...ran, code })));
}

/** The command line, in the folder of the test instead of the clone's. */
const here = (command: string) =>
  command
    .replaceAll("npm run postern --", `node ${join(ROOT, "scripts/postern.ts")}`)
    .replaceAll("npm run", `npm --prefix ${ROOT} run`)
    .replaceAll("http://127.0.0.1:8787", postern.base);

describe("the README", () => {
  it("has commands", () => {
    expect(COMMANDS.length).toBeGreaterThan(12);
    for (const command of Object.keys(ELSEWHERE)) expect(COMMANDS).toContain(command);
  });

  it.each(COMMANDS.filter((command) => !(command in ELSEWHERE)))("%s", async (command) => {
    if (command.startsWith("SMTP_URL=") && command.endsWith("npm start")) {
      const [, url, base] = /^SMTP_URL='([^']+)' PUBLIC_URL=(\S+) npm start$/.exec(command)!;
      const state = join(folder.path, "other");
      mkdirSync(state);
      const other = await Postern.start(state, { SMTP_URL: url!, PUBLIC_URL: base! });
      expect(other.stdout).toContain(base);
      await other.stop();
    } else if (command.startsWith("npm run deploy")) {
      const ran = await shell(`${here(command)}${command.includes(" -- ") ? "" : " --"} --no-wait`, {
        CLOUDFLARE_API_BASE_URL: cloudflare.base,
        CLOUDFLARE_API_TOKEN: "token",
        CLOUDFLARE_ACCOUNT_ID: "acc",
        SMTP_URL: "smtp://user:password@smtp.example.com:587",
      });
      expect(ran).toMatchObject({ code: 0 });
    } else if (command.startsWith("npm run dev")) {
      const ran = await shell(
        here(command),
        { PORT: "0", INBOX_PORT: "0", DATA_DIR: join(folder.path, "dev"), API_KEY: "" },
        /Ctrl-C ends it/,
      );
      expect(ran.stdout).toContain("Postern is running");
    } else if (command.includes(" tail ")) {
      const told = shell(here(command), {}, /bounced/);
      await until(
        async () => {
          await postern.send({ from: "a@example.com", to: "bounced@postern.test", subject: "S", text: "T" });
          return await Promise.race([
            told.then(() => true),
            new Promise<boolean>((r) => setTimeout(r, 2_000, false)),
          ]);
        },
        30_000,
        () => "no event came",
      );
      expect((await told).stdout).toContain("bounced@postern.test");
    } else {
      const id = await postern.send({ from: "a@example.com", to: "a@example.net", subject: "S", text: "T" });
      const ran = await shell(here(command).replaceAll("/ID/", `/${id}/`));
      expect(ran).toMatchObject({ code: 0 });
      if (command.startsWith("curl")) expect(JSON.parse(ran.stdout)).not.toHaveProperty("statusCode");
    }
  });

  it("runs the command line by npm, too", async () => {
    expect((await shell(`npm --prefix ${ROOT} run -s postern -- --help`)).stdout).toContain("Usage: postern");
  });
});

/** The command line against a gateway that runs. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cli, startCli } from "../support/cli.ts";
import { Postern, stopAll, temporaryFolder, until } from "../support/postern.ts";

const folder = temporaryFolder();
let postern: Postern;
let here: Record<string, string>;
const run = (args: string[], input?: string) => cli(args, here, input);
const file = (name: string, text: string): string => {
  const path = join(folder.path, name);
  writeFileSync(path, text);
  return path;
};

beforeAll(async () => {
  const state = join(folder.path, "state");
  mkdirSync(state);
  postern = await Postern.start(state);
  here = { POSTERN_URL: postern.base, API_KEY: postern.key };
});
afterAll(async () => {
  await stopAll();
  folder.remove();
});

const FROM = ["--from", "Ada <ada@example.com>", "--subject", "Hello {{name|there}}"];

describe("postern send", () => {
  it("sends from flags and answers the id, alone", async () => {
    const attached = file("note.txt", "a note");
    const { code, stdout } = await run([
      ...["send", ...FROM, "--to", "bea@example.net", "--text", "Hello", "--html", "<p>Hello</p>"],
      ...["--attach", attached, "--header", "X-One: 1", "--tag", "kind=test"],
    ]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^[0-9a-f-]{36}\n$/);
    const { body } = await postern.api("GET", `/emails/${stdout.trim()}`);
    expect(body).toMatchObject({
      to: ["bea@example.net"],
      text: "Hello",
      headers: { "X-One": "1" },
      tags: [{ name: "kind", value: "test" }],
      attachments: [{ filename: "note.txt", size: 6 }],
    });
  });

  it("sends a message from standard input, flags before it", async () => {
    const message = JSON.stringify({ from: "a@example.com", to: "x@example.net", subject: "S", text: "T" });
    const { code, stdout } = await run(["send", "--file", "-", "--subject", "Mine", "--json"], message);
    expect(code).toBe(0);
    const { body } = await postern.api("GET", `/emails/${JSON.parse(stdout).id}`);
    expect(body).toMatchObject({ subject: "Mine", to: ["x@example.net"] });
  });

  it.each([
    ["a wrong address", ["send", ...FROM, "--to", "nobody", "--text", "x"], 1, "`to[0]`"],
    [
      "no file",
      ["send", ...FROM, "--to", "a@example.net", "--text-file", "/nowhere"],
      1,
      "/nowhere cannot be read",
    ],
    [
      "no CSV file",
      ["send", ...FROM, "--text", "x", "--csv", "/nowhere.csv"],
      1,
      "/nowhere.csv cannot be read (ENOENT)",
    ],
    [
      "a folder for a CSV file",
      ["send", ...FROM, "--text", "x", "--csv", "/tmp"],
      1,
      "/tmp cannot be read (EISDIR)",
    ],
    ["a tag without a name", ["send", ...FROM, "--tag", "x"], 2, "--tag must be name=value"],
    ["an unknown flag", ["send", "--form", "x"], 2, "unknown option"],
    ["csv and to at once", ["send", "--csv", "a.csv", "--to", "x"], 2, "cannot be used with"],
    ["no command", [], 2, "Usage: postern"],
    ["a wrong URL", ["--url", "mail", "relays", "list"], 2, "--url must be an address"],
    ["nobody there", ["--url", "http://127.0.0.1:9", "relays", "list"], 3, "cannot be reached"],
    ["a wrong key", ["--key", "x", "relays", "list"], 1, "not known"],
  ])("says what is wrong: %s", async (_, args, code, message) => {
    const ran = await run(args);
    expect(ran).toMatchObject({ code, stdout: "" });
    expect(ran.stderr).toContain(message);
  });

  it("says it in JSON when asked", async () => {
    const { code, stdout, stderr } = await run(["send", "--json", "--to", "nobody"]);
    expect({ code, stderr }).toEqual({ code: 1, stderr: "" });
    expect(JSON.parse(stdout).error).toMatchObject({ statusCode: 422 });
  });
});

describe("postern send --csv", () => {
  it("sends nothing while a line is wrong, and names the line", async () => {
    const csv = file(
      "faulty.csv",
      "email,name\na@example.net,Ann\nnobody,Bob\n\nc@example.net,Cid\nx@,Dan\n",
    );
    const stopped = await run(["send", ...FROM, "--text", "Hello", "--csv", csv]);
    expect(stopped.code).toBe(1);
    expect(stopped.stderr).toContain("line 3");
    expect(stopped.stderr).toContain("line 6");
    const gone = await run(["send", ...FROM, "--text", "Hello", "--csv", csv, "--skip-invalid", "--json"]);
    expect(JSON.parse(gone.stdout)).toMatchObject({ accepted: 2, suppressed: 0, left_out: 2 });
  });

  it("gives columns as variables, whatever the file is quoted with", async () => {
    const csv = file("columns.csv", `\ufeffname,to\n"O'Neil, ""Al""",al@example.net\n`);
    const { stdout } = await run(["send", ...FROM, "--text", "Dear {{name}}", "--csv", csv, "--json"]);
    const [id] = JSON.parse(stdout).ids;
    const { body } = await postern.api("GET", `/emails/${id}`);
    expect(body.recipients).toMatchObject([{ email: "al@example.net" }]);
  });

  it("names the line that lacks a variable", async () => {
    const csv = file("lacking.csv", "to,first\na@example.net,Ann\n");
    const { code, stderr } = await run(["send", ...FROM, "--text", "Dear {{last}}", "--csv", csv]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/line 2\.variables: .*lacks `last`/);
  });

  it("goes on after it was killed, and nobody gets it twice", async () => {
    const rows = Array.from({ length: 2_500 }, (_, i) => `reader${i}@example.net,Reader ${i}\n`);
    const csv = file("many.csv", `to,name\n${rows.join("")}`);
    const args = ["send", ...FROM, "--text", "Hello", "--csv", csv, "--sandbox", "--json"];
    // The second call arrives, and its answer never comes back.
    let calls = 0;
    const proxy = await forwarding(postern.base, () => ++calls === 2);
    const first = startCli(args, { ...here, POSTERN_URL: proxy.base });
    await until(
      () => calls === 2 && proxy.forwarded() === 2,
      30_000,
      () => `${calls} calls`,
    );
    first.child.kill("SIGKILL");
    await first.ended;
    proxy.close();
    const { code, stdout } = await run(args);
    expect(code).toBe(0);
    const { accepted, ids } = JSON.parse(stdout) as { accepted: number; ids: string[] };
    expect({ accepted, calls: ids.length }).toEqual({ accepted: 2_500, calls: 3 });
    const { body } = await postern.api("GET", "/emails?limit=100");
    const bulk = (body.data as { id: string; subject: string }[]).filter(({ id }) => ids.includes(id));
    expect(bulk).toHaveLength(3);
    // Had the second call been taken twice, there would be a fourth message.
    const since = (body.data as { id: string }[]).filter(({ id }) => id >= ids[0]!);
    expect(since).toHaveLength(3);
    const again = await run(args);
    expect(again.code).toBe(1);
    expect(again.stdout).toContain("was sent already");
  });

  it("is refused while another run is at work on the file, and goes on once that one is dead", async () => {
    const csv = file("twice.csv", "to\na@example.net\n");
    const args = ["send", ...FROM, "--text", "Hello", "--csv", csv, "--sandbox"];
    let calls = 0;
    // The first run waits for an answer that never comes; any other would get one.
    const proxy = await forwarding(postern.base, () => ++calls === 1);
    const first = startCli(args, { ...here, POSTERN_URL: proxy.base });
    await until(
      () => proxy.forwarded() === 1,
      30_000,
      () => `${calls} calls`,
    );
    for (const more of [[], ["--again"], ["--json"]]) {
      const second = await cli([...args, ...more], { ...here, POSTERN_URL: proxy.base });
      expect(second.code).toBe(1);
      expect(second.stdout + second.stderr).toContain(
        `another run (process ${first.child.pid}) is at work on ${csv}`,
      );
    }
    expect(calls).toBe(1);
    first.child.kill("SIGKILL");
    await first.ended;
    proxy.close();
    const { code, stdout } = await run(args);
    expect([code, stdout]).toEqual([0, expect.stringContaining("1 accepted")]);
  });

  it("does not take what went into the sandbox for sent", async () => {
    const csv = file("tried.csv", "to\na@example.net\n");
    const args = ["send", ...FROM, "--text", "One", "--csv", csv, "--json"];
    expect((await run([...args, "--sandbox"])).code).toBe(0);
    const refused = await run(args);
    expect([refused.code, refused.stdout]).toEqual([1, expect.stringContaining("goes into the sandbox")]);
    expect((await run([...args, "--again"])).code).toBe(0);
  });

  it("does not mix a new message into a run that was begun", async () => {
    const csv = file("changed.csv", "to\na@example.net\n");
    await run(["send", ...FROM, "--text", "One", "--csv", csv]);
    const { code, stderr } = await run(["send", ...FROM, "--text", "Two", "--csv", csv]);
    expect(code).toBe(1);
    expect(stderr).toContain("is another one than that of the run begun before");
    expect((await run(["send", ...FROM, "--text", "Two", "--csv", csv, "--again"])).code).toBe(0);
  });
});

describe("what is no gateway", () => {
  it.each([
    ["relays", "list"],
    ["tail"],
    ["suppressions", "import", "readers.csv"],
    ["suppressions", "export"],
    ["send", ...FROM, "--to", "a@example.net", "--text", "x"],
    ["send", ...FROM, "--text", "x", "--csv", "readers.csv"],
  ])("is told from one: %s %s", async (...args) => {
    const csv = file("readers.csv", "email\na@example.net\n");
    const site = await answering((response) => response.end("<html>Welcome</html>"));
    const ran = await cli(
      args.map((arg) => (arg === "readers.csv" ? csv : arg)),
      { ...here, POSTERN_URL: site.base },
    );
    site.close();
    expect(ran).toMatchObject({ code: 1, stdout: "" });
    expect(ran.stderr.trim().split("\n").at(-1)).toMatch(/^postern: what answers at http:.* is no Postern/);
  });

  it("an answer that breaks off is a gateway that is away", async () => {
    const broken = await answering((response) => {
      response.writeHead(200, { "content-length": "1000" }).write('{"object": ');
      setTimeout(() => response.destroy(), 50);
    });
    const ran = await cli(["relays", "list"], { ...here, POSTERN_URL: broken.base });
    const tail = await cli(["tail"], { ...here, POSTERN_URL: broken.base });
    broken.close();
    expect([ran.code, ran.stderr]).toEqual([3, expect.stringMatching(/^postern: .* broke off\n$/)]);
    expect([tail.code, tail.stderr]).toEqual([3, expect.stringMatching(/^postern: .* broke off\n$/)]);
  });
});

describe("postern keys and relays", () => {
  it("makes a key that works, lists it, revokes it", async () => {
    const made = await run([
      "keys",
      "create",
      "shop",
      "--sending",
      "--domain",
      "shop.example",
      "--rate",
      "10/s",
    ]);
    const token = made.stdout.trim();
    expect(token).toMatch(/^re_/);
    const list = JSON.parse((await run(["keys", "list", "--json"])).stdout) as { id: string; name: string }[];
    const { id } = list.find(({ name }) => name === "shop")!;
    expect((await run(["keys", "list"])).stdout).toContain("send for shop.example at 10/s");
    const refused = await run(["--key", token, "send", ...FROM, "--to", "a@example.net", "--text", "x"]);
    expect(refused.stderr).toContain("shop.example");
    expect((await run(["keys", "revoke", id])).code).toBe(0);
    expect((await run(["keys", "revoke", id])).code).toBe(1);
  });

  it("tries a relay step by step", async () => {
    const [relay] = JSON.parse((await run(["relays", "list", "--json"])).stdout) as { name: string }[];
    const { code, stdout } = await run(["relays", "verify", relay!.name]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/ok +greeting/);
    expect((await run(["relays", "verify", "nobody"])).code).toBe(1);
  });
});

describe("postern suppressions", () => {
  it("takes a list, names the lines that are wrong, and gives it back", async () => {
    const csv = file("list.csv", "email,reason\nleft1@example.net,asked\nnobody,\nleft2@example.net,\n");
    const brought = await run(["suppressions", "import", csv]);
    expect(brought.stdout).toContain("2 added, 0 were there already, 1 lines could not be read.");
    expect(brought.stdout).toContain("line 3:");
    expect(brought.code).toBe(1);
    const again = await run(["suppressions", "import", csv, "--json"]);
    expect(JSON.parse(again.stdout)).toMatchObject({ added: 0, already: 2, invalid_total: 1 });
    const { code, stdout } = await run(["suppressions", "export"]);
    expect(code).toBe(0);
    expect(stdout.split("\n")[0]).toContain("email");
    expect(stdout).toContain("left1@example.net");
    const out = join(folder.path, "out.csv");
    await run(["suppressions", "export", out]);
    expect(readFileSync(out, "utf8")).toBe(stdout);
    expect((await run(["suppressions", "import", "/nowhere"])).code).toBe(1);
  });
});

describe("where results go", () => {
  it("a list that cannot be written is said", async () => {
    const ran = await run(["suppressions", "export", "/nowhere/list.csv"]);
    expect([ran.code, ran.stderr]).toEqual([1, "postern: /nowhere/list.csv cannot be written (ENOENT)\n"]);
  });

  it("a run that cannot be written down sends nothing", async () => {
    const csv = file("unwritable.csv", "to\na@example.net\n");
    mkdirSync(`${csv}.postern.json.new`);
    const ran = await run(["send", ...FROM, "--text", "x", "--csv", csv]);
    expect([ran.code, ran.stderr]).toEqual([1, expect.stringMatching(/cannot be written \(EISDIR\)\n$/)]);
  });

  it.each([
    ["suppressions", "export"],
    ["tail", "--since", "2026-01-01"],
  ])("%s %s into a reader that has seen enough ends without a word", async (...args) => {
    const rows = Array.from({ length: 5_000 }, (_, i) => `r${i}@example.net\n`).join("");
    await run(["suppressions", "import", file("many-suppressed.csv", `email\n${rows}`)]);
    await postern.send({ from: "a@example.com", to: "delivered@postern.test", subject: "S", text: "T" });
    const { child, ended } = startCli(args, here);
    child.stdout!.once("data", () => child.stdout!.destroy());
    expect(await ended).toMatchObject({ code: 0, stderr: "" });
  });
});

describe("postern tail", () => {
  it("shows events as they happen, once each", async () => {
    const tail = startCli(
      ["tail", "--json", "--recipient", "delivered+tail@postern.test", "--exit-after", "2"],
      here,
    );
    const id = await postern.send({
      from: "a@example.com",
      to: "delivered+tail@postern.test",
      subject: "S",
      text: "T",
    });
    const { code, stdout } = await tail.ended;
    expect(code).toBe(0);
    const events = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { email_id: string; type: string });
    expect(events.map(({ email_id, type }) => [email_id, type])).toEqual([
      [id, "email.sent"],
      [id, "email.delivered"],
    ]);
    const words = await run(["tail", "--since", "2026-01-01", "--email", id, "--exit-after", "1"]);
    expect(words.stdout).toMatch(/^\d\d:\d\d:\d\d {2}sent .*delivered\+tail@postern\.test .*Sandbox/);
  });

  it("waits for a gateway that goes away before anything happened", async () => {
    let calls = 0;
    const line = JSON.stringify({
      id: "1",
      type: "email.sent",
      created_at: "",
      email_id: "e",
      recipient: null,
      data: {},
    });
    const shaky = await answering((response) => {
      calls += 1;
      if (calls === 2) response.destroy();
      else response.end(calls === 1 ? "" : `${line}\n`);
    });
    const ran = await cli(["tail", "--json", "--exit-after", "1"], { ...here, POSTERN_URL: shaky.base });
    shaky.close();
    expect(ran).toMatchObject({ code: 0, stdout: `${line}\n` });
  });

  it("says at once when it cannot", async () => {
    expect((await run(["tail", "--type", "vanished"])).code).toBe(1);
    expect((await cli(["tail"], { ...here, POSTERN_URL: "http://127.0.0.1:9" })).code).toBe(3);
  });
});

/** A way to the gateway on which some answers are lost. */
async function forwarding(to: string, lose: () => boolean) {
  let done = 0;
  const server: Server = createServer((request, response) => {
    const lost = lose();
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", async () => {
      const headers = { ...request.headers } as Record<string, string>;
      for (const name of ["host", "connection", "content-length", "transfer-encoding"]) delete headers[name];
      const answer = await fetch(`${to}${request.url}`, {
        method: request.method!,
        headers,
        body: Buffer.concat(parts),
      });
      const text = await answer.text();
      done += 1;
      if (!lost) response.writeHead(answer.status, { "content-type": "application/json" }).end(text);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    base: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    forwarded: () => done,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Something else than a gateway. */
async function answering(answer: (response: ServerResponse) => void) {
  const server = createServer((request, response) => {
    request.resume();
    answer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    base: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

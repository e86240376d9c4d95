/**
 * Links of mail that was sent long ago: another installation, without its rows or any database, and a new secret in front of
 * the old one, still knows what they mean; and one without the old secret does not. curl plays the scanner.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { arrived } from "../support/inbox.ts";
import { Postern, stopAll, temporaryFolder } from "../support/postern.ts";

const folders = [temporaryFolder(), temporaryFolder(), temporaryFolder()] as const;
afterAll(async () => {
  await stopAll();
  for (const folder of folders) folder.remove();
});

const NEW_SECRET = "a new secret of enough characters";
let paths: { pixel: string; click: string; unsubscribe: string };
let old: string;

const curl = (...args: string[]): string => execFileSync("curl", ["-sS", ...args], { encoding: "utf8" });
const status = (url: string, ...args: string[]): string =>
  curl("-o", "/dev/null", "-w", "%{http_code} %{redirect_url}", ...args, url).trim();

beforeAll(async () => {
  const postern = await Postern.start(folders[0].path);
  const id = await postern.send({
    from: "a@example.com",
    to: "bea@example.net",
    subject: "Old links",
    html: '<a href="https://example.com/a?b=1&amp;c=2">a</a><a href="{{unsubscribe_url}}">leave</a>',
    unsubscribe: { topic: "news" },
  });
  const html = (await arrived(postern.inbox!, "Old links")).html!;
  paths = {
    pixel: /\/o\/[\w-]+/.exec(html)![0],
    click: /\/c\/[\w-]+\/[\w-]+/.exec(html)![0],
    unsubscribe: /\/u\/[\w-]+/.exec(html)![0],
  };
  // A scanner takes everything there is: with HEAD and GET, and it is seen through.
  expect(status(postern.base + paths.click, "-I")).toMatch(/^302 https:\/\/example\.com\/a\?b=1&c=2$/);
  expect(status(postern.base + paths.click)).toMatch(/^302 /);
  expect(status(postern.base + paths.pixel)).toBe("200");
  expect(status(postern.base + paths.unsubscribe)).toBe("200");
  const events = await postern.eventsOf(id, ["email.opened", "email.clicked", "email.sent"]);
  for (const event of events.filter(({ type }) => /opened|clicked/.test(type)))
    expect(event.data.visitor).toMatchObject({ verdict: "scanner" });
  expect(events.some(({ type }) => type === "email.unsubscribed")).toBe(false);
  expect((await postern.api("GET", `/emails/${id}`)).body.last_event).toBe("sent");
  old = (JSON.parse(readFileSync(join(folders[0].path, "keys.json"), "utf8")) as { SIGNING_SECRET: string })
    .SIGNING_SECRET;
  await postern.stop();
});

/** Nothing listens there. */
const AWAY = "http://127.0.0.1:9";

describe("an installation that knows the old secret but not the mail, and whose libSQL is away", () => {
  it("serves pixel, redirect and page, and takes the unsubscribe", async () => {
    const postern = await Postern.start(folders[1].path, {
      SIGNING_SECRET: `${NEW_SECRET},${old}`,
      LIBSQL_URL: AWAY,
    });
    expect(status(postern.base + paths.pixel)).toBe("200");
    expect(status(postern.base + paths.click)).toBe("302 https://example.com/a?b=1&c=2");
    expect(curl(postern.base + paths.unsubscribe)).toContain("b…@example.net");
    expect(curl("-d", "List-Unsubscribe=One-Click", postern.base + paths.unsubscribe)).toBe(
      "Unsubscribed.\n",
    );
    // Again: nothing breaks, and the address is closed for the topic.
    expect(curl("-d", "List-Unsubscribe=One-Click", postern.base + paths.unsubscribe)).toBe(
      "Unsubscribed.\n",
    );
    let found: Record<string, unknown>[] = [];
    for (let i = 0; i < 100 && found.length === 0; i++) {
      found = (await postern.api("GET", "/suppressions?topic=news")).body.data as Record<string, unknown>[];
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(found).toMatchObject([{ email: "bea@example.net", topic: "news", origin: "unsubscribe" }]);
    await postern.stop();
  });
});

describe("one that does not know the secret", () => {
  it("knows none of them, nor what is forged or cut off", async () => {
    const postern = await Postern.start(folders[2].path, { SIGNING_SECRET: NEW_SECRET });
    for (const path of Object.values(paths)) {
      expect(status(postern.base + path)).toBe("404");
      expect(status(postern.base + path.slice(0, -3))).toBe("404");
    }
    expect(status(postern.base + paths.unsubscribe, "-d", "List-Unsubscribe=One-Click")).toBe("404");
    expect((await postern.api("GET", "/suppressions")).body.data).toEqual([]);
    await postern.stop();
  });
});

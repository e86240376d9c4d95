/** The pure parts of `npm start`: settings from environment and files, keys, and the configuration for workerd. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { storeConfig, workerConfig } from "../../scripts/start/capnp.ts";
import { openKeys } from "../../scripts/start/keys.ts";
import { inboxPortBeside } from "../../scripts/start/prepare.ts";
import { localUrl, readSettings } from "../../scripts/start/settings.ts";
import { type Summary, summarise } from "../../scripts/start/summary.ts";
import { parseRelayUrl } from "../../src/smtp/relay.ts";

const folder = mkdtempSync(join(tmpdir(), "postern-unit-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const value = <T>(result: { ok: true; value: T } | { ok: false; error: string }): T => {
  if (!result.ok) throw new Error(result.error);
  return result.value;
};

describe("settings", () => {
  it("have defaults", () => {
    expect(value(readSettings({}, [], folder))).toEqual({
      host: "127.0.0.1",
      port: 8787,
      dataDir: join(folder, ".postern"),
      inboxPort: null,
      extraCaFile: null,
      variables: {},
    });
  });

  it("the environment wins over the first file, and that over the second; empty in the environment means unset", () => {
    writeFileSync(
      join(folder, "one"),
      'SMTP_URL="smtp://one"\nPUBLIC_URL=https://one.example\nBOUNCE_DOMAIN=one.example\nUNKNOWN=1\n',
    );
    writeFileSync(join(folder, "two"), "SMTP_URL=smtp://two\nEHLO_NAME=two.example\nPORT=1234\n");
    const settings = value(
      readSettings({ SMTP_URL: "smtp://env", BOUNCE_DOMAIN: "" }, ["one", "two", "none"], folder),
    );
    expect(settings.variables).toEqual({
      SMTP_URL: "smtp://env",
      PUBLIC_URL: "https://one.example",
      EHLO_NAME: "two.example",
    });
    expect(settings.port).toBe(1234);
  });

  it("a byte order mark is no part of the first name", () => {
    writeFileSync(join(folder, "marked"), "\ufeffSMTP_URL=smtp://marked\r\nPORT=4321\r\n");
    const settings = value(readSettings({}, ["marked"], folder));
    expect([settings.variables, settings.port]).toEqual([{ SMTP_URL: "smtp://marked" }, 4321]);
  });

  it.each([
    ["0.0.0.0", "http://127.0.0.1:80"],
    ["::", "http://[::1]:80"],
    ["::1", "http://[::1]:80"],
    ["localhost", "http://localhost:80"],
  ])("%s is reached as %s", (host, url) => expect(localUrl(host, 80)).toBe(url));
});

describe("the inbox's port", () => {
  it.each([
    ["8025", 8787, null, 8025],
    ["any, where the worker has that one", 8025, null, 0],
    ["the one asked for", 8025, 8026, 8026],
  ])("is %s", (_, taken, asked, port) => expect(value(inboxPortBeside(taken, asked))).toBe(port));

  it("is not the worker's", () =>
    expect(inboxPortBeside(8025, 8025)).toEqual({
      ok: false,
      error: "INBOX_PORT and PORT are both 8025; choose another",
    }));
});

describe("keys", () => {
  it("are made once, and stay", () => {
    const first = value(openKeys(folder, {}));
    const second = value(openKeys(folder, {}));
    expect([first.apiKey, second.apiKey]).toEqual(["made", "kept"]);
    expect(second).toMatchObject({ API_KEY: first.API_KEY, SIGNING_SECRET: first.SIGNING_SECRET });
    expect(JSON.parse(readFileSync(first.file, "utf8"))).toEqual({
      API_KEY: first.API_KEY,
      SIGNING_SECRET: first.SIGNING_SECRET,
    });
  });

  it("a given one goes first, and does not replace the kept one", () => {
    const kept = value(openKeys(folder, {}));
    expect(value(openKeys(folder, { API_KEY: "given" }))).toMatchObject({
      API_KEY: "given",
      apiKey: "given",
      SIGNING_SECRET: kept.SIGNING_SECRET,
    });
    expect(value(openKeys(folder, {})).API_KEY).toBe(kept.API_KEY);
  });

  it.each(["", "{", "[]", '{"API_KEY":"re_1","SIGNING_SECRET":""}', '{"API_KEY":"re_1234567890123456"}'])(
    "damaged ones are never replaced: %s",
    (text) => {
      const damaged = mkdtempSync(join(folder, "damaged-"));
      writeFileSync(join(damaged, "keys.json"), text);
      expect(openKeys(damaged, {})).toMatchObject({
        ok: false,
        error: expect.stringContaining("is damaged"),
      });
      expect(readFileSync(join(damaged, "keys.json"), "utf8")).toBe(text);
    },
  );
});

describe("workerd's configuration", () => {
  const worker = {
    bundle: {
      dir: "/dist/x",
      modules: ["index.js", "a-0000.sql"],
      store: "store.js",
      compatibilityDate: "2026-11-01",
      compatibilityFlags: ["nodejs_compat", "other_flag"],
      durableObjects: [
        { binding: "OUTBOX", className: "Outbox" },
        { binding: "STORE", className: "Store" },
      ],
    },
    bundleFrom: "../dist/x",
    host: "127.0.0.1",
    port: 8787,
    storage: "/data/storage",
    storeApart: true,
    variables: ["API_KEY"],
    trusted: [],
  };
  const config = (changes: Partial<Parameters<typeof workerConfig>[0]>) =>
    workerConfig({ ...worker, ...changes });

  it("takes everything from the bundle, and variables from the environment", () => {
    const text = config({});
    for (const part of [
      '(name = "index.js", esModule = embed "../dist/x/index.js")',
      '(name = "a-0000.sql", text = embed "../dist/x/a-0000.sql")',
      '(className = "Outbox", uniqueKey = "postern-Outbox", enableSql = true)',
      '(name = "API_KEY", fromEnvironment = "API_KEY")',
      'address = "127.0.0.1:8787"',
      'compatibilityFlags = ["other_flag"]',
    ]) {
      expect(text).toContain(part);
    }
  });

  it("names nodejs_compat where it is not the default yet", () => {
    const bundle = {
      ...worker.bundle,
      compatibilityDate: "2026-08-03",
      compatibilityFlags: ["nodejs_compat"],
    };
    expect(config({ bundle })).toContain('compatibilityFlags = ["nodejs_compat"]');
  });

  it("leaves the store to its own process, and asks it by a socket; or has it, and asks nobody", () => {
    const apart = config({});
    expect(apart).toContain('(name = "STORE_SERVER", service = "store")');
    expect(apart).toContain('(name = "store", external = (address = "unix:store.sock", http = ()))');
    expect(apart).not.toContain('"Store"');
    const here = config({ storeApart: false });
    expect(here).toContain('(name = "STORE", durableObjectNamespace = (className = "Store"))');
    expect(here).toContain('(className = "Store", uniqueKey = "postern-Store", enableSql = true)');
    expect(here).not.toMatch(/STORE_SERVER|unix:/);
  });

  it("of the store's process: the same folder on disk, that socket, no variable and no network", () => {
    const text = storeConfig(worker);
    for (const part of [
      '(name = "store.js", esModule = embed "../dist/x/store.js")',
      '(className = "Store", uniqueKey = "postern-Store", enableSql = true)',
      'path = "/data/storage"',
      'address = "unix:store.sock"',
      '(name = "internet", network = (allow = []))',
      'compatibilityFlags = ["other_flag"]',
    ])
      expect(text).toContain(part);
    expect(text).not.toMatch(/fromEnvironment|Outbox|index\.js|127\.0\.0\.1/);
  });

  it("quotes what a path or host may hold", () => {
    expect(config({ storage: '/a "b"\\c\n/ü' })).toContain('path = "/a \\"b\\"\\\\c\\x0a/ü"');
    expect(config({ host: "::1" })).toContain('address = "[::1]:8787"');
  });
});

describe("the summary", () => {
  const summary: Summary = {
    base: "http://127.0.0.1:8787",
    publicUrl: "http://127.0.0.1:8787",
    dataDir: "/data",
    keys: { API_KEY: "re_key", SIGNING_SECRET: "secret", file: "/data/keys.json", apiKey: "kept" },
    showKey: true,
    relays: [value(parseRelayUrl("smtp://me:hunter2@mail.example.com:587"))],
    inbox: null,
    libsqlUrl: null,
    colour: false,
  };

  it("names the relay without its password, and the key, but never the secret", () => {
    const text = summarise(summary);
    expect(text).toContain("mail.example.com:587 (TLS required, with password)");
    expect(text).not.toMatch(/hunter2|secret/);
    expect(text).toContain('-H "Authorization: Bearer re_key"');
  });

  it.each([
    [
      "a given key stays with the caller",
      { keys: { ...summary.keys, apiKey: "given" as const } },
      'Bearer $API_KEY"',
    ],
    [
      "a kept key is not for logs",
      { showKey: false },
      "Bearer $(node -p 'require(\"/data/keys.json\").API_KEY')",
    ],
  ])("%s", (_, changes, expected) => {
    const text = summarise({ ...summary, ...changes });
    expect(text).toContain(expected);
    expect(text).not.toContain("re_key");
  });

  it("has colours on request only", () => {
    expect(summarise(summary)).not.toContain("\x1b");
    expect(summarise({ ...summary, colour: true })).toContain("\x1b[1m");
  });
});

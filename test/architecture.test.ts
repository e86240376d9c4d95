/** The import rules of docs/architecture.md, held by reading the sources. */
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { describe, expect, it } from "vitest";
import { breaches, type Source } from "./support/architecture.ts";
import { importsOf, strip } from "./support/source.ts";

const ROOT = join(import.meta.dirname, "..");

const sources: Source[] = readdirSync(join(ROOT, "src"), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
  .map((entry) => join(entry.parentPath, entry.name))
  .map((path) => ({ path: relative(ROOT, path).replaceAll("\\", "/"), text: readFileSync(path, "utf8") }));

/** The names of variables and bindings, as env.ts lists them. */
const variables = (() => {
  const env = sources.find((source) => source.path === "src/env.ts")!.text;
  const list = /VARIABLES\s*=\s*\[([^\]]*)\]/.exec(env)![1]!;
  const bindings = [...env.matchAll(/^\s*([A-Z_]+)\??: (?:DurableObjectNamespace|Fetcher)\b/gm)].map(
    (match) => match[1]!,
  );
  return [...[...list.matchAll(/"([A-Z_]+)"/g)].map((match) => match[1]!), ...bindings];
})();

describe("the sources", () => {
  it("are found, with the names that only env.ts may know", () => {
    expect(sources.length).toBeGreaterThan(20);
    expect(variables).toEqual(expect.arrayContaining(["API_KEY", "SMTP_URL", "OUTBOX", "STORE_SERVER"]));
  });

  it("keep to the walls", () => {
    expect(breaches(sources, variables)).toEqual([]);
  });
});

/** One made-up file per row, and what must be said about it; null: nothing. */
const rows: [string, string, string, RegExp | null][] = [
  [
    "core imports nothing",
    "core/a.ts",
    'import { x } from "../schema/event.ts";',
    /core\/ may import nothing/,
  ],
  [
    "schema does not import middle rooms",
    "schema/a.ts",
    'import { x } from "../message/mime.ts";',
    /schema\/ may import core/,
  ],
  [
    "policy stands below the middle rooms",
    "policy/a.ts",
    'import { x } from "../smtp/reply.ts";',
    /policy\/ may import core/,
  ],
  ["which may all use it", "feedback/a.ts", 'import { x } from "../policy/outcome.ts";', null],
  ["schema imports core", "schema/a.ts", 'import { x } from "../core/ids.ts";', null],
  [
    "middle rooms do not import one another",
    "message/a.ts",
    'import type { X } from "../tracking/token.ts";',
    /do not know each other/,
  ],
  [
    "nor by a dynamic import",
    "smtp/a.ts",
    'const x = await import("../db/client.ts");',
    /do not know each other/,
  ],
  [
    "middle rooms do not import shells",
    "smtp/a.ts",
    'import { x } from "../outbox/queue.ts";',
    /smtp\/ may import schema, policy, core/,
  ],
  ["middle rooms do not import env", "db/a.ts", 'import type { Env } from "../env.ts";', /db\/ may import/],
  [
    "shells import middle rooms",
    "http/a.ts",
    'import { x } from "../message/compile.ts";\nimport { y } from "../env.ts";',
    null,
  ],
  [
    "shells do not import one another",
    "http/a.ts",
    'import { x } from "../outbox/queue.ts";',
    /through outbox\/rpc\.ts/,
  ],
  [
    "but for types",
    "http/a.ts",
    'import type { Outbox } from "../outbox/outbox.ts";\nimport { type A, type B } from "../ledger/x.ts";',
    null,
  ],
  ["and rpc.ts", "http/a.ts", 'import { x } from "../outbox/rpc.ts";', null],
  [
    "a type beside a value is no type import",
    "http/a.ts",
    'import { type A, b } from "../ledger/ledger.ts";',
    /through ledger\/rpc\.ts/,
  ],
  ["env names classes by type", "env.ts", 'import type { Outbox } from "./outbox/outbox.ts";', null],
  ["env does not run shells", "env.ts", 'import { Outbox } from "./outbox/outbox.ts";', /env\/ may import/],
  ["an unknown room", "stuff/a.ts", 'import { x } from "../core/ids.ts";', /is in no room/],
  ["outside src", "http/a.ts", 'import { x } from "../../scripts/start.ts";', /outside src/],
  ["migrations belong to db", "db/a.ts", 'import sql from "../../migrations/0000_first.sql";', null],
  [
    "worker-mailer has one importer",
    "smtp/session.ts",
    'import { WorkerMailer } from "worker-mailer";',
    /at home in smtp\/worker-mailer\.ts/,
  ],
  ["which is this", "smtp/worker-mailer.ts", 'import { WorkerMailer } from "worker-mailer";', null],
  ["hono stays in http", "outbox/a.ts", 'import { Hono } from "hono";', /at home in http, dashboard/],
  [
    "drizzle stays in db",
    "ledger/a.ts",
    'import { sql } from "drizzle-orm/sqlite-core";',
    /ask for a query in db/,
  ],
  ["libsql stays in db", "http/a.ts", 'import { createClient } from "@libsql/client/web";', /at home in db/],
  [
    "entities stays in message",
    "tracking/a.ts",
    'import { decodeHTML } from "entities";',
    /at home in message/,
  ],
  [
    "addressparser belongs to schema/address",
    "message/a.ts",
    'import parse from "nodemailer/lib/addressparser";',
    /schema\/address\.ts/,
  ],
  ["mime-funcs belong to message", "message/a.ts", 'import mime from "nodemailer/lib/mime-funcs";', null],
  [
    "Node's modules are not for Workers",
    "core/a.ts",
    'import { Buffer } from "node:buffer";',
    /web platform/,
  ],
  ["a new library needs a home", "http/a.ts", 'import _ from "lodash";', /has no home yet/],
  [
    "an import over several lines",
    "core/a.ts",
    'import {\n  a,\n  b,\n} from "../http/app.ts";',
    /may import nothing/,
  ],
  ["an import for its effect", "core/a.ts", 'import "../http/app.ts";', /may import nothing/],
  [
    "an import in a comment is none",
    "core/a.ts",
    '// import { x } from "../http/app.ts";\n/* import "../db/x.ts" */',
    null,
  ],
  ["the clock in a pure room", "message/a.ts", "export const now = () => Date.now();", /take `now`/],
  ["a date of now", "feedback/a.ts", "export const now = () => new Date().getTime();", /take `now`/],
  ["a date of an argument", "feedback/a.ts", "export const at = (now: number) => new Date(now);", null],
  ["randomness in a pure room", "tracking/a.ts", "const x = Math.random();", /take random bytes/],
  [
    "random bytes in a pure room",
    "schema/a.ts",
    "crypto.getRandomValues(new Uint8Array(4));",
    /take random bytes/,
  ],
  ["fetch in a pure room", "feedback/a.ts", "await fetch(url);", /take `fetch`/],
  ["a fetch that was handed in", "feedback/a.ts", "await http.fetch(url);", null],
  ["inside a template too", "message/a.ts", "const x = `a$" + "{Date.now()}b`;", /take `now`/],
  [
    "the clock in a text or comment",
    "message/a.ts",
    '/** Not Date.now(). */\nconst x = "Date.now()" + `fetch(x)`; // Math.random()',
    null,
  ],
  [
    "after a regular expression with a quote",
    "message/a.ts",
    "const x = /[\"'/]/.test(y);\nconst z = Date.now();",
    /line 2/,
  ],
  ["the clock in a shell", "outbox/a.ts", "const now = Date.now();", null],
  ["a variable outside env.ts", "http/a.ts", "const key = env.API_KEY;", /reads the variable API_KEY/],
  ["by brackets", "http/a.ts", 'const key = env["SMTP_URL"];', /reads the variable SMTP_URL/],
  ["by destructuring", "http/a.ts", "const { OUTBOX, x } = env;", /reads the variable OUTBOX/],
  ["its name in a text", "http/a.ts", 'const hint = "Set API_KEY.";', null],
  ["in env.ts", "env.ts", "const key = env.API_KEY;", null],
  ["a default export", "http/a.ts", "export default function app() {}", /default export/],
  ["the entry's default export", "index.ts", "export default { fetch: app.fetch };", null],
  ["a barrel", "http/a.ts", 'export * from "./b.ts";', /hands on/],
  ["an index file", "http/index.ts", "export const x = 1;", /hands on/],
  ["the entry hands on", "index.ts", 'export { Outbox } from "./outbox/outbox.ts";', null],
  ["utils", "core/utils.ts", "export const x = 1;", /name it by its noun/],
  ["camelCase", "core/myFile.ts", "export const x = 1;", /kebab-case/],
  ["a long file", "core/a.ts", "const x = 1;\n".repeat(301), /301 lines/],
  ["a file of full length", "core/a.ts", "const x = 1;\n".repeat(300), null],
];

describe("the test itself", () => {
  it.each(rows)("%s", (_, within, text, expected) => {
    const found = breaches([{ path: `src/${within}`, text }], ["API_KEY", "SMTP_URL", "OUTBOX"]);
    if (expected === null) expect(found).toEqual([]);
    else {
      expect(found).toHaveLength(1);
      expect(found[0]).toMatch(expected);
      expect(found[0]).toContain(`src/${within}`);
    }
  });

  it("sees every import statement of the real sources", () => {
    for (const { path, text } of sources) {
      // As the formatter writes them: one line, or the last of several.
      const lines = text.match(/^(?:(?:import|export)\b.*|\} )\bfrom "[^"]+";$|^import "[^"]+";$/gm) ?? [];
      const found = importsOf(text);
      expect([path, found.length]).toEqual([path, lines.length + (text.match(/\bimport\("/g) ?? []).length]);
    }
  });

  it("keeps line breaks while stripping", () => {
    for (const { text } of sources)
      expect(strip(text, false).split("\n").length).toBe(text.split("\n").length);
  });
});

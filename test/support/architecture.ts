/**
 * The walls of the house, as tables: which room may import which, who may use which library, and what pure rooms do
 * without. `breaches` reads sources and says, for each breach, the file and what to use instead.
 */
import { posix } from "node:path";
import { type Import, importsOf, strip } from "./source.ts";

export interface Source {
  /** From the project's root: "src/http/app.ts". */
  path: string;
  text: string;
}

const SHELLS = ["http", "dashboard", "outbox", "ledger", "registry"];
const MIDDLE = ["message", "tracking", "smtp", "feedback", "db"];

/** What each room may import, besides itself. */
const MAY_IMPORT: Record<string, string[]> = {
  core: [],
  schema: ["core"],
  policy: ["core"],
  ...Object.fromEntries(MIDDLE.map((room) => [room, ["schema", "policy", "core"]])),
  ...Object.fromEntries(
    SHELLS.map((room) => [room, [...MIDDLE, "schema", "policy", "core", "env", "log", "within"]]),
  ),
  // Tools of shells: a line for the operator, and a wait with an end.
  log: [],
  within: [],
  env: ["message", "smtp", "db", "schema", "policy", "core"],
  index: [...SHELLS, ...MIDDLE, "schema", "policy", "core", "env"],
};

/** Where each library lives: rooms or files, and what everyone else does instead. */
const LIBRARIES: { name: RegExp; homes: string[]; instead: string }[] = [
  {
    name: /^worker-mailer$/,
    homes: ["smtp/worker-mailer.ts"],
    instead: "use the typed view in smtp/worker-mailer.ts",
  },
  { name: /^cloudflare:sockets$/, homes: ["smtp"], instead: "open connections through smtp/" },
  {
    name: /^cloudflare:workers$/,
    homes: ["outbox", "ledger", "registry", "db/embedded.ts"],
    instead: "only Durable Objects need it; take what you need as an argument",
  },
  { name: /^(drizzle-orm|@libsql\/|drizzle-zod)/, homes: ["db"], instead: "ask for a query in db/" },
  { name: /^(htmlparser2|entities)(\/|$)/, homes: ["message"], instead: "ask message/ for it" },
  {
    name: /^nodemailer\/lib\/addressparser/,
    homes: ["schema/address.ts"],
    instead: "use parseAddress of schema/address.ts",
  },
  { name: /^nodemailer\/lib\//, homes: ["message"], instead: "ask message/ for it" },
  { name: /^ipaddr\.js$/, homes: ["schema/endpoint.ts"], instead: "use privateHost of schema/endpoint.ts" },
  { name: /^postal-mime$/, homes: ["feedback"], instead: "ask feedback/ for it" },
  {
    name: /^csv-parse(\/|$)/,
    homes: ["http/suppression-csv.ts"],
    instead: "ask http/suppression-csv.ts for rows",
  },
  { name: /^hono(\/|$)/, homes: ["http", "dashboard"], instead: "return a value, and let http/ answer" },
  {
    name: /^@noble\/hashes(\/|$)/,
    homes: ["tracking", "message"],
    instead: "ask tracking/ for a MAC",
  },
  // HMAC without a promise, which WebCrypto does not offer: a token per recipient, and CRAM-MD5 (RFC 2195).
  {
    name: /^node:crypto$/,
    homes: ["smtp/auth.ts", "message"],
    instead: "use crypto.subtle, or take the digest as an argument",
  },
  // Configuration is parsed where it comes in: env.ts, and a relay's own URL and fields.
  {
    name: /^zod$/,
    homes: ["schema", "env.ts", "smtp/relay.ts", "smtp/relay-fields.ts", "smtp/oauth.ts"],
    instead: "put the schema into schema/",
  },
];

const PURE = ["message", "tracking", "schema", "policy", "core", "feedback"];

/** What a pure room takes as an argument instead. */
const IMPURE: { code: RegExp; instead: string }[] = [
  {
    code: /\bDate\.now\s*\(|\bnew Date\s*\(\s*\)|\bnew Date\b(?!\s*\()|\bperformance\.now\s*\(/,
    instead: "take `now` as an argument",
  },
  {
    code: /\bMath\.random\s*\(|\bcrypto\.(getRandomValues|randomUUID)\s*\(/,
    instead: "take random bytes as an argument",
  },
  { code: /(?<![.\w])fetch\s*\(/, instead: "take `fetch` as an argument" },
  { code: /(?<![.\w])(setTimeout|setInterval)\s*\(|\bscheduler\.wait\s*\(/, instead: "let the caller wait" },
  { code: /\bconsole\.\w+\s*\(/, instead: "return what there is to say" },
];

/** Lines a file may have. A longer one holds two nouns; the exceptions say why theirs cannot be parted. */
const LINES = 300;
const LONGER: Record<string, string> = {
  "policy/status-codes.ts": "a table: one row per code of the registry, with its reason",
};

/** One line per breach: the file, what it does, and what to do instead. `variables` are names that only env.ts knows. */
export function breaches(sources: Source[], variables: readonly string[]): string[] {
  return sources.flatMap(({ path, text }) => {
    const within = path.replace(/^src\//, "");
    const home = roomOf(within);
    const say = (what: string) => `${path} ${what}`;
    return [
      ...importsOf(text).flatMap((one) => importBreaches(within, home, one)),
      ...shapeBreaches(within, text),
      ...(PURE.includes(home) ? impurities(text) : []),
      ...(within === "env.ts" ? [] : variableBreaches(text, variables)),
    ].map(say);
  });
}

/** "http/app.ts" is in http, "env.ts" in env. */
const roomOf = (within: string): string => within.split("/")[0]!.replace(/\.tsx?$/, "");

function importBreaches(within: string, home: string, { from, typeOnly }: Import): string[] {
  if (!from.startsWith(".")) return libraryBreaches(within, home, from, typeOnly);
  const target = posix.join(posix.dirname(within), from);
  const room = roomOf(target);
  if (target.startsWith("..")) {
    return /(^|\/)migrations\//.test(target) && home === "db"
      ? []
      : [`imports ${from}, outside src; only db/ reaches out, for migrations`];
  }
  if (room === home || MAY_IMPORT[home]?.includes(room)) return [];
  if (MAY_IMPORT[home] === undefined) return ["is in no room that DESIGN.md knows; put it into one"];
  // A binding's type names its class; nothing of it runs here.
  if (home === "env" && typeOnly && SHELLS.includes(room)) return [];
  if (SHELLS.includes(home) && SHELLS.includes(room)) {
    if (target === `${room}/rpc.ts` || typeOnly) return [];
    return [`imports ${from}; shells know one another only by type, through ${room}/rpc.ts`];
  }
  if (MIDDLE.includes(home) && MIDDLE.includes(room)) {
    return [
      `imports ${from}; ${home}/ and ${room}/ do not know each other: share the type in schema/, or let a shell join them`,
    ];
  }
  return [
    `imports ${from}; ${home}/ may import ${MAY_IMPORT[home].join(", ") || "nothing"}: take it as an argument instead`,
  ];
}

function libraryBreaches(within: string, home: string, from: string, typeOnly: boolean): string[] {
  const library = LIBRARIES.find((one) => one.name.test(from));
  if (library === undefined && from.startsWith("node:")) {
    return [`imports ${from}; src runs on Workers: use what the web platform has`];
  }
  if (library === undefined)
    return [`imports ${from}, which has no home yet; give it one in test/support/architecture.ts`];
  if (library.homes.includes(home) || library.homes.includes(within)) return [];
  return typeOnly && from === "cloudflare:workers"
    ? []
    : [`imports ${from}, at home in ${library.homes.join(", ")}; ${library.instead}`];
}

function shapeBreaches(within: string, text: string): string[] {
  const code = strip(text, false);
  const found: string[] = [];
  if (within !== "index.ts") {
    if (/^\s*export\s+default\b/m.test(code) || /^\s*export\s*\{[^}]*\bas\s+default\b/m.test(code)) {
      found.push("has a default export; name it");
    }
    if (/(^|\/)index\.tsx?$/.test(within) || importsOf(text).some((one) => one.reexport)) {
      found.push("hands on another file's exports; import from the file that has them");
    }
  }
  if (/(^|\/)(utils?|helpers?|misc|common)(\.tsx?$|\/)/.test(within))
    found.push("is named for nothing; name it by its noun");
  if (!/^([a-z0-9-]+\/)*[a-z0-9-]+\.tsx?$/.test(within)) found.push("is not kebab-case");
  const lines = text.split("\n").length - 1;
  if (lines > LINES && LONGER[within] === undefined)
    found.push(`has ${lines} lines, more than ${LINES}; part it by noun`);
  return found;
}

function impurities(text: string): string[] {
  const code = strip(text, false);
  return IMPURE.flatMap(({ code: pattern, instead }) => {
    const match = pattern.exec(code);
    if (match === null) return [];
    const line = code.slice(0, match.index).split("\n").length;
    return [`uses ${match[0].trim()} in line ${line}, in a pure room; ${instead}`];
  });
}

function variableBreaches(text: string, variables: readonly string[]): string[] {
  const code = strip(text, false);
  const quoted = strip(text, true);
  return variables
    .filter(
      (name) =>
        new RegExp(`\\.${name}\\b|\\{[^{}()]*\\b${name}\\b[^{}()]*\\}\\s*=`).test(code) ||
        quoted.includes(`["${name}"]`),
    )
    .map((name) => `reads the variable ${name}; only env.ts knows names of variables: take a Config`);
}

/**
 * `npm run backup -- FOLDER`: a copy of DATA_DIR that can be started from, made while Postern runs. SQLite's own online
 * backup copies each database whole; the order sees to it that what moves from one to the next meanwhile is in the copy
 * once or twice, and twice is harmless.
 */
import { copyFileSync, existsSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { backup, DatabaseSync } from "node:sqlite";
import { readSettings } from "./start/settings.ts";

/** As mail goes: what the outbox has told the ledger, and the ledger the store, is found in the later copy at the latest. */
const ORDER = ["Outbox", "Ledger", "Registry", "Store"];
const PAGES_PER_STEP = 1_000;

function stop(message: string): never {
  console.error(`backup: ${message}`);
  process.exit(1);
}

const [target, ...more] = process.argv.slice(2);
if (target === undefined || more.length > 0) stop("say where to: npm run backup -- /path/to/a/new/folder");
const settings = readSettings(process.env, [".env"]);
if (!settings.ok) stop(settings.error);
const { dataDir } = settings.value;
const to = resolve(target);
if (!["keys.json", "storage"].every((name) => existsSync(join(dataDir, name))))
  stop(`${dataDir} holds no state of Postern; set DATA_DIR`);
if (existsSync(to) && !statSync(to).isDirectory()) stop(`${to} is no folder`);
if (existsSync(to) && readdirSync(to).length > 0) stop(`${to} is not empty`);

const rank = (file: string): number => ORDER.findIndex((name) => file.includes(`postern-${name}`));
async function copyAll(): Promise<number> {
  const databases = readdirSync(join(dataDir, "storage"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".sqlite"))
    .sort((a, b) => rank(a) - rank(b));
  mkdirSync(to, { recursive: true, mode: 0o700 });
  for (const [i, file] of databases.entries()) {
    const copy = join(to, "storage", file);
    mkdirSync(dirname(copy), { recursive: true, mode: 0o700 });
    const source = new DatabaseSync(join(dataDir, "storage", file), { readOnly: true });
    await backup(source, copy, {
      rate: PAGES_PER_STEP,
      progress: ({ totalPages, remainingPages }) => {
        if (process.stderr.isTTY)
          process.stderr.write(
            `\r\x1b[K${i + 1} of ${databases.length} databases, ${Math.floor(100 * (1 - remainingPages / totalPages))} %`,
          );
      },
    });
    source.close();
  }
  copyFileSync(join(dataDir, "keys.json"), join(to, "keys.json"));
  return databases.length;
}

try {
  const count = await copyAll();
  if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
  console.log(`${count} databases and the keys are in ${to}. Start from it with DATA_DIR=${to}.`);
} catch (cause) {
  stop(`${cause instanceof Error ? cause.message : String(cause)}; what is in ${to} is no whole backup`);
}

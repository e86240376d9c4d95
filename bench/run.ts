/**
 * `npm run bench [-- ROW…]`: runs the rows of the performance table and prints it as Markdown. Rows: bulk, one-off, far,
 * growth, latency, redirect, compile. Run it on a quiet machine: sink, peer and Postern share its cores.
 */
import { cpus } from "node:os";
import { bulkRow, farRelayRow, growthRow } from "./bulk.ts";
import { compileRow } from "./compile.ts";
import type { Figure } from "./figure.ts";
import { latencyRow, oneOffRow } from "./one-off.ts";
import { redirectRow } from "./redirect.ts";

const ROWS: Record<string, () => Promise<Figure[]>> = {
  bulk: () => bulkRow(20_000),
  "one-off": () => oneOffRow(5_000),
  far: () => farRelayRow(2_000),
  growth: () => growthRow(),
  latency: () => latencyRow(500),
  redirect: () => redirectRow(3, 5),
  compile: async () => compileRow(),
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in ROWS));
if (unknown.length > 0) {
  console.error(`No such row: ${unknown.join(", ")}. Rows: ${Object.keys(ROWS).join(", ")}`);
  process.exit(2);
}
const figures: Figure[] = [];
for (const name of wanted.length > 0 ? wanted : Object.keys(ROWS)) figures.push(...(await ROWS[name]!()));
if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");

console.log(`${cpus().length} cores, ${cpus()[0]?.model ?? "unknown"}, Node ${process.version}\n`);
console.log("| what | who | figure |\n|---|---|---|");
for (const { row, who, value, unit } of figures)
  console.log(`| ${row} | ${who} | ${value.toLocaleString("en")} ${unit} |`);
process.exit(0);

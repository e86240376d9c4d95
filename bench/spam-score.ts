/**
 * What rspamd and SpamAssassin make of mails with and without what Postern adds: the tables of docs/spam-score.md. Needs the Debian
 * packages rspamd and spamassassin; everything stays on this machine.
 */
import { Rspamd, type Score } from "../test/support/rspamd.ts";
import { ADDITIONS, arrived, FROM, MAILS, SHOWN_ADDRESS, TEXTS, TO } from "../test/support/spam-mails.ts";
import { spamAssassin } from "../test/support/spamassassin.ts";

const columns = ["nothing", ...Object.keys(ADDITIONS)];
const kinds = Object.values(MAILS).map((mail) => [
  arrived(mail, {}),
  ...Object.values(ADDITIONS).map((add) => arrived(mail, add)),
]);
const cell = (score: number): string => score.toFixed(2).replace(/^-(?=0\.00$)/, "");

/** The scores of all kinds of each mail, and which rules made a difference. */
function table(scores: readonly Score[]): void {
  console.log(`| mail | ${columns.join(" | ")} |\n|---|${columns.map(() => "---|").join("")}`);
  const notes: string[] = [];
  for (const [row, name] of Object.keys(MAILS).entries()) {
    const [bare, ...others] = scores.slice(row * columns.length, (row + 1) * columns.length);
    console.log(`| ${name} | ${[bare!, ...others].map(({ score }) => cell(score)).join(" | ")} |`);
    for (const [i, { symbols }] of others.entries()) {
      const changed = [...new Set([...Object.keys(bare!.symbols), ...Object.keys(symbols)])]
        .map((symbol) => [symbol, (symbols[symbol] ?? 0) - (bare!.symbols[symbol] ?? 0)] as const)
        .filter(([, change]) => Math.abs(change) > 0.001)
        .map(([symbol, change]) => `${symbol} ${change > 0 ? "+" : ""}${change.toFixed(2)}`);
      if (changed.length > 0) notes.push(`- ${name}, ${columns[i + 1]}: ${changed.join(", ")}`);
    }
  }
  console.log(`\nRules that made a difference:\n\n${notes.join("\n") || "- none"}\n`);
}

console.log("SpamAssassin:\n");
table(await spamAssassin(kinds.flat()));
const rspamd = await Rspamd.start(TEXTS);
try {
  console.log("rspamd:\n");
  const scores: Score[] = [];
  for (const mail of kinds.flat()) scores.push(await rspamd.score(mail, FROM, TO));
  table(scores);
  console.log("| a link whose text is an address, tracked through | score | rules |\n|---|---|---|");
  const rules = (symbols: Readonly<Record<string, number>>): string =>
    Object.entries(symbols)
      .filter(([, score]) => score > 0.1)
      .map(([symbol, score]) => `${symbol} ${cell(score)}`)
      .join(", ");
  for (const host of [null, "links.example.com", "links.gateway.example"]) {
    const add = host === null ? {} : { links: true, textLinks: true };
    const { score, symbols } = await rspamd.score(arrived(SHOWN_ADDRESS, add, host ?? undefined), FROM, TO);
    console.log(`| ${host ?? "(not tracked)"} | ${cell(score)} | ${rules(symbols)} |`);
  }
} finally {
  await rspamd.stop();
}

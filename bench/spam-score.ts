/**
 * What rspamd makes of mails with and without what Postern adds: the table of docs/spam-score.md. Needs the Debian package
 * rspamd; everything stays on this machine.
 */
import { Rspamd } from "../test/support/rspamd.ts";
import { ADDITIONS, arrived, FROM, MAILS, SHOWN_ADDRESS, TEXTS, TO } from "../test/support/spam-mails.ts";

const rspamd = await Rspamd.start(TEXTS);
const cell = (score: number): string => score.toFixed(2).replace(/^-(?=0\.00$)/, "");
try {
  const columns = ["nothing", ...Object.keys(ADDITIONS)];
  console.log(`| mail | ${columns.join(" | ")} |\n|---|${columns.map(() => "---|").join("")}`);
  const notes: string[] = [];
  for (const [name, mail] of Object.entries(MAILS)) {
    const bare = await rspamd.score(arrived(mail, {}), FROM, TO);
    const cells = [cell(bare.score)];
    for (const [what, add] of Object.entries(ADDITIONS)) {
      const scored = await rspamd.score(arrived(mail, add), FROM, TO);
      cells.push(cell(scored.score));
      const changed = [...new Set([...Object.keys(bare.symbols), ...Object.keys(scored.symbols)])]
        .map((symbol) => [symbol, (scored.symbols[symbol] ?? 0) - (bare.symbols[symbol] ?? 0)] as const)
        .filter(([, change]) => Math.abs(change) > 0.001)
        .map(([symbol, change]) => `${symbol} ${change > 0 ? "+" : ""}${change.toFixed(2)}`);
      if (changed.length > 0) notes.push(`- ${name}, ${what}: ${changed.join(", ")}`);
    }
    console.log(`| ${name} | ${cells.join(" | ")} |`);
  }
  console.log("\n| a link whose text is an address, tracked through | score | rules |\n|---|---|---|");
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
  console.log(`\nRules that made a difference:\n\n${notes.join("\n") || "- none"}`);
} finally {
  await rspamd.stop();
}

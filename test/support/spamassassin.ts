/** SpamAssassin as a judge of mail: Debian's rules that look at the mail itself, and no network. */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Score } from "./rspamd.ts";

const PROGRAM = "/usr/bin/spamassassin";
/** What learns from mail or from a sender's earlier mail would make a score depend on the one before. */
const CF = ["use_bayes 0", "use_auto_welcomelist 0", "bayes_auto_learn 0"];

/** The scores of mails, in their order: one run for all, since to start takes longer than to judge. */
export async function spamAssassin(mails: readonly Uint8Array[]): Promise<Score[]> {
  if (!existsSync(PROGRAM)) throw new Error("spamassassin is missing: apt-get install spamassassin");
  const home = mkdtempSync(join(tmpdir(), "postern-spamassassin-"));
  try {
    const options = ["--local", "--test-mode", "--mbox", "--nocreate-prefs"];
    const out = await run(
      [...options, ...CF.map((line) => `--cf=${line}`)],
      home,
      mails.map(inMbox).join(""),
    );
    // It judges them in an order of its own.
    const scores = new Map(
      [...out.matchAll(JUDGED)].map(([, number, details]) => [Number(number), scoreOf(details!)]),
    );
    return mails.map((_, i) => {
      const score = scores.get(i);
      if (score === undefined) throw new Error(`spamassassin says nothing of mail ${i}`);
      return score;
    });
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/** A mail's number, and the table that follows it. */
const NUMBER = "X-Test-Number";
const JUDGED = new RegExp(`^${NUMBER}: (\\d+)$[^]*?\nContent analysis details:([^]*?\n\n[^]*?\n\n)`, "gm");

const inMbox = (mail: Uint8Array, number: number): string =>
  `From MAILER-DAEMON Thu Jan  1 00:00:00 1970\n${NUMBER}: ${number}\n${Buffer.from(mail)
    .toString("latin1")
    .replaceAll("\r\n", "\n")
    .replace(/^(>*From )/gm, ">$1")}\n`;

/** From the table that follows a mail: `  (3.0 points, 5.0 required)`, then a line `1.7 RULE_NAME  description` each. */
function scoreOf(details: string): Score {
  const symbols: Record<string, number> = {};
  for (const [, points, rule] of details.matchAll(/^ *(-?\d+\.\d+) ([A-Z][A-Z0-9_]+) /gm))
    symbols[rule!] = Number(points);
  return { score: Number(/\((-?[\d.]+) points/.exec(details)?.[1]), symbols };
}

function run(args: string[], home: string, input: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(PROGRAM, args, { env: { PATH: process.env.PATH, HOME: home, LC_ALL: "C" } });
    const out: Buffer[] = [];
    const words: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => words.push(chunk));
    child.on("error", reject);
    child.on("close", (code) =>
      code === 0
        ? resolve(Buffer.concat(out).toString("latin1"))
        : reject(new Error(`spamassassin ended with ${code}: ${Buffer.concat(words).toString()}`)),
    );
    child.stdin.end(Buffer.from(input, "latin1"));
  });
}

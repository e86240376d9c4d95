/**
 * Who could not be reached, and why, out of a notice written for people: for the many mailers that write no report. No parser
 * per mailer: they all put an address on a line, and a reason near it. Pure.
 */
import { FEEDBACK_REPORTS } from "../core/limits.ts";
import { isTelling, judged, statusIn } from "./judgement.ts";
import { addressesIn } from "./recipient.ts";
import type { Report } from "./report.ts";

interface Row {
  says: RegExp;
  /** 3: surely the recipient. 2: most likely. -1: never. What no row knows has 1. */
  weight: 3 | 2 | -1;
  why: string;
}

const LABEL =
  "recipients?|recipient(?:'s)?(?: e-?mail)? address(?:es)?|failed recipients?|addressee|empfänger(?:adresse)?|destinataires?|destinatarios?|destinatari[oa]?|destinatários?|ontvangers?|mottagare|modtager|mottaker|vastaanottaja|odbiorca|adresat|příjemce|címzett|получател[ьи]|адресат|alıcı|宛先|受信者|收件人|받는 사람|수신자";

/** Lines by what an address in them is. The first that matches counts. */
const LINES: readonly Row[] = [
  {
    says: /^\W{0,3}(from|sender|return-path|reply-to|message-?id|received|date|reporting-mta|subject|cc|references|in-reply-to|dkim-signature|x-[\w-]+|list-[\w-]+|envelope-from|von|de|absender|expéditeur|remitente|mittente|差出人|发件人)\s*[:：]/i,
    weight: -1,
    why: "Headers of the returned message, and the sender.",
  },
  {
    says: /(please |you (may|can) )(contact|send (an )?e-?mail|write to|forward|include|report)|for (further |more )?(assistance|help|information)|if you (need|believe|think|have)|mailto:postmaster/i,
    weight: -1,
    why: "Whom to ask.",
  },
  {
    says: /^\s*<[^<>\s]+@[^<>\s]+>\s*[:;,.(]*/,
    weight: 3,
    why: "qmail, postfix, sendmail, Courier, Yahoo: <ada@example.com>: reason.",
  },
  {
    says: /^[\s>*•-]{0,12}(\d+[.)]\s*)?["'<]?[^\s<>"'@]+@[^\s<>"'@]+["'>]?[:;,.]?\s*$/,
    weight: 3,
    why: "exim, Gmail, Domino: alone on its line.",
  },
  {
    says: /^\s+["'<]?[^\s<>"'@]+@[^\s<>"'@]+["'>]?[:;]?\s+(on \d|\(|- |:|\t)/,
    weight: 3,
    why: "Exchange: ada@example.com on 1/2/2003; GroupWise: ada@example.com (reason); Mercury, MDaemon.",
  },
  {
    says: new RegExp(`^\\W{0,6}(?:${LABEL})(?:\\(s\\)|\\(es\\))?\\s*(?:address(?:es)?)?\\s*[:：=]`, "iu"),
    weight: 3,
    why: "Sun, docomo, Mimecast, MailEnable, Exchange: Recipient: ada@example.com.",
  },
  { says: /\[SMTP:[^\]]+@[^\]]+\]/i, weight: 3, why: "MailEnable: [SMTP:ada@example.com]." },
  {
    says: /^\W{0,3}(to|an|à|para|a|aan|till|til|кому)\s*[:：]\s/i,
    weight: 2,
    why: "A list of who it went to.",
  },
  {
    says: /could ?n[o']t|couldn['’]t|can ?not|can['’]t|was(n['’]t| not)|has(n['’]t| not)|did(n['’]t| not)|unable|fail|undeliver|reject|unknown|not (found|known|listed|valid|exist)|does(n['’]t| not)|invalid|no such|full|disabled|inactive|over ?quota|delayed|delivery (to|for)|(delivered|deliver|sent|message|mail) to|zugestellt|zustell|remis|entreg|consegn|recapit|bezorgd|lever|dostarcz|doruč|kézbes|достав|配信|届|見つか|存在|一杯|送达|投递|傳遞|배달/iu,
    weight: 2,
    why: "The address and the failure in one sentence: Gmail, Exchange Online, IMail, au.",
  },
];

const LINE_COUNT = 300;
const LINE_CHARS = 1_000;
const PARAGRAPHS = 40;
/** A reply code or an enhanced one; no part of an address, a time or a date. */
const CODED = /(?<![\d.:])[45]\d\d(?:[ -](?=\D|[45]\.)|:)|(?<![\d.])[45]\.\d{1,3}\.\d{1,3}(?![\d.]*\d)/;
/** Addresses of machines, and of ours, that notices name beside the recipient. */
const NOBODY =
  /^(mailer-daemon|postmaster|mail-daemon|abuse|hostmaster|no-?reply|bounce\+[\w-]+|bounces?|unsubscribe\+[\w-]+)@/i;

/**
 * A report per recipient the notice names; one without a recipient where it names none. `given`: recipients known from a
 * header. `ours`: addresses that are not the recipient, in lower case.
 */
export function readNotice(
  notice: string,
  action: "failed" | "delayed",
  given: readonly string[],
  ours: ReadonlySet<string>,
): Report[] {
  const lines = notice.split("\n", LINE_COUNT).map((line) => line.slice(0, LINE_CHARS).replace(/\r$/, ""));
  const named = recipientsIn(lines, ours);
  const wanted =
    given.length === 0
      ? named
      : given.map(
          (address) =>
            named.find((one) => one.address.toLowerCase() === address.toLowerCase()) ?? { address, line: 0 },
        );
  const at = new Set(named.map(({ line }) => line));
  const reports = wanted.slice(0, FEEDBACK_REPORTS).map(({ address, line }) => {
    const { status, text } = reasonFor(address, line, lines, at);
    return judged(address, action, status, text);
  });
  if (reports.length > 0) return reports;
  const { status, text } = reasonFor(null, 0, lines, at);
  return [judged(null, action, status, text)];
}

interface Named {
  address: string;
  line: number;
}

/** The addresses of the best lines: all that are surely or likely recipients, but only the first in lines of no known kind. */
function recipientsIn(lines: readonly string[], ours: ReadonlySet<string>): Named[] {
  const found: (Named & { weight: number })[] = [];
  const seen = new Set<string>();
  for (const [line, text] of lines.entries()) {
    if (!text.includes("@")) continue;
    const weight = LINES.find(({ says }) => says.test(text))?.weight ?? 1;
    if (weight < 0) continue;
    // "… because they do not take mail from you@example.com".
    const said = text.replace(/\b(?:mail|messages?) from \S+/gi, "");
    for (const address of addressesIn(said, FEEDBACK_REPORTS)) {
      const key = address.toLowerCase();
      if (NOBODY.test(address) || ours.has(key)) continue;
      const before = found.find((one) => one.address.toLowerCase() === key);
      if (before !== undefined && weight > before.weight) Object.assign(before, { weight, line });
      if (seen.has(key)) continue;
      seen.add(key);
      found.push({ address, line, weight });
      if (found.length >= FEEDBACK_REPORTS) break;
    }
  }
  const best = Math.max(0, ...found.map(({ weight }) => weight));
  return found.filter(({ weight }) => weight === best).slice(0, best === 1 ? 1 : FEEDBACK_REPORTS);
}

/** The words that tell why, nearest first: behind the address, in lines with a code, in the paragraphs after and before it. */
function reasonFor(
  address: string | null,
  line: number,
  lines: readonly string[],
  recipientLines: ReadonlySet<number>,
): { status: string | null; text: string | null } {
  const block = address === null ? "" : blockAt(address, line, lines, recipientLines);
  // What stands below the next recipient is about that one, unless it names this one.
  const next = Math.min(lines.length, ...[...recipientLines].filter((other) => other > line));
  const coded = codedLines(lines, address, recipientLines.size > 1 ? [line, next] : [0, lines.length]);
  const after = paragraphsOf(lines.slice(line + 1, recipientLines.size > 1 ? next : lines.length));
  const before = paragraphsOf(lines.slice(0, Math.min(line + 1, ...recipientLines)));
  // A reply's own words are worth more than what a notice makes of them.
  const first = CODED.test(block) ? [block] : [];
  const candidates = [
    ...first,
    ...coded,
    block,
    joined([(lines[line] ?? "").replace(address ?? "", "…")]),
    ...after,
    ...before,
  ]
    .filter((text) => text !== "")
    .slice(0, PARAGRAPHS);
  const text = candidates.find((one) => isTelling(statusIn(one), one)) ?? coded[0] ?? candidates[0] ?? null;
  return { status: text === null ? null : statusIn(text), text };
}

/** What follows an address on its line and on those below, up to an empty line or the next recipient. */
function blockAt(
  address: string,
  line: number,
  lines: readonly string[],
  stops: ReadonlySet<number>,
): string {
  const own = lines[line] ?? "";
  const at = own.toLowerCase().indexOf(address.toLowerCase());
  const rest = at === -1 ? "" : own.slice(at + address.length).replace(/^[\s>"'\])]*[:;,.]*/, "");
  const block = [rest];
  for (let i = line + 1; i < lines.length && i < line + 15; i++) {
    if (stops.has(i) && !/[45]\d\d[ -]|[45]\.\d{1,3}\.\d/.test(lines[i]!)) break;
    if (lines[i]!.trim() === "") {
      // A lone address often has an empty line below it.
      if (block.join("").trim() === "") continue;
      break;
    }
    block.push(lines[i]!);
  }
  return joined(block);
}

/** Lines with a reply or status code, each with its continuation: those that name the address, then those within the bounds. */
function codedLines(
  lines: readonly string[],
  address: string | null,
  [from, to]: [number, number],
): string[] {
  const found: { text: string; named: boolean }[] = [];
  for (const [i, line] of lines.entries()) {
    if (!CODED.test(line)) continue;
    const named = address !== null && line.toLowerCase().includes(address.toLowerCase());
    if (!named && (i < from || i >= to)) continue;
    found.push({ text: joined([line, lines[i + 1]?.trim() ?? ""]), named });
    if (found.length >= 20) break;
  }
  return [...found.filter(({ named }) => named), ...found.filter(({ named }) => !named)].map(
    ({ text }) => text,
  );
}

function paragraphsOf(lines: readonly string[]): string[] {
  const found: string[] = [];
  let block: string[] = [];
  for (const line of [...lines, ""]) {
    if (line.trim() !== "") block.push(line);
    else if (block.length > 0) {
      found.push(joined(block));
      block = [];
    }
  }
  return found;
}

const joined = (block: readonly string[]): string =>
  block
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .join(" ")
    .slice(0, LINE_CHARS);

/**
 * `npm run bench -- compile` or `node bench/compile.ts`: what compiling one message costs, html with 20 links (3 kB) to segments, signing included,
 * beside two fixed loops on the same html, run in turns: nodemailer's quoted-printable, and HMAC-SHA256 by Node.
 * The median of many short runs: the machine has other work.
 */
import { createHmac } from "node:crypto";
import { parseArgs } from "node:util";
import { encode, wrap } from "nodemailer/lib/qp";
import { newEmailId } from "../src/core/ids.ts";
import { compile } from "../src/message/compile.ts";
import { instrument } from "../src/message/instrument.ts";
import { scanHtml } from "../src/message/scan.ts";
import { textOf } from "../src/message/text.ts";
import { parseMailbox } from "../src/schema/address.ts";
import type { Content } from "../src/schema/email.ts";
import { linkSigner } from "../src/tracking/link.ts";
import type { Figure } from "./figure.ts";
import { HTML_20_LINKS } from "./mail.ts";

const PER_RUN = 25;
const SECRET = "a signing secret of forty characters long";

const mailbox = (text: string) => {
  const parsed = parseMailbox(text);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
};
const content = (text: string | null): Content => ({
  from: mailbox("Bench <bench@example.com>"),
  to: [mailbox("reader@example.net")],
  cc: [],
  reply_to: [],
  subject: "A letter with twenty links",
  html: HTML_20_LINKS,
  text,
  headers: [],
  attachments: [],
});
const both = content(textOf(HTML_20_LINKS));
const htmlOnly = content(null);
const random = new Uint8Array(16).fill(7);
let count = 0;
/** A new message each time, as in life: nothing signed before is signed again. */
const context = () => {
  const id = newEmailId(1_800_000_000_000 + ++count, random);
  return {
    id,
    now: 1_800_000_000_000,
    random,
    trackingBase: "https://t.example.com",
    opens: true,
    clicks: true,
    bulk: false,
    signLink: linkSigner(SECRET, id),
  };
};
const compiled = (given: Content): number => {
  const made = compile(given, context());
  if (!made.ok) throw new Error(JSON.stringify(made.error));
  return made.value.compiled.bytes.length;
};
const targets = Array.from(
  { length: 20 },
  (_, i) => `https://example.com/article/${i}?utm_source=news&utm_medium=email`,
);

const rows: [what: string, run: () => unknown][] = [
  ["compile, html and text given", () => compiled(both)],
  ["compile, text made from html", () => compiled(htmlOnly)],
  ["of it: text from html", () => textOf(HTML_20_LINKS)],
  [
    "of it: scan and splice links",
    () => instrument(HTML_20_LINKS, scanHtml(HTML_20_LINKS), { ...context(), signLink: () => "x" }),
  ],
  ["of it: sign 20 links", () => targets.map(context().signLink)],
  ["peer: nodemailer's quoted-printable of the same html", () => wrap(encode(HTML_20_LINKS), 76)],
  [
    "peer: 20 HMACs by node:crypto",
    () => targets.map((target) => createHmac("sha256", SECRET).update(target).digest("base64url")),
  ],
];

const at = (list: number[], share: number): number =>
  list.sort((a, b) => a - b)[Math.floor(list.length * share)]!;

/** What of a run of `runs` is the median, and the fastest tenth's slowest. In microseconds. */
export function compileRow(runs = 400): Figure[] {
  const times = rows.map((): number[] => []);
  for (let run = 0; run < runs; run++) {
    for (const [i, [, work]] of rows.entries()) {
      const begun = performance.now();
      for (let n = 0; n < PER_RUN; n++) work();
      if (run >= runs / 5) times[i]!.push(((performance.now() - begun) * 1000) / PER_RUN); // The first fifth warms up.
    }
  }
  const row = `compile, ${HTML_20_LINKS.length.toLocaleString("en")} bytes of html with 20 links, in Node`;
  return rows.map(([who], i) => ({
    row,
    who: `${who} (fastest tenth ${at(times[i]!, 0.1).toFixed(1)})`,
    value: Number(at(times[i]!, 0.5).toFixed(1)),
    unit: "µs",
  }));
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { runs: { type: "string", default: "400" } } });
  for (const { who, value } of compileRow(Number(values.runs))) console.log(`${value.toFixed(1)} µs  ${who}`);
}

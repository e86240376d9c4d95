/** What Postern adds to a mail, before the eyes of rspamd: the mail is not taken for spam for its sake. Needs rspamd. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Rspamd } from "../support/rspamd.ts";
import { ADDITIONS, arrived, FROM, MAILS, TEXTS, TO } from "../support/spam-mails.ts";

/** Rules that something of ours may set off, by how much at most, and why that is no reproach. */
const HARMLESS: Readonly<Record<string, readonly [most: number, reason: string]>> = {
  URI_COUNT_ODD: [
    1,
    "counts all URLs and fits every other mail: the pixel makes an odd count even as often as the reverse",
  ],
  MANY_INVISIBLE_PARTS: [
    0.05,
    "a preheader is hidden by its nature; the full point takes more than ten hidden parts",
  ],
};

let rspamd: Rspamd;
beforeAll(async () => {
  rspamd = await Rspamd.start(TEXTS);
});
afterAll(() => rspamd?.stop());

describe.each(Object.entries(MAILS))("%s", (_, mail) => {
  it.each(Object.entries(ADDITIONS))("with %s is judged as without", async (_what, add) => {
    const [bare, with_] = [
      await rspamd.score(arrived(mail, {}), FROM, TO),
      await rspamd.score(arrived(mail, add), FROM, TO),
    ];
    const raised = Object.entries(with_.symbols).filter(
      ([rule, score]) => score - (bare.symbols[rule] ?? 0) > (HARMLESS[rule]?.[0] ?? 0),
    );
    expect(raised).toEqual([]);
    // The verifier of signatures is rspamd's own: it has no code of ours or of opendkim's.
    expect("R_DKIM_ALLOW" in with_.symbols).toBe(add.dkim === true);
  });
});

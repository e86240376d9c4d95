/** What Postern adds to a mail, before the eyes of rspamd and SpamAssassin: the mail is not taken for spam for its sake. Needs both. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Rspamd, type Score } from "../support/rspamd.ts";
import { ADDITIONS, arrived, FROM, MAILS, TEXTS, TO } from "../support/spam-mails.ts";
import { spamAssassin } from "../support/spamassassin.ts";

/** Rules of rspamd that something of ours may set off, by how much at most, and why that is no reproach. */
const HARMLESS: Readonly<Record<string, readonly [most: number, reason: string]>> = {
  URI_COUNT_ODD: [
    1,
    "counts all URLs and fits every other mail: a link or a picture more makes an odd count even as often as the reverse",
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

const raisedBy = (bare: Score, { symbols }: Score, harmless: typeof HARMLESS) =>
  Object.entries(symbols).filter(
    ([rule, score]) => score - (bare.symbols[rule] ?? 0) > (harmless[rule]?.[0] ?? 0),
  );

describe.each(Object.entries(MAILS))("%s, to rspamd", (_, mail) => {
  it.each(Object.entries(ADDITIONS))("with %s is judged as without", async (_what, add) => {
    const [bare, with_] = [
      await rspamd.score(arrived(mail, {}), FROM, TO),
      await rspamd.score(arrived(mail, add), FROM, TO),
    ];
    expect(raisedBy(bare, with_, HARMLESS)).toEqual([]);
    // The verifier of signatures is rspamd's own: it has no code of ours or of opendkim's.
    expect("R_DKIM_ALLOW" in with_.symbols).toBe(add.dkim === true);
  });
});

describe.each(Object.entries(MAILS))("%s, to SpamAssassin", (_, mail) => {
  it("is judged with anything of ours as without: no rule gives a point more", async () => {
    const [bare, ...others] = await spamAssassin([
      arrived(mail, {}),
      ...Object.values(ADDITIONS).map((add) => arrived(mail, add)),
    ]);
    for (const [i, what] of Object.keys(ADDITIONS).entries()) {
      expect([what, raisedBy(bare!, others[i]!, {})]).toEqual([what, []]);
      expect(others[i]!.score).toBeLessThanOrEqual(bare!.score);
    }
  });
});

it("SpamAssassin does object to what we avoid: a picture in a mail of few words, and a list without a name", async () => {
  const mail = (headers: string, end: string) =>
    Buffer.from(
      `From: news@example.com\r\nTo: bea@example.net\r\nSubject: Your order\r\nMessage-ID: <1@example.com>\r\n${headers}MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<html><body><p>It comes on Friday.</p>${end}</body></html>\r\n`,
    );
  const [plain, picture, list] = await spamAssassin([
    mail("", ""),
    mail("", '<img src="https://links.example.com/o/x" width="1" height="1" alt="">'),
    mail("List-Unsubscribe: <https://links.example.com/u/x>\r\n", ""),
  ]);
  expect(raisedBy(plain!, picture!, {}).map(([rule]) => rule)).toContain("HTML_IMAGE_ONLY_04");
  expect(raisedBy(plain!, list!, {}).map(([rule]) => rule)).toContain("LIST_PARTIAL_SHORT_MSG");
});

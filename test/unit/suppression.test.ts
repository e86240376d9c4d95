/** Which bounces close an address, and how addresses are compared. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { SUPPRESSION_WITHIN_DAYS_MAX } from "../../src/core/limits.ts";
import { CATEGORIES } from "../../src/policy/category.ts";
import { SUPPRESSION, suppressionRule } from "../../src/policy/suppression.ts";
import { parseSuppressionRules, rulesWith } from "../../src/policy/suppression-rules.ts";
import { parseMailbox } from "../../src/schema/address.ts";
import { comparedAddress, SUPPRESSION_ORIGINS, suppressedSentence } from "../../src/schema/suppression.ts";
import { erasedAddress } from "../../src/tracking/erased.ts";

describe("the policy table", () => {
  it.each([
    ["complaint", "at_once", null],
    ["unsubscribe", "at_once", null],
    ["unknown_mailbox", "at_once", null],
    ["mailbox_disabled", "at_once", 180],
    ["mailbox_moved", "at_once", null],
    ["invalid_recipient", "at_once", null],
    ["no_mail_domain", "at_once", 90],
    ["host_unknown", "3 in 30", 90],
    ["mailbox_full", "3 in 14", 30],
    ["recipient_refused", "3 in 30", 90],
    ["delivery_failed", "5 in 30", 14],
    ["expired", "5 in 30", 14],
    ["loop_detected", "3 in 30", 30],
  ])("closes for %s: %s, for %s days", (category, when, days) => {
    const rule = suppressionRule(category);
    expect(rule.when === "repeated" ? `${rule.times} in ${rule.withinDays}` : rule.when).toBe(when);
    expect(rule.when === "never" ? undefined : rule.days).toBe(days);
  });

  it("closes for nothing else", () => {
    const closing = Object.entries(SUPPRESSION).filter(([, rule]) => rule.when !== "never");
    expect(closing).toHaveLength(13);
    for (const name of ["no_such_category", "constructor", ""])
      expect(suppressionRule(name).when).toBe("never");
  });

  it("agrees with what replies are said to mean: who is not to be written to again has a rule", () => {
    for (const [category, { action }] of Object.entries(CATEGORIES)) {
      const { when } = suppressionRule(category);
      if (action === "suppress") expect([category, when]).not.toEqual([category, "never"]);
      else expect([category, when]).not.toEqual([category, "at_once"]);
    }
  });

  it("gives a reason for each row, and counts within bounds", () => {
    for (const rule of Object.values(SUPPRESSION)) {
      expect(rule.why).toMatch(/^[A-Z].{6,}\.$/);
      if (rule.when !== "repeated") continue;
      expect(rule.times).toBeGreaterThan(1);
      expect(rule.days).toBeGreaterThan(0);
      expect(rule.withinDays).toBeLessThanOrEqual(SUPPRESSION_WITHIN_DAYS_MAX);
    }
  });
});

describe("SUPPRESSION sets rows otherwise", () => {
  it.each([
    ["never", { when: "never" }],
    ["1", { when: "at_once", days: null }],
    ["1 for 90d", { when: "at_once", days: 90 }],
    ["3 in 14d", { when: "repeated", times: 3, withinDays: 14, days: null }],
    [" 5 in 30d for 7d ", { when: "repeated", times: 5, withinDays: 30, days: 7 }],
  ])("%j", (text, rule) => {
    const rows = parseSuppressionRules(JSON.stringify({ mailbox_full: text }));
    expect(rows).toMatchObject({ ok: true });
    if (!rows.ok) return;
    expect(rulesWith(rows.value)("mailbox_full")).toEqual({ ...rule, why: "Set so here." });
    expect(rulesWith(rows.value)("unknown_mailbox")).toBe(SUPPRESSION.unknown_mailbox);
  });

  it.each([
    ["not JSON", "mailbox_full=never", "JSON object"],
    ["a list", "[]", "JSON object"],
    ["a number for a rule", '{"mailbox_full": 3}', "JSON object"],
    ["words", '{"mailbox_full": "sometimes"}', "JSON object"],
    ["no times", '{"mailbox_full": "0"}', "JSON object"],
    ["one in some days", '{"mailbox_full": "1 in 5d"}', "JSON object"],
    ["several without a time", '{"mailbox_full": "3"}', "within how many days"],
    ["more times than days", '{"mailbox_full": "5 in 3d"}', "within how many days"],
    ["a time too long to count", '{"mailbox_full": "3 in 400d"}', "within how many days"],
    ["no such category", '{"mailbox_fool": "never"}', "`mailbox_fool`"],
    ["a wish of the recipient", '{"complaint": "never"}', "`complaint`"],
    ["a name of JavaScript", '{"constructor": "never"}', "`constructor`"],
  ])("but not with %s", (_, text, word) => {
    const rows = parseSuppressionRules(text);
    expect(rows.ok).toBe(false);
    if (!rows.ok) expect(rows.error).toContain(word);
  });
});

describe("addresses are compared", () => {
  const compared = (text: string) => {
    const mailbox = parseMailbox(text);
    if (!mailbox.ok) throw new Error(mailbox.error);
    return comparedAddress(mailbox.value.address);
  };
  it.each([
    ["Ada@Example.COM", "ada@example.com"],
    ['"Ada"@example.com', "ada@example.com"],
    ['"a.d\\a"@example.com', "a.da@example.com"],
    ['"ada lovelace"@example.com', '"ada lovelace"@example.com'],
    ['"a..b"@example.com', '"a..b"@example.com'],
    ["ada@BÜCHER.example", "ada@xn--bcher-kva.example"],
    ["ÜNAL@example.com", "ünal@example.com"],
    ["u\u0308nal@example.com", "ünal@example.com"],
    ["ada+tag@example.com", "ada+tag@example.com"],
    ["'x@example.com", "'x@example.com"],
  ])("%s as %s", (given, same) => {
    expect(compared(given)).toBe(same);
    expect(comparedAddress(compared(given))).toBe(same);
  });

  it("and not confused: dots and tags belong to the address", () => {
    expect(compared("a.da@example.com")).not.toBe(compared("ada@example.com"));
    expect(compared("ada+x@example.com")).not.toBe(compared("ada@example.com"));
  });
});

describe("what stands for an erased address", () => {
  it("is the same each time, another for each salt, and holds nothing of the address", () => {
    const hash = erasedAddress("salt", "ada@example.com");
    expect(hash).toMatch(/^#[\w-]{24}$/);
    expect(erasedAddress("salt", "ada@example.com")).toBe(hash);
    expect(erasedAddress("other", "ada@example.com")).not.toBe(hash);
    expect(erasedAddress("salt", "adb@example.com")).not.toBe(hash);
  });
});

describe("the reason of a refused copy", () => {
  it.each(SUPPRESSION_ORIGINS)("is a sentence for %s, with what the entry says", (origin) => {
    const grounds = { origin, topic: "news", category: origin, reason: "More." };
    expect(suppressedSentence(grounds)).toMatch(/^Suppressed: .+\. More\.$/);
    expect(suppressedSentence({ ...grounds, reason: null })).toMatch(/^Suppressed: .+\.$/);
  });
});

describe("the documentation", () => {
  it("shows the table as it is", () => {
    const text = readFileSync(join(import.meta.dirname, "../../docs/suppression.md"), "utf8");
    const shown = [...text.matchAll(/^\| `(\w+)` \| (.+) \| (.+) \| (.+) \|$/gm)].map(([line]) => line);
    const rows = Object.entries(SUPPRESSION).flatMap(([name, rule]) => {
      if (rule.when === "never") return [];
      const after = rule.when === "at_once" ? "the first" : `${rule.times} days of ${rule.withinDays}`;
      const closed = rule.days === null ? "for good" : `for ${rule.days} days`;
      return [`| \`${name}\` | ${after} | ${closed} | ${rule.why} |`];
    });
    expect(shown).toEqual(rows);
  });
});

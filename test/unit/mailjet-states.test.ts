/** Mailjet's states: every status and category has one, and filters find exactly what they name. */
import { describe, expect, it } from "vitest";
import { numberOf } from "../../src/core/name-number.ts";
import { offeredKeys } from "../../src/http/mailjet/auth.ts";
import { filterOfState, filterOfStatus, stateOf, statusOf } from "../../src/http/mailjet/states.ts";
import { CATEGORIES } from "../../src/policy/category.ts";
import { HARD_CATEGORIES, STATES } from "../../src/policy/mailjet-state.ts";
import { RECIPIENT_STATUSES } from "../../src/schema/event.ts";

const categories = [null, "unheard_of", ...Object.keys(CATEGORIES)];
const copies = RECIPIENT_STATUSES.flatMap((status) => categories.map((category) => ({ status, category })));

describe("status", () => {
  /** By `MessageStatus`; 0 is all, 5 is 9 and 10. */
  const NAMES = [
    null,
    "queued",
    "sent",
    "opened",
    "clicked",
    null,
    "spam",
    "unsub",
    "blocked",
    "softbounced",
    "hardbounced",
    "deferred",
  ];
  const matches = (number: number, { status, category }: (typeof copies)[number]): boolean =>
    (filterOfStatus(number) ?? RECIPIENT_STATUSES.map((one) => ({ status: one }))).some(
      (one: { status: string; categories?: readonly string[]; others?: readonly string[] }) =>
        one.status === status &&
        (one.categories?.includes(category ?? "") ?? true) &&
        !(one.others?.includes(category ?? "") ?? false),
    );

  it("of every copy is found by its number, and by no other", () => {
    for (const copy of copies) {
      const name = statusOf(copy.status, copy.category);
      for (const [number, wanted] of NAMES.entries())
        if (wanted !== null)
          expect([copy, number, matches(number, copy)]).toEqual([copy, number, wanted === name]);
      expect(matches(0, copy)).toBe(true);
      expect(matches(5, copy)).toBe(name === "softbounced" || name === "hardbounced");
    }
  });

  it.each([
    ["bounced", "unknown_mailbox", "hardbounced", 1, "recipient"],
    ["bounced", "mailbox_disabled", "hardbounced", 2, "recipient"],
    ["bounced", "mailbox_full", "softbounced", 3, "recipient"],
    ["bounced", "host_unknown", "hardbounced", 4, "domain"],
    ["bounced", "no_mail_domain", "hardbounced", 5, "domain"],
    ["bounced", "spam_blocked", "softbounced", 8, "spam"],
    ["delivery_delayed", "greylisted", "deferred", 13, "domain"],
    ["failed", "expired", "softbounced", 12, "system"],
    ["suppressed", null, "blocked", 14, "mailjet"],
    ["suppressed", "duplicate_in_campaign", "blocked", 15, "mailjet"],
    ["complained", null, "spam", 21, "recipient"],
    ["sent", "accepted", "sent", 0, ""],
  ] as const)("%s for %s", (status, category, name, id, relatedTo) => {
    expect(statusOf(status, category)).toBe(name);
    expect(stateOf(status, category)).toMatchObject({ id, relatedTo });
  });
});

describe("states", () => {
  it("are Mailjet's 21, each once", () => {
    expect(Object.values(STATES).map(({ id }) => id)).toEqual(Array.from({ length: 21 }, (_, i) => i + 1));
  });

  it("find the categories that have them", () => {
    for (const category of Object.keys(CATEGORIES)) {
      const { id } = stateOf("bounced", category);
      if (category !== "accepted") expect(filterOfState(id)).toContain(category);
    }
    expect(HARD_CATEGORIES).toContain("unknown_mailbox");
    expect(HARD_CATEGORIES).not.toContain("mailbox_full");
  });
});

it("numbers of names are the same for the same name, plain numbers, and 0 for none", async () => {
  expect(await numberOf("a@example.com")).toBe(await numberOf("a@example.com"));
  expect(await numberOf("a@example.com")).not.toBe(await numberOf("b@example.com"));
  for (const name of ["a", "b", "ü".repeat(1000)])
    expect(String(await numberOf(name)).length).toBeLessThanOrEqual(15);
  expect(await Promise.all([numberOf(""), numberOf(null), numberOf(undefined)])).toEqual([0, 0, 0]);
});

it.each([
  [undefined, []],
  ["", []],
  ["Basic", []],
  [`Basic ${btoa("pub:priv")}`, ["priv", "pub"]],
  [`basic ${btoa("pub:pr:iv")}`, ["pr:iv", "pub"]],
  [`Basic ${btoa("pub:")}`, ["pub"]],
  [`Basic ${btoa("alone")}`, ["alone"]],
  ["Basic %%%", []],
  ["Bearer token", ["token"]],
  ["Digest x", []],
])("credentials %s offer %j", (header, keys) => {
  expect(offeredKeys(header)).toEqual(keys);
});

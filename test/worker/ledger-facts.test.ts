/** What the ledger tells the registry of bounces and wishes: all that matters, nothing else, and once it can be told. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { DAY_MS, DOUBT_MS, FACT_DAYS } from "../../src/core/limits.ts";
import type { Addressee } from "../../src/db/addressees.ts";
import type { Env } from "../../src/env.ts";
import { Facts } from "../../src/ledger/facts.ts";
import type { SuppressionRule } from "../../src/policy/suppression.ts";
import { rulesWith } from "../../src/policy/suppression-rules.ts";
import type { EventData, EventType, MailEvent } from "../../src/schema/event.ts";
import type { SuppressionFact } from "../../src/schema/suppression.ts";
import { attempt, eventEntry, T0 } from "../support/entries.ts";

interface Lab {
  facts: Facts;
  told: SuppressionFact[];
  /** What the registry and libSQL do; changed as the test goes. */
  world: { registryIsUp: boolean; libsqlIsUp: boolean; people: Record<string, Addressee>; now: number };
  /** Rows of the policy table set otherwise. */
  rows: Map<string, SuppressionRule>;
  /** The same storage under a new instance. */
  again: () => Facts;
}

let counter = 0;
async function lab(run: (lab: Lab) => Promise<void>): Promise<void> {
  const { LEDGER } = env as unknown as Env;
  await runInDurableObject(LEDGER.get(LEDGER.idFromName(`facts-${counter++}`)), async (_, { storage }) => {
    const told: SuppressionFact[] = [];
    const rows = new Map<string, SuppressionRule>();
    const world: Lab["world"] = { registryIsUp: true, libsqlIsUp: true, people: {}, now: T0 };
    const again = () =>
      new Facts({
        sql: storage.sql,
        ruleOf: rulesWith(rows),
        registry: () => ({
          learn: async (facts) => {
            if (!world.registryIsUp) throw new Error("Network connection lost.");
            told.push(...facts);
          },
        }),
        addressees: async (copies) => {
          if (!world.libsqlIsUp) throw new Error("libSQL could not be reached.");
          return copies.map(({ email, recipient }) => world.people[`${email}/${recipient}`] ?? null);
        },
        settled: async () => undefined,
        now: () => world.now,
        log: () => undefined,
      });
    await run({ facts: again(), told, world, again, rows });
  });
}

const note = (facts: Facts, type: EventType, data: EventData = {}, over: Partial<MailEvent> = {}) =>
  facts.note([eventEntry("e-1", type, { data, to: "Ada@Example.com", ...over })]);

describe("a fact", () => {
  it.each<[string, EventType, EventData, string | null]>([
    [
      "a refusal in the dialogue",
      "email.bounced",
      { attempt: attempt(1, { category: "unknown_mailbox" }) },
      "unknown_mailbox",
    ],
    ["a bounce mail", "email.bounced", { category: "mailbox_full" }, "mailbox_full"],
    ["a complaint", "email.complained", {}, "complaint"],
    ["a bounce for the sender's fault", "email.bounced", { category: "spam_blocked" }, null],
    ["a bounce without a category", "email.bounced", {}, null],
    ["a delay", "email.delivery_delayed", { attempt: attempt(1, { category: "mailbox_full" }) }, null],
    ["a failure of ours", "email.failed", { category: "smtputf8_unsupported" }, null],
    ["acceptance", "email.sent", { attempt: attempt(1) }, null],
    ["an open", "email.opened", {}, null],
  ])("is made of %s, or not", async (_, type, data, category) => {
    await lab(async ({ facts, told }) => {
      expect(note(facts, type, data)).toBe(category !== null);
      await facts.deliver();
      expect(told.map((fact) => [fact.address, fact.category, fact.emailId])).toEqual(
        category === null ? [] : [["ada@example.com", category, "e-1"]],
      );
      expect(facts.isPending).toBe(false);
    });
  });

  it("is none when it is played by a test address, or about nobody", async () => {
    await lab(async ({ facts, told, world }) => {
      const data = { category: "unknown_mailbox" };
      expect(note(facts, "email.bounced", data, { to: "bounced+x@resend.dev" })).toBe(false);
      expect(note(facts, "email.bounced", data, { recipient: null })).toBe(false);
      world.people["e-2/0"] = { address: "complained@postern.test", topic: "" };
      facts.note([eventEntry("e-2", "email.complained")]);
      await facts.deliver();
      expect([told, facts.isPending]).toEqual([[], false]);
    });
  });

  it.each<[string, string, number, string | null]>([
    ["a full mailbox for long enough", "mailbox_full", DOUBT_MS, "mailbox_full"],
    ["a full mailbox for a minute", "mailbox_full", 60_000, null],
    ["an unknown mailbox that is only put off", "unknown_mailbox", DOUBT_MS, "expired"],
    ["a relay that cannot be reached", "connect_failed", DOUBT_MS, null],
  ])("is made of a message given up after %s, or not", async (_, category, ms, told) => {
    await lab(async ({ facts, told: facts_ }) => {
      const delayed = { attempt: attempt(1, { category }) };
      note(facts, "email.delivery_delayed", delayed);
      note(facts, "email.delivery_delayed", delayed, { at: T0 + ms / 2 });
      note(facts, "email.failed", { category: "expired" }, { at: T0 + ms });
      await facts.deliver();
      expect(facts_.map((fact) => fact.category)).toEqual(told === null ? [] : [told]);
    });
  });

  it("waits for a registry that is away, over a restart, and is told once", async () => {
    await lab(async ({ facts, told, world, again }) => {
      world.registryIsUp = false;
      const events = [1, 2].map(() => eventEntry("e-1", "email.complained", { to: "a@example.com" }));
      facts.note(events);
      facts.note(events);
      await facts.deliver();
      const waits = facts.delayMs;
      await facts.deliver();
      expect(facts.delayMs).toBeGreaterThan(waits);
      world.registryIsUp = true;
      await again().deliver();
      expect(told.map(({ id }) => id)).toEqual(events.map(({ event }) => event.id));
      expect(facts.isPending).toBe(false);
    });
  });

  it("that names nobody waits for libSQL, and holds up none that does", async () => {
    await lab(async ({ facts, told, world }) => {
      world.libsqlIsUp = false;
      facts.note([eventEntry("e-1", "email.unsubscribed", { recipient: 3 })]);
      note(facts, "email.complained");
      await facts.deliver();
      expect(told.map(({ category }) => category)).toEqual(["complaint"]);
      world.libsqlIsUp = true; // And does not know the email yet.
      await facts.deliver();
      expect(facts.isPending).toBe(true);
      world.people["e-1/3"] = { address: "Bob@example.com", topic: "news" };
      await facts.deliver();
      expect(told[1]).toMatchObject({ address: "bob@example.com", topic: "news", category: "unsubscribe" });
      expect(facts.isPending).toBe(false);
    });
  });

  it("follows the table as the operator has set it", async () => {
    await lab(async ({ facts, told, rows }) => {
      rows.set("refused", { when: "at_once", days: 90, why: "" });
      rows.set("unknown_mailbox", { when: "never", why: "" });
      note(facts, "email.bounced", { category: "refused" });
      note(facts, "email.bounced", { category: "unknown_mailbox" });
      await facts.deliver();
      expect(told.map(({ category }) => category)).toEqual(["refused"]);
    });
  });

  it("is counted for an address that is to be erased, until it is told", async () => {
    await lab(async ({ facts, world }) => {
      world.registryIsUp = false;
      note(facts, "email.complained");
      note(facts, "email.complained", {}, { to: "bob@example.com" });
      await facts.deliver();
      expect(facts.waitingFor("ADA@example.com")).toBe(1);
      world.registryIsUp = true;
      await facts.deliver();
      expect(facts.waitingFor("ada@example.com")).toBe(0);
    });
  });

  it("about an email that never comes is given up", async () => {
    await lab(async ({ facts, told, world }) => {
      facts.note([eventEntry("e-9", "email.complained")]);
      world.now = T0 + FACT_DAYS * DAY_MS;
      await facts.deliver();
      expect([told, facts.isPending]).toEqual([[], false]);
    });
  });

  it("of an unsubscribe link needs nobody's help, and neither does its return", async () => {
    await lab(async ({ facts, told, world }) => {
      world.libsqlIsUp = false;
      const unsubscribe = { address: "Ada@example.com", topic: "news", via: "one_click" as const };
      facts.note([
        eventEntry("e-1", "email.unsubscribed", { data: { unsubscribe } }),
        eventEntry("e-1", "email.resubscribed", { data: { unsubscribe: { ...unsubscribe, topic: null } } }),
      ]);
      await facts.deliver();
      expect(told.map(({ address, topic, category }) => [address, topic, category])).toEqual([
        ["ada@example.com", "news", "unsubscribe"],
        ["ada@example.com", "", "resubscribe"],
      ]);
    });
  });
});

/** RETENTION_DAYS and CONTENT, in the objects that keep to them. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { DAY_MS } from "../../src/core/limits.ts";
import { findEmail } from "../../src/db/emails.ts";
import { dbOf, type Env } from "../../src/env.ts";
import { Keeper } from "../../src/ledger/keeper.ts";
import { call } from "../support/api.ts";
import { emailEntry, idAt } from "../support/entries.ts";

const bindings = env as unknown as Env;
const ledger = (name: string) => bindings.LEDGER.get(bindings.LEDGER.idFromName(name));

describe("the keeper", () => {
  it("forgets what is old once a day, and goes on after an hour when libSQL was away", async () => {
    const old = emailEntry({ id: idAt(Date.now() - 100 * DAY_MS), created_at: 0, expires_at: 1 });
    const young = emailEntry({ id: idAt(Date.now() - 50 * DAY_MS), created_at: 0, expires_at: 1 });
    await ledger("keeper").append([old, young]);
    await ledger("keeper").settle();
    await runInDurableObject(ledger("keeper"), async (_, { storage }) => {
      let now = Date.now();
      let away = true;
      const facts: string[] = [];
      const make = () =>
        new Keeper({
          sql: storage.sql,
          retention: { bodies: null, events: 90 },
          openDb: () => {
            if (away) throw new Error("away");
            return dbOf(bindings);
          },
          now: () => now,
          log: (fact, details) => facts.push(`${fact} ${JSON.stringify(details)}`),
        });
      const keeper = make();
      await keeper.run();
      expect(facts).toEqual(['pruning_failed {"cause":"Error: away"}']);
      expect(keeper.due).toBe(now + 3_600_000);
      now += 3_600_000;
      away = false;
      await keeper.run();
      expect(facts[1]).toMatch(/^pruned .*"emails":1/);
      expect(keeper.due).toBe(now + DAY_MS);
      // It is on disk: another life has no more to do today.
      expect(make().due).toBe(now + DAY_MS);
      await make().run();
      expect(facts).toHaveLength(2);
    });
    expect(await findEmail(dbOf(bindings), old.email.id)).toBeNull();
    expect(await findEmail(dbOf(bindings), young.email.id)).not.toBeNull();
  });

  it("is due never when nothing is to be forgotten", async () => {
    await runInDurableObject(ledger("keeper"), (_, { storage }) => {
      const keeper = new Keeper({
        sql: storage.sql,
        retention: { bodies: null, events: null },
        openDb: () => dbOf(bindings),
        now: Date.now,
        log: () => {},
      });
      expect(keeper.due).toBeNull();
    });
  });

  it("does not stand in the way of the ledger's alarm", async () => {
    await ledger("ledger-0").append([emailEntry()]);
    await ledger("ledger-0").settle();
    expect(await runDurableObjectAlarm(ledger("ledger-0"))).toBe(true);
    expect((await call("GET", "/emails?limit=1")).status).toBe(200);
  });
});

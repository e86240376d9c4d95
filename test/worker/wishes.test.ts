/** Which wishes to leave, or to come back, are news to a ledger. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { WISH_MS } from "../../src/core/limits.ts";
import type { Env } from "../../src/env.ts";
import { Wishes } from "../../src/ledger/wishes.ts";
import type { EventType } from "../../src/schema/event.ts";
import { eventEntry, T0 } from "../support/entries.ts";

let counter = 0;
/** Runs with wishes on an empty storage, and what they have asked it. */
async function lab(run: (wishes: Wishes, asked: string[]) => void): Promise<void> {
  const { LEDGER } = env as unknown as Env;
  await runInDurableObject(LEDGER.get(LEDGER.idFromName(`wishes-${counter++}`)), async (_, { storage }) => {
    const asked: string[] = [];
    const sql = {
      exec: (query: string, ...values: unknown[]) => {
        asked.push(query);
        return storage.sql.exec(query, ...values);
      },
    } as unknown as SqlStorage;
    run(new Wishes(sql), asked);
  });
}

const wish = (recipient: number, at = T0, type: EventType = "email.unsubscribed") =>
  eventEntry("e-1", type, { recipient, at });

it("the same wish is no news until it is forgotten, another one is", () =>
  lab((wishes) => {
    const back = wish(0, T0 + 2, "email.resubscribed");
    expect(wishes.news([wish(0)])).toHaveLength(1);
    const another = wish(1, T0 + 1);
    expect(wishes.news([wish(0, T0 + 1), another])).toEqual([another]);
    expect(wishes.news([back, wish(0, T0 + 3)])).toHaveLength(2);
    expect(wishes.news([wish(0, T0 + 2 + WISH_MS)])).toEqual([]);
    expect(wishes.news([wish(0, T0 + 3 + WISH_MS)])).toHaveLength(1);
  }));

it("old ones are looked for once a call, however many it brings, and not at all without any", () =>
  lab((wishes, asked) => {
    const prunes = () => asked.filter((query) => query.startsWith("DELETE")).length;
    const many = Array.from({ length: 100 }, (_, i) => wish(i, T0 + i));
    expect(wishes.news(many)).toHaveLength(100);
    expect(prunes()).toBe(1);
    wishes.news([eventEntry("e-1", "email.opened")]);
    expect(prunes()).toBe(1);
  }));

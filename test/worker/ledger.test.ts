/** The ledger: what was taken is in libSQL afterwards, once, whatever happens to libSQL meanwhile. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { LEDGER_PROBE_MS, LEDGER_RETRY_MAX_MS, LEDGER_RETRY_MS } from "../../src/core/limits.ts";
import { type Db, openDb } from "../../src/db/client.ts";
import { countsByStatus, findEmail } from "../../src/db/emails.ts";
import { DbError } from "../../src/db/error.ts";
import { dbOf, type Env } from "../../src/env.ts";
import { Flusher } from "../../src/ledger/flusher.ts";
import { Journal } from "../../src/ledger/journal.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { entryLists } from "../../src/schema/entry-list.ts";
import type { LedgerEntry } from "../../src/schema/event.ts";
import { attempt, emailEntry, eventEntry, recipientsEntry } from "../support/entries.ts";

const bindings = env as unknown as Env;
const ledger = (name: string) => bindings.LEDGER.get(bindings.LEDGER.idFromName(name));
const sqlOf = <T>(name: string, query: string) =>
  runInDurableObject(ledger(name), (_, { storage }) => [...storage.sql.exec(query)] as T[]);
const journalled = async (name: string) =>
  (await sqlOf<{ n: number }>(name, "SELECT count(*) AS n FROM journal"))[0]!.n;

/** Puts another database under a ledger, as LIBSQL_URL would. */
const useDb = (name: string, open: () => Db) =>
  runInDurableObject(ledger(name), (instance: Ledger) => {
    Object.defineProperty(instance, "openDb", { value: open, configurable: true });
  });
const away = () =>
  openDb({ url: "http://away", authToken: null, fetch: () => Promise.reject(new Error("refused")) });

function story(sent = 3): { id: string; entries: LedgerEntry[] } {
  const { email } = emailEntry({ kind: "bulk" });
  return {
    id: email.id,
    entries: [
      { kind: "email", email },
      recipientsEntry(email.id, sent),
      { kind: "body", email_id: email.id, part: "html", seq: 0, data: "<p>Hello</p>" },
      ...Array.from({ length: sent }, (_, recipient) =>
        eventEntry(email.id, "email.sent", { recipient, data: { attempt: attempt(1) } }),
      ),
    ],
  };
}

describe("the ledger", () => {
  it("brings entries to libSQL and forgets them", async () => {
    const { id, entries } = story();
    await ledger("plain").append(entries);
    expect(await ledger("plain").settle()).toEqual({ pending: 0, away: false, unfit: null });
    expect(await countsByStatus(dbOf(bindings), id)).toEqual({ sent: 3 });
    expect(await journalled("plain")).toBe(0);
  });

  it("ignores repeats, on their way and afterwards", async () => {
    await useDb("repeats", away);
    const { id, entries } = story();
    await ledger("repeats").append(entries);
    await ledger("repeats").append(entries);
    expect(await journalled("repeats")).toBe(entries.length);
    await useDb("repeats", () => dbOf(bindings));
    await runDurableObjectAlarm(ledger("repeats"));
    expect(await ledger("repeats").settle()).toEqual({ pending: 0, away: false, unfit: null });
    await ledger("repeats").append(entries);
    expect(await ledger("repeats").settle()).toEqual({ pending: 0, away: false, unfit: null });
    expect(await countsByStatus(dbOf(bindings), id)).toEqual({ sent: 3 });
    const events = await dbOf(bindings).$client.execute({
      sql: "SELECT count(*) AS n FROM events WHERE email_id = ?",
      args: [id],
    });
    expect(events.rows[0]!.n).toBe(3);
  });

  it("has an alarm and every entry on disk before it answers", async () => {
    await useDb("durable", () =>
      openDb({ url: "http://x", authToken: null, fetch: () => new Promise(() => {}) }),
    );
    await ledger("durable").append(story().entries);
    expect(await journalled("durable")).toBe(6);
    const alarm = await runInDurableObject(ledger("durable"), (_, { storage }) => storage.getAlarm());
    expect(alarm).not.toBeNull();
  });

  it("waits while libSQL is away, tries again by alarm, and loses nothing", async () => {
    let up = false;
    const flaky = () =>
      openDb({
        url: "http://store",
        authToken: null,
        fetch: (request) => {
          if (!up) return Promise.reject(new Error("refused"));
          return bindings.STORE!.get(bindings.STORE!.idFromName("store")).fetch(request);
        },
      });
    await useDb("away", flaky);
    const stories = Array.from({ length: 5 }, () => story());
    for (const { entries } of stories) await ledger("away").append(entries);
    expect(await ledger("away").settle()).toEqual({ pending: 30, away: true, unfit: null });
    expect(await runDurableObjectAlarm(ledger("away"))).toBe(true);
    expect(await journalled("away")).toBe(30);
    up = true;
    // The failed alarm has set the next one.
    expect(await runDurableObjectAlarm(ledger("away"))).toBe(true);
    expect(await journalled("away")).toBe(0);
    for (const { id } of stories) expect(await countsByStatus(dbOf(bindings), id)).toEqual({ sent: 3 });
    expect(await runDurableObjectAlarm(ledger("away"))).toBe(false);
  });

  it("brings a report to libSQL without a stay in the journal", async () => {
    const { id, entries } = story();
    const lists = entryLists(entries, 1_000);
    await ledger("through").report(lists);
    expect(await countsByStatus(dbOf(bindings), id)).toEqual({ sent: 3 });
    expect(await sqlOf("through", "SELECT * FROM sqlite_sequence WHERE name = 'journal'")).toEqual([]);
    // Told again, since the answer was lost.
    await ledger("through").report(lists);
    expect(await countsByStatus(dbOf(bindings), id)).toEqual({ sent: 3 });
  });

  it("takes a report as earlier versions spelled it: an update finds such in its outbox", async () => {
    const { id, entries } = story();
    await ledger("report-old").report([JSON.stringify(entries)]);
    await ledger("report-old").settle();
    expect(await countsByStatus(dbOf(bindings), id)).toEqual({ sent: 3 });
  });

  it("keeps a report in the journal while libSQL is away, or does not answer", async () => {
    for (const [name, open] of [
      ["report-away", away],
      ["report-slow", () => openDb({ url: "http://x", authToken: null, fetch: () => new Promise(() => {}) })],
    ] as const) {
      await useDb(name, open);
      const { id, entries } = story();
      await ledger(name).report(entryLists(entries, 1_000));
      expect(await journalled(name)).toBe(6);
      await useDb(name, () => dbOf(bindings));
      await vi.waitFor(
        async () => {
          await runDurableObjectAlarm(ledger(name));
          expect(await journalled(name)).toBe(0);
        },
        { timeout: 20_000, interval: 500 },
      );
      expect(await countsByStatus(dbOf(bindings), id)).toEqual({ sent: 3 });
    }
  });

  it("keeps visits while libSQL is away, does not answer or cannot be opened, and brings each once", async () => {
    for (const [name, open] of [
      ["visit-away", away],
      ["visit-slow", () => openDb({ url: "http://x", authToken: null, fetch: () => new Promise(() => {}) })],
      ["visit-unopened", () => openDb({ url: "file:nowhere", authToken: null })],
    ] as const) {
      const { id, entries } = story();
      await ledger(name).append(entries);
      expect(await ledger(name).settle()).toMatchObject({ pending: 0 });
      await useDb(name, open);
      await ledger(name).append([eventEntry(id, "email.opened", { recipient: 0 })]);
      expect(await ledger(name).settle()).toMatchObject({ pending: 1 });
      await useDb(name, () => dbOf(bindings));
      await vi.waitFor(
        async () => {
          await runDurableObjectAlarm(ledger(name));
          expect(await ledger(name).settle()).toMatchObject({ pending: 0 });
        },
        { timeout: 20_000, interval: 500 },
      );
      expect(await sqlOf(name, "SELECT id FROM held_hits")).toEqual([]);
      const events = await dbOf(bindings).$client.execute({
        sql: "SELECT type, count(*) AS n FROM events WHERE email_id = ? GROUP BY type ORDER BY type",
        args: [id],
      });
      expect(events.rows.map(({ type, n }) => [type, Number(n)])).toEqual([
        ["email.opened", 1],
        ["email.sent", 3],
      ]);
    }
  });

  it("sets aside what libSQL refuses of a report", async () => {
    const { id, entries } = story(3);
    const { event } = entries[4] as { event: { id: string; at: unknown } };
    event.at = null;
    await ledger("report-poison").report(entryLists(entries, 1_000));
    expect(await ledger("report-poison").settle()).toEqual({ pending: 0, away: false, unfit: null });
    expect(await countsByStatus(dbOf(bindings), id)).toEqual({ sent: 2, queued: 1 });
    expect(await sqlOf("report-poison", "SELECT identity FROM dead")).toEqual([
      { identity: `e:${event.id}` },
    ]);
  });

  it("tells readers at once that libSQL is away, and has it tried once in a while, however many ask", async () => {
    let tries = 0;
    await useDb("hanging", () => {
      tries += 1;
      return openDb({
        url: "http://away",
        authToken: null,
        fetch: () => Promise.reject(new Error("refused")),
      });
    });
    await ledger("hanging").append(story().entries);
    await ledger("hanging").settle();
    const before = tries;
    for (let i = 0; i < 20; i++)
      expect(await ledger("hanging").settle()).toEqual({ pending: 6, away: true, unfit: null });
    expect(tries - before).toBeLessThanOrEqual(2);
    await useDb("hanging", () => dbOf(bindings));
    await scheduler.wait(LEDGER_PROBE_MS);
    // Neither an alarm nor new mail is needed: who asks brings it there.
    expect(await ledger("hanging").settle()).toEqual({ pending: 0, away: false, unfit: null });
  });

  it("is not hurt when libSQL takes a batch but its answer is lost", async () => {
    let lost = 1;
    await useDb("lost", () =>
      openDb({
        url: "http://store",
        authToken: null,
        fetch: async (request) => {
          const response = await bindings.STORE!.get(bindings.STORE!.idFromName("store")).fetch(request);
          if (lost-- > 0) throw new Error("connection lost");
          return response;
        },
      }),
    );
    const { id, entries } = story();
    await ledger("lost").append(entries);
    await ledger("lost").settle();
    await runDurableObjectAlarm(ledger("lost"));
    expect(await ledger("lost").settle()).toEqual({ pending: 0, away: false, unfit: null });
    expect(await countsByStatus(dbOf(bindings), id)).toEqual({ sent: 3 });
  });

  it("sets aside what libSQL refuses, and lets the others through", async () => {
    const { id, entries } = story(40);
    const poison = [7, 8, 30].map((i) => {
      const { event } = entries[i + 3] as { event: { id: string; at: unknown } };
      event.at = null;
      return `e:${event.id}`;
    });
    await ledger("poison").append(entries);
    expect(await ledger("poison").settle()).toEqual({ pending: 0, away: false, unfit: null });
    expect(await countsByStatus(dbOf(bindings), id)).toEqual({ sent: 37, queued: 3 });
    const dead = await sqlOf<{ identity: string; reason: string }>(
      "poison",
      "SELECT identity, reason FROM dead",
    );
    expect(dead.map(({ identity }) => identity).sort()).toEqual(poison.sort());
    expect(dead[0]!.reason).toContain("SQLITE_CONSTRAINT");
  });
});

describe("a flusher", () => {
  const run = (name: string, test: (storage: DurableObjectStorage) => Promise<void>) =>
    runInDurableObject(ledger(name), (_, { storage }) => test(storage));
  const quiet = () => {};

  it("works off a burst in bounded batches, in order, one at a time", async () => {
    await run("burst", async ({ sql }) => {
      const journal = new Journal(sql);
      const { id } = emailEntry().email;
      const sent: string[] = [];
      for (let i = 0; i < 50; i++) {
        const entries = Array.from({ length: 500 }, () => eventEntry(id, "email.opened"));
        sent.push(...entries.map(({ event }) => event.id));
        journal.append(entries, 100_000);
      }
      let running = 0;
      let largest = 0;
      const got: string[] = [];
      const flusher = new Flusher({
        journal,
        now: () => 0,
        log: quiet,
        write: async (entries) => {
          expect(++running).toBe(1);
          largest = Math.max(largest, entries.length);
          await Promise.resolve();
          got.push(...entries.map((entry) => (entry.kind === "event" ? entry.event.id : "?")));
          running -= 1;
        },
      });
      await Promise.all([flusher.flush(), flusher.flush(), flusher.flush()]);
      expect(got).toEqual(sent);
      expect(largest).toBeLessThanOrEqual(2_000);
      expect(journal.size).toBe(0);
    });
  });

  it("keeps to bytes as well as to entries, and takes one that is too large by itself", async () => {
    await run("bytes", async ({ sql }) => {
      const journal = new Journal(sql);
      const body = (seq: number, data: string): LedgerEntry => ({
        kind: "body",
        email_id: "m",
        part: "text",
        seq,
        data,
      });
      journal.append(
        [body(0, "x".repeat(100)), body(1, "€".repeat(500)), body(2, "x"), body(3, "x")],
        1_000_000,
      );
      const sizes: number[] = [];
      for (let batch = journal.oldest(10, 600); batch.length > 0; batch = journal.oldest(10, 600)) {
        sizes.push(batch.length);
        journal.drop(batch);
      }
      expect(sizes).toEqual([1, 1, 2]);
    });
  });

  it("settles what was there when asked, though more keeps coming", async () => {
    await run("settle", async ({ sql }) => {
      const journal = new Journal(sql);
      const { id } = emailEntry().email;
      journal.append([eventEntry(id, "email.opened")], 1_000_000);
      let writes = 0;
      const flusher = new Flusher({
        journal,
        now: () => 0,
        log: quiet,
        write: async () => {
          if (++writes < 20) journal.append([eventEntry(id, "email.opened")], 1_000_000);
          await Promise.resolve();
        },
      });
      expect(await flusher.settle(60_000)).toBe(true);
      expect(writes).toBeLessThan(20);
      await flusher.flush();
      expect(journal.size).toBe(0);
    });
  });

  it("does not wait for a database that hangs", async () => {
    await run("hang", async ({ sql }) => {
      const journal = new Journal(sql);
      journal.append([eventEntry("m", "email.opened")], 1_000_000);
      const flusher = new Flusher({ journal, now: () => 0, log: quiet, write: () => new Promise(() => {}) });
      expect(await flusher.settle(5)).toBe(false);
      expect(journal.size).toBe(1);
    });
  });

  it("leaves a database that is away alone for longer each time, up to a bound, and starts afresh", async () => {
    await run("backoff", async ({ sql }) => {
      const journal = new Journal(sql);
      journal.append([eventEntry("m", "email.opened")], 1_000_000);
      const log = vi.fn();
      let now = 0;
      let up = false;
      const flusher = new Flusher({
        journal,
        now: () => now,
        log,
        write: async () => {
          if (!up) throw new DbError("unavailable", "libSQL could not be reached.");
        },
      });
      const delays: number[] = [];
      for (let i = 0; i < 6; i++) {
        await flusher.flush();
        delays.push(flusher.delayMs);
        expect(flusher.resting).toBe(true);
        now += flusher.delayMs;
        expect(flusher.resting).toBe(false);
      }
      expect(delays.slice(0, 3)).toEqual([LEDGER_RETRY_MS, LEDGER_RETRY_MS * 2, LEDGER_RETRY_MS * 4]);
      expect(delays[5]).toBe(LEDGER_RETRY_MAX_MS);
      expect(log).toHaveBeenCalledWith("libsql_away", expect.objectContaining({ failures: 6, pending: 1 }));
      up = true;
      await flusher.flush();
      expect([journal.size, flusher.delayMs]).toEqual([0, LEDGER_RETRY_MS]);
    });
  });

  it("parks nothing when libSQL goes away in the middle of the search", async () => {
    await run("midway", async ({ sql }) => {
      const journal = new Journal(sql);
      journal.append(
        Array.from({ length: 8 }, () => eventEntry("m", "email.opened")),
        1_000_000,
      );
      let calls = 0;
      const flusher = new Flusher({
        journal,
        now: () => 0,
        log: quiet,
        write: async () => {
          throw new DbError(++calls === 1 ? "refused" : "unavailable", "no");
        },
      });
      await flusher.flush();
      expect([journal.size, journal.parked, calls]).toEqual([8, 0, 2]);
    });
  });

  it("never gives a number twice, so that waiting for one is safe after the journal was empty", async () => {
    await run("numbers", async ({ sql }) => {
      const journal = new Journal(sql);
      journal.append([eventEntry("m", "email.opened")], 1_000_000);
      const before = journal.last;
      journal.drop(journal.oldest(10, 1_000_000));
      expect([journal.first, journal.last]).toEqual([null, before]);
      journal.append([eventEntry("m", "email.opened")], 1_000_000);
      expect(journal.first).toBe(before + 1);
    });
  });
});

it("finds an email straight after it was appended", async () => {
  const { id, entries } = story();
  await ledger("straight").append(entries);
  await ledger("straight").settle();
  expect(await findEmail(dbOf(bindings), id)).toMatchObject({ id, last_event: "sent" });
});

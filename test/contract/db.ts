/** What the queries promise, whichever database is behind them. Run on the real libSQL engine and on the embedded store. */
import fc from "fast-check";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { mailedInCampaign } from "../../src/db/campaigns.ts";
import type { Db } from "../../src/db/client.ts";
import { bodyOf, countsByStatus, findEmail, listEmails, recipientsOf } from "../../src/db/emails.ts";
import { DbError } from "../../src/db/error.ts";
import { type EventFilter, type EventPage, findEvents } from "../../src/db/events.ts";
import { writeEntries } from "../../src/db/journal.ts";
import { migrate } from "../../src/db/migrate.ts";
import { findReported } from "../../src/db/reported.ts";
import type { EventType, LedgerEntry } from "../../src/schema/event.ts";
import { attempt, emailEntry, eventEntry, idAt, recipientsEntry, T0 } from "../support/entries.ts";

export function databaseContract(name: string, open: () => Promise<Db> | Db): void {
  describe(name, () => {
    let db: Db;
    beforeAll(async () => {
      db = await open();
      expect(await migrate(db)).toMatchObject({ ok: true });
    });
    const first = async (id: string) => (await recipientsOf(db, id, { limit: 1 })).rows[0]!;

    it("migrates once: the second time there is nothing to do, also when two begin together", async () => {
      expect(await migrate(db)).toEqual({ ok: true, value: [] });
      const known = [{ name: "9999_test", statements: ["CREATE TABLE nines (a)"] }];
      const all = (await import("../../migrations/index.ts")).MIGRATIONS;
      const both = await Promise.all([
        migrate(db, Date.now, [...all, ...known]),
        migrate(db, Date.now, [...all, ...known]),
      ]);
      expect(both.map((one) => one.ok)).toEqual([true, true]);
      expect(both.flatMap((one) => (one.ok ? one.value : []))).toEqual(["9999_test"]);
      expect(await migrate(db)).toMatchObject({
        ok: false,
        error: expect.stringContaining("newer than this code"),
      });
      await db.$client.batch(
        ["DROP TABLE nines", "DELETE FROM postern_migrations WHERE name = '9999_test'"],
        "write",
      );
    });

    it("finds whom a report may be about, by email and address; an only recipient without an address", async () => {
      const two = emailEntry();
      const one = emailEntry();
      const rows = (addresses: string[]) =>
        addresses.map((address, index) => ({ index, address, kind: "to" as const, status: "sent" as const }));
      await writeEntries(db, [
        two,
        { kind: "recipients", email_id: two.email.id, rows: rows(["Ada@example.com", "bob@example.com"]) },
        one,
        { kind: "recipients", email_id: one.email.id, rows: rows(["cy'o@example.com"]) },
      ]);
      const [a, b] = [two.email.id, one.email.id];
      const ada = { email: a, recipient: 0, address: "ada@example.com", alone: false };
      const cyo = { email: b, recipient: 0, address: "cy'o@example.com", alone: true };
      expect(await findReported(db, [a], ["ada@example.com"])).toEqual([ada]);
      expect(await findReported(db, [a], ["cy'o@example.com"])).toEqual([]);
      expect(await findReported(db, [b], [])).toEqual([cyo]);
      expect(await findReported(db, [a, b, idAt(T0)], ["ada@example.com", "x@example.com"])).toEqual([
        ada,
        cyo,
      ]);
      expect(await findReported(db, [idAt(T0)], ["ada@example.com"])).toEqual([]);
      const many = Array.from({ length: 200 }, (_, i) => `a${i}@example.com`);
      expect(await findReported(db, many, many)).toEqual([]);
    });

    it("keeps every field of an email", async () => {
      const { email } = emailEntry({
        kind: "bulk",
        to: ["Zoë <z@example.com>", "b@example.com"],
        cc: ["c@example.com"],
        bcc: ["d@example.com"],
        reply_to: ["e@example.com"],
        message_id: null,
        attachments: [{ filename: "ä\n.pdf", content_type: "application/pdf", size: 3, content_id: "x" }],
        relay: "second",
        scheduled_at: T0 + 1_000,
      });
      await writeEntries(db, [{ kind: "email", email }]);
      expect(await findEmail(db, email.id)).toEqual({
        ...email,
        last_event: "scheduled",
        updated_at: email.created_at,
      });
      expect(await findEmail(db, idAt(T0))).toBeNull();
    });

    it("lists emails newest first, in pages both ways", async () => {
      const ids = Array.from({ length: 7 }, (_, i) => idAt(T0 + 1e9 + i));
      await writeEntries(
        db,
        ids.map((id, i) => emailEntry({ id, created_at: T0 + 1e9 + i })),
      );
      const page = async (options: Parameters<typeof listEmails>[1]) => {
        const { rows, hasMore } = await listEmails(db, options);
        return [rows.map(({ id }) => ids.indexOf(id)), hasMore];
      };
      expect(await page({ limit: 3 })).toEqual([[6, 5, 4], true]);
      expect(await page({ limit: 3, after: ids[4]! })).toEqual([[3, 2, 1], true]);
      expect(await page({ limit: 2, before: ids[3]! })).toEqual([[5, 4], true]);
      expect(await page({ limit: 3, before: ids[3]! })).toEqual([[6, 5, 4], false]);
    });

    it("keeps bodies in chunks, empty ones too", async () => {
      const { email } = emailEntry();
      const html = `<p>${"é🚀\u0001\t\"'".repeat(100_000)}</p>`;
      const half = 250_000;
      await writeEntries(db, [
        { kind: "email", email },
        { kind: "body", email_id: email.id, part: "html", seq: 0, data: html.slice(0, half) },
        { kind: "body", email_id: email.id, part: "html", seq: 1, data: html.slice(half) },
        { kind: "body", email_id: email.id, part: "text", seq: 0, data: "" },
      ]);
      expect((await bodyOf(db, email.id, "html")) === html).toBe(true);
      expect(await bodyOf(db, email.id, "text")).toBe("");
      expect(await bodyOf(db, idAt(T0), "text")).toBeNull();
    });

    it("pages recipients and counts them by status", async () => {
      const { email } = emailEntry({ kind: "bulk" });
      await writeEntries(db, [
        { kind: "email", email },
        recipientsEntry(email.id, 500),
        recipientsEntry(email.id, 3, { from: 500, status: "suppressed" }),
        eventEntry(email.id, "email.sent", { recipient: 7, data: { attempt: attempt(1) } }),
      ]);
      expect(await countsByStatus(db, email.id)).toEqual({ queued: 499, sent: 1, suppressed: 3 });
      const page = await recipientsOf(db, email.id, { limit: 2, after: 499 });
      expect(page.hasMore).toBe(true);
      expect(page.rows.map(({ index }) => index)).toEqual([500, 501]);
      expect(page.rows[0]).toEqual({
        index: 500,
        address: "r500@Example.org",
        domain: "example.org",
        kind: "to",
        status: "suppressed",
        attempts: 0,
        relay: null,
        code: null,
        enhanced: null,
        reply: null,
        category: null,
        sentence: null,
        updated_at: null,
        first_opened_at: null,
        first_clicked_at: null,
      });
      expect((await recipientsOf(db, email.id, { limit: 1, after: 502 })).rows).toEqual([]);
    });

    it("tells a recipient's story: delayed, sent, opened", async () => {
      const { email } = emailEntry();
      const late = attempt(1, {
        code: 451,
        enhanced: "4.7.1",
        text: "Greylisted",
        category: "greylisted",
        sentence: "Try later.",
      });
      await writeEntries(db, [{ kind: "email", email }, recipientsEntry(email.id, 1)]);
      await writeEntries(db, [
        eventEntry(email.id, "email.delivery_delayed", { at: T0 + 10, data: { attempt: late } }),
      ]);
      expect(await first(email.id)).toMatchObject({
        status: "delivery_delayed",
        attempts: 1,
        relay: "main",
        code: 451,
        enhanced: "4.7.1",
        reply: "Greylisted",
        category: "greylisted",
        sentence: "Try later.",
        updated_at: T0 + 10,
      });
      const sent = eventEntry(email.id, "email.sent", { at: T0 + 20, data: { attempt: attempt(2) } });
      const opened = eventEntry(email.id, "email.opened", { at: T0 + 30 });
      await writeEntries(db, [sent, opened]);
      expect(await first(email.id)).toMatchObject({
        status: "opened",
        attempts: 2,
        code: 250,
        category: "accepted",
        updated_at: T0 + 30,
      });
      expect(await findEmail(db, email.id)).toMatchObject({ last_event: "opened", updated_at: T0 + 30 });
      const timeline = (page: Partial<EventPage>) =>
        findEvents(db, { emailId: email.id }, { limit: 2, order: "asc", ...page });
      const page = await timeline({});
      expect(page.hasMore).toBe(true);
      expect(page.rows.map(({ type }) => type)).toEqual(["email.delivery_delayed", "email.sent"]);
      expect(page.rows[1]).toEqual({ ...sent.event, address: "r0@Example.org", first: null });
      const rest = await timeline({ after: sent.event });
      expect(rest).toEqual({
        rows: [{ ...opened.event, address: "r0@Example.org", first: true }],
        hasMore: false,
      });
      expect((await timeline({ before: opened.event })).rows.map(({ type }) => type)).toEqual([
        "email.delivery_delayed",
        "email.sent",
      ]);
    });

    it("never takes a later state back: sent, flushed after opened, explains but does not move", async () => {
      const { email } = emailEntry();
      await writeEntries(db, [{ kind: "email", email }, recipientsEntry(email.id, 1)]);
      await writeEntries(db, [eventEntry(email.id, "email.opened", { at: T0 + 30 })]);
      await writeEntries(db, [
        eventEntry(email.id, "email.sent", { at: T0 + 20, data: { attempt: attempt(1) } }),
      ]);
      expect(await first(email.id)).toMatchObject({
        status: "opened",
        attempts: 1,
        reply: "Ok: queued",
        updated_at: T0 + 30,
      });
      expect(await findEmail(db, email.id)).toMatchObject({ last_event: "opened" });
    });

    it("takes thousands of opens of one recipient in one moment, in any order, as fast as one after the other", async () => {
      const { email } = emailEntry();
      await writeEntries(db, [
        { kind: "email", email },
        recipientsEntry(email.id, 1),
        eventEntry(email.id, "email.sent", { at: T0 + 1, data: { attempt: attempt(1) } }),
      ]);
      // Were each to look through all that are there, this would take minutes.
      for (let batch = 0; batch < 8; batch++)
        await writeEntries(
          db,
          Array.from({ length: 1_000 }, (_, i) =>
            eventEntry(email.id, "email.opened", {
              at: T0 + 10 - batch,
              id: idAt(T0 + batch * 1_000 + ((i * 7_919) % 1_000)),
            }),
          ),
        );
      expect(await first(email.id)).toMatchObject({
        status: "opened",
        attempts: 1,
        updated_at: T0 + 10,
        code: 250,
      });
    });

    it("keeps the newest attempt's words when an older one comes late", async () => {
      const { email } = emailEntry();
      await writeEntries(db, [{ kind: "email", email }, recipientsEntry(email.id, 1)]);
      const bounced = attempt(3, {
        code: 550,
        text: "No such user",
        category: "unknown_mailbox",
        sentence: "No.",
      });
      await writeEntries(db, [
        eventEntry(email.id, "email.bounced", { at: T0 + 9, data: { attempt: bounced } }),
      ]);
      await writeEntries(db, [
        eventEntry(email.id, "email.delivery_delayed", {
          at: T0 + 5,
          data: { attempt: attempt(2, { code: 451 }) },
        }),
      ]);
      expect(await first(email.id)).toMatchObject({
        status: "bounced",
        attempts: 3,
        code: 550,
        reply: "No such user",
        category: "unknown_mailbox",
      });
    });

    it("takes category and reason from a report without an attempt, and keeps the relay's reply", async () => {
      const { email } = emailEntry();
      await writeEntries(db, [
        { kind: "email", email },
        recipientsEntry(email.id, 1),
        eventEntry(email.id, "email.sent", { at: T0 + 1, data: { attempt: attempt(1) } }),
        eventEntry(email.id, "email.bounced", {
          at: T0 + 2,
          data: { category: "mailbox_full", reason: "The mailbox is full." },
        }),
      ]);
      expect(await first(email.id)).toMatchObject({
        status: "bounced",
        code: 250,
        category: "mailbox_full",
        sentence: "The mailbox is full.",
      });
    });

    it("moves all recipients with an event of the email, but those who have come further", async () => {
      const { email } = emailEntry({ scheduled_at: T0 + 1_000 });
      await writeEntries(db, [
        { kind: "email", email },
        recipientsEntry(email.id, 3, { status: "scheduled" }),
        eventEntry(email.id, "email.scheduled", {
          recipient: null,
          at: T0 + 2,
          data: { scheduled_at: T0 + 9_000 },
        }),
        eventEntry(email.id, "email.scheduled", {
          recipient: null,
          at: T0 + 1,
          data: { scheduled_at: T0 + 5_000 },
        }),
        eventEntry(email.id, "email.sent", { recipient: 1, at: T0 + 3 }),
        eventEntry(email.id, "email.canceled", {
          recipient: null,
          at: T0 + 4,
          data: { reason: "Cancelled." },
        }),
      ]);
      expect(await countsByStatus(db, email.id)).toEqual({ canceled: 2, sent: 1 });
      expect(await first(email.id)).toMatchObject({ sentence: "Cancelled.", updated_at: T0 + 4 });
      expect(await findEmail(db, email.id)).toMatchObject({
        last_event: "sent",
        scheduled_at: T0 + 9_000,
        updated_at: T0 + 4,
      });
    });

    it("does not name an email after an unsubscribe, which is no name for it", async () => {
      const { email } = emailEntry();
      await writeEntries(db, [
        { kind: "email", email },
        recipientsEntry(email.id, 1),
        eventEntry(email.id, "email.clicked"),
        eventEntry(email.id, "email.unsubscribed"),
      ]);
      expect(await findEmail(db, email.id)).toMatchObject({ last_event: "clicked" });
      expect(await first(email.id)).toMatchObject({ status: "unsubscribed" });
    });

    it("ends the same in whatever order and however often entries come", async () => {
      const types: EventType[] = [
        "email.delivery_delayed",
        "email.sent",
        "email.opened",
        "email.bounced",
        "email.canceled",
      ];
      const story = (): LedgerEntry[] => {
        const { email } = emailEntry();
        return [
          { kind: "email", email },
          recipientsEntry(email.id, 2),
          ...types.map((type, i) =>
            eventEntry(email.id, type, {
              recipient: i === 4 ? null : i % 2,
              at: T0 + i * 7,
              data: i < 2 || i === 3 ? { attempt: attempt(i + 1, { code: 400 + i }) } : {},
            }),
          ),
          eventEntry(email.id, "email.scheduled", {
            recipient: null,
            at: T0 + 3,
            data: { scheduled_at: T0 + 99 },
          }),
        ];
      };
      const look = async (id: string) => {
        const email = (await findEmail(db, id))!;
        const { rows } = await recipientsOf(db, id, { limit: 10 });
        return {
          ...email,
          id: "",
          recipients: rows.map((row) => ({ ...row, updated_at: null, sentence: null })),
        };
      };
      const straight = story();
      await writeEntries(db, straight);
      const expected = await look((straight[0] as { email: { id: string } }).email.id);
      await fc.assert(
        fc.asyncProperty(
          fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6, 7], { minLength: 8 }),
          fc.array(fc.nat(7), { maxLength: 4 }),
          async (order, repeats) => {
            const entries = story();
            for (const i of [...order, ...repeats]) await writeEntries(db, [entries[i]!]);
            expect(await look((entries[0] as { email: { id: string } }).email.id)).toEqual(expected);
          },
        ),
        { numRuns: 12 },
      );
    });

    it("answers from indexes, without sorting or reading tables whole", async () => {
      const { email } = emailEntry();
      const asked = vi.spyOn(db.$client, "execute");
      await findEmail(db, email.id);
      await listEmails(db, { limit: 5 });
      await listEmails(db, { limit: 5, after: email.id });
      await listEmails(db, { limit: 5, before: email.id });
      await recipientsOf(db, email.id, { limit: 5, after: 3 });
      await countsByStatus(db, email.id);
      await bodyOf(db, email.id, "html");
      const place = { at: T0, id: idAt(T0) };
      const filters: EventFilter[] = [
        { emailId: email.id },
        {},
        { types: ["email.complained", "email.bounced"], since: T0, until: T0 + 1, relay: "main" },
        { category: "mailbox_full", tag: { name: "campaign", value: null } },
        { category: "accepted" },
      ];
      for (const filter of filters)
        for (const order of ["asc", "desc"] as const) {
          await findEvents(db, filter, { limit: 5, order });
          await findEvents(db, filter, { limit: 5, order, after: place });
          await findEvents(db, filter, { limit: 5, order, before: place });
        }
      const statements = asked.mock.calls.map(
        ([statement]) => statement as unknown as { sql: string; args: never[] },
      );
      asked.mockRestore();
      // What the trigger of each event looks up: with the wrong index it reads every event of the email.
      statements.push({
        sql: `SELECT data FROM events WHERE email_id = ? AND recipient = ? AND data -> '$.attempt' IS NOT NULL
          ORDER BY at DESC, id DESC LIMIT 1`,
        args: ["x" as never, 1 as never],
      });
      expect(statements.length).toBe(74);
      for (const { sql, args } of statements) {
        const { rows } = await db.$client.execute({ sql: `EXPLAIN QUERY PLAN ${sql}`, args });
        // What is found is one page of ids, each of which is looked up; a virtual table is a list in JSON.
        for (const { detail } of rows.filter(
          (row) => !/^SCAN (found$|\S+ VIRTUAL TABLE)/.test(String(row.detail)),
        )) {
          expect([sql, detail]).not.toEqual([
            sql,
            expect.stringMatching(/^SCAN (?!.*USING (COVERING )?INDEX)/),
          ]);
          expect([sql, detail]).not.toEqual([sql, expect.stringContaining("TEMP B-TREE")]);
        }
        if (sql.includes("FROM events e") && args.includes(place.id as never))
          expect(rows.map(({ detail }) => detail)).toContainEqual(expect.stringMatching(/at>\?|at<\?/));
        if (sql.includes("$.attempt"))
          expect(rows[0]!.detail).toContain("events_recipient (email_id=? AND recipient=?)");
      }
    });

    it("finds people by address, in any case, and their mail of a campaign, by an index", async () => {
      const asked = vi.spyOn(db.$client, "execute");
      const { email } = emailEntry({ meta: { mailjet: { campaign: "May" } } });
      await writeEntries(db, [
        { kind: "email", email },
        recipientsEntry(email.id, 2, { from: 77_000 }),
        eventEntry(email.id, "email.sent", { recipient: 77_001 }),
      ]);
      const found = await findEvents(db, { address: "R77001@example.ORG" }, { limit: 5, order: "desc" });
      expect(found.rows).toMatchObject([{ email_id: email.id, recipient: 77_001 }]);
      expect(await mailedInCampaign(db, "May", ["R77001@example.ORG", "nobody@example.org"])).toEqual(
        new Set(["R77001@example.ORG"]),
      );
      const statements = asked.mock.calls.map(([one]) => one as unknown as { sql: string; args: never[] });
      asked.mockRestore();
      expect(statements.length).toBe(2);
      for (const { sql, args } of statements) {
        const { rows } = await db.$client.execute({ sql: `EXPLAIN QUERY PLAN ${sql}`, args });
        expect(rows.map(({ detail }) => detail)).toContain(
          "SEARCH r USING INDEX recipients_address (<expr>=?)",
        );
      }
    });

    it("pages events both ways, whatever they are looked for by, each of them once", async () => {
      const at = T0 + 5e9;
      const { email } = emailEntry({
        id: idAt(at),
        created_at: at,
        tags: [{ name: "list", value: "pages" }],
      });
      const types: EventType[] = ["email.sent", "email.opened", "email.bounced", "email.complained"];
      const told = Array.from({ length: 40 }, (_, i) =>
        eventEntry(email.id, types[(i * 7) % 4]!, {
          at: at + Math.floor(i / 5),
          data: (i * 7) % 4 === 2 ? { category: "mailbox_moved" } : {},
        }),
      );
      await writeEntries(db, [{ kind: "email", email }, recipientsEntry(email.id, 1, { from: 0 }), ...told]);
      const sorted = told.map(({ event }) => event).sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1));
      const bounds = { since: at, until: at + 1_000 };
      const ways: [EventFilter, (event: (typeof sorted)[0]) => boolean][] = [
        [{ emailId: email.id }, () => true],
        [{ ...bounds }, () => true],
        [{ ...bounds, tag: { name: "list", value: "pages" } }, () => true],
        [{ ...bounds, tag: { name: "list", value: "other" } }, () => false],
        [{ ...bounds, types: ["email.opened", "email.sent"] }, ({ type }) => /sent|opened/.test(type)],
        [{ ...bounds, category: "mailbox_moved" }, ({ type }) => type === "email.bounced"],
        [{ since: at + 2, until: at + 4 }, (event) => event.at >= at + 2 && event.at < at + 4],
      ];
      for (const [filter, wanted] of ways)
        for (const order of ["asc", "desc"] as const) {
          const expected = sorted.filter(wanted).map(({ id }) => id);
          if (order === "desc") expected.reverse();
          const seen: string[] = [];
          let after: { at: number; id: string } | null = null;
          for (let more = true; more; ) {
            const page: Awaited<ReturnType<typeof findEvents>> = await findEvents(db, filter, {
              limit: 7,
              order,
              after,
            });
            seen.push(...page.rows.map(({ id }) => id));
            after = page.rows.at(-1) ?? null;
            more = page.hasMore;
          }
          expect([filter, order, seen]).toEqual([filter, order, expected]);
          if (expected.length < 10) continue;
          const before = sorted.find(({ id }) => id === expected[9])!;
          const page = await findEvents(db, filter, { limit: 4, order, before });
          expect(page.rows.map(({ id }) => id)).toEqual(expected.slice(5, 9));
        }
    });

    it("does not take a page for the last one when an event of it is forgotten while it is read", async () => {
      const at = T0 + 6e9;
      const { email } = emailEntry({ id: idAt(at), created_at: at });
      const told = Array.from({ length: 8 }, (_, i) => eventEntry(email.id, "email.opened", { at: at + i }));
      await writeEntries(db, [{ kind: "email", email }, recipientsEntry(email.id, 1), ...told]);
      const forgotten = told[1]!.event.id;
      // Ids are looked for first; right after that an erasure or RETENTION_DAYS comes between.
      const all = async (query: Parameters<Db["all"]>[0]) => {
        const rows = await db.all<{ id: string }>(query);
        if (rows.some(({ id }) => id === forgotten))
          await db.$client.execute({ sql: "DELETE FROM events WHERE id = ?", args: [forgotten] });
        return rows;
      };
      const busy = new Proxy(db, { get: (of, name) => (name === "all" ? all : Reflect.get(of, name)) });
      const bounds = { since: at, until: at + 1_000 };
      const page = await findEvents(busy, bounds, { limit: 4, order: "asc" });
      expect(page.rows.map(({ id }) => id)).toEqual([0, 2, 3, 4].map((i) => told[i]!.event.id));
      expect(page.hasMore).toBe(true);
    });

    it("writes all of a call or none of it, and says that it was refused", async () => {
      const { email } = emailEntry();
      const broken = { kind: "event", event: { id: null, email_id: email.id } } as unknown as LedgerEntry;
      const failure = await writeEntries(db, [{ kind: "email", email }, broken]).catch((cause) => cause);
      expect(failure).toBeInstanceOf(DbError);
      expect(failure).toMatchObject({ kind: "refused" });
      expect(await findEmail(db, email.id)).toBeNull();
    });

    it("takes 10,000 recipients and their outcomes in a few calls", async () => {
      const { email } = emailEntry({ kind: "bulk" });
      const entries: LedgerEntry[] = [{ kind: "email", email }];
      for (let from = 0; from < 10_000; from += 500) entries.push(recipientsEntry(email.id, 500, { from }));
      await writeEntries(db, entries);
      for (let from = 0; from < 10_000; from += 2_000) {
        const events = Array.from({ length: 2_000 }, (_, i) =>
          eventEntry(email.id, "email.sent", { recipient: from + i, data: { attempt: attempt(1) } }),
        );
        await writeEntries(db, events);
      }
      expect(await countsByStatus(db, email.id)).toEqual({ sent: 10_000 });
    });

    it("keeps every kind of value, and says what a statement changed", async () => {
      await db.$client.execute("CREATE TABLE IF NOT EXISTS kinds (id INTEGER PRIMARY KEY, v)");
      const values = [null, 0, -1.5, "", "é🚀", 5n, 2n ** 53n + 1n, -(2n ** 63n), 2n ** 63n - 1n];
      for (const value of values) {
        const inserted = await db.$client.execute({ sql: "INSERT INTO kinds (v) VALUES (?)", args: [value] });
        expect(inserted.rowsAffected).toBe(1);
        const { rows } = await db.$client.execute({
          sql: "SELECT typeof(v) AS t, CAST(v AS TEXT) AS s FROM kinds WHERE id = ?",
          args: [inserted.lastInsertRowid!],
        });
        if (typeof value === "bigint") expect([rows[0]!.t, rows[0]!.s]).toEqual(["integer", String(value)]);
        if (typeof value === "number") expect(rows[0]!.t).toBe("real");
      }
      const blob = await db.$client.execute({ sql: "SELECT ? AS b", args: [new Uint8Array([0, 255, 1])] });
      expect(new Uint8Array(blob.rows[0]!.b as ArrayBuffer)).toEqual(new Uint8Array([0, 255, 1]));
      const named = await db.$client.execute({
        sql: "SELECT :b AS b, @a AS a, :b AS c",
        args: { a: "A", b: "B" },
      });
      expect({ ...named.rows[0] }).toMatchObject({ a: "A", b: "B", c: "B" });
      const updated = await db.$client.execute("UPDATE kinds SET v = 1 WHERE id <= 2");
      expect(updated.rowsAffected).toBe(2);
    });

    it("rolls a batch back as a whole", async () => {
      await db.$client.execute("CREATE TABLE IF NOT EXISTS pairs (a INTEGER PRIMARY KEY)");
      await expect(
        db.$client.batch(["INSERT INTO pairs VALUES (1)", "INSERT INTO pairs VALUES (1)"], "write"),
      ).rejects.toThrow();
      const { rows } = await db.$client.execute("SELECT count(*) AS n FROM pairs");
      expect(rows[0]!.n).toBe(0);
    });
  });
}

/** What erasing promises, whichever database is behind it: one person is nowhere, all others are where they were. */
import { beforeAll, describe, expect, it } from "vitest";
import type { Db } from "../../src/db/client.ts";
import { bodyOf, findEmail, recipientsOf } from "../../src/db/emails.ts";
import { copiesTo, type ErasedRows, eraseCopies } from "../../src/db/erase.ts";
import { figuresOf } from "../../src/db/figures.ts";
import { writeEntries } from "../../src/db/journal.ts";
import { migrate } from "../../src/db/migrate.ts";
import { mentions } from "../../src/schema/erasure.ts";
import type { EmailRow, LedgerEntry } from "../../src/schema/event.ts";
import { attempt, emailEntry, eventEntry, idAt } from "../support/entries.ts";

const now = Date.now();
const BOB = "bob@erased.example";

export function eraseContract(name: string, open: () => Promise<Db> | Db): void {
  describe(name, () => {
    let db: Db;
    beforeAll(async () => {
      db = await open();
      expect(await migrate(db)).toMatchObject({ ok: true });
    });

    async function mail(to: string[], over: Partial<EmailRow> = {}): Promise<string> {
      const { email } = emailEntry({ id: idAt(now), created_at: now, to, from: "a@eraser.example", ...over });
      const rows = to.map((address, index) => ({
        index,
        address: address.replace(/^.*<|>$/g, ""),
        kind: "to" as const,
        status: "queued" as const,
      }));
      const entries: LedgerEntry[] = [
        { kind: "email", email },
        { kind: "recipients", email_id: email.id, rows },
        { kind: "body", email_id: email.id, part: "html", seq: 0, data: "<p>Hello</p>" },
        ...rows.flatMap(({ index, address }) => [
          eventEntry(email.id, "email.sent", { recipient: index, at: now, data: { attempt: attempt(1) } }),
          eventEntry(email.id, "email.opened", {
            recipient: index,
            at: now + 1,
            data: { visitor: { user_agent: address, ip: "192.0.2.1", verdict: "person", reason: "" } },
          }),
        ]),
        eventEntry(email.id, "email.scheduled", { recipient: null, at: now, data: { scheduled_at: now } }),
      ];
      await writeEntries(db, entries);
      return email.id;
    }
    async function erase(address: string): Promise<ErasedRows & { turns: number }> {
      const sum: Record<string, number> = { turns: 0 };
      for (;;) {
        const copies = await copiesTo(db, address);
        if (copies.length === 0) return sum as ErasedRows & { turns: number };
        sum.turns! += 1;
        for (const [what, rows] of Object.entries(await eraseCopies(db, address, copies)))
          sum[what] = (sum[what] ?? 0) + rows;
      }
    }
    /** Every table in the database that names an address; those of db.ts hold values of every kind, and nobody. */
    async function traces(address: string): Promise<string[]> {
      const { rows: tables } = await db.$client.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite%' AND name NOT IN ('kinds', 'pairs')",
      );
      const found: string[] = [];
      for (const { name } of tables)
        for (const row of (await db.$client.execute(`SELECT * FROM "${name}"`)).rows)
          if (
            mentions(
              JSON.stringify(row, (_, value) => (typeof value === "bigint" ? String(value) : value)),
              address,
            )
          )
            found.push(String(name));
      return found;
    }
    const sent = async () =>
      (await figuresOf(db, {
        periods: [[0, 1e9]],
        by: [],
        only: { sender_domain: ["eraser.example"] },
        emails: null,
        byEmail: false,
        without: [],
        limit: 100,
      }))!
        .filter(({ metric }) => metric === "sent")
        .reduce((sum, { count }) => sum + count, 0);

    it("takes what was theirs alone, and leaves others what was theirs too", async () => {
      const alone = await mail([`Bob <${BOB}>`]);
      const shared = await mail(["Bea <bea@example.org>", "Bob <Bob@Erased.example>"], {
        cc: [`"Bob, again" <${BOB}>`],
        headers: { "X-For": BOB, "X-Other": "1" },
      });
      const bulk = await mail(["x@example.org", BOB], { kind: "bulk", to: [], headers: {} });
      const other = await mail(["notbob@erased.example"]);
      const before = await sent();
      expect((await traces(BOB)).length).toBeGreaterThan(5);
      expect(await erase(BOB)).toEqual({
        turns: 1,
        recipients: 3,
        events: 3 + 2 + 2, // With the one of the email that was theirs alone.
        firsts: 9,
        bodies: 1,
        emails: 1,
        emails_changed: 1,
      });
      expect(await traces(BOB)).toEqual([]);
      expect(await findEmail(db, alone)).toBeNull();
      expect(await findEmail(db, shared)).toMatchObject({
        to: ["Bea <bea@example.org>"],
        cc: [],
        headers: { "X-Other": "1" },
      });
      expect(await bodyOf(db, shared, "html")).toBe("<p>Hello</p>");
      for (const id of [shared, bulk])
        expect((await recipientsOf(db, id, { limit: 9 })).rows).toMatchObject([
          { index: 0, status: "opened" },
        ]);
      expect((await recipientsOf(db, other, { limit: 9 })).rows).toHaveLength(1);
      expect(await sent()).toBe(before);
      expect(await erase(BOB)).toEqual({ turns: 0 });
    });

    it("goes through much mail in bounded turns", async () => {
      for (let i = 0; i < 130; i++) await mail(["often@erased.example"]);
      expect(await erase("often@erased.example")).toMatchObject({ turns: 2, emails: 130, recipients: 130 });
      expect(await traces("often@erased.example")).toEqual([]);
    });
  });
}

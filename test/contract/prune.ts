/** What pruning promises, whichever database is behind it: the old goes, all of it, and figures stay. */
import { beforeAll, describe, expect, it } from "vitest";
import type { Db } from "../../src/db/client.ts";
import { bodyOf, findEmail } from "../../src/db/emails.ts";
import { figuresOf } from "../../src/db/figures.ts";
import { writeEntries } from "../../src/db/journal.ts";
import { migrate } from "../../src/db/migrate.ts";
import { type Pruned, prune } from "../../src/db/prune.ts";
import { attempt, emailEntry, eventEntry, idAt, recipientsEntry } from "../support/entries.ts";

const DAY = 86_400_000;
const now = Date.UTC(2026, 10, 1);

export function pruneContract(name: string, open: () => Promise<Db> | Db): void {
  describe(name, () => {
    let db: Db;
    beforeAll(async () => {
      db = await open();
      expect(await migrate(db)).toMatchObject({ ok: true });
    });

    /** An email of so many days ago, whole. Its id. */
    async function mail(
      days: number,
      copies: number,
      over: { expires_at?: number; scheduled_at?: number } = {},
    ) {
      const at = now - days * DAY;
      const { email } = emailEntry({ id: idAt(at), created_at: at, from: "a@pruned.example", ...over });
      await writeEntries(db, [
        { kind: "email", email },
        ...Array.from({ length: Math.ceil(copies / 500) }, (_, i) =>
          recipientsEntry(email.id, Math.min(500, copies - i * 500), { from: i * 500 }),
        ),
        { kind: "body", email_id: email.id, part: "html", seq: 0, data: "<p>Hello</p>" },
        { kind: "body", email_id: email.id, part: "text", seq: 0, data: "Hello" },
      ]);
      const events = Array.from({ length: copies }, (_, recipient) =>
        eventEntry(email.id, "email.sent", { recipient, at, data: { attempt: attempt(1) } }),
      );
      const visitor = { user_agent: "Agent/1", ip: "192.0.2.0", verdict: "person", reason: "" };
      await writeEntries(db, [...events, eventEntry(email.id, "email.opened", { at, data: { visitor } })]);
      return email.id;
    }
    async function pruneAll(
      bodies: number | null,
      events: number | null,
    ): Promise<Pruned & { turns: number }> {
      const sum = { bodies: 0, events: 0, recipients: 0, firsts: 0, emails: 0, turns: 0 };
      for (let more = true; more; sum.turns++) {
        const done = await prune(db, {
          bodiesBefore: bodies === null ? null : now - bodies * DAY,
          eventsBefore: events === null ? null : now - events * DAY,
          now,
        });
        more = done.more;
        for (const [what, rows] of Object.entries(done.pruned)) sum[what as keyof Pruned] += rows;
      }
      return sum;
    }
    const sent = async () => {
      const rows = await figuresOf(db, {
        periods: [[0, 1e9]],
        by: [],
        only: { sender_domain: ["pruned.example"] },
        emails: null,
        byEmail: false,
        without: [],
        limit: 100,
      });
      return rows!.filter(({ metric }) => metric === "sent").reduce((sum, { count }) => sum + count, 0);
    };

    it("forgets bodies first, then emails with all that is theirs, in bounded turns; figures stay", async () => {
      const [old, middle, young] = [await mail(100, 2_500), await mail(40, 3), await mail(2, 3)];
      const late = await mail(100, 1, { expires_at: now + DAY });
      const moved = await mail(100, 1, { scheduled_at: now + DAY });
      expect(await pruneAll(30, null)).toMatchObject({ bodies: 8, events: 0, emails: 0 });
      expect(await bodyOf(db, middle, "html")).toBeNull();
      expect(await bodyOf(db, young, "html")).toBe("<p>Hello</p>");
      const before = await sent();
      expect(before).toBe(2_500 + 3 + 3 + 1 + 1);
      // Opens and clicks may come when the email is gone.
      await writeEntries(db, [eventEntry(idAt(now - 200 * DAY), "email.opened", { at: now })]);
      const pruned = await pruneAll(30, 90);
      expect(pruned).toMatchObject({ bodies: 0, events: 2_502, recipients: 2_500, firsts: 6, emails: 1 });
      expect(pruned.turns).toBeGreaterThan(1);
      expect(await findEmail(db, old)).toBeNull();
      for (const id of [middle, young, late, moved]) expect(await findEmail(db, id)).not.toBeNull();
      expect(await sent()).toBe(before);
      expect(await pruneAll(30, 90)).toEqual({
        bodies: 0,
        events: 0,
        recipients: 0,
        firsts: 0,
        emails: 0,
        turns: 1,
      });
    });
  });
}

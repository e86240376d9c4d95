/** What the figures promise, whichever database is behind them: a recount of the events, and firsts whatever the order. */
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { COUNT_ROUND } from "../../src/core/limits.ts";
import type { Db } from "../../src/db/client.ts";
import { findEmail, recipientsOf } from "../../src/db/emails.ts";
import { COUNT_SQL, FIGURE_DIMENSIONS, type FigureQuery, figuresOf } from "../../src/db/figures.ts";
import { writeEntries } from "../../src/db/journal.ts";
import { migrate } from "../../src/db/migrate.ts";
import type { EmailRow, EventType, LedgerEntry, MailEvent } from "../../src/schema/event.ts";
import { attempt, emailEntry, eventEntry, idAt, recipientsEntry } from "../support/entries.ts";

const HOUR = 3_600_000;
/** Marks of old emails are counted without what is missing; these are young. */
const now = Date.now();

const EVERYTHING: FigureQuery = {
  periods: [[0, 1e9]],
  by: FIGURE_DIMENSIONS,
  only: {},
  emails: null,
  byEmail: false,
  without: [],
  limit: 10_000,
};

const VERDICTS = ["person", "proxy", "scanner"] as const;
const hit = (verdict: string) => ({ visitor: { user_agent: null, ip: null, verdict, reason: "test" } });

/** Counts as the figures have them, by looking at every event there is. */
function recount(emails: EmailRow[], events: MailEvent[], domainOf: (index: number) => string) {
  const counts = new Map<string, number>();
  const add = (...key: (string | number | null)[]) => {
    const text = JSON.stringify(key);
    counts.set(text, (counts.get(text) ?? 0) + 1);
  };
  for (const email of emails) {
    const own = events
      .filter((event) => event.email_id === email.id)
      .sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1));
    const sentBy = (recipient: number | null) =>
      own.find((event) => event.type === "email.sent" && event.recipient === recipient)?.data.attempt
        ?.relay ?? null;
    const around = (recipient: number | null) => [
      email.from.replace(/^.*@|>$/g, "").toLowerCase(),
      recipient === null ? null : domainOf(recipient),
    ];
    const seen = new Set<string>();
    for (const { type, at, recipient, data } of own) {
      const visit = type === "email.opened" || type === "email.clicked";
      const kind = type.slice("email.".length);
      const verdict = data.visitor?.verdict ?? "person";
      const metrics = visit
        ? [`${kind}_${verdict}`]
        : [type === "email.bounced" && data.attempt === undefined ? "bounced_later" : kind];
      if (visit)
        for (const [suffix, verdicts] of [
          ["_all", VERDICTS],
          ["", ["person", "proxy"]],
          ["_person", ["person"]],
        ] as const) {
          const name = `unique_${kind}${suffix}`;
          if (!(verdicts as readonly string[]).includes(verdict) || seen.has(`${name}:${recipient}`))
            continue;
          seen.add(`${name}:${recipient}`);
          metrics.push(name);
        }
      const late = ["delivered", "opened", "clicked", "bounced", "complained", "unsubscribed"].includes(kind);
      const relay = data.attempt?.relay ?? (late ? sentBy(recipient) : null);
      const category = data.attempt?.category ?? data.category ?? null;
      const tags = email.tags.length === 0 ? [null] : email.tags.map(({ name, value }) => `${name}=${value}`);
      for (const metric of metrics)
        for (const tag of tags)
          add(
            Math.floor(at / HOUR),
            metric,
            ...around(recipient),
            relay,
            metric.startsWith("unique_") ? null : category,
            tag,
          );
    }
  }
  return Object.fromEntries([...counts].sort());
}

export function figuresContract(name: string, open: () => Promise<Db> | Db): void {
  describe(name, () => {
    let db: Db;
    beforeAll(async () => {
      db = await open();
      expect(await migrate(db)).toMatchObject({ ok: true });
    });

    /** What the figures say of senders at a domain, in the form of `recount`. */
    async function figures(domain: string, query: Partial<FigureQuery> = {}) {
      const hours = Array.from({ length: 12 }, (_, i) => Math.floor(now / HOUR) - 6 + i);
      const rows = await figuresOf(db, {
        ...EVERYTHING,
        periods: hours.map((hour) => [hour, hour + 1]),
        only: { sender_domain: [domain] },
        ...query,
      });
      const sums = new Map<string, number>();
      for (const { period, metric, group, count } of rows!) {
        const key = JSON.stringify([hours[period], metric, ...group]);
        sums.set(key, (sums.get(key) ?? 0) + count);
      }
      return Object.fromEntries([...sums].sort());
    }
    const count = () => db.$client.execute(COUNT_SQL);
    const waiting = async () =>
      Number((await db.$client.execute("SELECT count(*) AS n FROM uncounted")).rows[0]!.n);

    it("equal a recount, for any order and repetition of inserts, counted or not yet", {
      timeout: 30_000,
    }, async () => {
      const anEvent = fc.record({
        type: fc.constantFrom<EventType>(
          "email.sent",
          "email.delivery_delayed",
          "email.bounced",
          "email.opened",
          "email.clicked",
          "email.complained",
          "email.failed",
          "email.canceled",
        ),
        recipient: fc.nat(2),
        hour: fc.integer({ min: -3, max: 3 }),
        verdict: fc.constantFrom(...VERDICTS),
        relay: fc.constantFrom("main", "second"),
        report: fc.boolean(),
      });
      let run = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.array(anEvent, { minLength: 1, maxLength: 12 }),
          fc.infiniteStream(fc.nat()),
          fc.nat(3),
          async (wanted, random, tagged) => {
            const domain = `run${run++}.example`;
            const tags = [
              { name: "campaign", value: "May" },
              { name: "list", value: "A" },
              { name: "b", value: "c" },
            ].slice(0, tagged);
            const email = emailEntry({
              id: idAt(now),
              created_at: now,
              from: `"a@b" <x@${domain.toUpperCase()}>`,
              tags,
            }).email;
            const sent = new Set<number>();
            const events = wanted.flatMap(({ type, recipient, hour, verdict, relay, report }) => {
              // A copy is sent once. Canceling may concern the email as a whole.
              if (type === "email.sent" && (sent.has(recipient) || !sent.add(recipient))) return [];
              const tried = attempt(1, {
                relay,
                category: type === "email.sent" ? "accepted" : "mailbox_full",
              });
              const data =
                type === "email.opened" || type === "email.clicked"
                  ? hit(verdict)
                  : type === "email.sent" ||
                      type === "email.delivery_delayed" ||
                      (type === "email.bounced" && !report)
                    ? { attempt: tried }
                    : type === "email.bounced"
                      ? { category: "unknown_mailbox" }
                      : {};
              return eventEntry(email.id, type, {
                recipient: type === "email.canceled" && report ? null : recipient,
                at: now + hour * HOUR,
                data,
              });
            });
            const entries: LedgerEntry[] = [
              { kind: "email", email },
              recipientsEntry(email.id, 3),
              ...events,
            ];
            const order = entries
              .map((entry) => [random.next().value, entry] as const)
              .sort((a, b) => a[0] - b[0])
              .map(([, entry]) => entry);
            for (const entry of order) {
              await writeEntries(db, [entry]);
              if (random.next().value % 3 === 0) await writeEntries(db, [entry]);
              if (random.next().value % 4 === 0) await count();
            }
            const expected = recount(
              [email],
              events.map(({ event }) => event),
              () => "example.org",
            );
            expect(await figures(domain)).toEqual(expected);
            await count();
            expect(await figures(domain)).toEqual(expected);
            expect(await figures(domain, { emails: [email.id] })).toEqual(expected);
          },
        ),
        { numRuns: 25 },
      );
    });

    it("count marks in rounds as they are written, and leave fewer than a round behind", async () => {
      await count();
      const before = await waiting();
      const { email } = emailEntry({ id: idAt(now), created_at: now, from: "a@round.example" });
      await writeEntries(db, [{ kind: "email", email }, recipientsEntry(email.id, 500)]);
      const events = Array.from({ length: 1_100 }, (_, i) =>
        eventEntry(email.id, i < 500 ? "email.sent" : "email.delivery_delayed", {
          recipient: i % 500,
          at: now,
          data: { attempt: attempt(1) },
        }),
      );
      await writeEntries(db, events);
      await writeEntries(db, events);
      const after = await waiting();
      expect(after - before).toBeLessThan(COUNT_ROUND);
      const rows = await figuresOf(db, { ...EVERYTHING, by: [], only: { sender_domain: ["round.example"] } });
      const sum = (metric: string) =>
        rows!.filter((row) => row.metric === metric).reduce((total, row) => total + row.count, 0);
      expect([sum("sent"), sum("delivery_delayed")]).toEqual([500, 600]);
    });

    it("bound the circumstances they tell apart, and lose no event to that", async () => {
      const many = 2_600;
      const { email } = emailEntry({ id: idAt(now), created_at: now, from: "a@bound.example", tags: [] });
      const rows = Array.from({ length: many }, (_, index) => ({
        index,
        address: `r@d${index}.example`,
        kind: "to" as const,
        status: "queued" as const,
      }));
      await writeEntries(db, [
        { kind: "email", email },
        { kind: "recipients", email_id: email.id, rows },
      ]);
      await writeEntries(
        db,
        rows.map(({ index }) =>
          eventEntry(email.id, "email.sent", { recipient: index, at: now, data: { attempt: attempt(1) } }),
        ),
      );
      await count();
      const answer = await figuresOf(db, {
        ...EVERYTHING,
        by: ["recipient_domain"],
        only: { sender_domain: ["bound.example"] },
      });
      const other = answer!.find(({ group }) => group[0] === "(other)")!;
      expect(other.count).toBeGreaterThanOrEqual(many - 2_000);
      expect(answer!.reduce((sum, row) => sum + row.count, 0)).toBe(many);
      const { rows: facets } = await db.$client.execute(
        "SELECT level, count(*) AS n FROM facets GROUP BY level",
      );
      for (const { level, n } of facets)
        expect([level, Number(n) <= (level === 1 ? 2_000 : 500)]).toEqual([level, true]);
    });

    it("say that there is more than was wanted", async () => {
      expect(await figuresOf(db, { ...EVERYTHING, limit: 1 })).toBeNull();
    });

    it("move no status by a scanner, nor the email, in whatever order", async () => {
      for (const early of [false, true]) {
        const { email } = emailEntry({ id: idAt(now), created_at: now });
        const rows: LedgerEntry[] = [{ kind: "email", email }, recipientsEntry(email.id, 1)];
        const events: LedgerEntry[] = [
          eventEntry(email.id, "email.sent", { at: now, data: { attempt: attempt(1) } }),
          eventEntry(email.id, "email.opened", { at: now + 1, data: hit("scanner") }),
          eventEntry(email.id, "email.clicked", { at: now + 2, data: hit("scanner") }),
        ];
        for (const entry of early ? [...events, ...rows] : [...rows, ...events])
          await writeEntries(db, [entry]);
        const status = async () => (await recipientsOf(db, email.id, { limit: 1 })).rows[0]!;
        expect(await status()).toMatchObject({
          status: "sent",
          first_opened_at: null,
          first_clicked_at: null,
        });
        expect(await findEmail(db, email.id)).toMatchObject({ last_event: "sent", updated_at: now + 2 });
        await writeEntries(db, [eventEntry(email.id, "email.opened", { at: now + 9, data: hit("person") })]);
        await writeEntries(db, [eventEntry(email.id, "email.opened", { at: now + 5, data: hit("proxy") })]);
        expect(await status()).toMatchObject({ status: "opened", first_opened_at: now + 5 });
        expect(await findEmail(db, email.id)).toMatchObject({ last_event: "opened" });
      }
    });
  });
}

/** A database with events from before there were figures: they are counted when it is brought up to date. */
export async function olderDatabase(db: Db): Promise<{ domain: string; sent: number }> {
  const all = (await import("../../migrations/index.ts")).MIGRATIONS;
  const older = all.filter(({ name }) => name < "0003");
  expect(await migrate(db, Date.now, older)).toMatchObject({ ok: true });
  const { email } = emailEntry({ id: idAt(now), created_at: now, from: "a@older.example" });
  await writeEntries(db, [
    { kind: "email", email },
    recipientsEntry(email.id, 500),
    recipientsEntry(email.id, 500, { from: 500 }),
    recipientsEntry(email.id, 250, { from: 1_000 }),
  ]);
  const events = [
    ...Array.from({ length: 1_250 }, (_, recipient) =>
      eventEntry(email.id, "email.sent", { recipient, at: now, data: { attempt: attempt(1) } }),
    ),
    eventEntry(email.id, "email.opened", { recipient: 3, at: now + 2, data: hit("person") }),
    eventEntry(email.id, "email.opened", { recipient: 3, at: now + 1, data: hit("proxy") }),
  ];
  // As it was written then.
  await db.$client.execute({
    sql: `INSERT INTO events (id, email_id, recipient, type, at, data) SELECT value ->> 'id', value ->> 'email_id',
      value ->> 'recipient', value ->> 'type', value ->> 'at', value -> 'data' FROM json_each(?)`,
    args: [JSON.stringify(events.map(({ event }) => event))],
  });
  expect(await migrate(db)).toMatchObject({ ok: true });
  return { domain: "older.example", sent: 1_250 };
}

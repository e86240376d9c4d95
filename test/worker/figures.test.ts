/** GET /emails/metrics, by Resend's contract and beyond. */
import { env } from "cloudflare:workers";
import { Resend } from "resend";
import { describe, expect, it, vi } from "vitest";
import type { EmailId } from "../../src/core/ids.ts";
import { writeEntries } from "../../src/db/journal.ts";
import { dbOf, type Env, ledgerOf } from "../../src/env.ts";
import type { LedgerEntry } from "../../src/schema/event.ts";
import { call, KEY, worker } from "../support/api.ts";
import { attempt, emailEntry, eventEntry, idAt, recipientsEntry } from "../support/entries.ts";

const T = Date.UTC(2026, 9, 5, 22, 30); // A Monday, half past midnight in Vienna on the day after.
const DAY = 86_400_000;
const visitor = (verdict: string) => ({ visitor: { user_agent: null, ip: null, verdict, reason: "test" } });

let runs = 0;
/** Ten copies of an email sent by two relays, and what became of them; a day later, another one that bounces by report. */
async function campaign(): Promise<{ domain: string; ids: string[] }> {
  const domain = `figures${runs++}.example`;
  const mail = (at: number, tags: string[]) =>
    emailEntry({
      id: idAt(at),
      created_at: at,
      from: `A <a@${domain}>`,
      tags: tags.map((value) => ({ name: "campaign", value })),
    });
  const [first, second] = [mail(T, ["May", "June"]), mail(T + DAY, [])];
  const [a, b] = [first.email.id, second.email.id];
  const to = (index: number, more: object) => ({ recipient: index, at: T, ...more });
  const entries: LedgerEntry[] = [
    first,
    recipientsEntry(a, 10),
    ...Array.from({ length: 8 }, (_, i) =>
      eventEntry(
        a,
        "email.sent",
        to(i, { data: { attempt: attempt(1, { relay: i < 6 ? "main" : "second" }) } }),
      ),
    ),
    eventEntry(a, "email.bounced", to(8, { data: { attempt: attempt(1, { category: "unknown_mailbox" }) } })),
    eventEntry(a, "email.bounced", to(9, { data: { attempt: attempt(1, { category: "mailbox_full" }) } })),
    ...["person", "person", "proxy", "scanner"].map((verdict) =>
      eventEntry(a, "email.opened", to(0, { data: visitor(verdict) })),
    ),
    eventEntry(a, "email.opened", to(1, { data: visitor("proxy") })),
    eventEntry(a, "email.opened", to(7, { data: visitor("scanner") })),
    eventEntry(a, "email.clicked", to(0, { data: visitor("person") })),
    eventEntry(a, "email.complained", to(6, {})),
    second,
    recipientsEntry(b, 1),
    eventEntry(b, "email.sent", { at: T + DAY, data: { attempt: attempt(1) } }),
    eventEntry(b, "email.bounced", { at: T + DAY, data: { category: "unknown_mailbox" } }),
  ];
  // Past the ledger, which would judge visits of one moment anew.
  await writeEntries(dbOf(env as unknown as Env), entries);
  return { domain, ids: [a, b] };
}
const metrics = (query: Record<string, string>) =>
  call("GET", `/emails/metrics?${new URLSearchParams(query)}`);
const range = { start_date: "2026-10-01", end_date: "2026-10-31" };

describe("GET /emails/metrics", () => {
  it("gives totals, with machines told apart, and rates", async () => {
    const { domain } = await campaign();
    const { status, body } = await metrics({ ...range, domain_id: domain });
    expect(status).toBe(200);
    expect(body).toMatchObject({ object: "metrics", dimensions: [], granularity: "daily" });
    expect(body).not.toHaveProperty("data");
    expect(body.start_date).toBe("2026-10-01T00:00:00.000Z");
    expect(body.end_date).toBe("2026-10-31T23:59:59.999Z");
    expect(body.totals).toMatchObject({
      sent: 9,
      bounced: 3,
      bounced_permanent: 2,
      bounced_transient: 1,
      bounced_undetermined: 0,
      complained: 1,
      opened: 4,
      opened_person: 2,
      opened_proxy: 2,
      opened_scanner: 2,
      unique_opened: 2,
      unique_opened_person: 1,
      unique_opened_all: 3,
      unique_clicked: 1,
      delivery_rate: 0.7273, // 8 of 11
      bounce_rate: 0.2727,
      open_rate: 0.25, // 2 of 8
      open_rate_person: 0.125,
      open_rate_all: 0.375,
      click_rate: 0.125,
      complaint_rate: 0.125,
      received: 0,
    });
  });

  it("tells days apart, in the zone asked for", async () => {
    const { domain } = await campaign();
    const query = { ...range, domain_id: domain, dimensions: "period", metrics: "sent,bounce_rate" };
    expect((await metrics(query)).body.data).toEqual([
      { period: "2026-10-05", sent: 8, bounce_rate: 0.2 },
      { period: "2026-10-06", sent: 1, bounce_rate: 1 },
    ]);
    expect((await metrics({ ...query, timezone: "Europe/Vienna" })).body.data).toMatchObject([
      { period: "2026-10-06", sent: 8 },
      { period: "2026-10-07", sent: 1 },
    ]);
    expect((await metrics({ ...query, granularity: "weekly" })).body.data).toMatchObject([
      { period: "2026-10-05", sent: 9 },
    ]);
  });

  it("tells relays, categories, domains and tags apart, also together", async () => {
    const { domain } = await campaign();
    const by = async (dimensions: string, metric: string, more = {}) =>
      (await metrics({ ...range, domain_id: domain, dimensions, metrics: metric, ...more })).body.data;
    expect(await by("relay", "sent,unique_opened_all,complained")).toEqual([
      { relay: "main", sent: 7, unique_opened_all: 2, complained: 0 },
      { relay: "second", sent: 2, unique_opened_all: 1, complained: 1 },
    ]);
    expect(await by("category", "bounced", { category: "mailbox_full,unknown_mailbox" })).toEqual([
      { category: "mailbox_full", bounced: 1 },
      { category: "unknown_mailbox", bounced: 2 },
    ]);
    expect(await by("domain", "sent")).toEqual([{ domain_id: domain, domain_name: domain, sent: 9 }]);
    expect(await by("recipient_domain", "sent")).toEqual([{ recipient_domain: "example.org", sent: 9 }]);
    // An email counts under each of its tags, and once in the totals.
    expect(await by("tag", "sent")).toEqual([
      { tag: "campaign=June", sent: 8 },
      { tag: "campaign=May", sent: 8 },
      { tag: null, sent: 1 },
    ]);
    expect(await by("tag,relay", "sent", { tag: "campaign=May" })).toEqual([
      { tag: "campaign=June", relay: "main", sent: 6 },
      { tag: "campaign=June", relay: "second", sent: 2 },
      { tag: "campaign=May", relay: "main", sent: 6 },
      { tag: "campaign=May", relay: "second", sent: 2 },
    ]);
  });

  it("counts single emails", async () => {
    const { ids } = await campaign();
    const { body } = await metrics({
      ...range,
      email_id: ids.join(","),
      dimensions: "email",
      metrics: "sent,unique_opened,bounced_permanent",
    });
    expect(body.data).toEqual([
      { email_id: ids[0], sent: 8, unique_opened: 2, bounced_permanent: 1 },
      { email_id: ids[1], sent: 1, unique_opened: 0, bounced_permanent: 1 },
    ]);
  });

  it("does not mix in the mail of the sandbox, unless relays are asked for", async () => {
    const from = `a@sandbox${runs++}.example`;
    const domain = from.slice(2);
    const { email } = emailEntry({ from, id: idAt(T), created_at: T });
    const entries = [
      { kind: "email" as const, email },
      recipientsEntry(email.id, 1),
      eventEntry(email.id, "email.sent", { at: T, data: { attempt: attempt(1, { relay: "(sandbox)" }) } }),
    ];
    await ledgerOf(env as unknown as Env, 1, email.id as EmailId).append(entries);
    const sent = async (query: object) =>
      (await metrics({ ...range, domain_id: domain, ...query })).body.totals.sent;
    expect(await sent({})).toBe(0);
    expect(await sent({ dimensions: "relay" })).toBe(1);
    expect(await sent({ relay: "(sandbox)" })).toBe(1);
  });

  it("answers the official SDK", async () => {
    const { domain, ids } = await campaign();
    const real = globalThis.fetch;
    vi.stubGlobal("fetch", (input: RequestInfo, init?: RequestInit) => {
      const url = typeof input === "string" ? input : input.url;
      return url.startsWith("https://mail.example.com")
        ? worker().fetch(url, init as never)
        : real(input, init);
    });
    const resend = new Resend(KEY, { baseUrl: "https://mail.example.com" });
    const { data, error } = await resend.emails.metrics({
      startDate: "2026-10-01",
      endDate: "2026-10-31",
      timezone: "UTC",
      granularity: "monthly",
      metrics: ["sent", "open_rate"],
      dimensions: ["period", "email"],
      domainId: [domain],
      emailId: ids,
    });
    vi.unstubAllGlobals();
    expect(error).toBeNull();
    expect(data!.totals).toEqual({ sent: 9, open_rate: 0.25 });
    expect(data!.data).toEqual([
      { period: "2026-10-01", email_id: ids[0], sent: 8, open_rate: 0.25 },
      { period: "2026-10-01", email_id: ids[1], sent: 1, open_rate: 0 },
    ]);
  });

  it.each([
    [{ start_date: "soon" }, "`start_date` must be a date"],
    [{ start_date: "2026-12-01", end_date: "2026-11-01" }, "must not be after"],
    [{ timezone: "Mars/Olympus" }, "IANA"],
    [{ granularity: "yearly" }, "`granularity` must be one of hourly, daily, weekly, monthly"],
    [{ metrics: "sent,likes" }, "`metrics` takes sent, delivered"],
    [{ dimensions: "period,broadcast" }, "`dimensions` takes period, email, domain"],
    [{ dimensions: "email" }, "needs `email_id`"],
    [{ email_id: "1" }, "must be ids of emails"],
    [{ broadcast_id: "x" }, "no broadcasts"],
    [{ start_date: "2020-01-01", dimensions: "period", granularity: "hourly" }, "coarser `granularity`"],
  ])("says what is wrong with %o", async (query, words) => {
    const { status, body } = await metrics(query as Record<string, string>);
    expect([status, body.name]).toEqual([422, "invalid_parameter"]);
    expect(body.message).toContain(words);
  });
});

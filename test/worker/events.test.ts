/** GET /events and GET /emails/:id/events: filters, pages, and the export. */
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { EmailId } from "../../src/core/ids.ts";
import { EXPORT_PAGE } from "../../src/core/limits.ts";
import { type Env, ledgerOf } from "../../src/env.ts";
import type { EventType, LedgerEntry } from "../../src/schema/event.ts";
import { call, KEY, worker } from "../support/api.ts";
import { attempt, emailEntry, eventEntry, idAt } from "../support/entries.ts";

let runs = 0;
/** A story of one email and two readers, at a time and with addresses and a tag of its own. */
async function story() {
  const n = ++runs;
  const at = Date.UTC(2026, 8, n, 10);
  const readers = [`Ada${n}+x@example.org`, `bea${n}@example.org`];
  const { email } = emailEntry({
    id: idAt(at),
    created_at: at,
    tags: [{ name: "story", value: `n${n}` }],
  });
  const told = (type: EventType, recipient: number, seconds: number, data = {}) =>
    eventEntry(email.id, type, { recipient, at: at + seconds * 1000, data });
  const visit = (verdict: string) => ({
    visitor: { user_agent: null, ip: null, verdict, reason: "test" },
  });
  const entries: LedgerEntry[] = [
    { kind: "email", email },
    {
      kind: "recipients",
      email_id: email.id,
      rows: readers.map((address, index) => ({ index, address, kind: "to", status: "queued" })),
    },
    told("email.sent", 0, 1, { attempt: attempt(1, { relay: "one" }) }),
    told("email.bounced", 1, 2, { attempt: attempt(1, { relay: "two", category: "mailbox_full" }) }),
    told("email.opened", 0, 3, visit("scanner")),
    told("email.opened", 0, 4, visit("person")),
    told("email.opened", 0, 5, visit("person")),
  ];
  await ledgerOf(env as unknown as Env, 1, email.id as EmailId).append(entries);
  return { id: email.id, readers, day: new Date(at).toISOString().slice(0, 10), tag: `story=n${n}`, entries };
}
const events = async (query: Record<string, string>, path = "/events") =>
  (await call("GET", `${path}?${new URLSearchParams(query)}`)).body;
const types = (body: { data: { type: string }[] }) => body.data.map(({ type }) => type.replace("email.", ""));

describe("GET /events", () => {
  it("finds by person, email, tag, type, relay, category and time, the newest first", async () => {
    const { id, readers, day, tag } = await story();
    expect(types(await events({ since: day, until: day }))).toEqual([
      "opened",
      "opened",
      "opened",
      "bounced",
      "sent",
    ]);
    expect(types(await events({ recipient: readers[0]!.toUpperCase() }))).toHaveLength(4);
    expect(types(await events({ recipient: readers[1]! }))).toEqual(["bounced"]);
    expect(types(await events({ email: id, type: "sent,email.bounced" }))).toEqual(["bounced", "sent"]);
    expect(types(await events({ tag }))).toHaveLength(5);
    expect(types(await events({ tag: tag.replace("=", ":"), relay: "one" }))).toEqual(["sent"]);
    expect(types(await events({ email: id, category: "mailbox_full" }))).toEqual(["bounced"]);
    const seconds = { since: `${day}T10:00:02Z`, until: `${day}T10:00:04Z` };
    expect(types(await events(seconds))).toEqual(["opened", "bounced"]);
    expect(types(await events({ since: "2030-01-01" }))).toEqual([]);
  });

  it("says whose it was and which open was the first that was no scanner's", async () => {
    const { id, readers } = await story();
    const { data } = await events({ email: id });
    expect(data[0]).toMatchObject({
      object: "event",
      email_id: id,
      recipient: readers[0],
      recipient_index: 0,
      first: false,
    });
    expect(data.map(({ first }: { first?: boolean }) => first)).toEqual([
      false,
      true,
      false,
      undefined,
      undefined,
    ]);
    const { recipients } = (await call("GET", `/emails/${id}`)).body;
    expect(recipients[0].first_opened_at).toBe(data[1].created_at);
  });

  it("pages both ways", async () => {
    const { tag } = await story();
    const page = async (query: object) => {
      const body = await events({ tag, limit: "2", ...query });
      return { ids: body.data.map(({ id }: { id: string }) => id) as string[], more: body.has_more };
    };
    const all = (await page({ limit: "5" })).ids;
    expect(await page({})).toEqual({ ids: all.slice(0, 2), more: true });
    expect(await page({ after: all[1] })).toEqual({ ids: all.slice(2, 4), more: true });
    expect(await page({ after: all[3] })).toEqual({ ids: all.slice(4), more: false });
    expect(await page({ before: all[4] })).toEqual({ ids: all.slice(2, 4), more: true });
    expect(await page({ before: all[2] })).toEqual({ ids: all.slice(0, 2), more: false });
  });

  it.each([
    [{ type: "email.liked" }, "`type` takes email.scheduled"],
    [{ recipient: "ada" }, "`recipient` must be an address"],
    [{ email: "1" }, null],
    [{ since: "soon" }, "`since` must be a date"],
    [{ after: "019aa000-0000-7000-8000-000000000000" }, "names an event that is not there"],
    [{ limit: "0" }, "`limit` must be a number"],
    [{ tag: "=" }, "`tag` must be a name"],
  ])("says what is wrong with %o", async (query, words) => {
    const { status, body } = await call("GET", `/events?${new URLSearchParams(query as never)}`);
    expect([status, body.name]).toEqual([422, "invalid_parameter"]);
    expect(body.message).toContain(words ?? "must be the id of an email");
  });

  it("is not for everyone", async () => {
    expect((await call("GET", "/events", undefined, { authorization: "Bearer wrong" })).status).toBe(403);
  });
});

describe("an export", () => {
  const lines = async (path: string) => {
    const response = await worker().fetch(`https://mail.example.com${path}`, {
      headers: { authorization: `Bearer ${KEY}`, accept: "application/x-ndjson" },
    });
    expect(response.headers.get("content-type")).toContain("application/x-ndjson");
    const text = await response.text();
    return text
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line));
  };

  it("is one event a line, the oldest first, across pages, and goes on after an id", async () => {
    const { id, entries } = await story();
    const more = Array.from({ length: EXPORT_PAGE * 2 }, (_, i) =>
      eventEntry(id, "email.clicked", { at: Date.UTC(2026, 8, runs, 11) + Math.floor(i / 3) }),
    );
    await ledgerOf(env as unknown as Env, 1, id as EmailId).append(more);
    const expected = [...entries, ...more].flatMap((entry) =>
      entry.kind === "event" ? [entry.event.id] : [],
    );
    const whole = await lines(`/emails/${id}/events`);
    expect(whole.map((event) => event.id)).toEqual(expected);
    expect(whole[0]).toEqual((await events({ limit: "1" }, `/emails/${id}/events`)).data[0]);
    const rest = await lines(`/events?email=${id}&after=${expected[EXPORT_PAGE]}`);
    expect(rest.map((event) => event.id)).toEqual(expected.slice(EXPORT_PAGE + 1));
    expect(await lines("/events?since=2031-01-01")).toEqual([]);
  });
});

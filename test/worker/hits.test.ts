/** Visits in the ledger: they wait for what comes after them, durably, and no longer than asked. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { HIT_HOLD_MS } from "../../src/core/limits.ts";
import type { Env } from "../../src/env.ts";
import { visitsOf } from "../../src/ledger/hit-carrier.ts";
import { Hits, type Released } from "../../src/ledger/hits.ts";
import type { LedgerEntry, MailEvent } from "../../src/schema/event.ts";
import { rowOf } from "../../src/schema/event-row.ts";
import { call, eventsOf, mailFor, someone } from "../support/api.ts";

const bindings = env as unknown as Env;
const ledger = (name: string) => bindings.LEDGER.get(bindings.LEDGER.idFromName(name));
const NOW = 1_800_000_000_000;
const BROWSER = "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0";

let counter = 0;
const event = (
  type: MailEvent["type"],
  at: number,
  data: MailEvent["data"] = {},
  recipient = 0,
): MailEvent => ({ id: `event-${counter++}`, type, email_id: "an-email", recipient, at, data });
const visitor = (verdict: string) => ({
  user_agent: BROWSER,
  ip: "203.0.113.0",
  verdict,
  reason: "nothing speaks for a machine",
});
const click = (at: number, link: string, verdict = "person", recipient = 0) =>
  event("email.clicked", at, { click: { link }, visitor: visitor(verdict) }, recipient);
const entry = (event: MailEvent): LedgerEntry => ({ kind: "event", event });
const take = (hits: Hits, ...events: MailEvent[]) => hits.take(JSON.stringify(events.map(rowOf)), NOW);
const eventsIn = (released: Released) =>
  visitsOf(released).flatMap((one) => (one.kind === "event" ? [one.event] : []));
/** All that waits, which is forgotten. */
function releaseAll(hits: Hits): MailEvent[] {
  const released = hits.release(NOW, hits.last);
  if (released !== null) hits.forget(released);
  return released === null ? [] : eventsIn(released);
}
const verdicts = (events: readonly MailEvent[]) => events.map(({ data }) => data.visitor?.verdict);

/** Runs a test on a ledger's own SQLite, which the ledger itself does not use meanwhile. */
const onSql = (name: string, test: (sql: SqlStorage) => void) =>
  runInDurableObject(ledger(name), (_, { storage }) => test(storage.sql));

describe("visits in the ledger", () => {
  it("wait and then go on, in rows of one call, forgotten only when they are elsewhere", () =>
    onSql("hits-plain", (sql) => {
      const hits = new Hits(sql);
      take(
        hits,
        click(NOW, "https://a/", "proxy"),
        event("email.opened", NOW, { visitor: visitor("person") }),
        click(NOW, "https://a/"),
      );
      expect([hits.due, hits.size, sql.exec("SELECT id FROM held_hits").toArray()]).toEqual([
        NOW + HIT_HOLD_MS,
        3,
        [{ id: hits.last }],
      ]);
      expect(hits.release(NOW + HIT_HOLD_MS - 1)).toBeNull();
      const released = hits.release(NOW + HIT_HOLD_MS)!;
      expect(verdicts(eventsIn(released))).toEqual(["proxy", "person", "person"]);
      expect([hits.due, hits.size, new Hits(sql).size]).toEqual([null, 3, 3]);
      hits.forget(released);
      expect([hits.size, hits.release(NOW + HIT_HOLD_MS), new Hits(sql).size]).toEqual([0, null, 0]);
    }));

  it("that somebody asks for go at once, and those that came after the question do not", () =>
    onSql("hits-asked", (sql) => {
      const hits = new Hits(sql);
      take(hits, click(NOW, "https://a/"));
      const { last } = hits;
      take(hits, click(NOW, "https://b/", "person", 1));
      const released = hits.release(NOW, last)!;
      expect(eventsIn(released).map(({ data }) => data.click?.link)).toEqual(["https://a/"]);
      expect(hits.first).toBe(last);
      hits.forget(released);
      expect([hits.size, hits.first > last]).toEqual([1, true]);
    }));

  it("go on in batches that libSQL takes at once", () =>
    onSql("hits-batches", (sql) => {
      const hits = new Hits(sql);
      const long = `https://a/${"x".repeat(300_000)}`;
      for (let i = 0; i < 5; i++) take(hits, click(NOW, long, "person", i));
      const sizes: number[] = [];
      for (let events = releaseAll(hits); events.length > 0; events = releaseAll(hits))
        sizes.push(events.length);
      expect(sizes).toEqual([3, 2]);
    }));

  it("of many links within seconds are a scanner's, the first ones too", () =>
    onSql("hits-burst", (sql) => {
      const hits = new Hits(sql);
      for (const [i, link] of ["https://a/", "https://b/", "https://c/"].entries())
        take(hits, click(NOW + i, link));
      const released = releaseAll(hits);
      expect(verdicts(released)).toEqual(["scanner", "scanner", "scanner"]);
      expect(released[0]!.data.visitor).toMatchObject({ reason: "3 links of the mail within 3 seconds" });
    }));

  it("of another recipient, or of one link again and again, are a person's", () =>
    onSql("hits-people", (sql) => {
      const hits = new Hits(sql);
      take(
        hits,
        ...[1, 2, 3, 4].map((recipient) => click(NOW, `https://${recipient}/`, "person", recipient)),
      );
      take(hits, ...[1, 2, 3, 4].map((i) => click(NOW + i, "https://same/", "person", 9)));
      expect(new Set(verdicts(releaseAll(hits)))).toEqual(new Set(["person"]));
    }));

  it("from before the mail was sent are a scanner's, also when that is told only afterwards", () =>
    onSql("hits-sent", (sql) => {
      const hits = new Hits(sql);
      take(hits, click(NOW, "https://a/"), event("email.opened", NOW, { visitor: visitor("person") }));
      hits.note([entry(event("email.sent", NOW + 500))]);
      for (const { data } of releaseAll(hits))
        expect(data.visitor).toMatchObject({ verdict: "scanner", reason: "before the mail was sent" });
      hits.note([entry(event("email.sent", NOW, {}, 1))]);
      take(hits, click(NOW + 900, "https://a/", "person", 1));
      expect(verdicts(releaseAll(hits))).toEqual(["scanner"]);
    }));

  it("of one call are judged by one another, the first by the last", () =>
    onSql("hits-one-call", (sql) => {
      const hits = new Hits(sql);
      take(hits, ...["a", "b", "c", "d"].map((name, i) => click(NOW + i, `https://${name}/`)));
      expect(verdicts(releaseAll(hits))).toEqual(["scanner", "scanner", "scanner", "scanner"]);
    }));

  it("outlive the object, and are judged anew", () =>
    onSql("hits-again", (sql) => {
      take(new Hits(sql), click(NOW, "https://a/"), click(NOW + 1, "https://b/"));
      const again = new Hits(sql);
      expect(again.due).toBe(NOW + HIT_HOLD_MS);
      take(again, click(NOW + 2, "https://c/"));
      expect(verdicts(releaseAll(again))).toEqual(["scanner", "scanner", "scanner"]);
      expect(new Hits(sql).due).toBeNull();
    }));

  it("of an earlier version of these tables are read too", () =>
    onSql("hits-old", (sql) => {
      const old = click(NOW, "https://a/");
      new Hits(sql);
      sql.exec("INSERT INTO held_hits (until, events) VALUES (?, ?)", NOW, JSON.stringify([old]));
      expect(releaseAll(new Hits(sql))).toEqual([old]);
    }));

  it("are brought on when nobody asks, by a timer, and by the alarm of an object that lost it", async () => {
    for (const name of ["hits-timer", "hits-alarm"]) {
      const stub = ledger(name);
      await stub.append([entry(click(Date.now() - HIT_HOLD_MS, "https://a/"))]);
      const held = () =>
        runInDurableObject(
          stub,
          (_, { storage }) => storage.sql.exec("SELECT id FROM held_hits").toArray().length,
        );
      expect(await held()).toBe(1);
      if (name === "hits-alarm") {
        await runInDurableObject(stub, (_, { storage }) => {
          storage.sql.exec("UPDATE held_hits SET until = 0");
        });
        await evictDurableObject(stub);
        expect(await runDurableObjectAlarm(stub)).toBe(true);
      } else await scheduler.wait(HIT_HOLD_MS + 500);
      expect(await held()).toBe(0);
    }
  });
});

describe("by the API", () => {
  it("a browser that takes every link of a mail at once is a scanner, from its first click on", async () => {
    const to = someone();
    const { body } = await call("POST", "/emails", {
      from: "a@example.com",
      to,
      subject: "Links",
      html: [1, 2, 3, 4].map((n) => `<a href="https://example.com/${n}">${n}</a>`).join(""),
    });
    const [taken] = await mailFor(to);
    await scheduler.wait(1_200);
    const headers = { "user-agent": BROWSER, "cf-connecting-ip": "203.0.113.9" };
    for (const [path] of taken!.email.html!.matchAll(/\/c\/[\w-]+\/[\w-]+/g))
      expect((await call("GET", path, undefined, headers)).status).toBe(302);
    await scheduler.wait(100);
    const events = await eventsOf(
      body.id,
      (types) => types.filter((type) => type === "email.clicked").length === 4,
    );
    const clicks = events.filter(({ type }) => type === "email.clicked");
    expect(clicks.map(({ data }) => data.visitor.verdict)).toEqual([
      "scanner",
      "scanner",
      "scanner",
      "scanner",
    ]);
    const email = (await call("GET", `/emails/${body.id}`)).body;
    expect(email.last_event).toBe("sent");
  });

  it("a link leads where it led before, and only with a token of its own message", async () => {
    const mail = async (link: string) => {
      const to = someone();
      await call("POST", "/emails", {
        from: "a@example.com",
        to,
        subject: "Links",
        html: `<a href="${link}">x</a>`,
      });
      const [taken] = await mailFor(to);
      const [, token, target] = /\/c\/([\w-]+)\/([\w-]+)/.exec(taken!.email.html!)!;
      return { token, target };
    };
    const [one, other] = [await mail("https://example.com/1"), await mail("https://example.com/2")];
    for (const _ of [1, 2]) {
      const { status, headers } = await call("GET", `/c/${one.token}/${one.target}`);
      expect([status, headers.get("location")]).toEqual([302, "https://example.com/1"]);
      expect((await call("GET", `/c/${other.token}/${one.target}`)).status).toBe(404);
      expect((await call("GET", `/c/${one.token}/${other.target}`)).status).toBe(404);
    }
    // Answers to one link are shared: of many at once none is touched by another's.
    const path = `/c/${one.token}/${one.target}`;
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => call(i % 2 === 0 ? "GET" : "HEAD", path)),
    );
    for (const [i, { status, headers }] of answers.entries())
      expect([status, headers.get("location"), headers.has("x-request-id")]).toEqual([
        302,
        "https://example.com/1",
        i % 2 === 1,
      ]);
  });

  it("a HEAD request is answered, and on record as a scanner's", async () => {
    const to = someone();
    const { body } = await call("POST", "/emails", {
      from: "a@example.com",
      to,
      subject: "Hi",
      html: "<p>x</p>",
    });
    const [taken] = await mailFor(to);
    const path = /\/o\/[\w-]+/.exec(taken!.email.html!)![0];
    expect(await call("HEAD", path)).toMatchObject({ status: 200, body: "" });
    const events = await eventsOf(body.id, (types) => types.includes("email.opened"));
    expect(events.find(({ type }) => type === "email.opened").data.visitor).toMatchObject({
      verdict: "scanner",
      reason: expect.stringContaining("HEAD"),
    });
  });
});

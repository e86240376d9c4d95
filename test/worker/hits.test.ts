/** Clicks in the ledger: those that look like a person's wait for what comes after them, durably, and no longer than asked. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { HIT_HOLD_MS } from "../../src/core/limits.ts";
import type { Env } from "../../src/env.ts";
import { Hits } from "../../src/ledger/hits.ts";
import type { LedgerEntry, MailEvent } from "../../src/schema/event.ts";
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
): LedgerEntry => ({
  kind: "event",
  event: { id: `event-${counter++}`, type, email_id: "an-email", recipient, at, data },
});
const click = (at: number, link: string, verdict = "person", recipient = 0) =>
  event(
    "email.clicked",
    at,
    {
      click: { link },
      visitor: { user_agent: BROWSER, ip: "203.0.113.0", verdict, reason: "nothing speaks for a machine" },
    },
    recipient,
  );
const verdicts = (entries: readonly LedgerEntry[]) =>
  entries.map((entry) => (entry.kind === "event" ? entry.event.data.visitor?.verdict : "none"));

/** Runs a test on a ledger's own SQLite, which the ledger itself does not use meanwhile. */
const onSql = (name: string, test: (sql: SqlStorage) => void) =>
  runInDurableObject(ledger(name), (_, { storage }) => test(storage.sql));

describe("clicks in the ledger", () => {
  it("of a person wait and then go on; all else goes on at once", () =>
    onSql("hits-plain", (sql) => {
      const hits = new Hits(sql);
      const others = [
        event("email.sent", NOW - 60_000),
        click(NOW, "https://a/", "proxy"),
        event("email.opened", NOW),
      ];
      expect(hits.take([...others, click(NOW, "https://a/")], NOW)).toEqual(others);
      expect(hits.due).toBe(NOW + HIT_HOLD_MS);
      expect(hits.release(NOW + HIT_HOLD_MS - 1)).toEqual([]);
      expect(verdicts(hits.release(NOW + HIT_HOLD_MS))).toEqual(["person"]);
      expect([hits.due, hits.release(NOW + HIT_HOLD_MS, true)]).toEqual([null, []]);
    }));

  it("of many links within seconds are a scanner's, the first ones too", () =>
    onSql("hits-burst", (sql) => {
      const hits = new Hits(sql);
      for (const [i, link] of ["https://a/", "https://b/"].entries())
        expect(hits.take([click(NOW + i, link)], NOW)).toEqual([]);
      const third = click(NOW + 2, "https://c/");
      expect(verdicts(hits.take([third], NOW))).toEqual(["scanner"]);
      const released = hits.release(NOW, true);
      expect(verdicts(released)).toEqual(["scanner", "scanner"]);
      expect(released[0]).toMatchObject({
        event: { data: { visitor: { reason: "3 links of the mail within 3 seconds" } } },
      });
    }));

  it("of another recipient, or of one link again and again, are a person's", () =>
    onSql("hits-people", (sql) => {
      const hits = new Hits(sql);
      hits.take(
        [1, 2, 3, 4].map((recipient) => click(NOW, `https://${recipient}/`, "person", recipient)),
        NOW,
      );
      hits.take(
        [1, 2, 3, 4].map((i) => click(NOW + i, "https://same/", "person", 9)),
        NOW,
      );
      expect(new Set(verdicts(hits.release(NOW, true)))).toEqual(new Set(["person"]));
    }));

  it("from before the mail was sent are a scanner's, also when that is told only afterwards", () =>
    onSql("hits-sent", (sql) => {
      const hits = new Hits(sql);
      hits.take([click(NOW, "https://a/")], NOW);
      hits.note([event("email.sent", NOW + 500)]);
      const [released] = hits.release(NOW, true);
      expect(released).toMatchObject({
        event: { data: { visitor: { verdict: "scanner", reason: "before the mail was sent" } } },
      });
      hits.note([event("email.sent", NOW, {}, 1)]);
      expect(verdicts(hits.take([click(NOW + 900, "https://a/", "person", 1)], NOW))).toEqual(["scanner"]);
    }));

  it("of one call are judged by one another, the first by the last", () =>
    onSql("hits-one-call", (sql) => {
      const hits = new Hits(sql);
      const four = ["a", "b", "c", "d"].map((name, i) => click(NOW + i, `https://${name}/`));
      const verdictsNow = [...hits.take(four, NOW), ...hits.release(NOW, true)];
      expect(verdicts(verdictsNow)).toEqual(["scanner", "scanner", "scanner", "scanner"]);
    }));

  it("outlive the object, and are judged anew", () =>
    onSql("hits-again", (sql) => {
      new Hits(sql).take([click(NOW, "https://a/"), click(NOW + 1, "https://b/")], NOW);
      const again = new Hits(sql);
      expect(again.due).toBe(NOW + HIT_HOLD_MS);
      again.take([click(NOW + 2, "https://c/")], NOW);
      expect(verdicts(again.release(NOW, true))).toEqual(["scanner", "scanner"]);
      expect(new Hits(sql).due).toBeNull();
    }));

  it("are brought on by the alarm when nobody asks", async () => {
    const stub = ledger("hits-alarm");
    await stub.append([click(Date.now() - HIT_HOLD_MS, "https://a/")]);
    const held = () =>
      runInDurableObject(
        stub,
        (_, { storage }) => storage.sql.exec("SELECT id FROM held_hits").toArray().length,
      );
    expect(await held()).toBe(1);
    await scheduler.wait(HIT_HOLD_MS + 50);
    await runDurableObjectAlarm(stub); // Unless it rang already.
    expect(await held()).toBe(0);
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

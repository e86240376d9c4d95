/** The outbox: durable, patient, and never twice. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { type EmailId, newEmailId } from "../../src/core/ids.ts";
import { type Env, outboxOf } from "../../src/env.ts";
import { Deliveries } from "../../src/outbox/deliveries.ts";
import { Holds } from "../../src/outbox/holds.ts";
import type { Outbox } from "../../src/outbox/outbox.ts";
import { Reporter } from "../../src/outbox/reporter.ts";
import { Reports } from "../../src/outbox/reports.ts";
import { type Order, pack } from "../../src/outbox/rpc.ts";
import { entriesOf } from "../../src/schema/entry-list.ts";
import type { LedgerEntry } from "../../src/schema/event.ts";
import { call, eventsOf, mailFor, poll, relay, someone } from "../support/api.ts";

const mail = (to: string, more: Record<string, unknown> = {}) => ({
  from: "Ada <ada@example.com>",
  to,
  subject: "Hello",
  text: "Words",
  ...more,
});
const stub = (id: string) => outboxOf(env as unknown as Env, 1, id as EmailId);
const OF_EMAIL = "id / 1048576 = (SELECT number FROM email WHERE id = ?)";
/** Makes what waits due now, as if the time had come. */
const comeDue = (id: string) =>
  runInDurableObject(stub(id), (_, state) => {
    state.storage.sql.exec(`UPDATE delivery SET due = 0 WHERE ${OF_EMAIL}`, id);
  });
const rows = (id: string) =>
  runInDurableObject(stub(id), (_, state) => ({
    deliveries: state.storage.sql.exec(`SELECT * FROM delivery WHERE ${OF_EMAIL}`, id).toArray().length,
    content: state.storage.sql.exec("SELECT * FROM content WHERE email = ?", id).toArray().length,
    emails: state.storage.sql.exec("SELECT * FROM email WHERE id = ?", id).toArray().length,
  }));

afterEach(async () => {
  await relay(0, "up");
  await relay(1, "up");
});

describe("calls taken together", () => {
  const order = (id: string, to: string[]): Order => ({
    id: id as EmailId,
    compiled: { slots: [], smtputf8: false },
    bytes: new TextEncoder().encode("Subject: x\r\n\r\nx\r\n"),
    mailFrom: "a@example.com",
    from: "a@example.com",
    deliveries: to.map((address, index) => ({ index, address, name: null, variables: null })),
    requestId: null,
    sandbox: true,
    topic: null,
    relay: null,
    scheduledAt: Date.now() + 3_600_000, // It is still there when the next call comes.
    expiresAt: Date.now() + 7_200_000,
    entries: [],
  });

  it("do not suffer from one that fails: what is suppressed is counted all the same", async () => {
    const [taken, other] = [newEmailId(1, new Uint8Array(10)), newEmailId(2, new Uint8Array(10))];
    await runInDurableObject(stub(taken), async (outbox: Outbox) => {
      const accept = (id: string, to: string[]) =>
        outbox.accept([pack(order(id, to))], {
          key: id + to.length,
          hash: "h",
          response: "{}",
          counted: true,
        });
      const first = accept(taken, ["one@example.net"]);
      // The same message under another key: a bug of a caller.
      const again = accept(taken, ["one@example.net", "two@example.net"]);
      const counted = accept(other, ["suppressed@postern.test", "three@example.net"]);
      expect(await first).toEqual({ kind: "accepted", suppressed: 0 });
      await expect(again).rejects.toThrow(/UNIQUE/);
      expect(await counted).toEqual({ kind: "accepted", suppressed: 1 });
      const repeated = await accept(other, ["suppressed@postern.test", "three@example.net"]);
      expect(repeated).toMatchObject({ kind: "repeated", response: '{"accepted":1,"suppressed":1}' });
    });
  });
});

describe("after delivery", () => {
  it("forgets the message", async () => {
    const to = someone();
    const { body } = await call("POST", "/emails", mail(to));
    await mailFor(to);
    expect(
      await poll(
        () => rows(body.id),
        ({ emails }) => emails === 0,
      ),
    ).toEqual({ deliveries: 0, content: 0, emails: 0 });
  });
});

describe("a copy that cannot be made", () => {
  it("fails alone: the others of its message go, and so does what comes after", async () => {
    const readers = [someone(), someone(), someone()];
    const { body } = await call("POST", "/emails/bulk", {
      from: "ada@example.com",
      subject: "Hello",
      text: "Words",
      scheduled_at: new Date(Date.now() + 3_600_000).toISOString(),
      recipients: readers.map((to) => ({ to })),
    });
    // What parsing excludes, as if a bug had let it in: splicing throws for it.
    await runInDurableObject(stub(body.id), (_, state) => {
      state.storage.sql.exec(
        `UPDATE delivery SET name = ? WHERE ${OF_EMAIL} AND address = ?`,
        "A\r\nBcc: everyone@example.com",
        body.id,
        readers[1],
      );
    });
    await comeDue(body.id);
    await runDurableObjectAlarm(stub(body.id));
    const events = await eventsOf(
      body.id,
      (types) => types.filter((type) => type !== "email.scheduled").length === 3,
    );
    expect(events.map(({ type }) => type).sort()).toEqual(
      expect.arrayContaining(["email.failed", "email.sent", "email.sent"]),
    );
    const after = someone();
    await call("POST", "/emails", mail(after));
    await mailFor(after);
  });
});

describe("temporary failure", () => {
  it("is tried again by alarm, counts attempts, and ends at the message's ttl", async () => {
    const to = someone("later");
    const { body } = await call("POST", "/emails", mail(to, { ttl: 3600 }));
    await eventsOf(body.id, (types) => types.length === 1);
    await comeDue(body.id);
    await runDurableObjectAlarm(stub(body.id));
    const events = await eventsOf(body.id, (types) => types.length === 2);
    expect(events.map(({ type, data }) => [type, data.attempt.number])).toEqual([
      ["email.delivery_delayed", 1],
      ["email.delivery_delayed", 2],
    ]);
    await runInDurableObject(stub(body.id), (_, state) => {
      state.storage.sql.exec("UPDATE email SET expires_at = 1 WHERE id = ?", body.id);
    });
    await runDurableObjectAlarm(stub(body.id));
    const all = await eventsOf(body.id, (types) => types.includes("email.failed"));
    expect(all.at(-1)).toMatchObject({ type: "email.failed", data: { category: "expired" } });
    expect(await rows(body.id)).toEqual({ deliveries: 0, content: 0, emails: 0 });
    expect((await call("GET", `/emails/${body.id}`)).body.last_event).toBe("failed");
  });

  it("is sooner when greylisted", async () => {
    const { body } = await call("POST", "/emails", mail(someone("grey")));
    const [event] = await eventsOf(body.id, (types) => types.length === 1);
    expect(event.data.attempt.category).toBe("greylisted");
  });

  it("of the kind `too fast` holds all mail for that destination, which then goes by itself", async () => {
    const domain = `slow-${Date.now()}.example`;
    const { body: first } = await call("POST", "/emails", mail(`fast-1@${domain}`));
    await eventsOf(first.id, (types) => types.length === 1);
    const { body: second } = await call("POST", "/emails", mail(`other@${domain}`));
    const waiting = (id: string) =>
      runInDurableObject(stub(id), (_, state) =>
        state.storage.sql
          .exec<{ due: number; attempts: number }>(`SELECT due, attempts FROM delivery WHERE ${OF_EMAIL}`, id)
          .one(),
      );
    const held = await poll(
      () => waiting(second.id),
      (row) => row.due > Date.now() + 30_000,
    );
    expect(held.due).toBeGreaterThan(Date.now() + 30_000);
    expect(held.attempts).toBe(0);
    // What was told so is held too, and its attempt does not bring it nearer to the long waits.
    const told = await waiting(first.id);
    expect(told.due).toBeGreaterThan(Date.now() + 30_000);
    expect(told.attempts).toBe(0);
  });
});

describe("a hold", () => {
  it("is one, however many messages were on their way when it began; the next in a row is twice as long", async () => {
    await runInDurableObject(stub(newEmailId(3, new Uint8Array(10))), (_, state) => {
      const holds = new Holds(state.storage.sql);
      const domain = `burst-${Date.now()}.example`;
      const ends = [0, 1, 2, 3].map((at) => holds.slowDown(domain, at));
      expect(ends).toEqual([60_000, 60_000, 60_000, 60_000]);
      expect(holds.slowDown(domain, 60_000)).toBe(180_000);
    });
  });
});

describe("a message whose time is over", () => {
  it("is given up though a hundred older ones, over too, are in sessions' hands", async () => {
    const of = (name: string, count: number, state: number) =>
      `INSERT INTO email (id, mail_from, sender, smtputf8, slots, expires_at)
         SELECT '${name}' || value, 'a@example.com', 'a@example.com', 0, '[]', 5
         FROM (WITH RECURSIVE n (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < ${count}) SELECT value FROM n);
       INSERT INTO delivery (id, address, route, due, state, attempts)
         SELECT number * 1048576, 'x@example.net', 'nowhere', 9e15, ${state}, 1 FROM email WHERE id LIKE '${name}%'`;
    await runInDurableObject(stub(newEmailId(4, new Uint8Array(10))), (_, state) => {
      state.storage.transactionSync(() => {
        state.storage.sql.exec(of("in-hands-", 100, 1));
        state.storage.sql.exec(of("waiting-", 1, 0));
        const given = new Deliveries(state.storage.sql).claimExpired(10, 1_000).map(({ email }) => email);
        expect(given).toEqual(["waiting-1"]);
        state.storage.sql.exec("DELETE FROM delivery WHERE route = 'nowhere'");
        state.storage.sql.exec("DELETE FROM email WHERE id LIKE 'in-hands-%' OR id LIKE 'waiting-%'");
      });
    });
  });
});

describe("a destination with a pace", () => {
  it("gets its mail at that pace, and none is lost", async () => {
    // vitest.config.ts: paced.example takes 20/s.
    const to = Array.from({ length: 30 }, (_, i) => `p${Date.now()}-${i}@paced.example`);
    const begun = Date.now();
    await call("POST", "/emails/bulk", {
      from: "ada@example.com",
      subject: "Hi",
      text: "Words",
      recipients: to.map((one) => ({ to: one })),
    });
    for (const one of to) expect(await mailFor(one)).toHaveLength(1);
    expect(Date.now() - begun).toBeGreaterThanOrEqual(450); // 20 at once, ten more at 20 a second: the bound of the pace, not of the machine.
  });
});

describe("a relay that is down", () => {
  it("is passed over for the next one that takes the sender", async () => {
    await relay(0, "down");
    const to = someone();
    await call("POST", "/emails", mail(to));
    const [taken] = await mailFor(to);
    expect(taken!.relay).toBe(1);
    const { body } = await call("GET", "/relays");
    expect(body.data.find(({ name }: { name: string }) => name === "main")).toMatchObject({
      breaker: "open",
    });
    await relay(0, "up");
    await runInDurableObject(stub("00000000-0000-7000-8000-000000000000"), async () => {});
  });

  it("keeps mail of senders that only it takes, and says why; it goes out when the relay is back", async () => {
    await relay(0, "down");
    const to = someone();
    const { body } = await call("POST", "/emails", mail(to, { from: "bea@other.example" }));
    const events = await eventsOf(body.id, (types) => types.length > 0);
    if (events.length > 0)
      expect(events[0]).toMatchObject({
        type: "email.delivery_delayed",
        data: { attempt: { relay: "main", code: null } },
      });
    // What comes while the relay rests is told nothing by an attempt, so GET says what it waits for.
    const late = (await call("POST", "/emails", mail(someone(), { from: "bea@other.example" }))).body;
    const { recipients } = (await call("GET", `/emails/${late.id}`)).body;
    expect(recipients[0].waiting).toEqual({
      until: expect.stringMatching(/^\d{4}-/),
      reason: expect.stringMatching(
        /No relay that may take it can be used now\. main: The relay could not be reached/,
      ),
    });
    expect((await call("PATCH", `/emails/${late.id}`, { scheduled_at: "in 1 hour" })).body).toMatchObject({
      statusCode: 409,
      message: expect.stringContaining("was not scheduled"),
    });
    await relay(0, "up");
    const taken = await poll(
      () => mailFor(to),
      (mails) => mails.length > 0,
      30_000,
    );
    expect(taken[0]!.relay).toBe(0);
  }, 40_000);
});

describe("a message asked to go by one relay", () => {
  it("goes by it", async () => {
    const to = someone();
    await call("POST", "/emails", mail(to, { relay: "second" }));
    expect((await mailFor(to))[0]!.relay).toBe(1);
  });

  it("is refused when that relay is not for the sender", async () => {
    const { status, body } = await call(
      "POST",
      "/emails",
      mail(someone(), { relay: "second", from: "bea@other.example" }),
    );
    expect(status).toBe(422);
    expect(body.errors[0]).toMatchObject({ path: "from", message: expect.stringContaining("relay second") });
  });
});

describe("scheduled", () => {
  it("waits, can be moved and cancelled, and is then never sent", async () => {
    const to = someone();
    const { body } = await call("POST", "/emails", mail(to, { scheduled_at: "in 1 hour" }));
    const before = (await call("GET", `/emails/${body.id}`)).body;
    expect(before).toMatchObject({
      last_event: "scheduled",
      recipients: [
        { status: "scheduled", waiting: { until: before.scheduled_at, reason: "It is scheduled for then." } },
      ],
    });
    const at = new Date(Date.now() + 7_200_000).toISOString();
    expect((await call("PATCH", `/emails/${body.id}`, { scheduled_at: at })).body).toEqual({
      object: "email",
      id: body.id,
    });
    expect((await call("PATCH", `/emails/${body.id}`, { scheduled_at: "soon" })).status).toBe(422);
    const after = (await call("GET", `/emails/${body.id}`)).body;
    const ms = (moment: string) => Date.parse(moment.replace("+00", "Z"));
    expect(ms(after.scheduled_at)).toBe(Date.parse(at));
    expect(
      await runInDurableObject(stub(body.id), (_, state) =>
        state.storage.sql.exec("SELECT expires_at FROM email WHERE id = ?", body.id).one(),
      ),
    ).toEqual({
      expires_at: Date.parse(at) + ms(before.expires_at) - ms(before.scheduled_at),
    });
    const cancelled = await call("POST", `/emails/${body.id}/cancel`);
    expect(cancelled.body).toEqual({ object: "email", id: body.id });
    const events = await eventsOf(body.id, (types) => types.includes("email.canceled"));
    expect(events.map(({ type }) => type)).toEqual(["email.scheduled", "email.scheduled", "email.canceled"]);
    expect(events[1].data.scheduled_at).toBe(after.scheduled_at);
    expect((await call("GET", `/emails/${body.id}`)).body.last_event).toBe("canceled");
    expect((await call("POST", `/emails/${body.id}/cancel`)).body.name).toBe("resource_locked");
    await runDurableObjectAlarm(stub(body.id));
    expect(await rows(body.id)).toEqual({ deliveries: 0, content: 0, emails: 0 });
  });

  it("goes out when its time has come", async () => {
    const to = someone();
    const { body } = await call("POST", "/emails", mail(to, { scheduled_at: "in 1 hour" }));
    await comeDue(body.id);
    await runDurableObjectAlarm(stub(body.id));
    expect(await mailFor(to)).toHaveLength(1);
    const sent = await poll(
      async () => (await call("GET", `/emails/${body.id}`)).body,
      (email) => email.last_event === "sent",
    );
    expect(sent).toMatchObject({ last_event: "sent", recipients: [{ waiting: null }] });
    expect((await call("POST", `/emails/${body.id}/cancel`)).status).toBe(409);
    expect((await call("PATCH", `/emails/${body.id}`, { scheduled_at: "in 1 hour" })).status).toBe(409);
  });
});

describe("Idempotency-Key", () => {
  const key = () => ({ "idempotency-key": crypto.randomUUID() });

  it("makes 50 equal requests at one moment one message", async () => {
    const to = someone();
    const headers = key();
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => call("POST", "/emails", mail(to), headers)),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    await scheduler.wait(300);
    expect(await mailFor(to)).toHaveLength(1);
  });

  it("refuses another body under the same key, and another route", async () => {
    const headers = key();
    const request = mail(someone());
    const first = await call("POST", "/emails", request, headers);
    const again = await call("POST", "/emails", request, headers);
    expect(again.body).toEqual(first.body);
    expect(again.headers.get("idempotent-replayed")).toBe("true");
    expect((await call("POST", "/emails", { ...request, subject: "Other" }, headers)).body).toMatchObject({
      statusCode: 409,
      name: "invalid_idempotent_request",
    });
    expect((await call("POST", "/emails/batch", [request], headers)).status).toBe(409);
  });

  it.each(["", "x".repeat(257), "ä"])("%j is not a key", async (bad) => {
    const { body } = await call("POST", "/emails", mail(someone()), {
      "idempotency-key": encodeURI(bad) === bad ? bad : "\u00e4",
    });
    if (bad === "") expect(body.name === "invalid_idempotency_key" || "id" in body).toBe(true);
    else expect(body).toMatchObject({ statusCode: 400, name: "invalid_idempotency_key" });
  });
});

describe("POST /emails/batch", () => {
  it("sends all, or in strict mode none", async () => {
    const [a, b] = [someone(), someone()];
    const sent = await call("POST", "/emails/batch", [mail(a), mail(b)]);
    expect(sent.body.data).toHaveLength(2);
    expect(await mailFor(a)).toHaveLength(1);
    expect(await mailFor(b)).toHaveLength(1);
    const refused = await call("POST", "/emails/batch", [mail(someone()), mail("bad")]);
    expect(refused.status).toBe(422);
    expect(refused.body.errors[0].path).toBe("[1].to[0]");
  });

  it("in permissive mode sends the good ones and names the others", async () => {
    const to = someone();
    const { body } = await call("POST", "/emails/batch", [mail("bad"), mail(to)], {
      "x-batch-validation": "permissive",
    });
    expect(body.data).toHaveLength(1);
    expect(body.errors).toMatchObject([{ index: 0 }]);
    expect(await mailFor(to)).toHaveLength(1);
  });

  it.each([[[]], [Array.from({ length: 101 }, () => mail("a@example.net"))], [{}]])(
    "takes 1 to 100",
    async (body) => {
      expect((await call("POST", "/emails/batch", body)).status).toBe(422);
    },
  );
});

describe("POST /emails/bulk", () => {
  const bulk = (recipients: unknown[], more: Record<string, unknown> = {}) => ({
    from: "Ada <ada@example.com>",
    subject: "Hello {{name|friend}}",
    html: '<p>Dear {{name|friend}}, <a href="https://example.com/">look</a>. {{{raw|}}}</p>',
    recipients,
    ...more,
  });

  it("gives each a private copy with their own token and variables", async () => {
    const [a, b] = [someone(), someone()];
    const { body, status } = await call(
      "POST",
      "/emails/bulk",
      bulk([{ to: `Bea <${a}>`, variables: { name: "Bea & <Co>" } }, { to: b }]),
    );
    expect(status).toBe(200);
    expect(body).toMatchObject({ accepted: 2, suppressed: 0 });
    const [toA] = await mailFor(a);
    const [toB] = await mailFor(b);
    expect(toA!.email.subject).toBe("Hello Bea & <Co>");
    expect(toA!.email.html).toContain("Dear Bea &amp; &lt;Co&gt;,");
    expect(toA!.email.to).toMatchObject([{ name: "Bea", address: a }]);
    expect(toB!.email.subject).toBe("Hello friend");
    expect(toB!.email.to).toMatchObject([{ address: b }]);
    expect(toA!.email.messageId).not.toBe(toB!.email.messageId);
    expect(toB!.raw).not.toContain(a);
    const got = await poll(
      async () => (await call("GET", `/emails/${body.id}?recipients_limit=1`)).body,
      ({ counts }) => counts.sent === 2,
    );
    expect(got).toMatchObject({ kind: "bulk", counts: { sent: 2 }, recipients_has_more: true });
    expect(got.recipients).toHaveLength(1);
    const next = await call("GET", `/emails/${body.id}?recipients_limit=1&recipients_after=0`);
    expect(next.body.recipients[0]).toMatchObject({ index: 1, email: b });
  });

  it("names the variable and the recipient when one is missing", async () => {
    const { status, body } = await call(
      "POST",
      "/emails/bulk",
      bulk([{ to: someone(), variables: { code: "1" } }, { to: someone() }], { text: "Code {{code}}" }),
    );
    expect(status).toBe(422);
    expect(body.errors).toMatchObject([
      { path: "recipients[1].variables", message: expect.stringContaining("`code`") },
    ]);
  });

  it.each([
    ["no recipients", [], "recipients"],
    ["a bad address", [{ to: "x" }], "recipients[0].to"],
    [
      "a variable that is an object",
      [{ to: "a@example.net", variables: { a: {} } }],
      "recipients[0].variables.a",
    ],
  ])("refuses %s", async (_, recipients, path) => {
    const { status, body } = await call("POST", "/emails/bulk", bulk(recipients));
    expect(status).toBe(422);
    expect(body.errors[0].path).toBe(path);
  });

  it("takes 10,000, and every one arrives once", async () => {
    const stamp = Date.now();
    const recipients = Array.from({ length: 10_000 }, (_, i) => ({
      to: `bulk-${stamp}-${i}@example.net`,
      variables: { name: `N${i}` },
    }));
    const { body } = await call("POST", "/emails/bulk", bulk(recipients, { text: "Words" }));
    expect(body.accepted).toBe(10_000);
    const got = await poll(
      async () => (await call("GET", `/emails/${body.id}`)).body,
      ({ counts }) => counts.sent === 10_000,
      60_000,
    );
    expect(got.counts).toEqual({ sent: 10_000 });
  }, 90_000);
});

describe("reports to the ledger", () => {
  const told = (id: string): LedgerEntry => ({
    kind: "event",
    event: {
      id,
      type: "email.sent",
      email_id: newEmailId(1, new Uint8Array(10)),
      recipient: 0,
      at: 1,
      data: {},
    },
  });

  it("hold what there is when they are asked for; what comes meanwhile goes with the next, not in crumbs", async () => {
    await runInDurableObject(stub(newEmailId(3, new Uint8Array(10))), async (_, { storage }) => {
      const reports = new Reports(storage.sql);
      const calls: string[][] = [];
      const report = async (lists: string[]) => {
        calls.push(lists.flatMap(entriesOf).map((entry) => (entry.kind === "event" ? entry.event.id : "")));
        if (calls.length < 5) reports.tell([told(`later-${calls.length}`)]);
      };
      const reporter = new Reporter(
        reports,
        () => ({ report }),
        () => undefined,
      );
      reports.tell([told("a")]);
      reports.tell([told("b"), told("c")]);
      expect(await reporter.flush()).toBe(true);
      expect(calls).toEqual([["a", "b", "c"]]);
      // Asked while one is under way, and something has come since: that goes behind it.
      expect(await Promise.all([reporter.flush(), reporter.flush()])).toEqual([true, true]);
      expect(calls.slice(1)).toEqual([["later-1"], ["later-2"]]);
      reports.drop(reports.last);
    });
  });

  it("that the ledger does not take stay, in order, and go with a later call", async () => {
    await runInDurableObject(stub(newEmailId(4, new Uint8Array(10))), async (_, { storage }) => {
      const reports = new Reports(storage.sql);
      let away = true;
      const calls: number[] = [];
      const report = async (lists: string[]) => {
        if (away) throw new Error("away");
        calls.push(lists.length);
      };
      const reporter = new Reporter(
        reports,
        () => ({ report }),
        () => undefined,
      );
      for (const id of ["a", "b"]) reports.tell([told(id)]);
      expect(await reporter.flush()).toBe(false);
      away = false;
      expect([await reporter.flush(), calls, reports.first]).toEqual([true, [2], null]);
    });
  });
});

describe("GET /healthz", () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it("wakes what waits though its alarm was lost, once a minute", async () => {
    const to = someone();
    const { body } = await call("POST", "/emails", mail(to, { scheduled_at: "in 1 hour" }));
    await call("GET", "/healthz"); // Its turn for this minute.
    await comeDue(body.id);
    await runInDurableObject(stub(body.id), (_, state) => state.storage.deleteAlarm());
    await call("GET", "/healthz");
    await scheduler.wait(300);
    expect(await rows(body.id)).toMatchObject({ deliveries: 1 });
    const inAMinute = Date.now() + 60_000;
    vi.spyOn(Date, "now").mockReturnValue(inAMinute);
    await call("GET", "/healthz");
    vi.restoreAllMocks();
    expect(await mailFor(to)).toHaveLength(1);
  });
});

// The last of all: a session of the relay hangs after it.
describe("an alarm", () => {
  it("ends while what it began goes on: the platform resets an object whose alarm takes 15 minutes", async () => {
    const { body } = await call("POST", "/emails", mail(someone("mute")));
    await runInDurableObject(stub(body.id), (_, state) => state.storage.setAlarm(Date.now() + 60_000));
    expect(await runDurableObjectAlarm(stub(body.id))).toBe(true);
    const { recipients } = (await call("GET", `/emails/${body.id}`)).body;
    expect(recipients[0].waiting.reason).toBe("It is with a session, or next in line for one.");
    expect(await runInDurableObject(stub(body.id), (_, state) => state.storage.getAlarm())).not.toBeNull();
  }, 90_000);
});

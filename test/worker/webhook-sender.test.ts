/** The webhook queue with a clock and a network of the test's own: lanes, order, health, crashes, forgetting. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import {
  WEBHOOK_DISABLE_FAILURES,
  WEBHOOK_DISABLE_MS,
  WEBHOOK_LEASE_MS,
  WEBHOOK_LOG_MS,
  WEBHOOK_QUICK_CALLS,
  WEBHOOK_SLOW_CALLS,
} from "../../src/core/limits.ts";
import { writeEntries } from "../../src/db/journal.ts";
import { dbOf, type Env } from "../../src/env.ts";
import { Webhooks } from "../../src/ledger/webhooks.ts";
import type { LedgerEntry } from "../../src/schema/event.ts";
import type { Endpoint } from "../../src/schema/webhook.ts";
import { attempt, emailEntry, eventEntry, idAt, recipientsEntry } from "../support/entries.ts";

const bindings = env as unknown as Env;
const MINUTE = 60_000;
const T0 = Date.UTC(2026, 10, 2);

type Answering = (body: {
  type: string;
  data: { email_id: string; recipient_index?: number };
}) => number | Promise<number>;

class World {
  now = T0;
  /** By host. Absent: 200 at once. */
  readonly answers = new Map<string, Answering>();
  /** Host and type of every call, in order. */
  readonly calls: string[] = [];
  readonly bodies: string[] = [];
  readonly disabled: string[] = [];
  readonly endpoints: Endpoint[] = [];
  readonly facts: string[] = [];
  journalFirst: number | null = null;
  retryAfter: string | null = null;
  webhooks!: Webhooks;
  #version = 1_000_000;
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    this.restart();
  }

  /** A new instance over the same storage, as after a crash. */
  restart(): void {
    const world = this;
    const journal = {
      get first() {
        return world.journalFirst;
      },
      last: 0,
    };
    this.webhooks = new Webhooks({
      sql: this.#sql,
      journal,
      keepMs: WEBHOOK_LOG_MS,
      openDb: () => dbOf(bindings),
      fetch: async (url, init) => {
        const host = new URL(url).hostname;
        const body = JSON.parse(String(init.body));
        this.calls.push(`${host} ${body.type}`);
        this.bodies.push(String(init.body));
        const answer = this.answers.get(host);
        const status = answer === undefined ? 200 : await answer(body);
        const headers = new Headers(this.retryAfter === null ? [] : [["retry-after", this.retryAfter]]);
        return new Response(null, { status, headers });
      },
      allowPrivate: false,
      now: () => this.now,
      random: () => 0,
      newId: (now) => idAt(now),
      disable: async (endpoint, reason) => {
        this.disabled.push(`${endpoint.url} ${reason}`);
        this.endpoint(new URL(endpoint.url).hostname.split(".")[0]!, { enabled: false });
      },
      wakeAt: () => {},
      log: (fact) => this.facts.push(fact),
    });
  }

  endpoint(name: string, over: Partial<Endpoint> = {}): void {
    const secrets = [{ secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", until: null }];
    const at = this.endpoints.findIndex(({ id }) => id === name);
    const endpoint = {
      id: name,
      url: `https://${name}.example/`,
      events: null,
      enabled: true,
      secrets,
      ...over,
    };
    if (at === -1) this.endpoints.push(endpoint);
    else this.endpoints[at] = endpoint;
    this.#push();
  }

  remove(name: string): void {
    this.endpoints.splice(
      this.endpoints.findIndex(({ id }) => id === name),
      1,
    );
    this.#push();
  }

  /** A copy, as a call to another object makes one. */
  #push(): void {
    this.webhooks.setEndpoints(structuredClone({ version: this.#version++, endpoints: this.endpoints }));
  }

  /** Calls begin a moment after they were chosen: signing takes a turn. */
  async called(count: number): Promise<void> {
    for (let i = 0; i < 2_000 && this.calls.length < count; i++)
      await new Promise((resolve) => setTimeout(resolve, 0));
    expect(this.calls).toHaveLength(count);
  }

  rows<T>(query: string): T[] {
    return this.#sql.exec(query).toArray() as T[];
  }

  /** Does what is due, to the end. */
  async settle(): Promise<void> {
    await this.webhooks.run();
    await this.webhooks.idle();
  }
}

let worlds = 0;
const inWorld = (test: (world: World) => Promise<void>): Promise<void> => {
  const stub = bindings.LEDGER.get(bindings.LEDGER.idFromName(`webhook-world-${worlds++}`));
  return runInDurableObject(stub, (_, { storage }) => test(new World(storage.sql)));
};

/** An email that libSQL knows, and events of it. */
async function email(
  recipients = 1,
): Promise<
  (type: "email.sent" | "email.opened" | "email.clicked", recipient?: number | null) => LedgerEntry
> {
  const entry = emailEntry();
  await writeEntries(dbOf(bindings), [entry, recipientsEntry(entry.email.id, recipients)]);
  return (type, recipient = 0) => eventEntry(entry.email.id, type, { recipient });
}

describe("the queue", () => {
  it("has an event told once, though it arrives twice", () =>
    inWorld(async (world) => {
      world.endpoint("a");
      const event = await email();
      const entries = [event("email.sent")];
      world.webhooks.enqueue(entries);
      world.webhooks.enqueue(entries);
      await world.settle();
      world.webhooks.enqueue(entries);
      await world.settle();
      expect(world.calls).toEqual(["a.example email.sent"]);
    }));

  it("keeps nothing when nobody wants anything", () =>
    inWorld(async (world) => {
      const event = await email();
      world.webhooks.enqueue([event("email.sent")]);
      world.endpoint("a", { events: ["email.opened"] });
      world.webhooks.enqueue([event("email.sent")]);
      world.endpoint("b", { enabled: false });
      world.webhooks.enqueue([event("email.sent")]);
      expect(world.rows("SELECT * FROM webhook_event")).toEqual([]);
      expect(world.webhooks.nextDue()).toBeNull();
    }));

  it("waits for the journal: what libSQL does not know yet is not told", () =>
    inWorld(async (world) => {
      world.endpoint("a");
      const event = await email();
      world.journalFirst = 0;
      world.webhooks.enqueue([event("email.sent")]);
      await world.settle();
      expect(world.calls).toEqual([]);
      expect(world.webhooks.nextDue()).not.toBeNull();
      world.journalFirst = null;
      await world.settle();
      expect(world.calls).toEqual(["a.example email.sent"]);
    }));

  it("tells one recipient's events in order, one at a time, and others' beside them", () =>
    inWorld(async (world) => {
      world.endpoint("a");
      const event = await email(2);
      await world.settle();
      let together = 0;
      let most = 0;
      const seen = new Map<number, string[]>();
      world.answers.set("a.example", async ({ type, data }) => {
        most = Math.max(most, ++together);
        const of = data.recipient_index ?? -1;
        seen.set(of, [...(seen.get(of) ?? []), type]);
        await new Promise((resolve) => setTimeout(resolve, 1));
        together -= 1;
        return 200;
      });
      // The first answer shows that it is quick, and opens the quick lane.
      world.webhooks.enqueue([event("email.sent", 0)]);
      await world.settle();
      const types = ["email.opened", "email.clicked", "email.opened", "email.sent"] as const;
      world.webhooks.enqueue(types.flatMap((type) => [event(type, 0), event(type, 1)]));
      await world.settle();
      while (world.webhooks.nextDue()! < T0 + WEBHOOK_LOG_MS) {
        world.now += WEBHOOK_LEASE_MS;
        await world.settle();
      }
      expect(seen.get(0)).toEqual(["email.sent", ...types]);
      expect(seen.get(1)).toEqual(types);
      expect(most).toBe(WEBHOOK_QUICK_CALLS - 1);
    }));

  it("holds later events back while an earlier one is tried, but not for ever", () =>
    inWorld(async (world) => {
      world.endpoint("a");
      const event = await email();
      world.answers.set("a.example", ({ type }) => (type === "email.sent" ? 500 : 200));
      world.webhooks.enqueue([event("email.sent"), event("email.opened"), event("email.clicked")]);
      await world.settle();
      expect(world.calls).toEqual(["a.example email.sent"]);
      world.now += 5_000;
      await world.settle();
      expect(world.calls).toHaveLength(2);
      world.now += 5 * MINUTE;
      await world.settle();
      expect(world.calls.slice(2)).toEqual([
        "a.example email.sent",
        "a.example email.opened",
        "a.example email.clicked",
      ]);
    }));

  it("lets an event of the whole email stand between those of its recipients", () =>
    inWorld(async (world) => {
      world.endpoint("a");
      const event = await email(2);
      let fail = true;
      world.answers.set("a.example", ({ type }) => (fail && type === "email.opened" ? 500 : 200));
      world.webhooks.enqueue([
        event("email.opened", 0),
        event("email.clicked", null),
        event("email.sent", 1),
      ]);
      await world.settle();
      // The second waits for the first, the third for the second.
      expect(world.calls).toEqual(["a.example email.opened"]);
      fail = false;
      world.now += 5_000;
      await world.settle();
      expect(world.calls.slice(1)).toEqual([
        "a.example email.opened",
        "a.example email.clicked",
        "a.example email.sent",
      ]);
    }));

  it("tells thousands of events of one recipient in order, after the endpoint was away", () =>
    inWorld(async (world) => {
      world.endpoint("a");
      const event = await email();
      const events = Array.from({ length: 1_500 }, (_, i) => event(i === 0 ? "email.sent" : "email.opened"));
      let down = true;
      const seen: string[] = [];
      world.answers.set("a.example", () => (down ? 500 : 200));
      world.webhooks.enqueue(events);
      await world.settle();
      expect(world.calls).toHaveLength(1);
      down = false;
      for (let turn = 0; turn < 100 && world.calls.length < 1_501; turn++) {
        world.now += WEBHOOK_LEASE_MS;
        await world.settle();
      }
      expect(world.calls).toHaveLength(1_501);
      seen.push(
        ...world.rows<{ id: string }>("SELECT id FROM webhook_attempt ORDER BY attempt").map(({ id }) => id),
      );
      expect([...new Set(seen)]).toEqual(events.map((one) => (one.kind === "event" ? one.event.id : "")));
    }));

  it("makes an attempt again that a crash cut off", () =>
    inWorld(async (world) => {
      world.endpoint("a");
      const event = await email();
      world.answers.set("a.example", () => new Promise(() => {}));
      world.webhooks.enqueue([event("email.sent")]);
      await world.webhooks.run();
      await world.called(1);
      world.restart();
      world.answers.clear();
      await world.settle();
      expect(world.calls).toHaveLength(1);
      expect(world.webhooks.nextDue()).toBe(T0 + WEBHOOK_LEASE_MS);
      world.now += WEBHOOK_LEASE_MS;
      await world.settle();
      expect(world.calls).toHaveLength(2);
      expect(new Set(world.bodies).size).toBe(1);
    }));

  it("forgets what is older than its log, a part at a time", () =>
    inWorld(async (world) => {
      world.endpoint("a");
      world.endpoint("b");
      world.answers.set("b.example", () => 500);
      const event = await email();
      world.webhooks.enqueue([event("email.sent")]);
      await world.settle();
      expect(world.webhooks.prune()).toBe(false);
      world.now += WEBHOOK_LOG_MS;
      expect(world.webhooks.nextDue()).toBeLessThanOrEqual(world.now + 1_000);
      expect(world.webhooks.prune()).toBe(true);
      expect(world.facts).toContain("webhook_events_forgotten_untold");
      for (const table of ["webhook_event", "webhook_delivery", "webhook_attempt"])
        expect(world.rows(`SELECT * FROM ${table}`)).toEqual([]);
      expect(world.webhooks.prune()).toBe(false);
      expect(world.webhooks.nextDue()).toBeNull();
    }));

  it("forgets a person, and leaves the others", () =>
    inWorld(async (world) => {
      world.endpoint("a");
      world.answers.set("a.example", () => 500);
      const { email: row } = emailEntry({ to: ["R0@Example.org", "xr0@example.org", "r1@example.org"] });
      await writeEntries(dbOf(bindings), [{ kind: "email", email: row }, recipientsEntry(row.id, 2)]);
      const text = "550 <r0@EXAMPLE.org>: no such user, try r0@example.org.uk";
      world.webhooks.enqueue([
        eventEntry(row.id, "email.sent", { recipient: 0 }),
        eventEntry(row.id, "email.bounced", { recipient: 1, data: { attempt: attempt(1, { text }) } }),
      ]);
      await world.settle();
      // One that waits for its payload, and one of the list.
      world.journalFirst = 0;
      world.webhooks.enqueue([
        eventEntry(row.id, "email.unsubscribed", {
          data: { unsubscribe: { address: "r0@example.org", topic: null, via: "page" } },
        }),
      ]);
      world.webhooks.notify({
        id: idAt(T0),
        type: "suppression.added",
        at: T0,
        payload: '{"type":"suppression.added","data":{"email":"r0@example.org"}}',
      });
      expect(world.webhooks.erase("r0@example.org", [])).toEqual({ webhook_events: 4, webhook_attempts: 0 });
      const left = world.rows<{ payload: string }>("SELECT payload FROM webhook_event");
      expect(left).toHaveLength(1);
      const { data } = JSON.parse(left[0]!.payload);
      expect(data).toMatchObject({
        recipient: "r1@Example.org",
        to: ["(erased)", "xr0@example.org", "r1@example.org"],
        reply: { text: "550 <(erased)>: no such user, try r0@example.org.uk" },
      });
      expect(world.rows("SELECT DISTINCT id FROM webhook_delivery")).toHaveLength(1);
      expect(world.rows("SELECT DISTINCT id FROM webhook_attempt")).toHaveLength(1);
      expect(world.webhooks.erase("r0@example.org", [])).toEqual({ webhook_events: 0, webhook_attempts: 0 });
      expect(world.webhooks.erase("nobody@example.org", [{ email: row.id, recipient: 1 }])).toEqual({
        webhook_events: 1,
        webhook_attempts: 0,
      });
      expect(world.rows("SELECT * FROM webhook_event")).toEqual([]);
    }));

  it("forgets a person of more events than fit into one parameter", () =>
    inWorld(async (world) => {
      // Long ids in the place of a quarter of a million.
      world.rows(`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9000)
        INSERT INTO webhook_event (id, type, email, recipient, at, wanted, through, payload, created_at)
        SELECT printf('%01000d', i), 'email.opened', 'e', 0, 0, '[]', 0, '{"data":{"recipient":"r0@example.org"}}', 0 FROM n`);
      expect(world.webhooks.erase("r0@example.org", [])).toMatchObject({ webhook_events: 9_000 });
      expect(world.rows("SELECT id FROM webhook_event")).toEqual([]);
    }));

  it("forgets everything of an endpoint that was deleted, and takes no older list", () =>
    inWorld(async (world) => {
      world.endpoint("a");
      world.answers.set("a.example", () => 500);
      const event = await email();
      world.webhooks.enqueue([event("email.sent")]);
      await world.settle();
      const before = structuredClone(world.endpoints);
      world.remove("a");
      world.webhooks.setEndpoints({ version: 5, endpoints: before });
      world.now += 10 * MINUTE;
      await world.settle();
      expect(world.calls).toHaveLength(1);
      for (const table of ["webhook_delivery", "webhook_attempt", "webhook_health"])
        expect(world.rows(`SELECT * FROM ${table}`)).toEqual([]);
    }));

  it("takes notices that need nothing from libSQL, once", () =>
    inWorld(async (world) => {
      world.endpoint("a", { events: ["suppression.added"] });
      const notice = {
        id: idAt(T0),
        type: "suppression.added",
        at: T0,
        payload: '{"type":"suppression.added","data":{}}',
      };
      world.webhooks.notify(notice);
      world.webhooks.notify(notice);
      world.webhooks.notify({ ...notice, id: idAt(T0), type: "suppression.removed" });
      await world.settle();
      expect(world.bodies).toEqual([notice.payload]);
    }));
});

describe("the lanes", () => {
  it("keep dead and slow endpoints from holding up the others", () =>
    inWorld(async (world) => {
      const event = await email(40);
      world.endpoint("good");
      world.webhooks.enqueue([event("email.sent", 0)]);
      await world.settle();
      // Six that never answer, each with a backlog.
      for (let i = 0; i < 6; i++) {
        world.endpoint(`dead${i}`);
        world.answers.set(`dead${i}.example`, () => new Promise(() => {}));
      }
      world.calls.length = 0;
      world.webhooks.enqueue(Array.from({ length: 40 }, (_, i) => event("email.opened", i)));
      await world.webhooks.run();
      for (let i = 0; i < 2_000 && world.calls.filter((call) => call.startsWith("good")).length < 40; i++)
        await new Promise((resolve) => setTimeout(resolve, 0));
      expect(world.calls.filter((call) => call.startsWith("good"))).toHaveLength(40);
      expect(world.calls.filter((call) => call.startsWith("dead"))).toHaveLength(WEBHOOK_SLOW_CALLS);
    }));

  it("are served in turn: an endpoint with a backlog does not keep another waiting", () =>
    inWorld(async (world) => {
      const event = await email(30);
      for (const name of ["busy", "rare"]) {
        world.endpoint(name, { events: name === "busy" ? ["email.opened"] : ["email.clicked"] });
      }
      world.webhooks.enqueue([event("email.opened", 0), event("email.clicked", 0)]);
      await world.settle();
      world.calls.length = 0;
      world.webhooks.enqueue(Array.from({ length: 30 }, (_, i) => event("email.opened", i)));
      world.webhooks.enqueue([event("email.clicked", 1)]);
      await world.settle();
      expect(world.calls.indexOf("rare.example email.clicked")).toBeLessThan(WEBHOOK_QUICK_CALLS);
      expect(world.calls).toHaveLength(31);
    }));

  it("leave an endpoint in peace that asked for it", () =>
    inWorld(async (world) => {
      world.endpoint("a");
      const event = await email(2);
      world.answers.set("a.example", () => 429);
      world.retryAfter = "600";
      world.webhooks.enqueue([event("email.sent", 0)]);
      await world.settle();
      world.webhooks.enqueue([event("email.sent", 1)]);
      await world.settle();
      expect(world.calls).toHaveLength(1);
      expect(world.webhooks.nextDue()).toBe(T0 + 10 * MINUTE);
      world.answers.clear();
      world.now += 10 * MINUTE;
      await world.settle();
      expect(world.calls).toHaveLength(3);
    }));
});

describe("an endpoint", () => {
  it("that answers 410 is disabled at once; what waited goes when it is enabled again", () =>
    inWorld(async (world) => {
      world.endpoint("a");
      const event = await email();
      world.answers.set("a.example", () => 410);
      world.webhooks.enqueue([event("email.sent"), event("email.opened")]);
      await world.settle();
      expect(world.disabled).toEqual(["https://a.example/ The endpoint answered 410 Gone."]);
      expect(world.calls).toHaveLength(1);
      world.answers.clear();
      world.endpoint("a");
      world.now += WEBHOOK_LEASE_MS;
      await world.settle();
      expect(world.calls).toEqual(["a.example email.sent", "a.example email.opened"]);
    }));

  it("that fails for days is disabled, and says since when", () =>
    inWorld(async (world) => {
      world.endpoint("a");
      world.answers.set("a.example", () => 500);
      for (let i = 0; i < WEBHOOK_DISABLE_FAILURES + 5 && world.disabled.length === 0; i++) {
        const event = await email();
        world.webhooks.enqueue([event("email.sent")]);
        await world.settle();
        world.now += WEBHOOK_DISABLE_MS / WEBHOOK_DISABLE_FAILURES;
      }
      expect(world.disabled).toHaveLength(1);
      expect(world.disabled[0]).toMatch(
        /^https:\/\/a\.example\/ Every call since 2026-11-02T00:00:00.000Z failed, \d+ in all\.$/,
      );
    }));

  it("that works now and then is not", () =>
    inWorld(async (world) => {
      world.endpoint("a");
      let n = 0;
      world.answers.set("a.example", () => (++n % 10 === 0 ? 200 : 500));
      for (let i = 0; i < 40; i++) {
        const event = await email();
        world.webhooks.enqueue([event("email.sent")]);
        await world.settle();
        world.now += WEBHOOK_DISABLE_MS / 10;
      }
      expect(world.disabled).toEqual([]);
    }));

  it("of a failing kind gets every event in the end: five failures each, then all", () =>
    inWorld(async (world) => {
      world.endpoint("a");
      const event = await email(20);
      const tries = new Map<string, number>();
      world.answers.set("a.example", ({ type, data }) => {
        const key = `${type} ${data.recipient_index}`;
        tries.set(key, (tries.get(key) ?? 0) + 1);
        return tries.get(key)! <= 5 ? 500 : 200;
      });
      world.webhooks.enqueue(
        (["email.sent", "email.opened", "email.clicked"] as const).flatMap((type) =>
          Array.from({ length: 20 }, (_, i) => event(type, i)),
        ),
      );
      await world.settle();
      for (let due = world.webhooks.nextDue(); due! < T0 + WEBHOOK_LOG_MS; due = world.webhooks.nextDue()) {
        world.now = due!;
        await world.settle();
      }
      expect(tries.size).toBe(60);
      expect([...new Set(tries.values())]).toEqual([6]);
      expect(world.rows("SELECT DISTINCT state, attempts FROM webhook_delivery")).toEqual([
        { state: "success", attempts: 6 },
      ]);
    }));
});

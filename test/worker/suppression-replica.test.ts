/** The suppression list at the registry, and its replicas at the outboxes: equal in the end, whatever is lost on the way. */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { DAY_MS, SUPPRESSIONS_PER_CALL } from "../../src/core/limits.ts";
import { type Env, registryOf } from "../../src/env.ts";
import { Suppressed } from "../../src/outbox/suppressed.ts";
import { SUPPRESSION, type SuppressionRule } from "../../src/policy/suppression.ts";
import { rulesWith } from "../../src/policy/suppression-rules.ts";
import { Protection, type ProtectionParts } from "../../src/registry/protection.ts";
import type { ReplicaRpc, ReplicaState } from "../../src/registry/suppression-rpc.ts";
import type { NewSuppression, SuppressionFact } from "../../src/schema/suppression.ts";
import { call, mailFor, poll, someone } from "../support/api.ts";
import { idAt } from "../support/entries.ts";

const bindings = env as unknown as Env;
const registry = registryOf(bindings);
const outbox = bindings.OUTBOX.get(bindings.OUTBOX.idFromName("outbox-0"));
const entry = (address: string, more: Partial<NewSuppression> = {}): NewSuppression => ({
  address,
  topic: "",
  origin: "manual",
  category: "manual",
  reason: null,
  sourceId: null,
  expiresAt: null,
  ...more,
});
type Row = { address: string; topic: string; origin: string; reason: string | null };
const replica = (where = "1") =>
  runInDurableObject(outbox, (_, { storage }) =>
    storage.sql.exec<Row>(`SELECT * FROM suppressed WHERE ${where} ORDER BY address, topic`).toArray(),
  );
const truth = () =>
  runInDurableObject(registry, (_, { storage }) =>
    storage.sql
      .exec<Row>(
        "SELECT address, topic, origin, category, reason, expires_at FROM suppression ORDER BY address, topic",
      )
      .toArray(),
  );
const inOutbox = (statement: string, ...bindings: (string | number)[]) =>
  runInDurableObject(outbox, (_, { storage }) => {
    storage.sql.exec(statement, ...bindings);
  });
const statusTo = async (to: string) => {
  const { body } = await call("POST", "/emails", {
    from: "a@example.com",
    to,
    subject: "x",
    text: "x",
  });
  return poll(
    async () => (await call("GET", `/emails/${body.id}`)).body.recipients[0].status as string,
    (status) => status !== "queued",
  );
};

describe("an outbox's replica", () => {
  it("has a change before the call that made it is answered", async () => {
    const [one, two] = [someone(), someone()];
    await registry.addSuppressions([entry(one), entry(two, { topic: "news", reason: "Why." })]);
    expect(await replica(`address IN ('${one}', '${two}')`)).toMatchObject([
      { address: one, topic: "" },
      { address: two, topic: "news", reason: "Why." },
    ]);
    await registry.removeSuppressions({ addresses: [one], topic: "" });
    expect(await replica(`address = '${one}'`)).toEqual([]);
  });

  it("is there after a restart of either side", async () => {
    const to = someone();
    await registry.addSuppressions([entry(to)]);
    await evictDurableObject(outbox);
    expect(await statusTo(to)).toBe("suppressed");
    await evictDurableObject(registry);
    const other = someone();
    await registry.addSuppressions([entry(other)]);
    expect(await statusTo(other)).toBe("suppressed");
    expect(await replica()).toEqual(await truth());
  });

  it("asks for what it missed when it starts", async () => {
    const to = someone();
    await registry.addSuppressions([entry(to)]);
    await inOutbox("DELETE FROM suppressed WHERE address = ?", to);
    await inOutbox("UPDATE suppressed_state SET position = position - 1");
    await evictDurableObject(outbox);
    expect(await statusTo(to)).toBe("suppressed");
  });

  it("is told what it missed with the next change", async () => {
    const [missed, next] = [someone(), someone()];
    await registry.addSuppressions([entry(missed)]);
    await inOutbox("DELETE FROM suppressed");
    await inOutbox("DELETE FROM suppressed_state");
    await evictDurableObject(outbox);
    await registry.addSuppressions([entry(next)]);
    expect(await replica()).toEqual(await truth());
  });

  it("begins anew when it missed removals that are forgotten", async () => {
    const [to, other] = [someone(), someone()];
    await registry.addSuppressions([entry(to)]);
    const before = await runInDurableObject(outbox, (_, { storage }) =>
      storage.sql.exec<{ position: number }>("SELECT position FROM suppressed_state").one(),
    );
    await registry.removeSuppressions({ addresses: [to], topic: "" });
    await registry.addSuppressions([entry(other)]);
    // As if it had been cut off since the first change: the entry, and no word of its removal.
    await inOutbox(
      "INSERT INTO suppressed (address, topic, origin, category) VALUES (?, '', 'manual', 'manual')",
      to,
    );
    await inOutbox("UPDATE suppressed_state SET base = 0, position = ?", before.position);
    await evictDurableObject(outbox);
    expect(await statusTo(to)).toBe("sent");
    expect(await replica()).toEqual(await truth());
  });

  it("begins anew when the registry has another list", async () => {
    const [mine, stale] = [someone(), someone()];
    await registry.addSuppressions([entry(mine), entry(stale)]);
    await runInDurableObject(registry, (_, { storage }) => {
      storage.sql.exec("DELETE FROM suppression WHERE address = ?", stale);
      storage.sql.exec("UPDATE suppression_state SET value = 'another' WHERE name = 'salt'");
    });
    await evictDurableObject(registry);
    await evictDurableObject(outbox);
    expect([await statusTo(mine), await statusTo(stale)]).toEqual(["suppressed", "sent"]);
    expect(await replica()).toEqual(await truth());
  });

  it("holds ten thousand, and bulk mail to them goes to the others alone", async () => {
    const run = Date.now();
    const all = Array.from({ length: 10_000 }, (_, i) => `many-${run}-${i}@example.net`);
    for (let at = 0; at < all.length; at += 1_000)
      await registry.importSuppressions(
        all
          .slice(at, at + 1_000)
          .filter((_, i) => i % 1_000 !== 500)
          .map((address) => entry(address)),
      );
    expect(await registry.importSuppressions([entry(all[0]!), entry(someone())])).toEqual({
      added: 1,
      already: 1,
    });
    const { body } = await call("POST", "/emails/bulk", {
      from: "a@example.com",
      subject: "Many",
      text: "x",
      recipients: all.map((to) => ({ to: to.toUpperCase() })),
    });
    expect(body).toMatchObject({ accepted: 10, suppressed: 9_990 });
    expect(await mailFor(all[5_500]!.toUpperCase().replace("EXAMPLE.NET", "example.net"))).toHaveLength(1);
    await evictDurableObject(outbox);
    expect(await statusTo(all[7]!)).toBe("suppressed");
  });
});

/** A registry's protection without a registry, with outboxes of the test's own, in a storage nobody else uses. */
async function lab<T>(
  name: string,
  outboxes: (replica: Suppressed) => Pick<ReplicaRpc, "takeSuppressions">[],
  run: (lab: {
    protection: Protection;
    replica: Suppressed;
    storage: DurableObjectStorage;
    clock: { now: number };
    told: string[];
    /** Rows of the policy table set otherwise. */
    rows: Map<string, SuppressionRule>;
    /** Another instance on the same storage. */
    again: () => Protection;
  }) => Promise<T>,
): Promise<T> {
  const stub = bindings.REGISTRY.get(bindings.REGISTRY.idFromName(`lab-${name}`));
  return runInDurableObject(stub, (_, { storage }) => {
    const clock = { now: Date.UTC(2026, 10, 1) };
    const told: string[] = [];
    const rows = new Map<string, SuppressionRule>();
    const replica = new Suppressed(storage);
    const parts: ProtectionParts = {
      storage,
      ruleOf: rulesWith(rows),
      outboxes: () => outboxes(replica),
      newId: idAt,
      now: () => clock.now,
      wakeBy: () => undefined,
      keep: () => undefined,
      told: (type, entries) => {
        // As the registry's notices are: one parameter, of which a Durable Object takes 2 MB.
        if (entries.length > SUPPRESSIONS_PER_CALL) throw new Error("SQLITE_TOOBIG");
        for (const { address } of entries) told.push(`${type} ${address}`);
      },
      report: () => undefined,
    };
    const again = () => new Protection(parts);
    return run({ protection: again(), replica, storage, clock, told, again, rows });
  });
}
const taking = (replica: Suppressed): Pick<ReplicaRpc, "takeSuppressions"> => ({
  takeSuppressions: async (shipment) => replica.apply(structuredClone(shipment), 0),
});

describe("shipping", () => {
  it("answers although an outbox is out of reach, and tells it by alarm", async () => {
    let reachable = false;
    await lab(
      "unreachable",
      (replica) => [
        {
          takeSuppressions: async (shipment) => {
            if (!reachable) throw new Error("Network connection lost.");
            return replica.apply(shipment, 0);
          },
        },
      ],
      async ({ protection, replica, storage }) => {
        await protection.addSuppressions([entry("a@example.net"), entry("b@example.net")]);
        await protection.removeSuppressions({ addresses: ["a@example.net"], topic: "" });
        await protection.tick();
        expect(replica.isEmpty).toBe(true);
        const gone = () => storage.sql.exec("SELECT address FROM suppression_gone").toArray();
        expect(gone()).toEqual([{ address: "a@example.net" }]);
        reachable = true;
        await protection.tick();
        expect(replica.against(["a@example.net", "b@example.net"], null, 0).size).toBe(1);
        expect(gone()).toEqual([]); // Nothing speaks of who was removed once all have heard.
      },
    );
  });

  it("goes on after a restart of the registry: who has everything is not asked, who has not is told", async () => {
    let reachable = false;
    const calls = [0, 0];
    const outboxAt = (i: number): Pick<ReplicaRpc, "takeSuppressions"> => {
      let state: ReplicaState = { epoch: "", position: 0, base: 0 };
      return {
        takeSuppressions: async ({ epoch, fresh, base, from, through }) => {
          calls[i]! += 1;
          if (i === 1 && !reachable) throw new Error("Network connection lost.");
          if (!fresh && (epoch !== state.epoch || from > state.position)) return state;
          state = { epoch, position: through, base };
          return state;
        },
      };
    };
    const both = [outboxAt(0), outboxAt(1)];
    await lab(
      "restart",
      () => both,
      async ({ protection, again, storage }) => {
        await protection.addSuppressions([entry("a@example.net"), entry("b@example.net")]);
        await protection.removeSuppressions({ addresses: ["a@example.net"], topic: "" });
        const restarted = again();
        const before = calls[0];
        await restarted.tick();
        reachable = true;
        await restarted.tick();
        expect(calls[0]).toBe(before);
        expect(storage.sql.exec("SELECT * FROM suppression_gone").toArray()).toEqual([]);
        const told = calls[1];
        await restarted.tick();
        expect(calls[1]).toBe(told);
      },
    );
  });

  it("ends with equal lists, whatever order calls, losses and repeats come in", async () => {
    let seed = 7;
    const random = (n: number) => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      return Math.floor((seed / 2 ** 31) * n);
    };
    let calm = false;
    const late: Parameters<ReplicaRpc["takeSuppressions"]>[0][] = [];
    await lab(
      "random",
      (replica) => [
        {
          takeSuppressions: async (shipment) => {
            const copy = structuredClone(shipment);
            const luck = calm ? 9 : random(10);
            if (luck < 2) throw new Error("lost");
            const state = replica.apply(copy, 0);
            if (luck < 4) late.push(copy);
            if (luck === 4) throw new Error("answer lost");
            if (luck === 5 && late.length > 0) replica.apply(late.splice(random(late.length), 1)[0]!, 0);
            return luck === 5 ? replica.state : state;
          },
        },
      ],
      async ({ protection, storage }) => {
        for (let step = 0; step < 400; step++) {
          const address = `r${random(12)}@example.net`;
          const topic = random(3) === 0 ? "news" : "";
          const origin = (["manual", "bounce", "complaint", "unsubscribe"] as const)[random(4)]!;
          const what = random(10);
          if (what < 5)
            await protection.addSuppressions([entry(address, { topic, origin, reason: `${step}` })]);
          else if (what < 8) await protection.removeSuppressions({ addresses: [address], topic });
          else if (what < 9) await protection.eraseSuppressed(address);
          else await protection.tick();
        }
        calm = true;
        for (let i = 0; i < 3; i++) await protection.tick();
        const columns = "address, topic, origin, category, reason, expires_at";
        const read = (table: string) =>
          storage.sql.exec(`SELECT ${columns} FROM ${table} ORDER BY address, topic`).toArray();
        expect(read("suppression").length).toBeGreaterThan(5);
        expect(read("suppressed")).toEqual(read("suppression"));
      },
    );
  });
});

describe("a list", () => {
  it("ends as a whole in one moment, and others are added and told of meanwhile", async () => {
    await lab(
      "ends",
      (replica) => [taking(replica)],
      async ({ protection, clock, storage, told }) => {
        const expiresAt = clock.now + DAY_MS;
        const some = (i: number) => `some-${i}@example.net`;
        for (let at = 0; at < 3_500; at += 500)
          await protection.importSuppressions(
            Array.from({ length: 500 }, (_, i) => entry(some(at + i), { expiresAt })),
          );
        told.length = 0;
        clock.now = expiresAt;
        const added = await protection.addSuppressions([entry("new@example.net"), entry(some(7))]);
        expect(added.map((one) => one.added)).toEqual([true, true]);
        expect(told).toContain(`suppression.removed ${some(7)}`);
        await protection.tick();
        expect(storage.sql.exec("SELECT address FROM suppression ORDER BY address").toArray()).toEqual([
          { address: "new@example.net" },
          { address: some(7) },
        ]);
        expect(told.filter((one) => one.startsWith("suppression.removed"))).toHaveLength(3_500);
      },
    );
  });
});

describe("the registry", () => {
  it("keeps the alarm of its last life when the new one asks for a later one", async () => {
    const stub = bindings.REGISTRY.get(bindings.REGISTRY.idFromName("alarm"));
    const soon = Date.now() + 25_000;
    await runInDurableObject(stub, (_, { storage }) => storage.setAlarm(soon));
    await evictDurableObject(stub);
    const at = Date.now();
    // Counted, and to be forgotten in three months: nothing else to do.
    await stub.learn([
      { id: idAt(at), address: someone(), topic: "", category: "mailbox_full", emailId: idAt(at), at },
    ]);
    await runInDurableObject(stub, async (_, { storage }) => {
      expect(await storage.getAlarm()).toBe(soon);
      await storage.deleteAlarm();
    });
  });
});

describe("what is learned", () => {
  const fact = (clock: { now: number }, more: Partial<SuppressionFact> = {}): SuppressionFact => ({
    id: idAt(clock.now),
    address: "full@example.net",
    topic: "",
    category: "mailbox_full",
    emailId: idAt(clock.now),
    at: clock.now,
    ...more,
  });
  const all = { addresses: ["full@example.net"], topic: "" };
  const rule = SUPPRESSION.mailbox_full as { times: number; withinDays: number; days: number };

  /** A message each day, until this one. */
  const bounceDaily = async (protection: Protection, clock: { now: number }, days: number) => {
    for (let i = 0; i < days; i++) {
      await protection.learn([fact(clock)]);
      clock.now += DAY_MS;
    }
  };

  it("closes after as many messages on as many days within as many days as the table says, for as long", async () => {
    await lab(
      "soft",
      (replica) => [taking(replica)],
      async ({ protection, clock, replica, told }) => {
        await bounceDaily(protection, clock, rule.times - 1);
        expect(await protection.findSuppressions(all)).toEqual([]);
        clock.now += (rule.withinDays + 1) * DAY_MS; // The first ones no longer count.
        await bounceDaily(protection, clock, rule.times - 1);
        expect(await protection.findSuppressions(all)).toEqual([]);
        const last = fact(clock);
        await protection.learn([last, last]);
        const [entry] = await protection.findSuppressions(all);
        expect(entry).toMatchObject({
          origin: "bounce",
          category: "mailbox_full",
          reason: "On 3 days of 14: The recipient's mailbox is full.",
          sourceId: last.emailId,
          expiresAt: clock.now + rule.days * DAY_MS,
        });
        expect(replica.against([all.addresses[0]!], "any", clock.now).size).toBe(1);
        clock.now += rule.days * DAY_MS;
        expect(replica.against([all.addresses[0]!], "any", clock.now).size).toBe(0);
        expect(await protection.findSuppressions(all)).toEqual([]);
        // Counting begins anew.
        await protection.tick();
        await protection.learn([fact(clock)]);
        expect(await protection.findSuppressions(all)).toEqual([]);
        expect(told).toEqual(["suppression.added full@example.net", "suppression.removed full@example.net"]);
      },
    );
  });

  it("counts a message once, however often it bounces, and a fact once, however often it is told", async () => {
    await lab(
      "once",
      (replica) => [taking(replica)],
      async ({ protection, clock }) => {
        const emailId = idAt(clock.now);
        for (let i = 0; i < 5; i++) await protection.learn([fact(clock, { emailId })]);
        const again = fact(clock);
        for (let i = 0; i < 5; i++) await protection.learn([again]);
        expect(await protection.findSuppressions(all)).toEqual([]);
      },
    );
  });

  it("is forgotten by a removal by hand, and not learned again from the same event", async () => {
    await lab(
      "forgotten",
      (replica) => [taking(replica)],
      async ({ protection, clock, storage }) => {
        const hard = fact(clock, { category: "unknown_mailbox" });
        await protection.learn([hard]);
        await protection.removeSuppressions(all);
        await protection.learn([hard]);
        expect(await protection.findSuppressions(all)).toEqual([]);
        await bounceDaily(protection, clock, rule.times - 1);
        await protection.addSuppressions([entry(all.addresses[0]!)]);
        await protection.removeSuppressions(all);
        await protection.learn([fact(clock)]);
        expect(await protection.findSuppressions(all)).toEqual([]);
        clock.now += 91 * DAY_MS;
        await protection.tick();
        expect(storage.sql.exec("SELECT count(*) AS n FROM bounce").one()).toEqual({ n: 0 });
      },
    );
  });

  it("closes nothing for what is the sender's own fault", async () => {
    await lab(
      "ours",
      (replica) => [taking(replica)],
      async ({ protection, clock }) => {
        for (const category of ["spam_blocked", "refused", "unauthenticated", "no_such_category"])
          for (let i = 0; i < 20; i++) await protection.learn([fact(clock, { category })]);
        expect(await protection.findSuppressions(all)).toEqual([]);
      },
    );
  });

  it("follows the table as the operator has set it", async () => {
    await lab(
      "set",
      (replica) => [taking(replica)],
      async ({ protection, clock, rows }) => {
        rows.set("spam_blocked", { when: "at_once", days: 10, why: "" });
        rows.set("mailbox_full", { when: "repeated", times: 2, withinDays: 60, days: null, why: "" });
        await protection.learn([fact(clock, { category: "spam_blocked" })]);
        expect((await protection.findSuppressions(all))[0]).toMatchObject({
          category: "spam_blocked",
          expiresAt: clock.now + 10 * DAY_MS,
        });
        await protection.removeSuppressions(all);
        await protection.learn([fact(clock)]);
        clock.now += 50 * DAY_MS;
        await protection.tick();
        await protection.learn([fact(clock)]);
        expect((await protection.findSuppressions(all))[0]).toMatchObject({
          reason: "On 2 days of 60: The recipient's mailbox is full.",
          expiresAt: null,
        });
      },
    );
  });

  it("lets the entry that lasts longer, or weighs more, stand", async () => {
    await lab(
      "weight",
      (replica) => [taking(replica)],
      async ({ protection, clock }) => {
        const until = clock.now + DAY_MS;
        const origins = async (...list: Partial<NewSuppression>[]) => {
          for (const one of list) await protection.addSuppressions([entry("full@example.net", one)]);
          const [found] = await protection.findSuppressions(all);
          await protection.removeSuppressions(all);
          return [found!.origin, found!.expiresAt];
        };
        expect(await origins({ origin: "bounce", expiresAt: until }, {})).toEqual(["manual", null]);
        expect(await origins({}, { origin: "bounce", expiresAt: until })).toEqual(["manual", null]);
        expect(await origins({}, { origin: "complaint" })).toEqual(["complaint", null]);
        expect(await origins({ origin: "complaint" }, { origin: "bounce" })).toEqual(["complaint", null]);
        const both = [
          entry("full@example.net", { origin: "bounce" }),
          entry("full@example.net", { origin: "complaint" }),
        ];
        const [a, b] = await protection.addSuppressions(both);
        expect([a!.added, b!.added, a!.id === b!.id]).toEqual([true, false, true]);
        expect((await protection.findSuppressions(all))[0]!.origin).toBe("complaint");
      },
    );
  });
});

describe("an address that is erased", () => {
  const dumped = async () =>
    JSON.stringify([
      await runInDurableObject(registry, (_, { storage }) =>
        ["suppression", "suppression_gone", "bounce"].map((t) =>
          storage.sql.exec(`SELECT * FROM ${t}`).toArray(),
        ),
      ),
      await replica(),
    ]);

  it("stands nowhere any more, and its owner's wish is still kept", async () => {
    const to = someone("erased");
    await registry.addSuppressions([
      entry(to, { origin: "complaint", category: "complaint", reason: "Told us.", sourceId: "x" }),
      entry(to, { topic: "news", origin: "unsubscribe", category: "unsubscribe" }),
      entry(to, { topic: "shop", origin: "bounce", category: "unknown_mailbox" }),
    ]);
    await registry.learn([
      {
        id: idAt(Date.now()),
        address: to,
        topic: "",
        category: "mailbox_full",
        emailId: idAt(Date.now()),
        at: Date.now(),
      },
    ]);
    expect(await dumped()).toContain(to);
    expect(await registry.eraseSuppressed(to.toUpperCase())).toEqual({ hashed: 2, removed: 1, bounces: 1 });
    expect(await dumped()).not.toContain(to);
    expect(await statusTo(to)).toBe("suppressed");
    const found = await call("GET", `/suppressions/${encodeURIComponent(to)}`);
    expect(found.body).toMatchObject({
      email: "(erased)",
      origin: "complaint",
      reason: null,
      source_id: null,
    });
    // Told again it is the same entry, and the address stays unwritten.
    const again = await call("POST", "/suppressions", { email: to });
    expect([again.status, again.body.id]).toEqual([200, found.body.id]);
    expect(await dumped()).not.toContain(to);
    expect((await call("GET", "/suppressions/export")).body).not.toContain(to);
    await evictDurableObject(outbox);
    expect(await statusTo(to)).toBe("suppressed");
    // A person who comes back is let in.
    expect((await call("DELETE", `/suppressions/${encodeURIComponent(to)}`)).status).toBe(200);
    expect(await statusTo(to)).toBe("sent");
  });
});

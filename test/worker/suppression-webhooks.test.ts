/** suppression.added and suppression.removed, told to webhooks. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { Env } from "../../src/env.ts";
import type { WebhookNotice } from "../../src/ledger/rpc.ts";
import { Notices } from "../../src/registry/notices.ts";
import type { Suppression } from "../../src/schema/suppression.ts";
import { call, someone } from "../support/api.ts";
import { idAt, T0 } from "../support/entries.ts";
import { hook } from "../support/webhooks.ts";

const TYPES = ["suppression.added", "suppression.removed"];

describe("a change of the list", () => {
  it("is told, in Resend's shape: by hand, by a bounce, and the end of it", async () => {
    const { told } = await hook(TYPES);
    const [byHand, bounced] = [someone(), someone("unknown")];
    const { id } = (await call("POST", "/suppressions", { email: byHand })).body;
    await call("POST", "/suppressions", { email: byHand }); // Nothing changes.
    await call("DELETE", `/suppressions/${id}`);
    const two = await told(2);
    const { body: sent } = await call("POST", "/emails", {
      from: "a@example.com",
      to: bounced,
      subject: "x",
      text: "x",
    });
    const three = await told(3);
    expect(two.length).toBe(2);
    const [added, removed, after] = three.map(({ body }) => JSON.parse(body));
    const data = {
      id,
      email: byHand,
      origin: "manual",
      source_id: null,
      created_at: expect.stringMatching(/Z$/),
      topic: null,
      category: "manual",
    };
    expect(added).toEqual({ type: "suppression.added", created_at: expect.stringMatching(/Z$/), data });
    expect(removed).toEqual({ type: "suppression.removed", created_at: expect.any(String), data });
    expect(after).toMatchObject({
      type: "suppression.added",
      data: { email: bounced, origin: "bounce", source_id: sent.id, category: "unknown_mailbox" },
    });
  });

  it("is told of a list of a thousand, each once", async () => {
    const { told } = await hook(["suppression.added"]);
    const run = Date.now();
    const emails = Array.from({ length: 100 }, (_, i) => `told-${run}-${i}@example.net`);
    await call("POST", "/suppressions/batch/add", { emails });
    const all = (await told(100)).map(({ body }) => JSON.parse(body).data.email as string);
    expect([...all].sort()).toEqual([...emails].sort());
  });
});

describe("notices", () => {
  const entry: Suppression = {
    id: "s-1",
    address: "a@example.net",
    topic: "",
    origin: "manual",
    category: "manual",
    reason: null,
    sourceId: null,
    createdAt: T0,
    expiresAt: null,
  };
  const lab = <T>(
    name: string,
    run: (
      made: (more: { wanted?: boolean; up: () => boolean }) => Notices,
      taken: WebhookNotice[],
    ) => Promise<T>,
  ) => {
    const { REGISTRY } = env as unknown as Env;
    return runInDurableObject(REGISTRY.get(REGISTRY.idFromName(name)), (_, { storage }) => {
      const taken: WebhookNotice[] = [];
      return run(
        ({ wanted = true, up }) =>
          new Notices({
            sql: storage.sql,
            isWanted: () => wanted,
            ledger: () => ({
              notify: async (notices) => {
                if (!up()) throw new Error("Network connection lost.");
                taken.push(...notices);
              },
            }),
            newId: idAt,
            report: () => undefined,
          }),
        taken,
      );
    });
  };

  it("are not written when nobody wants them", async () => {
    await lab("notices-unwanted", async (make) => {
      const notices = make({ wanted: false, up: () => true });
      expect(notices.add("suppression.added", [entry], T0)).toBe(false);
      expect(notices.isPending).toBe(false);
    });
  });

  it("wait for the ledger, over a restart", async () => {
    await lab("notices-away", async (make, taken) => {
      let up = false;
      const notices = make({ up: () => up });
      notices.add("suppression.added", [entry, { ...entry, id: "s-2", address: "#hash" }], T0);
      expect([await notices.deliver(), notices.isPending, taken.length]).toEqual([false, true, 0]);
      notices.add("suppression.added", [{ ...entry, id: "s-3", address: "erased@example.net" }], T0);
      notices.erase("Erased@example.net");
      up = true;
      const again = make({ up: () => up });
      expect([await again.deliver(), again.isPending]).toEqual([true, false]);
      expect(taken.map(({ payload }) => JSON.parse(payload).data.email)).toEqual([
        "a@example.net",
        "(erased)",
      ]);
    });
  });
});

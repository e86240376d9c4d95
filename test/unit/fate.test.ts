import { describe, expect, it } from "vitest";
import { type Fate, fateOf } from "../../src/outbox/fate.ts";
import type { Category } from "../../src/policy/category.ts";
import type { Disposition } from "../../src/policy/reply.ts";
import { refusedBy, relaysOf, reopened, without } from "../../src/smtp/routing.ts";

describe("a route", () => {
  it("remembers who would not have the copy, and asks the others; then nobody is left", () => {
    expect(refusedBy("a,b,c", "a")).toBe("b,c|a");
    expect(relaysOf("b,c|a")).toEqual(["b", "c"]);
    expect(refusedBy("b,c|a", "b")).toBe("c|a,b");
    expect(refusedBy("c|a,b", "c")).toBeNull();
    expect(refusedBy("a", "a")).toBeNull();
  });

  it("forgets one that can never carry the copy", () => {
    expect(without("a,b", "a")).toBe("b");
    expect(without("a,b|c", "a")).toBe("b|c");
    expect(without("b|c", "b")).toBeNull();
  });

  it.each([
    ["a,b", null, "a,b"],
    ["b|a", null, "b,a"],
    ["b|a", "b", "a,b"],
    ["a,b,c", "a", "b,c,a"],
    ["a", "a", "a"],
    ["", null, ""],
  ])("%j reopened, with %j last, is %j", (route, last, wanted) => {
    expect(reopened(route, last)).toBe(wanted);
  });
});

const REPLY = { code: 554, enhanced: null, text: "No" } as never;
const bounced = (category: Category) => ({ category, disposition: "bounced" as Disposition, reply: REPLY });
const deferred = (category: Category) => ({ category, disposition: "deferred" as Disposition, reply: REPLY });
const OVER: Fate = { kind: "over" };
const later = (route: string): Fate => ({ kind: "later", route });
const elsewhere = (route: string): Fate => ({ kind: "elsewhere", route });

describe("what becomes of a copy that relay a did not accept", () => {
  it.each([
    ["its mailbox is unknown", bounced("unknown_mailbox"), "a,b", OVER],
    ["its mailbox is full for now", deferred("mailbox_full"), "a,b", later("a,b")],
    ["it is deferred by the second in line", deferred("mailbox_full"), "a|b", later("a,b")],
    ["relaying is denied", bounced("relay_denied"), "a,b", elsewhere("b|a")],
    ["relaying is denied, and no other is configured", bounced("relay_denied"), "a", OVER],
    ["relaying is denied by the last one asked", bounced("relay_denied"), "a|b", OVER],
    ["relaying is denied for now by the last one asked", deferred("relay_denied"), "a|b", later("b,a")],
    ["the relay speaks no SMTP", deferred("protocol_error"), "a,b", elsewhere("b|a")],
    ["relaying is denied, and the other is down", bounced("relay_denied"), "a,down", later("down,a")],
    ["likewise, the one after it is not", bounced("relay_denied"), "a,down,b", elsewhere("down,b|a")],
  ])("%s", (_, attempt, route, wanted) => {
    const isUsable = (others: string) => relaysOf(others).some((name) => name !== "down");
    expect(fateOf(attempt, route, "a", isUsable)).toEqual(wanted);
  });

  it("since it cannot carry it: it waits for one that can, up or down", () => {
    const attempt = { ...bounced("message_too_large"), reply: null };
    expect(fateOf(attempt, "a,down", "a", () => false)).toEqual(elsewhere("down"));
    expect(fateOf(attempt, "a", "a", () => true)).toEqual(OVER);
  });
});

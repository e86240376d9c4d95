/** Entries as text: what comes out is what went in, in lists of one kind that are no longer than asked. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Order, pack, unpack } from "../../src/outbox/rpc.ts";
import { entriesOf, entryLists, itemsOf, kindOf } from "../../src/schema/entry-list.ts";
import type { LedgerEntry } from "../../src/schema/event.ts";

const body = (data: string): LedgerEntry => ({ kind: "body", email_id: "m", part: "html", seq: 0, data });
const event = (id: string): LedgerEntry => ({
  kind: "event",
  event: { id, type: "email.sent", email_id: "m", recipient: 0, at: 1, data: { reason: id } },
});
const anyEntry = fc.oneof(
  fc.string({ unit: "binary" }).map(body),
  fc.string({ unit: "binary" }).map(event),
  fc.string().map(
    (address): LedgerEntry => ({
      kind: "recipients",
      email_id: "m",
      rows: [{ index: 0, address, kind: "to", status: "queued" }],
    }),
  ),
);

describe("a list of entries", () => {
  it("keeps kinds apart and their order", () => {
    const lists = entryLists([body("a"), body("b"), event("c"), body("d")], 1_000);
    expect(lists.map((list) => [kindOf(list), entriesOf(list).length])).toEqual([
      ["body", 2],
      ["event", 1],
      ["body", 1],
    ]);
    expect(entryLists([], 1_000)).toEqual([]);
  });

  it("is text on one line that gives the entries back, whatever they are", () => {
    fc.assert(
      fc.property(fc.array(anyEntry), fc.integer({ min: 1, max: 500 }), (entries, chars) => {
        const lists = entryLists(entries, chars);
        expect(lists.flatMap(entriesOf)).toEqual(entries);
        for (const list of lists) {
          expect(list).not.toContain("\n");
          expect(JSON.parse(`[${itemsOf(list)}]`)).toEqual(entriesOf(list));
          expect(itemsOf(list).length <= chars || entriesOf(list).length === 1).toBe(true);
        }
      }),
    );
  });

  it("of an earlier version has no kind, and can be read", () => {
    const list = JSON.stringify([body("a"), event("b")]);
    expect([kindOf(list), entriesOf(list)]).toEqual([null, [body("a"), event("b")]]);
  });
});

describe("a parcel", () => {
  const order = (html: string): Order => ({
    id: "00000000-0000-7000-8000-000000000000" as Order["id"],
    compiled: { slots: [{ at: 3, slot: { kind: "token" } }], smtputf8: true },
    bytes: new Uint8Array([1, 2, 3]),
    mailFrom: "a@example.com",
    from: "a@example.com",
    deliveries: [{ index: 0, address: "b@example.com", name: "B\n", variables: { a: "\u2028" } }],
    requestId: null,
    sandbox: false,
    topic: null,
    relay: null,
    scheduledAt: null,
    expiresAt: 9,
    entries: [event("e"), body(html)],
  });

  it("holds the whole order", () => {
    const { compiled, entries, ...rest } = order("<p>");
    expect(unpack(pack(order("<p>")))).toEqual({
      ...rest,
      smtputf8: true,
      slots: JSON.stringify(compiled.slots),
      record: entryLists(entries, 1_000),
    });
  });

  it("carries variables as they are: one character beyond Latin-1 doubles all of a text", () => {
    const parcel = pack(order("<p>"));
    expect([parcel.deliveries, parcel.order.includes("b@example.com")]).toEqual([
      order("<p>").deliveries,
      false,
    ]);
    const plain = { ...order("<p>"), deliveries: [{ ...order("<p>").deliveries[0]!, variables: null }] };
    expect(pack(plain).deliveries).toEqual([]);
    expect(unpack(pack(plain)).deliveries).toEqual(plain.deliveries);
  });

  it("carries a long body as it is, since its JSON may be twice as long or six times", () => {
    const long = '"'.repeat(32_001);
    const parcel = pack(order(long));
    expect(parcel.long).toEqual([body(long)]);
    expect(unpack(parcel).record.flatMap(entriesOf)).toEqual([event("e"), body(long)]);
  });
});

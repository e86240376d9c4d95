/** Events as rows: a visit's text says what its row would. */
import fc from "fast-check";
import { expect, it } from "vitest";
import type { EmailId } from "../../src/core/ids.ts";
import { rowOf, type Visited, visitRow } from "../../src/schema/event-row.ts";

const ID = "0199c3a1-0000-7000-8000-000000000001";
const anyText = fc.string({ unit: "binary" });

it("a visit is spelled as JSON would spell its row, whatever its texts are", () => {
  const any = fc.record({
    recipient: fc.nat(2 ** 24 - 1),
    at: fc.nat(),
    link: fc.option(anyText),
    visitor: fc.record({
      user_agent: fc.option(anyText),
      ip: fc.option(anyText),
      verdict: fc.constantFrom("person", "proxy", "scanner"),
      reason: anyText,
    }),
  });
  fc.assert(
    fc.property(any, (given) => {
      const visit: Visited = { id: ID, email_id: ID as EmailId, ...given };
      const { recipient, at, link, visitor } = visit;
      const row = rowOf({
        id: ID,
        email_id: ID,
        recipient,
        type: link === null ? "email.opened" : "email.clicked",
        at,
        data: { ...(link !== null && { click: { link } }), visitor },
      });
      expect(visitRow(visit)).toBe(JSON.stringify(row));
      // Once more: now its texts were there before.
      expect(visitRow(visit)).toBe(JSON.stringify(row));
    }),
  );
});

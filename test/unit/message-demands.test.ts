/** How large a copy of a bulk message becomes, known without making it: never less than it is, and not much more. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MESSAGE_BYTES } from "../../src/core/limits.ts";
import { compile } from "../../src/message/compile.ts";
import { copyBytesAtMost, type Demands, demandsOf, oversize } from "../../src/message/demands.ts";
import { splice } from "../../src/message/splice.ts";
import type { Content } from "../../src/schema/email.ts";
import { linkSigner } from "../../src/tracking/link.ts";
import { content, context, ID, SECRET, TOKEN } from "../support/mail.ts";

function made(given: Partial<Content>) {
  const result = compile(content(given), context({ bulk: true, clicks: true, opens: true }));
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  const { compiled } = result.value;
  const demands = demandsOf(compiled, compiled.bytes.length);
  const sizeOf = (variables: Record<string, string>): number =>
    splice(compiled, {
      token: TOKEN,
      to: { address: "x@y.com", name: "Ann" },
      message_id: "1@example.com",
      signLink: linkSigner(SECRET, ID),
      variables,
    }).length;
  return { demands, sizeOf };
}

const lengthOf = (variables: Record<string, string>): number =>
  Object.entries(variables).reduce((sum, [name, value]) => sum + name.length + value.length, 0);
const sentence = (demands: Demands, variables: Record<string, string>) =>
  oversize(demands, variables, lengthOf(variables));

describe("the size of a copy", () => {
  /** With the most that is reckoned, in copies: what becomes of a link or a header is known only once it is made. */
  const CONTENTS: [Partial<Content>, number][] = [
    [{ text: "{{a}}" }, 1],
    [{ text: "{{a}} {{b|none}}{{b|nobody at all}}\n{{a}}" }, 1],
    [{ html: "<b title={{a}} id='{{a}}'>{{{a}}}</b>", text: "x" }, 1],
    [{ html: '<a href="https://x.com/{{a}}?b={{b|1}}">{{a}}</a><a href="{{a}}">' }, 5],
    [{ subject: "{{a}} {{b|none}}", headers: [{ name: "X-Who", value: "{{a}}" }] }, 5],
  ];
  const value = fc.oneof(
    fc.string({
      unit: fc.constantFrom(..."\"'<&=-!. \t\n\r\0aü漢\u2028", "🎉", "a".repeat(50)),
      maxLength: 200,
    }),
    fc.constantFrom("", '"'.repeat(2_000), "漢".repeat(2_000), "a".repeat(5_000), "https://x.com/?q=1"),
  );

  it.each(CONTENTS)("of %j is never above what is reckoned with", (given, most) => {
    const { demands, sizeOf } = made(given);
    fc.assert(
      fc.property(fc.record({ a: value, b: value }, { requiredKeys: ["a"] }), (variables) => {
        const size = sizeOf(variables);
        const reckoned = demands.copy.with(variables);
        expect(reckoned).toBeGreaterThanOrEqual(size - 100);
        expect(reckoned).toBeLessThanOrEqual(most * size + 1_000);
        expect(copyBytesAtMost(demands, lengthOf(variables))).toBeGreaterThanOrEqual(reckoned);
      }),
      { numRuns: 300 },
    );
  });
});

describe("a copy too large", () => {
  const LONG = "a".repeat(100_000);

  it.each([
    ["as text", "{{a}}".repeat(270), LONG],
    ["escaped", "{{a}}".repeat(50), '"'.repeat(100_000)],
    ["encoded", "{{a}}".repeat(30), "漢".repeat(100_000)],
  ])("is one whose values are too long, %s", (_, html, a) => {
    const { demands } = made({ html, text: "x" });
    expect(sentence(demands, { a })).toMatch(/^make a copy of 2\d\.\d MB; relays take at most 25\.0 MB/);
    expect(sentence(demands, { a: a.slice(0, 70_000) })).toBeNull();
  });

  it("is one whose fallbacks are too long for who has no value", () => {
    const { demands } = made({
      text: `${"x".repeat(22_500_000)}${`{{a|${"漢".repeat(100_000)}}}`.repeat(4)}`,
    });
    expect(demands.copy.size).toBeGreaterThan(MESSAGE_BYTES);
    expect(sentence(demands, {})).toMatch(/^make a copy of 2/);
    expect(sentence(demands, { a: "x" })).toBeNull();
  });
});

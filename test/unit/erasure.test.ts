/** Finding one person among others. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mentions, without } from "../../src/schema/erasure.ts";

const BOB = "bob+x@mail.example.com";

describe("a text names an address", () => {
  it.each([
    [BOB, true],
    ["550 5.1.1 <BOB+X@Mail.Example.com>: no such user", true],
    [`{"to":["Bob <${BOB}>"]}`, true],
    [`mailto:${BOB}?subject=x`, true],
    [`Write to ${BOB}.`, true],
    [`${BOB}, and others`, true],
    [`not${BOB}`, false],
    [`o.${BOB}`, false],
    [`${BOB}.au`, false],
    [`${BOB}x`, false],
    ["bobbx@mail.example.com", false],
    ["bob+x@mailxexample.com", false],
    ["", false],
  ])("%s: %s", (text, expected) => {
    expect(mentions(text, BOB)).toBe(expected);
  });

  it("also where JSON escapes it", () => {
    const quoted = '"bob \\"the\\" builder"@example.com';
    expect(mentions(JSON.stringify({ to: quoted }), quoted)).toBe(true);
    expect(mentions("é@example.com", "é@example.com")).toBe(true);
    expect(mentions("né@example.com", "é@example.com")).toBe(false);
  });

  it("for any address, alone and between brackets, and without trouble with patterns", () => {
    fc.assert(
      fc.property(fc.emailAddress(), fc.string(), (address, text) => {
        expect(mentions(address, address)).toBe(true);
        expect(mentions(`${text} <${address.toUpperCase()}> ${text}`, address)).toBe(true);
        expect(mentions(`x${address}`, address)).toBe(false);
        mentions(text, address);
      }),
    );
  });
});

describe("a list without a person", () => {
  it("keeps the others as they were written", () => {
    const list = [`Bob <${BOB}>`, "Bea <bea@example.com>", `"${BOB}" <carl@example.com>`, "not an address"];
    expect(without(list, "BOB+x@mail.example.com")).toEqual([list[1], list[2], list[3]]);
    expect(without([`broken ${BOB}`], BOB)).toEqual([]);
  });
});

/** Webhook endpoints from other people's hands: one address is one address, however it is spelled; nothing throws. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseEndpoint } from "../../src/schema/endpoint.ts";

/** Networks of IPv4 that are not public, as [first address, prefix length]: the IANA special-purpose registry. */
const SPECIAL: [number, number][] = (
  [
    ["0.0.0.0", 8],
    ["10.0.0.0", 8],
    ["100.64.0.0", 10],
    ["127.0.0.0", 8],
    ["169.254.0.0", 16],
    ["172.16.0.0", 12],
    ["192.0.0.0", 24],
    ["192.0.2.0", 24],
    ["192.168.0.0", 16],
    ["198.18.0.0", 15],
    ["198.51.100.0", 24],
    ["203.0.113.0", 24],
    ["224.0.0.0", 4],
    ["240.0.0.0", 4],
  ] as [string, number][]
).map(([text, length]) => [text.split(".").reduce((n, part) => n * 256 + Number(part), 0), length]);
const isSpecial = (address: number): boolean =>
  SPECIAL.some(([first, length]) => address >= first && address < first + 2 ** (32 - length));

const octets = (n: number): number[] => [24, 16, 8, 0].map((shift) => Math.floor(n / 2 ** shift) % 256);
const hex = (n: number) => `0x${n.toString(16)}`;
const octal = (n: number) => `0${n.toString(8)}`;
/** What a URL may call an IPv4 address. */
const SPELLINGS: ((n: number) => string)[] = [
  (n) => octets(n).join("."),
  (n) => `${octets(n).join(".")}.`,
  String,
  hex,
  octal,
  (n) => octets(n).map(hex).join("."),
  (n) => octets(n).map(octal).join("."),
  (n) => `${octets(n)[0]}.${n % 2 ** 24}`,
  (n) => `${octets(n)[0]}.${hex(octets(n)[1]!)}.${n % 2 ** 16}`,
  (n) => octets(n).join("。"),
  (n) => octets(n).join(".").replaceAll("1", "１"),
  (n) => octets(n).join("%2E"),
];
/** IPv6 that carries an IPv4 address: never needed, always refused. */
const CARRIERS: ((n: number) => string)[] = [
  (n) => `[::ffff:${octets(n).join(".")}]`,
  (n) => `[::${octets(n).join(".")}]`,
  (n) => `[64:ff9b::${octets(n).join(".")}]`,
  (n) => `[2002:${(n >>> 16).toString(16)}:${(n % 65_536).toString(16)}::]`,
  (n) => `[::ffff:0:${octets(n).join(".")}]`,
];

const address = fc.oneof(
  fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  fc
    .tuple(fc.constantFrom(...SPECIAL), fc.integer({ min: -2, max: 2 }), fc.boolean())
    .map(([[first, length], off, end]) =>
      Math.min(2 ** 32 - 1, Math.max(0, first + (end ? 2 ** (32 - length) : 0) + off)),
    ),
);
const url = (host: string) => `https://${host}/hook`;

describe("an endpoint", () => {
  it("is public or not whatever its address is spelled like", () => {
    fc.assert(
      fc.property(address, fc.constantFrom(...SPELLINGS), (n, spell) => {
        const plain = parseEndpoint(url(octets(n).join(".")), false);
        const spelled = parseEndpoint(url(spell(n)), false);
        expect([spell(n), spelled.ok]).toEqual([spell(n), plain.ok]);
        if (isSpecial(n)) expect([spell(n), spelled.ok]).toEqual([spell(n), false]);
      }),
      { numRuns: 5_000 },
    );
  });

  it("is not reached around IPv6", () => {
    fc.assert(
      fc.property(address, fc.constantFrom(...CARRIERS), (n, spell) => {
        expect([spell(n), parseEndpoint(url(spell(n)), false).ok]).toEqual([spell(n), false]);
      }),
      { numRuns: 2_000 },
    );
  });

  it("is any text at all without a throw, and what passes is a URL of https without secrets", () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: "binary" }), fc.webUrl(), fc.string().map(url)),
        fc.boolean(),
        (text, all) => {
          const parsed = parseEndpoint(text, all);
          if (!parsed.ok) {
            expect(parsed.error).not.toBe("");
            return;
          }
          const { protocol, username, password, hash } = new URL(parsed.value);
          expect(["https:", ...(all ? ["http:"] : [])]).toContain(protocol);
          expect([username, password, hash]).toEqual(["", "", ""]);
          // What was accepted is accepted again in the spelling that is kept.
          expect(parseEndpoint(parsed.value, all)).toEqual(parsed);
        },
      ),
      { numRuns: 5_000 },
    );
  });
});

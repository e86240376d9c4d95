/** Tokens and links in other people's hands: cut, changed, replayed for another message, kept over a rotation of keys. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { newEmailId } from "../../src/core/ids.ts";
import { linkSigner, verifyLink } from "../../src/tracking/link.ts";
import { MAX_RECIPIENT, signToken, verifyToken } from "../../src/tracking/token.ts";

const id = fc
  .tuple(fc.integer({ min: 0, max: 2 ** 48 - 1 }), fc.uint8Array({ minLength: 10, maxLength: 10 }))
  .map(([now, random]) => newEmailId(now, random));
const secret = fc.string({ minLength: 1, maxLength: 80, unit: "binary" });
const secrets = fc.uniqueArray(secret, { minLength: 2, maxLength: 4 });
const recipient = fc.integer({ min: 0, max: MAX_RECIPIENT });
const target = fc.webUrl({ withQueryParameters: true, withFragments: true });
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const char = fc.constantFrom(...alphabet);

describe("tokens", () => {
  it("survive a rotation: any key still listed verifies, the order does not matter; a key taken off does not", () => {
    fc.assert(
      fc.property(id, recipient, secrets, fc.nat(), (email, index, keys, n) => {
        const used = keys[n % keys.length]!;
        const token = signToken(used, { id: email, recipient: index });
        expect(verifyToken(keys, token)).toEqual({ id: email, recipient: index });
        expect(verifyToken(keys.toReversed(), token)).toEqual({ id: email, recipient: index });
        expect(
          verifyToken(
            keys.filter((key) => key !== used),
            token,
          ),
        ).toBeNull();
        expect(verifyToken([], token)).toBeNull();
      }),
    );
  });
  it("are nothing when cut, prolonged, changed or in another case", () => {
    fc.assert(
      fc.property(id, recipient, secret, fc.nat(42), char, (email, index, key, at, other) => {
        const token = signToken(key, { id: email, recipient: index });
        expect(verifyToken([key], token.slice(0, at))).toBeNull();
        expect(verifyToken([key], token.slice(at + 1))).toBeNull();
        expect(verifyToken([key], token + other)).toBeNull();
        expect(verifyToken([key], `${token}.`)).toBeNull();
        const changed = token.slice(0, at) + other + token.slice(at + 1);
        expect(verifyToken([key], changed) === null).toBe(changed !== token);
        const cased = token.toUpperCase();
        if (cased !== token) expect(verifyToken([key], cased)).toBeNull();
      }),
      { numRuns: 300 },
    );
  });
  it("of made-up characters are nothing", () => {
    fc.assert(
      fc.property(fc.string({ unit: char, minLength: 43, maxLength: 43 }), secret, (token, key) => {
        expect(verifyToken([key], token)).toBeNull();
      }),
    );
  });
  it("of one recipient put together with those of another are nothing", () => {
    fc.assert(
      fc.property(id, id, secret, fc.integer({ min: 1, max: 42 }), (one, two, key, at) => {
        const tokens = [one, two].map((email, i) => signToken(key, { id: email, recipient: i }));
        const mixed = tokens[0]!.slice(0, at) + tokens[1]!.slice(at);
        if (!tokens.includes(mixed)) expect(verifyToken([key], mixed)).toBeNull();
      }),
    );
  });
});

describe("links", () => {
  it("belong to their message: replayed for another, under another key, cut or joined they lead nowhere", () => {
    fc.assert(
      fc.property(id, id, target, target, secrets, fc.nat(), (mine, other, to, elsewhere, keys, n) => {
        const [key, stranger] = keys as [string, string];
        const link = linkSigner(key, mine)(to)!;
        expect(verifyLink(keys, mine, link)).toBe(to);
        expect(verifyLink(keys.toReversed(), mine, link)).toBe(to);
        if (other !== mine) expect(verifyLink(keys, other, link)).toBeNull();
        expect(verifyLink([stranger], mine, link)).toBeNull();
        expect(verifyLink([], mine, link)).toBeNull();
        expect(verifyLink(keys, mine, link.slice(0, n % link.length))).toBeNull();
        expect(verifyLink(keys, mine, link.slice(1 + (n % (link.length - 1))))).toBeNull();
        // The MAC of one with the target of another: what an open redirect would need.
        const second = linkSigner(key, mine)(elsewhere)!;
        if (to !== elsewhere) expect(verifyLink(keys, mine, link.slice(0, 16) + second.slice(16))).toBeNull();
      }),
    );
  });
  it("lead where they led whatever the target holds, or are not made", () => {
    fc.assert(
      fc.property(id, secret, fc.string({ unit: "binary" }), (email, key, path) => {
        const to = `https://example.com/${path}`;
        const link = linkSigner(key, email)(to);
        if (link !== null) expect(verifyLink([key], email, link)).toBe(to);
        else
          expect(/\p{Cc}/u.test(to) || !to.isWellFormed() || !URL.canParse(to) || to.length > 1_000).toBe(
            true,
          );
      }),
    );
  });
  it("of one signer do not depend on what was signed before", () => {
    fc.assert(
      fc.property(id, secret, fc.array(target, { minLength: 1, maxLength: 8 }), (email, key, targets) => {
        const signer = linkSigner(key, email);
        for (const to of targets) expect(signer(to)).toBe(linkSigner(key, email)(to));
      }),
    );
  });
});

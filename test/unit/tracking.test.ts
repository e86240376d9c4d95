import { createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { newEmailId } from "../../src/core/ids.ts";
import { LINK_TARGET_BYTES, UNSUBSCRIBE_TOKEN_CHARS } from "../../src/core/limits.ts";
import { truncateAddress } from "../../src/tracking/address.ts";
import { linkSigner, verifyLink } from "../../src/tracking/link.ts";
import { MAX_RECIPIENT, mac, signToken, verifyToken } from "../../src/tracking/token.ts";
import { openUnsubscribe, sealUnsubscribe } from "../../src/tracking/unsubscribe.ts";

const SECRET = "a secret of enough characters";
const OTHER = "another secret, just as long!";
const id = newEmailId(1_700_000_000_000, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
const otherId = newEmailId(1_700_000_000_000, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 11));

describe("MACs", () => {
  it("are HMAC-SHA256 of purpose and bytes, as Node makes them", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const digest = createHmac("sha256", SECRET).update("link\0").update(bytes).digest();
        expect(Buffer.from(mac(SECRET, "link", bytes, 32))).toEqual(digest);
      }),
    );
  });
});

describe("tokens", () => {
  it("are 43 characters and come back, for every recipient", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: MAX_RECIPIENT }),
        fc.uint8Array({ minLength: 10, maxLength: 10 }),
        (recipient, noise) => {
          const subject = { id: newEmailId(1_700_000_000_000, noise), recipient };
          const token = signToken(SECRET, subject);
          expect(token).toMatch(/^[A-Za-z0-9_-]{43}$/);
          expect(verifyToken([SECRET], token)).toEqual(subject);
        },
      ),
    );
  });

  it("are refused when any one character is changed", () => {
    const token = signToken(SECRET, { id, recipient: 3 });
    for (let i = 0; i < token.length; i++)
      for (const char of ["A", "b", "-", "9"]) {
        if (token[i] === char) continue;
        expect(verifyToken([SECRET], token.slice(0, i) + char + token.slice(i + 1))).toBeNull();
      }
  });

  it.each(["", "a", "a".repeat(42), "a".repeat(44), `${signToken(SECRET, { id, recipient: 0 })}=`])(
    "refuses %j",
    (text) => expect(verifyToken([SECRET], text)).toBeNull(),
  );

  it("verify with an older secret after a rotation, not with a stranger's", () => {
    const token = signToken(SECRET, { id, recipient: 0 });
    expect(verifyToken([OTHER, SECRET], token)).not.toBeNull();
    expect(verifyToken([OTHER], token)).toBeNull();
  });

  it("of one purpose are none of another", () => {
    const token = signToken(SECRET, { id, recipient: 0 }, "bounce");
    expect(verifyToken([SECRET], token)).toBeNull();
    expect(verifyToken([SECRET], token, "bounce")).toEqual({ id, recipient: 0 });
  });
});

describe("links", () => {
  it("carry any http(s) target exactly", () => {
    fc.assert(
      fc.property(fc.webUrl({ withQueryParameters: true, withFragments: true }), (target) => {
        const link = linkSigner(SECRET, id)(target);
        expect(link).toMatch(/^[A-Za-z0-9_-]+$/);
        expect(verifyLink([SECRET], id, link!)).toBe(target);
      }),
    );
  });

  it.each([
    "https://example.com/?a=1&b=2#top",
    "HTTPS://Example.COM/%7Euser?q=%2F",
    "https://münchen.example/straße?ä=ö",
    "http://example.com:8080/a//b/../c?x=[1]",
    "https://example.com/a b",
  ])("keep %s", (target) => expect(verifyLink([SECRET], id, linkSigner(SECRET, id)(target)!)).toBe(target));

  it.each([
    "javascript:alert(1)",
    "ftp://example.com/",
    "//example.com",
    "https://a\r\nSet-Cookie: x",
    "https://a\u0000b",
    "",
    "https://",
    "http://\ud800.example/",
  ])("will not sign %j", (target) => expect(linkSigner(SECRET, id)(target)).toBeNull());

  it("will not sign a target too long for a URL", () => {
    const base = "https://example.com/";
    expect(linkSigner(SECRET, id)(base + "a".repeat(LINK_TARGET_BYTES - base.length))).not.toBeNull();
    expect(linkSigner(SECRET, id)(base + "a".repeat(LINK_TARGET_BYTES - base.length + 1))).toBeNull();
  });

  it("belong to one message and one secret, and no character of them can be changed", () => {
    const link = linkSigner(SECRET, id)("https://example.com/")!;
    expect(verifyLink([SECRET], otherId, link)).toBeNull();
    expect(verifyLink([OTHER], id, link)).toBeNull();
    expect(verifyLink([OTHER, SECRET], id, link)).toBe("https://example.com/");
    for (let i = 0; i < link.length; i++) {
      const changed = link.slice(0, i) + (link[i] === "A" ? "B" : "A") + link.slice(i + 1);
      expect(verifyLink([SECRET], id, changed)).toBeNull();
    }
  });

  it("never throw, whatever comes", () => {
    fc.assert(fc.property(fc.string(), (text) => verifyLink([SECRET], id, text) === null));
  });
});

describe("visitors' addresses", () => {
  it.each([
    ["203.0.113.77", "203.0.113.0"],
    ["::ffff:203.0.113.77", "203.0.113.0"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1::"],
    ["2001:db8::1", "2001:db8:0::"],
    ["::1", "0:0:0::"],
    ["", null],
    ["nonsense", null],
    ["1.2.3", null],
    ["1:2:3", null],
  ])("%j is kept as %j", (address, kept) => expect(truncateAddress(address)).toBe(kept));
});

describe("unsubscribe tokens", () => {
  const subscription = { id, recipient: 70_000, address: "bea@example.net", topic: "news" };
  const token = sealUnsubscribe(SECRET, subscription);

  it("come back, for any address and topic, and show neither", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: MAX_RECIPIENT }),
        fc.string({ unit: "grapheme", minLength: 1, maxLength: 64 }).filter((text) => !/\p{Cc}/u.test(text)),
        fc.option(fc.stringMatching(/^[A-Za-z0-9_.-]{1,64}$/)),
        (recipient, local, topic) => {
          const given = { id, recipient, address: `${local}@example.net`.toWellFormed(), topic };
          const made = sealUnsubscribe(SECRET, given);
          expect(made).toMatch(/^[A-Za-z0-9_-]+$/);
          expect(openUnsubscribe([OTHER, SECRET], made)).toEqual(given);
          expect(Buffer.from(made, "base64url").toString("latin1")).not.toContain("example.net");
        },
      ),
    );
  });

  it("of the longest address and topic stay within their bound", () => {
    const longest = sealUnsubscribe(SECRET, {
      ...subscription,
      address: `${"l".repeat(64)}@${"d".repeat(255)}`,
      topic: "t".repeat(64),
    });
    expect(longest.length).toBeLessThanOrEqual(UNSUBSCRIBE_TOKEN_CHARS);
    expect(openUnsubscribe([SECRET], longest)).not.toBeNull();
  });

  it("are refused when any one character is changed, when cut off or made longer", () => {
    for (let i = 0; i < token.length; i++) {
      const changed = token.slice(0, i) + (token[i] === "A" ? "B" : "A") + token.slice(i + 1);
      expect(openUnsubscribe([SECRET], changed)).toBeNull();
      expect(openUnsubscribe([SECRET], token.slice(0, i))).toBeNull();
    }
    for (const more of ["A", "AAAA", "="]) expect(openUnsubscribe([SECRET], token + more)).toBeNull();
  });

  it("are not those of a stranger, nor tokens of another kind", () => {
    expect(openUnsubscribe([OTHER], token)).toBeNull();
    for (const purpose of ["token", "bounce", "unsubscribe"] as const)
      expect(openUnsubscribe([SECRET], signToken(SECRET, subscription, purpose))).toBeNull();
    expect(verifyToken([SECRET], token, "unsubscribe")).toBeNull();
  });

  it("never throw, whatever comes", () => {
    fc.assert(fc.property(fc.string(), (text) => openUnsubscribe([SECRET], text) === null));
  });
});

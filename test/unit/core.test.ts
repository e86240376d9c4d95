import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { base64url, constantTimeEqual, fromBase64url, fromUtf8, utf8 } from "../../src/core/bytes.ts";
import { type Problem, toWire } from "../../src/core/errors.ts";
import { idBytes, idOfBytes, newEmailId, parseEmailId, shardOf, timeOf, uuidv7 } from "../../src/core/ids.ts";
import { beginning } from "../../src/core/text.ts";

const bytes = (max = 64) => fc.uint8Array({ maxLength: max });

describe("base64url", () => {
  it("agrees with Node's for any bytes, and comes back", () => {
    fc.assert(
      fc.property(bytes(), (given) => {
        const text = base64url(given);
        expect(text).toBe(Buffer.from(given).toString("base64url"));
        expect(fromBase64url(text)).toEqual(given);
      }),
    );
  });

  it.each([
    ["padding", "AA=="],
    ["a character of plain base64", "ab+/"],
    ["a length that cannot be", "A"],
    ["spare bits set, so two spellings of one byte", "AB"],
    ["spare bits set in the longer tail", "AAB"],
    ["a non-ASCII character", "ábcd"],
    ["a space", "AA A"],
  ])("refuses %s", (_, text) => expect(fromBase64url(text)).toBeNull());
});

describe("bytes", () => {
  it("tells UTF-8 from what is not", () => {
    expect(fromUtf8(utf8("Grüße, 世界"))).toBe("Grüße, 世界");
    expect(fromUtf8(Uint8Array.of(0xc3, 0x28))).toBeNull();
  });

  it("compares", () => {
    expect(constantTimeEqual(Uint8Array.of(1, 2), Uint8Array.of(1, 2))).toBe(true);
    expect(constantTimeEqual(Uint8Array.of(1, 2), Uint8Array.of(1, 3))).toBe(false);
    expect(constantTimeEqual(Uint8Array.of(1), Uint8Array.of(1, 2))).toBe(false);
  });
});

describe("ids", () => {
  const now = fc.integer({ min: 0, max: 2 ** 48 - 1 });
  const random = fc.uint8Array({ minLength: 10, maxLength: 10 });

  it("are version 7 UUIDs that round-trip through their bytes", () => {
    fc.assert(
      fc.property(now, random, (at, noise) => {
        const id = newEmailId(at, noise);
        expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
        expect(idOfBytes(idBytes(id))).toBe(id);
        expect(timeOf(id)).toBe(at);
      }),
    );
  });

  it("sort by time", () => {
    const noise = new Uint8Array(10).fill(255);
    expect(uuidv7(1_000, noise) < uuidv7(1_001, new Uint8Array(10))).toBe(true);
  });

  it("parse in any case, and nothing else does", () => {
    const id = newEmailId(1_700_000_000_000, new Uint8Array(10));
    expect(parseEmailId(id.toUpperCase())).toBe(id);
    for (const text of ["", "x", `${id}0`, id.slice(1), "../etc", `${id.slice(0, 35)}g`])
      expect(parseEmailId(text)).toBeNull();
  });

  it("spread over shards by their last byte", () => {
    const id = newEmailId(1, Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 7));
    expect(shardOf(id, 1)).toBe(0);
    expect(shardOf(id, 4)).toBe(3);
  });
});

describe("errors on the wire", () => {
  const issues = [{ path: "to[1]", message: "is not an address" }];
  const table: [Problem, number, string][] = [
    [{ kind: "missing_api_key" }, 401, "missing_api_key"],
    [{ kind: "invalid_api_key" }, 403, "invalid_api_key"],
    [{ kind: "restricted_api_key", message: "m" }, 401, "restricted_api_key"],
    [{ kind: "sender_not_allowed", message: "m" }, 403, "validation_error"],
    [{ kind: "bad_json", message: "m" }, 400, "validation_error"],
    [{ kind: "missing_field", issues }, 422, "missing_required_field"],
    [{ kind: "invalid", issues }, 422, "validation_error"],
    [{ kind: "invalid_attachment", issues }, 422, "invalid_attachment"],
    [{ kind: "invalid_parameter", message: "m" }, 422, "invalid_parameter"],
    [{ kind: "too_large", message: "m" }, 413, "validation_error"],
    [{ kind: "not_found", message: "m" }, 404, "not_found"],
    [{ kind: "method_not_allowed", message: "m" }, 405, "method_not_allowed"],
    [{ kind: "invalid_idempotency_key", message: "m" }, 400, "invalid_idempotency_key"],
    [{ kind: "idempotency_mismatch", message: "m" }, 409, "invalid_idempotent_request"],
    [{ kind: "idempotency_in_progress", message: "m" }, 409, "concurrent_idempotent_requests"],
    [{ kind: "locked", message: "m" }, 409, "resource_locked"],
    [{ kind: "rate_limited", message: "m", retryAfterSeconds: 1 }, 429, "rate_limit_exceeded"],
    [{ kind: "unavailable", message: "m", retryAfterSeconds: 1 }, 503, "application_error"],
    [{ kind: "internal" }, 500, "internal_server_error"],
  ];
  it.each(table)("%o", (problem, statusCode, name) => {
    expect(toWire(problem)).toMatchObject({ statusCode, name });
  });

  it("name the first field in the message and all in errors", () => {
    const wire = toWire({ kind: "invalid", issues: [...issues, { path: "from", message: "is missing" }] });
    expect(wire.message).toBe("`to[1]`: is not an address (and 1 more, see `errors`)");
    expect(wire.errors).toHaveLength(2);
  });
});

describe("the beginning of a text", () => {
  it.each([
    ["hello", 9, "hello"],
    ["hello", 5, "hello"],
    ["hello", 2, "he"],
    ["hello", 0, ""],
    ["a🚀b", 3, "a🚀"],
    ["a🚀b", 2, "a"],
    ["a\ud83d", 9, "a"],
    ["\ude80b", 9, "\ufffdb"],
  ])("%j in %i units: %j", (text, units, expected) => expect(beginning(text, units)).toBe(expected));

  it("is well-formed, no longer than asked, and how the text begins", () => {
    const text = fc.string({ unit: fc.oneof(fc.constantFrom("🚀", "\ud83d", "\ude80"), fc.string()) });
    fc.assert(
      fc.property(text, fc.nat(20), (given, units) => {
        const cut = beginning(given, units);
        expect(cut.isWellFormed()).toBe(true);
        expect(cut.length).toBeLessThanOrEqual(units);
        expect(given.toWellFormed().startsWith(cut)).toBe(true);
        if (given.isWellFormed())
          expect(cut.length).toBeGreaterThanOrEqual(Math.min(given.length, units - 1));
      }),
    );
  });
});

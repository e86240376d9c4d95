/** Mechanisms, and that secrets never show. Vectors from RFC 2195 and Google's XOAUTH2 description. */
import { describe, expect, test } from "vitest";
import { TRANSCRIPT_BYTES } from "../../src/core/limits.ts";
import { binaryString, chooseMechanism, cramMd5, redact, xoauth2 } from "../../src/smtp/auth.ts";
import { offersOf, parseCapabilities } from "../../src/smtp/capabilities.ts";
import { spellReply, transcriptOf } from "../../src/smtp/transcript.ts";

test("CRAM-MD5: RFC 2195's example", () => {
  const challenge = btoa("<1896.697170952@postoffice.reston.mci.net>");
  const answer = cramMd5({ user: "tim", password: "tanstaaftanstaaf" }, challenge);
  expect(atob(answer!)).toBe("tim b913a602c7eda7a495b4e6e7334d3890");
  expect(cramMd5({ user: "tim", password: "x" }, "!")).toBeNull();
});

test("XOAUTH2: Google's example", () => {
  expect(atob(xoauth2({ user: "someuser@example.com", password: "ya29.vF9d" }))).toBe(
    "user=someuser@example.com\x01auth=Bearer ya29.vF9d\x01\x01",
  );
});

test("UTF-8 passwords pass btoa", () => {
  expect(btoa(binaryString("pässwort€"))).toBe(Buffer.from("pässwort€").toString("base64"));
});

describe("the mechanism", () => {
  const rows: [string[], Parameters<typeof chooseMechanism>[1], boolean, string | null][] = [
    [["PLAIN", "LOGIN"], null, true, "plain"],
    [["LOGIN"], null, true, "login"],
    [["CRAM-MD5", "PLAIN"], null, true, "plain"],
    [["CRAM-MD5", "PLAIN"], null, false, "cram-md5"],
    [["XOAUTH2"], null, true, null],
    [["XOAUTH2", "PLAIN"], "xoauth2", true, "xoauth2"],
    [["PLAIN"], "login", true, null],
    [["GSSAPI", "NTLM"], null, true, null],
    [[], null, true, null],
  ];
  for (const [offered, asked, tls, expected] of rows) {
    test(`${offered.join(" ") || "nothing"} offered, ${asked ?? "any"} asked, ${tls ? "TLS" : "clear"}: ${expected}`, () =>
      expect(chooseMechanism(offered, asked, tls)).toBe(expected));
  }
});

test("what a relay echoes is masked", () => {
  const credentials = { user: "me", password: "hünter2" };
  const plain = Buffer.from("\0me\0hünter2").toString("base64");
  const text = redact(`bad ${plain} or hünter2 or ${Buffer.from("hünter2").toString("base64")}`, credentials);
  expect(text).toBe("bad **** or **** or ****");
});

test("capabilities: every form of AUTH, SIZE and case", () => {
  const text =
    "hello\nauth plain login\nAUTH=LOGIN CRAM-MD5\nSIZE 1000\nPipelining\nSTARTTLS\nsmtputf8\nDSN\nChunking\n8BITMIME\nX-ODD";
  expect(parseCapabilities({ code: 250, enhanced: null, text })).toEqual({
    extended: true,
    startTls: true,
    pipelining: true,
    chunking: true,
    smtputf8: true,
    dsn: true,
    size: 1000,
    auth: ["PLAIN", "LOGIN", "CRAM-MD5"],
  });
  for (const size of ["SIZE", "SIZE 0", "SIZE x", "SIZE -1", "SIZE 99999999999999999"]) {
    expect(parseCapabilities({ code: 250, enhanced: null, text: `h\n${size}` }).size).toBeNull();
  }
  const greeting = parseCapabilities({ code: 250, enhanced: null, text: "STARTTLS" });
  expect(greeting.startTls).toBe(false);
  expect(offersOf(greeting)).toMatch(/no extension/);
});

test("a transcript stays within its bound, whatever the relay says", () => {
  const long = spellReply({ code: 250, enhanced: null, text: `${"ü".repeat(9000)}` });
  const text = transcriptOf([long, long], [long]);
  expect(new TextEncoder().encode(text).length).toBeLessThanOrEqual(TRANSCRIPT_BYTES);
  expect(text).not.toContain("\ufffd");
});

/** SMTP_URL and RELAYS: what is understood, and that errors name the field and keep secrets. */
import { describe, expect, test } from "vitest";
import { frequency } from "../../src/schema/frequency.ts";
import { parseRelays, parseRelayUrl, type Relay, tlsOn } from "../../src/smtp/relay.ts";
import { covers } from "../../src/smtp/relay-fields.ts";

const valid: [string, Partial<Relay>][] = [
  [
    "smtp://mail.example.com",
    {
      name: "mail.example.com",
      host: "mail.example.com",
      port: null,
      tls: "opportunistic",
      credentials: null,
    },
  ],
  ["smtp://mail.example.com:587", { port: 587, tls: "opportunistic" }],
  ["smtp://u:p@mail.example.com:587", { tls: "required", credentials: { user: "u", password: "p" } }],
  ["smtp://u:p@mail.example.com:587?tls=none", { tls: "none" }],
  ["smtp://u:p@mail.example.com:587/?tls=opportunistic", { tls: "opportunistic" }],
  ["smtps://mail.example.com", { port: 465, tls: "implicit" }],
  ["smtps://mail.example.com:2465", { port: 2465, tls: "implicit" }],
  ["smtp://mail.example.com?tls=implicit", { port: null, tls: "implicit" }],
  ["SMTP://Mail.Example.COM", { host: "mail.example.com" }],
  ["smtp://münchen.example", { host: "xn--mnchen-3ya.example" }],
  ["smtp://[::1]:25", { host: "[::1]", port: 25 }],
  ["smtp://127.0.0.1:2525", { host: "127.0.0.1", port: 2525 }],
  [
    "smtp://user%40example.com:p%40ss%2Fw%3Ard%25@h:25",
    { credentials: { user: "user@example.com", password: "p@ss/w:rd%" } },
  ],
  ["smtp://ü:p%C3%A4ss%E2%82%AC@h", { credentials: { user: "ü", password: "päss€" } }],
  [
    "smtp://u:t@h?auth=xoauth2&ehlo=me.example.com&connections=2&messages=50",
    { auth: "xoauth2", ehlo: "me.example.com", connections: 2, messagesPerConnection: 50 },
  ],
  [
    "smtp://h?rate=10/s&quota=500/d&final=true&returnPath=b@example.com",
    {
      rate: { count: 10, perMs: 1000 },
      quota: { count: 500, perMs: 86_400_000 },
      final: true,
      returnPath: "b@example.com",
    },
  ],
  [
    "smtp://h?from=*@a.example,b.example&priority=5&weight=3",
    { from: ["*@a.example", "b.example"], priority: 5, weight: 3 },
  ],
  [
    "smtp://h",
    {
      connections: 4,
      messagesPerConnection: 1000,
      from: ["*"],
      to: ["*"],
      priority: 0,
      weight: 1,
      rate: null,
      quota: null,
      bdat: true,
      final: false,
    },
  ],
  ["smtp://h?bdat=off", { bdat: false }],
];

describe("a relay's URL", () => {
  for (const [url, expected] of valid) {
    test(url, () => {
      const relay = parseRelayUrl(url);
      if (!relay.ok) throw new Error(relay.error);
      expect(relay.value).toMatchObject(expected);
    });
  }

  test("takes a name", () =>
    expect(parseRelayUrl("smtp://h", "main")).toMatchObject({ value: { name: "main" } }));
});

const SECRET = "hunter2";
const invalid: [string, RegExp][] = [
  ["", /must begin with smtp:\/\/ or smtps/],
  ["mail.example.com:587", /must begin with smtp/],
  [`http://u:${SECRET}@h`, /must begin with smtp/],
  ["smtp://", /host/],
  [`smtp://u:${SECRET}@:587`, /percent-encoded|host/],
  [`smtp://u:${SECRET}@h:99999`, /percent-encoded/],
  ["smtp://h:0", /port from 1 to 65535/],
  [`smtp://u:${SECRET}#x@h:587`, /percent-encoded/],
  [`smtp://u:${SECRET}/x@h:587`, /percent-encoded|something after/],
  [`smtp://u:${SECRET}%zz@h`, /write it as %25/],
  [`smtp://u:${SECRET}%0d%0aRSET@h`, /line break/],
  [`smtp://u:12?${SECRET}@h`, /percent-encoded \(%3F\)/],
  [`smtp://u:12?tls=${SECRET}&${SECRET}@h`, /percent-encoded \(%3F\)/],
  ["smtp://u@h", /user but no password/],
  [`smtp://:${SECRET}@h`, /password but no user/],
  ["smtp://h?tls=yes", /tls must be one of implicit, required, opportunistic, none/],
  ["smtps://h?tls=none", /smtps:\/\/, which is TLS from the first byte/],
  ["smtp://h?tsl=none", /tsl is not known; known are tls, auth/],
  ["smtp://h?auth=plain", /no user and password/],
  [`smtp://u:${SECRET}@h?auth=ntlm`, /auth must be one of plain, login, cram-md5, xoauth2/],
  ["smtp://h?connections=0", /connections must be a whole number from 1 to 5/],
  ["smtp://h?connections=99", /connections must be a whole number from 1 to 5/],
  ["smtp://h?connections=two", /connections must be a whole number/],
  ["smtp://h?rate=10", /rate must be written like "10\/s"/],
  ["smtp://h?quota=0/d", /quota must be written like "500\/d"/],
  ["smtp://h?ehlo=a%20b", /ehlo must be a host name/],
  ["smtp://h?ehlo=a%0d%0aMAIL", /ehlo must be a host name/],
  ["smtp://h?from=a%20b", /from must be/],
  ["smtp://h?returnPath=x", /returnPath must be an address/],
  ["smtp://a b", /host|percent-encoded/],
  ["smtp://h%0d%0a", /host/],
];

describe("a wrong URL", () => {
  for (const [url, message] of invalid) {
    test(`${url || "(empty)"}`, () => {
      const relay = parseRelayUrl(url);
      expect(relay.ok ? JSON.stringify(relay.value) : relay.error).toMatch(message);
      if (!relay.ok) expect(relay.error).not.toContain(SECRET);
      if (!relay.ok) expect(relay.error).not.toContain("\n");
    });
  }
});

describe("RELAYS", () => {
  test("two relays", () => {
    const relays = parseRelays(
      JSON.stringify([
        {
          name: "bulk",
          url: "smtp://u:p@a.example:587",
          from: ["*@news.example"],
          rate: "100/m",
          quota: "5000/d",
          priority: 1,
        },
        { url: "smtps://b.example", to: "gmail.com", tls: "implicit", final: true, connections: 1 },
      ]),
    );
    if (!relays.ok) throw new Error(relays.error);
    expect(relays.value).toMatchObject([
      {
        name: "bulk",
        from: ["*@news.example"],
        rate: { count: 100, perMs: 60_000 },
        priority: 1,
        tls: "required",
      },
      { name: "b.example", to: ["gmail.com"], final: true, connections: 1, port: 465 },
    ]);
  });

  const wrong: [unknown, RegExp][] = [
    ["{", /must be a JSON array/],
    [{}, /must be a JSON array of objects/],
    [["smtp://h"], /^\[0\] must be an object with name and url/],
    [[{ name: "a" }], /^\[0\]\.url must be given/],
    [[{ url: `smtp://u:${SECRET}@h:x` }], /^\[0\]\.url /],
    [[{ url: "smtp://h" }, { url: "smtp://h" }], /^\[1\]\.name is used twice/],
    [[{ url: "smtp://h", rate: "fast" }], /^\[0\]\.rate must be written like/],
    [[{ url: "smtp://h", rate: 10 }], /^\[0\]\.rate must be written like/],
    [[{ url: "smtp://h", weigth: 1 }], /^\[0\] weigth is not known/],
    [[{ url: "smtp://h", final: "maybe" }], /^\[0\]\.final must be true or false/],
    [[{ url: "smtp://h", from: [] }], /^\[0\]\.from must be/],
    [[{ url: "smtp://h", from: [1] }], /^\[0\]\.from/],
    [[{ url: "smtp://h", name: "a b" }], /^\[0\]\.name must be/],
  ];
  for (const [value, message] of wrong) {
    const json = typeof value === "string" ? value : JSON.stringify(value);
    test(`wrong: ${json}`, () => {
      const relays = parseRelays(json);
      expect(relays.ok ? "" : relays.error).toMatch(message);
      if (!relays.ok) expect(relays.error).not.toContain(SECRET);
    });
  }
});

test("465 is TLS from the first byte, unless TLS is off", () => {
  const relay = (query: string) => {
    const parsed = parseRelayUrl(`smtp://h${query}`);
    if (!parsed.ok) throw new Error(parsed.error);
    return parsed.value;
  };
  expect(tlsOn(relay(""), 465)).toBe("implicit");
  expect(tlsOn(relay(""), 587)).toBe("opportunistic");
  expect(tlsOn(relay("?tls=required"), 465)).toBe("implicit");
  expect(tlsOn(relay("?tls=none"), 465)).toBe("none");
});

test("frequencies", () => {
  expect(frequency("1/s")).toEqual({ count: 1, perMs: 1000 });
  expect(frequency("20/h")).toEqual({ count: 20, perMs: 3_600_000 });
  for (const text of ["", "/s", "1/", "0/s", "-1/s", "1/w", "1.5/s", "1/s/s"])
    expect(frequency(text)).toBeNull();
});

describe("a pattern covers", () => {
  const rows: [string, string, boolean][] = [
    ["*", "a@example.com", true],
    ["*", "", true],
    ["example.com", "a@example.com", true],
    ["example.com", "A@EXAMPLE.com", true],
    ["example.com", "a@sub.example.com", false],
    ["example.com", "a@badexample.com", false],
    ["example.com", "", false],
    ["*@example.com", "a@example.com", true],
    ["*.example.com", "a@sub.example.com", true],
    ["*.example.com", "a@example.com", false],
    ["news@example.com", "news@example.com", true],
    ["news@example.com", "other@example.com", false],
    ["example.com", '"x@y"@example.com', true],
  ];
  for (const [pattern, address, expected] of rows) {
    test(`${pattern} and ${address || "<>"}: ${expected}`, () =>
      expect(covers([pattern], address)).toBe(expected));
  }
});

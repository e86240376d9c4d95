import { describe, expect, it } from "vitest";
import { connectionsOf, type Env, parseConfig, trackingHostOf } from "../../src/env.ts";

const good = { API_KEY: "key", SIGNING_SECRET: "sixteen characters" };

describe("configuration", () => {
  it("needs a key and a secret, and has a default for all else", () => {
    const config = parseConfig(good);
    expect(config).toMatchObject({
      ok: true,
      value: {
        apiKey: "key",
        publicUrl: null,
        relays: [],
        ehloName: "localhost",
        libsql: null,
        bounceDomain: null,
        shards: 1,
      },
    });
    // raw workerd hands an absent variable over as null, a shell as the empty text.
    expect(parseConfig({ ...good, SMTP_URL: null, LIBSQL_URL: "", SHARDS: "" })).toEqual(config);
  });

  it.each([
    [{ API_KEY: "" }, "API_KEY is not set"],
    [{ API_KEY: "two words" }, "API_KEY must be visible ASCII characters without spaces"],
    [{ API_KEY: "schlüssel" }, "API_KEY must be visible ASCII characters without spaces"],
    [{ SIGNING_SECRET: undefined }, "SIGNING_SECRET is not set"],
    [{ SIGNING_SECRET: "sixteen characters,short" }, "SIGNING_SECRET needs at least 16"],
    [{ PUBLIC_URL: "mail.example.com" }, "PUBLIC_URL must be a plain http(s) URL"],
    [{ PUBLIC_URL: "https://mail.example.com/?a=b" }, "PUBLIC_URL must be a plain"],
    [{ SMTP_URL: "http://example.com" }, "SMTP_URL must begin with smtp://"],
    [{ RELAYS: "{" }, "RELAYS must be a JSON array"],
    [{ RELAYS: "[]" }, "RELAYS names no relay"],
    [{ RELAYS: '[{"name":"a"}]' }, "RELAYS [0]"],
    [
      { SMTP_URL: "smtp://a.example:25", RELAYS: '[{"name":"a.example","url":"smtp://b.example:25"}]' },
      'names "a.example" twice',
    ],
    [{ LIBSQL_URL: "file:x.db" }, "LIBSQL_URL must be"],
    [{ LIBSQL_URL: "https://" }, "LIBSQL_URL must be a URL such as"],
    [{ LIBSQL_URL: "libsql://name.turso.io:port" }, "LIBSQL_URL must be a URL such as"],
    [{ LIBSQL_URL: "libsql://name.turso.io?tls=maybe" }, "LIBSQL_URL must be a URL such as"],
    [{ CONTENT: "some" }, "CONTENT must be stored or none"],
    [{ SUPPRESSION: "mailbox_full=never" }, "SUPPRESSION must be a JSON object"],
    [{ SUPPRESSION: '{"complaint": "never"}' }, "SUPPRESSION names `complaint`"],
    [{ RETENTION_DAYS: "soon" }, "RETENTION_DAYS must be a number of days such as 90, or one for each"],
    [{ RETENTION_DAYS: "30,90" }, "RETENTION_DAYS must be a number of days such as 90, or one for each"],
    [{ RETENTION_DAYS: "bodies=0" }, "RETENTION_DAYS must be 1 to 36500 days"],
    [{ RETENTION_DAYS: "mails=3" }, "RETENTION_DAYS must be a number of days"],
    [{ EHLO_NAME: "a b" }, "EHLO_NAME must be a host name"],
    [{ BOUNCE_DOMAIN: "x@y" }, "BOUNCE_DOMAIN must be a domain"],
    [{ SHARDS: "0" }, "SHARDS must be 1 to 64"],
    [{ SHARDS: "many" }, "SHARDS must be a number"],
    [{ PACES: "20/s" }, "PACES must be a JSON object"],
    [{ PACES: '{"gmail.com":"fast"}' }, "PACES.gmail.com must be"],
    [{ TRACKING_HOSTS: "links.example.com" }, "TRACKING_HOSTS must be a JSON object"],
    [{ TRACKING_HOSTS: '{"example.com":"links"}' }, "TRACKING_HOSTS.example.com must be a plain"],
  ])("%o is one line that says what is wrong", (change, line) => {
    const config = parseConfig({ ...good, ...change });
    expect(config.ok ? "" : config.error).toContain(line);
    expect(config.ok ? "" : config.error).not.toContain("\n");
  });

  it("never repeats a password", () => {
    const config = parseConfig({ ...good, SMTP_URL: "smtp://user:hunter2@host:99999" });
    expect(JSON.stringify(config)).not.toContain("hunter2");
    expect(config.ok).toBe(false);
  });

  it("takes several secrets, trims slashes, and calls itself by the public name", () => {
    const config = parseConfig({
      ...good,
      SIGNING_SECRET: "the new sixteen!, the old sixteen!",
      PUBLIC_URL: "https://mail.example.com/",
    });
    expect(config).toMatchObject({
      ok: true,
      value: {
        signingSecrets: ["the new sixteen!", "the old sixteen!"],
        publicUrl: "https://mail.example.com",
        ehloName: "mail.example.com",
      },
    });
  });
});

describe("tracking hosts", () => {
  const config = parseConfig({
    ...good,
    TRACKING_HOSTS: '{"Example.com":"https://links.example.com/","co.uk":"https://x.example"}',
  });
  it.each([
    ["example.com", "https://links.example.com"],
    ["news.example.com", "https://links.example.com"],
    ["notexample.com", null],
    ["example.org", null],
    ["localhost", null],
  ])("%s sends by %s", (domain, base) =>
    expect(config.ok && trackingHostOf(config.value, domain)).toBe(base),
  );
});

describe("RETENTION_DAYS", () => {
  it.each([
    [undefined, { bodies: null, events: null }],
    ["90", { bodies: 90, events: 90 }],
    ["bodies=30,events=365", { bodies: 30, events: 365 }],
    [" events = 365 , bodies = 30 ", { bodies: 30, events: 365 }],
    ["bodies=7", { bodies: 7, events: null }],
    ["events=365", { bodies: 365, events: 365 }],
    // A body without its email would be found by nobody.
    ["bodies=400,events=365", { bodies: 365, events: 365 }],
  ])("%s", (RETENTION_DAYS, retention) => {
    expect(parseConfig({ ...good, RETENTION_DAYS })).toMatchObject({ ok: true, value: { retention } });
  });
});

describe("connections that an object may have at a time", () => {
  it("are six on Cloudflare, and as many as are asked for under npm start", () => {
    expect(connectionsOf({} as Env)).toBe(6);
    expect(connectionsOf({ PUBLIC_INTERNET: {} } as Env)).toBe(Number.POSITIVE_INFINITY);
  });
});

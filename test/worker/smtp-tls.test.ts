/** TLS and logins against scripts and a real smtp-server, with a private authority; and POST /relays/:name/verify's steps. */
import { describe, expect, test } from "vitest";
import { Pool } from "../../src/smtp/pool.ts";
import type { Relay } from "../../src/smtp/relay.ts";
import { verifyRelay } from "../../src/smtp/verify.ts";
import {
  copyTo,
  ListSource,
  relayAt,
  type ScriptStep,
  scripted,
  scriptLog,
  server,
  serverLog,
  short,
} from "../support/smtp-control.ts";

const say = (text: string): ScriptStep => ({ say: text });
const hear = (text: string): ScriptStep => ({ expect: text });
const STARTTLS = [
  say("220 hi\r\n"),
  hear("EHLO me.test\r\n"),
  say("250-relay\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n"),
  hear("STARTTLS\r\n"),
];
const deps = { now: Date.now, ehlo: "me.test", deadlines: short(1_500) };

async function run(relay: Relay): Promise<ListSource> {
  const source = new ListSource([copyTo("a@b.test")]);
  const pool = new Pool(relay, deps);
  await pool.work(source);
  await pool.close();
  return source;
}

describe("a real server", () => {
  for (const method of ["PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2"]) {
    test(`STARTTLS and AUTH ${method}`, async () => {
      const port = await server({ secure: false, user: "me", password: "pässwörd", methods: [method] });
      const source = await run(
        relayAt(port, `?auth=${method.toLowerCase()}`, "me:p%C3%A4ssw%C3%B6rd", "smtp", "localhost"),
      );
      expect(source.failures).toEqual([]);
      expect(source.outcomes).toEqual(["a@b.test: accepted accepted"]);
      expect(source.attempts[0]?.attempt.tls).toBe(true);
      const log = await serverLog(port);
      expect(log.logins).toEqual([`${method} me`]);
      expect(log.messages).toMatchObject([
        { from: "news@example.com", to: ["a@b.test"], raw: "Subject: Hello\r\n\r\nHello.\r\n", secure: true },
      ]);
    });

    test(`a wrong password over AUTH ${method}`, async () => {
      const port = await server({ secure: true, user: "me", password: "right", methods: [method] });
      const source = await run(
        relayAt(port, `?auth=${method.toLowerCase()}`, "me:wrong-secret", "smtps", "localhost"),
      );
      expect(source.failures[0]).toMatchObject({
        category: "authentication_failed",
        tls: false,
        disposition: "deferred",
      });
      expect(JSON.stringify(source.failures)).not.toContain("wrong-secret");
      expect(source.taken).toBe(0);
    });
  }

  test("TLS from the first byte", async () => {
    const port = await server({ secure: true, user: "me", password: "secret", methods: ["PLAIN"] });
    const source = await run(relayAt(port, "", "me:secret", "smtps", "localhost"));
    expect(source.outcomes).toEqual(["a@b.test: accepted accepted"]);
    expect(source.attempts[0]?.attempt.tls).toBe(true);
  });
});

describe("STARTTLS", () => {
  test("plaintext behind its 220 is refused, in one packet or two", async () => {
    const port = await scripted({
      connections: [[...STARTTLS, say("220 go\r\n250 injected\r\n"), { stall: true }]],
    });
    const source = await run(relayAt(port, "?tls=required"));
    expect(source.failures[0]).toMatchObject({ category: "tls_injection" });
    expect((await scriptLog(port)).connections[0]?.received).toBe("EHLO me.test\r\nSTARTTLS\r\n");
    const later = await scripted({
      connections: [
        [...STARTTLS, say("220 go\r\n"), say("250 injected\r\n"), { tls: "trusted" }, { stall: true }],
      ],
    });
    expect((await run(relayAt(later, "?tls=required"))).failures.length).toBe(1);
  });

  test("what was offered in clear is forgotten", async () => {
    const port = await scripted({
      connections: [
        [
          ...STARTTLS,
          say("220 go\r\n"),
          { tls: "trusted" },
          hear("EHLO me.test\r\n"),
          say("250 relay\r\n"),
          { stall: true },
        ],
      ],
    });
    const source = await run(relayAt(port, "", "me:secret", "smtp", "localhost"));
    expect(source.failures[0]).toMatchObject({ category: "no_auth_mechanism" });
  });

  test("a certificate from nobody is refused, in words", async () => {
    const port = await scripted({
      connections: [[...STARTTLS, say("220 go\r\n"), { tls: "unknown" }, { stall: true }]],
    });
    const source = await run(relayAt(port, "", "me:secret", "smtp", "localhost"));
    expect(source.failures[0]).toMatchObject({ category: "tls_failed" });
    expect(source.failures[0]?.sentence).toMatch(/certificate/);
  });

  test("refused by a required policy's relay: no mail, no login", async () => {
    const port = await scripted({
      connections: [[...STARTTLS, say("454 4.7.0 TLS not available\r\n"), { stall: true }]],
    });
    const source = await run(relayAt(port, "", "me:secret"));
    expect(source.failures.length).toBe(1);
    expect((await scriptLog(port)).connections[0]?.received).toBe("EHLO me.test\r\nSTARTTLS\r\n");
  });

  const clear = [
    say("220 hi\r\n"),
    hear("EHLO me.test\r\n"),
    say("250-relay\r\n250-PIPELINING\r\n250 STARTTLS\r\n"),
    hear("MAIL FROM:<news@example.com>\r\nRCPT TO:<a@b.test>\r\nDATA\r\n"),
    say("250 ok\r\n250 ok\r\n354 go\r\n"),
    { until: "\r\n.\r\n" },
    say("250 ok\r\n"),
    hear("QUIT\r\n"),
    say("221 bye\r\n"),
  ];

  test("broken, opportunistic and no password: a new connection in clear", async () => {
    const port = await scripted({
      connections: [[...STARTTLS, say("220 go\r\n"), { tls: "unknown" }, { stall: true }], clear],
    });
    const source = await run(relayAt(port, "", "", "smtp", "localhost"));
    expect(source.outcomes).toEqual(["a@b.test: accepted accepted"]);
    expect(source.attempts[0]?.attempt.tls).toBe(false);
  });

  test("broken, opportunistic and a password: refused", async () => {
    const port = await scripted({
      connections: [[...STARTTLS, say("220 go\r\n"), { tls: "unknown" }, { stall: true }], clear],
    });
    const source = await run(relayAt(port, "?tls=opportunistic", "me:secret", "smtp", "localhost"));
    expect(source.failures[0]).toMatchObject({ category: "tls_failed" });
    expect((await scriptLog(port)).connections.length).toBe(1);
  });
});

describe("verify", () => {
  test("all well: each step", async () => {
    const port = await server({ secure: false, user: "me", password: "secret", methods: ["PLAIN"] });
    const result = await verifyRelay(relayAt(port, "", "me:secret", "smtp", "localhost"), deps);
    expect(result.ok).toBe(true);
    expect(result.steps.map(({ step, ok }) => `${step} ${ok}`)).toEqual([
      "connect true",
      "greeting true",
      "ehlo true",
      "starttls true",
      "auth true",
    ]);
    expect(JSON.stringify(result)).not.toContain("secret");
    expect(result.advice).toBeUndefined();
  });

  test("a wrong password", async () => {
    const port = await server({ secure: false, user: "me", password: "secret", methods: ["PLAIN"] });
    const result = await verifyRelay(relayAt(port, "", "me:nope", "smtp", "localhost"), deps);
    expect(result.steps.at(-1)).toMatchObject({ step: "auth", ok: false });
    expect(result.advice).toMatch(/user or password/);
  });

  test("TLS from the first byte against a port that speaks in clear", async () => {
    const port = await scripted({ connections: [[say("220 hi\r\n"), { stall: true }]] });
    const result = await verifyRelay(relayAt(port, "", "", "smtps", "localhost"), deps);
    expect(result.ok).toBe(false);
    expect(result.advice).toBe(
      `Port ${port} of localhost speaks first without TLS: use smtp://localhost:${port}?tls=required.`,
    );
  });

  test("clear against a port that wants TLS from the first byte", async () => {
    const port = await scripted({ connections: [[{ tls: "trusted" }, say("220 hi\r\n"), { stall: true }]] });
    const result = await verifyRelay(relayAt(port, "", "", "smtp", "localhost"), {
      ...deps,
      deadlines: short(400),
    });
    expect(result.steps.at(-1)).toMatchObject({ step: "greeting", ok: false });
    expect(result.advice).toBe(
      `Port ${port} of localhost wants TLS from the first byte: use smtps://localhost:${port}.`,
    );
  });

  test("a certificate from nobody, TLS from the first byte", async () => {
    const port = await scripted({ connections: [[{ tls: "unknown" }, { stall: true }]] });
    const result = await verifyRelay(relayAt(port, "", "", "smtps", "localhost"), {
      ...deps,
      deadlines: short(400),
    });
    expect(result.steps).toMatchObject([{ step: "connect", ok: false }]);
    expect(result.advice).toMatch(/certificate/);
  });

  test("a closed port", async () => {
    const result = await verifyRelay(relayAt(1), deps);
    expect(result).toMatchObject({ ok: false, steps: [{ step: "connect", ok: false }] });
    expect(result.advice).toMatch(/could not be reached/);
  });
});

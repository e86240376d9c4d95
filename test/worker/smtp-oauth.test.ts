/** Relays that want access tokens: made when needed, kept while they live, made anew when refused. */
import { describe, expect, it } from "vitest";
import { accessToken, type OAuth } from "../../src/smtp/oauth.ts";
import { parseRelays, type Relay } from "../../src/smtp/relay.ts";
import { verifyRelay } from "../../src/smtp/verify.ts";
import { type ScriptStep, scripted, scriptLog } from "../support/smtp-control.ts";
import { GREET, hear, QUIT, say } from "../support/smtp-dialogues.ts";

let counter = 0;
const oauth = (more: Partial<OAuth> = {}): OAuth => ({
  tokenUrl: `https://login.example/${counter++}/token`,
  clientId: "id",
  clientSecret: "hush-hush",
  refreshToken: "refresh-me",
  scope: "mail",
  ...more,
});
const answers = (...list: [status: number, body: unknown][]) => {
  const asked: string[] = [];
  return {
    asked,
    fetch: async (_: string, init: RequestInit) => {
      asked.push(String(init.body));
      const [status, body] = list[Math.min(asked.length, list.length) - 1]!;
      return new Response(typeof body === "string" ? body : JSON.stringify(body), { status });
    },
  };
};

describe("an access token", () => {
  it("is asked for with the refresh token, and kept until a minute before its end", async () => {
    const given = oauth();
    const { asked, fetch } = answers(
      [200, { access_token: "one", expires_in: 3600 }],
      [200, { access_token: "two" }],
    );
    const at = (now: number) => accessToken(given, { now: () => now, fetch });
    expect(await at(0)).toEqual({ ok: true, value: "one" });
    expect(await at(3_539_999)).toEqual({ ok: true, value: "one" });
    expect(await at(3_540_000)).toEqual({ ok: true, value: "two" });
    expect(asked).toHaveLength(2);
    expect(Object.fromEntries(new URLSearchParams(asked[0]))).toEqual({
      client_id: "id",
      client_secret: "hush-hush",
      grant_type: "refresh_token",
      refresh_token: "refresh-me",
      scope: "mail",
    });
  });

  it("is asked for with the client's own credentials when there is no refresh token", async () => {
    const { asked, fetch } = answers([200, { access_token: "one" }]);
    await accessToken(oauth({ refreshToken: null }), { now: () => 0, fetch });
    expect(asked[0]).toContain("grant_type=client_credentials");
  });

  it.each([
    [
      "a refusal",
      [400, { error: "invalid_grant", error_description: "hush-hush" }],
      "gave no access token: invalid_grant",
    ],
    ["no JSON", [200, "<html>"], "gave no access token: it answered 200"],
    ["null", [200, "null"], "gave no access token"],
    ["a token that would end the line", [200, { access_token: "a\r\nQUIT" }], "gave no access token"],
    ["a redirect", [302, ""], "it answered 302"],
  ] as [string, [number, unknown], string][])(
    "is not there after %s, and the reason tells no secret",
    async (_, answer, why) => {
      const { fetch } = answers(answer);
      const result = await accessToken(oauth(), { now: () => 0, fetch });
      expect(result.ok).toBe(false);
      if (!result.ok) {
        expect(result.error).toContain(why);
        expect(result.error).not.toMatch(/hush|refresh-me/);
      }
    },
  );
});

describe("a relay with oauth", () => {
  const relayTo = (port: number): Relay => {
    const list = parseRelays(
      JSON.stringify([
        {
          name: "tokens",
          url: `smtp://me%40example.com@127.0.0.1:${port}?tls=none`,
          oauth: { token_url: `https://login.example/${counter++}`, client_id: "id", client_secret: "s" },
        },
      ]),
    );
    if (!list.ok) throw new Error(list.error);
    return list.value[0]!;
  };
  const login = (token: string): ScriptStep[] => [
    ...GREET,
    say("250-relay\r\n250 AUTH PLAIN XOAUTH2\r\n"),
    hear(`AUTH XOAUTH2 ${btoa(`user=me@example.com\x01auth=Bearer ${token}\x01\x01`)}\r\n`),
  ];

  it("logs in with a token, and asks for another one after it was refused", async () => {
    const port = await scripted({
      connections: [
        [...login("old"), say("535 5.7.8 expired\r\n")],
        [...login("new"), say("235 2.7.0 ok\r\n"), ...QUIT],
        [...login("new"), say("235 2.7.0 ok\r\n"), ...QUIT],
      ],
      pace: "whole",
    });
    const relay = relayTo(port);
    const { asked, fetch } = answers([200, { access_token: "old" }], [200, { access_token: "new" }]);
    const deps = { now: Date.now, ehlo: "me.test", fetch };
    const refused = await verifyRelay(relay, deps);
    expect(refused.ok).toBe(false);
    expect(JSON.stringify(refused)).not.toContain("old");
    expect((await verifyRelay(relay, deps)).ok).toBe(true);
    expect((await verifyRelay(relay, deps)).ok).toBe(true);
    expect(asked).toHaveLength(2);
    expect((await scriptLog(port)).connections).toHaveLength(3);
  });

  it("says which step fails when there is no token, and does not connect", async () => {
    const port = await scripted({ connections: [GREET], pace: "whole" });
    const { fetch } = answers([401, { error: "invalid_client" }]);
    const result = await verifyRelay(relayTo(port), { now: Date.now, ehlo: "me.test", fetch });
    expect(result).toMatchObject({
      ok: false,
      steps: [{ step: "auth", ok: false, detail: expect.stringContaining("invalid_client") }],
    });
    expect((await scriptLog(port)).connections).toHaveLength(0);
  });

  it.each([
    ["no user", { url: "smtp://127.0.0.1" }, "has oauth but no user"],
    ["a password too", { url: "smtp://u:p@127.0.0.1" }, "has a password and oauth"],
    ["another mechanism", { url: "smtp://u@127.0.0.1?auth=plain" }, "auth=xoauth2 only"],
    [
      "an address in clear",
      { oauth: { token_url: "http://login.example/", client_id: "i", client_secret: "s" } },
      "must be an https address",
    ],
    [
      "nothing to ask with",
      { oauth: { token_url: "https://login.example/", client_id: "i" } },
      "needs a client_secret or a refresh_token",
    ],
    ["a typo", { oauth: { tokenurl: "https://login.example/" } }, "[0]"],
  ])("is refused with %s", (_, more, why) => {
    const good = {
      url: "smtp://u@127.0.0.1",
      oauth: { token_url: "https://login.example/", client_id: "i", client_secret: "s" },
    };
    const result = parseRelays(JSON.stringify([{ ...good, ...more }]));
    expect(result.ok).toBe(false);
    if (!result.ok) expect(result.error).toContain(why);
  });
});

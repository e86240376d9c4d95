/** Our signatures, by the vector of the specification and by every verifier that people use. */
import { Resend } from "resend";
import { Webhook as StandardWebhook } from "standardwebhooks";
import { Webhook as SvixWebhook } from "svix";
import { describe, expect, it } from "vitest";
import { signedHeaders } from "../../src/ledger/webhook-signature.ts";
import { spellSecret } from "../../src/schema/webhook.ts";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const forEver = (secret: string) => ({ secret, until: null });

describe("a signature", () => {
  it("is that of the specification's vector, under both families of names", async () => {
    const headers = await signedHeaders(
      [forEver(SECRET)],
      "msg_p5jXN8AQM9LWM0D4loKWxJek",
      1_614_265_330_000,
      '{"test": 2432232314}',
    );
    const signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    expect(headers).toEqual({
      "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
      "webhook-timestamp": "1614265330",
      "webhook-signature": signature,
      "svix-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
      "svix-timestamp": "1614265330",
      "svix-signature": signature,
    });
  });

  const old = spellSecret(Uint8Array.from({ length: 24 }, (_, i) => i));
  const bodies = ["{}", '{"subject":"Grüße 🚀","n":1.0}', `{"x":"${"y".repeat(100_000)}"}`];
  const verifiers: [string, (secret: string, body: string, headers: Record<string, string>) => unknown][] = [
    ["standardwebhooks", (secret, body, headers) => new StandardWebhook(secret).verify(body, headers)],
    ["svix", (secret, body, headers) => new SvixWebhook(secret).verify(body, headers)],
    [
      "svix, by svix-* names alone",
      (secret, body, headers) =>
        new SvixWebhook(secret).verify(
          body,
          Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith("svix-"))),
        ),
    ],
    [
      "resend",
      (webhookSecret, payload, headers) =>
        new Resend("re_x").webhooks.verify({
          payload,
          webhookSecret,
          headers: {
            id: headers["svix-id"]!,
            timestamp: headers["svix-timestamp"]!,
            signature: headers["svix-signature"]!,
          },
        }),
    ],
  ];

  it.each(verifiers)("passes %s, by the new secret and the old, and no other", async (_, verify) => {
    const now = Date.now();
    for (const body of bodies) {
      const headers = await signedHeaders(
        [forEver(SECRET), { secret: old, until: now + 1_000 }],
        "0198b2c0-0000-7000-8000-000000000001",
        now,
        body,
      );
      // Each throws at what it does not believe; svix 2 answers nothing, the others what they read.
      for (const secret of [SECRET, old])
        expect([undefined, JSON.parse(body)]).toContainEqual(verify(secret, body, headers));
      const other = spellSecret(new Uint8Array(24).fill(9));
      expect(() => verify(other, body, headers)).toThrow();
      expect(() => verify(SECRET, `${body} `, headers)).toThrow();
      expect(() => verify(SECRET, body, { ...headers, "webhook-id": "x", "svix-id": "x" })).toThrow();
    }
  });

  it("is not made any more by a secret whose time is over", async () => {
    const now = Date.now();
    const headers = await signedHeaders([forEver(SECRET), { secret: old, until: now }], "id", now, "{}");
    expect(headers["webhook-signature"]).not.toContain(" ");
    expect(() => new StandardWebhook(old).verify("{}", headers)).toThrow();
  });
});

/** One call to an endpoint that behaves badly, over real sockets: it ends in time, and says what happened. */
import { describe, expect, it } from "vitest";
import { WEBHOOK_RESPONSE_CHARS } from "../../src/core/limits.ts";
import { type CallParts, callEndpoint } from "../../src/ledger/webhook-call.ts";
import type { Step } from "../support/webhook-endpoint.ts";
import { startEndpoint } from "../support/webhooks.ts";

const parts: CallParts = {
  fetch: (url, init) => fetch(url, init),
  now: Date.now,
  allowPrivate: true,
  timeoutMs: 1_500,
};
const secrets = [{ secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", until: null }];
const callUrl = (url: string, over: Partial<CallParts> = {}) =>
  callEndpoint({ ...parts, ...over }, { url, secrets }, "id-1", '{"a":1}');
const meet = async (step: Step) => {
  const endpoint = await startEndpoint([step]);
  return { ...(await callUrl(endpoint.url)), told: await endpoint.told() };
};

describe("a call", () => {
  it("takes what the endpoint says, and only the beginning of it", async () => {
    expect(await meet({ status: 202, body: "thank you" })).toMatchObject({
      status: 202,
      response: "thank you",
    });
    const long = await meet({ status: 500, body: "é".repeat(50_000) });
    expect(long.status).toBe(500);
    expect(long.response).toBe("é".repeat(WEBHOOK_RESPONSE_CHARS));
    const split = await meet({ status: 500, body: `x${"🚀".repeat(50_000)}` });
    expect([split.response.isWellFormed(), split.response.length]).toEqual([
      true,
      WEBHOOK_RESPONSE_CHARS - 1,
    ]);
  });

  it("believes the status and leaves a body that does not end", async () => {
    const endless = await meet({ endless: true });
    expect(endless.status).toBe(200);
    expect(endless.response).toBe("x".repeat(WEBHOOK_RESPONSE_CHARS));
  });

  it("is not kept by a body that is announced and never comes", async () => {
    const silent = await meet({ headers: { "content-length": "1000" }, stall: true });
    expect(silent).toMatchObject({ status: 200, response: "" });
  });

  it("gives up on silence", async () => {
    expect(await meet({ hang: true })).toMatchObject({ status: 0, response: "No answer within 2 s." });
  });

  it("says that a connection was closed, or never was", async () => {
    const dropped = await meet({ drop: true });
    expect(dropped.status).toBe(0);
    expect(dropped.response).toMatch(/^No connection: /);
    const nobody = await callUrl("http://127.0.0.1:1/");
    expect(nobody.status).toBe(0);
    expect(nobody.response).toMatch(/^No connection: /);
  });

  it("follows no redirect, and says where it leads", async () => {
    const target = await startEndpoint();
    for (const status of [301, 302, 303, 307, 308]) {
      const redirect = await meet({ status, headers: { location: target.url } });
      expect(redirect).toMatchObject({ status, response: expect.stringContaining(`leads to ${target.url}`) });
    }
    expect(await target.told()).toEqual([]);
  });

  it("survives headers of any size", async () => {
    const huge = await meet({
      headers: { "x-huge": "a".repeat(15_000), location: "b".repeat(15_000) },
      status: 302,
    });
    expect(huge.response.length).toBeLessThanOrEqual(WEBHOOK_RESPONSE_CHARS);
  });

  it("reads Retry-After", async () => {
    expect(await meet({ status: 429, headers: { "retry-after": "90" } })).toMatchObject({
      retryAfterMs: 90_000,
    });
  });

  it("is not made to a private address that is not allowed, whatever was allowed when the webhook was made", async () => {
    const endpoint = await startEndpoint();
    const refused = await callUrl(endpoint.url, { allowPrivate: false });
    expect(refused).toMatchObject({
      status: 0,
      response: expect.stringMatching(/^Not called: .*private address/),
    });
    expect(await endpoint.told()).toEqual([]);
  });

  it("carries the body as it is, with both families of headers", async () => {
    const { told } = await meet({});
    expect(told[0]).toMatchObject({ method: "POST", body: '{"a":1}' });
    for (const name of ["id", "timestamp", "signature"])
      expect(told[0]!.headers[`svix-${name}`]).toBe(told[0]!.headers[`webhook-${name}`]);
  });
});

/** Opens and clicks carry a verdict with its reason, and an address only as far as it may be kept. */
import { describe, expect, it } from "vitest";
import { newEmailId } from "../../src/core/ids.ts";
import { signToken } from "../../src/tracking/token.ts";
import { call, eventsOf, mailFor, someone } from "../support/api.ts";

/** A message sent an hour ago, as its token tells. */
const TOKEN = () =>
  signToken("test-signing-secret", {
    id: newEmailId(Date.now() - 3_600_000, crypto.getRandomValues(new Uint8Array(10))),
    recipient: 0,
  });

describe("verdicts", () => {
  it("are on the event", async () => {
    const to = someone();
    const { body } = await call("POST", "/emails", {
      from: "ada@example.com",
      to,
      subject: "Hi",
      html: "<p>Hello</p>",
    });
    const [taken] = await mailFor(to);
    const path = /mail\.example\.com(\/o\/[\w-]{43})/.exec(taken!.email.html!)![1]!;
    await call("GET", path, undefined, {
      "user-agent": "Mozilla/5.0 (via ggpht.com GoogleImageProxy)",
      "cf-connecting-ip": "203.0.113.77",
    });
    const events = await eventsOf(body.id, (types) => types.includes("email.opened"));
    const opened = events.find(({ type }) => type === "email.opened");
    expect(opened.data.visitor).toMatchObject({
      verdict: "proxy",
      ip: "203.0.113.0",
      reason: expect.stringMatching(/Gmail/i),
    });
  });

  it("work for a message that nobody remembers", async () => {
    expect((await call("GET", `/o/${TOKEN()}`)).status).toBe(200);
    expect((await call("GET", `/o/${TOKEN()}.gif`)).status).toBe(200);
  });
});

/** GET /metrics, as Prometheus reads it. */
import { describe, expect, it } from "vitest";
import { call, eventsOf, mailFor, someone } from "../support/api.ts";

const scrape = async (): Promise<Map<string, number>> => {
  const { status, headers, body } = await call("GET", "/metrics");
  expect(status).toBe(200);
  expect(headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  const lines = (body as string).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(" ");
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
};
const mail = (to: string, more: object = {}) => ({
  from: "a@example.com",
  to,
  subject: "S",
  text: "T",
  ...more,
});
const SENT = 'postern_attempts_total{relay="main",disposition="accepted",category="accepted"}';

describe("GET /metrics", () => {
  it("counts what was sent, what was refused, and how long it took", async () => {
    const before = await scrape();
    const to = someone();
    await call("POST", "/emails", mail(to));
    await mailFor(to);
    const { body } = await call("POST", "/emails", mail("bounced@postern.test"));
    await eventsOf(body.id, (types) => types.includes("email.bounced"));
    const after = await scrape();
    const grown = (name: string) => (after.get(name) ?? 0) - (before.get(name) ?? 0);
    expect(grown(SENT)).toBe(1);
    expect(
      grown('postern_attempts_total{relay="(sandbox)",disposition="bounced",category="unknown_mailbox"}'),
    ).toBe(1);
    expect(grown("postern_accept_to_sent_seconds_count")).toBe(1);
    expect(grown("postern_attempt_duration_seconds_count")).toBe(2);
    expect(after.get('postern_relay_breaker_open{relay="main"}')).toBe(0);
  });

  it("tells what waits, and that it is not due yet", async () => {
    const before = await scrape();
    await call("POST", "/emails", mail(someone(), { scheduled_at: "in 1 hour" }));
    const after = await scrape();
    expect(after.get("postern_queue_messages")! - before.get("postern_queue_messages")!).toBe(1);
    expect(after.get("postern_queue_due_messages")).toBe(before.get("postern_queue_due_messages"));
  });

  it("wants a key", async () => {
    expect((await call("GET", "/metrics", undefined, { authorization: "" })).status).toBe(401);
  });
});

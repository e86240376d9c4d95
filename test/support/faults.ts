/** What a relay may do instead of answering, at any step of the dialogue, and what becomes of the message. */
import type { Fault, SinkStep } from "./sink-relay.ts";

const MB = 1024 * 1024;

export const FAULTS: Record<string, Fault> = {
  "hangs up": { after: "end" },
  resets: { after: "reset" },
  stalls: { after: "silence" },
  "says 421 and hangs up": { say: "421 4.3.2 Shutting down\r\n", after: "end" },
  "says 4xx": { say: "451 4.3.0 Not now\r\n" },
  "says 5xx": { say: "554 5.3.0 Never\r\n" },
  "says nonsense": { say: "\u0000\u00ff what? HTTP/1.1 400 Bad Request\r\n" },
  "says nonsense before its reply": { say: "hello?\r\n250 2.0.0 Ok\r\n" },
  "says a line of 1 MB": { say: `250 ${"x".repeat(MB)}\r\n` },
  "never ends a line": { say: "x".repeat(MB), flood: true },
  "never ends a reply": { say: "250-and more\r\n".repeat(1_000), flood: true },
  "answers twice": { say: "250 2.0.0 Ok\r\n250 2.0.0 Ok\r\n" },
};

/** The status of its recipient while the relay is so. */
export function endOf(kind: string, step: SinkStep): "queued" | "bounced" | "sent" | "delivery_delayed" {
  // Deadlines are a minute and more: until then it is under way.
  if (kind === "stalls") return "queued";
  // A refusal of the session concerns the relay, not the message.
  if (kind === "says 5xx") return step === "greeting" || step === "ehlo" ? "delivery_delayed" : "bounced";
  // Taken is taken, whatever the relay babbles afterwards.
  if (kind === "answers twice" && step === "body") return "sent";
  return "delivery_delayed";
}

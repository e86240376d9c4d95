/**
 * A relay that is none: copies go through everything, splicing and signing too, and the dialogue is made up. Test addresses
 * play their story here, and all mail of the sandbox ends here.
 */

import { judge } from "../policy/outcome.ts";
import type { Reply } from "../policy/reply.ts";
import type { EventType } from "../schema/event.ts";
import { type Story, storyOf } from "../schema/test-address.ts";
import type { Attempt, Copy, Source } from "../smtp/attempt.ts";
import { parseRelayUrl, type Relay } from "../smtp/relay.ts";

/** No relay of the configuration can be called so: parentheses are not for names. */
export const SANDBOX = "(sandbox)";

const OK: Reply = { code: 250, enhanced: "2.0.0", text: "2.0.0 Sandbox: accepted, and sent nowhere" };
const UNKNOWN: Reply = { code: 550, enhanced: "5.1.1", text: "5.1.1 Sandbox: no such user here" };

interface Scene {
  reply: Reply;
  /** What is told after `email.sent`. */
  sequel: EventType[];
}

const SCENES: Record<Exclude<Story, "suppressed"> | "none", Scene> = {
  none: { reply: OK, sequel: [] },
  delivered: { reply: OK, sequel: ["email.delivered"] },
  bounced: { reply: UNKNOWN, sequel: [] },
  complained: { reply: OK, sequel: ["email.delivered", "email.complained"] },
};

/** Copies between two looks at what else there is to do. */
const TURN = 64;

/** As Lane wants it. */
export function sandboxRelay(): Relay {
  const relay = parseRelayUrl("smtp://sandbox.invalid?tls=none");
  if (!relay.ok) throw new Error(relay.error);
  return { ...relay.value, name: SANDBOX };
}

export class SandboxPool<Job extends { copy: Copy }> {
  readonly #now: () => number;
  readonly state = { open: 0 };

  constructor(now: () => number) {
    this.#now = now;
  }

  /** It always answers. */
  silentSince(now: number): number {
    return now;
  }

  /** Plays what the source has. As Pool.work, but nothing can fail. */
  async work(source: Source<Job>): Promise<void> {
    for (let played = 1; ; played++) {
      const job = source.next();
      if (job === null) return;
      source.done(job, this.#attempt(job.copy));
      if (played % TURN === 0) await new Promise((resolve) => setTimeout(resolve, 0));
    }
  }

  #attempt({ forwardPath }: Copy): Attempt {
    const story = storyOf(forwardPath);
    const { reply, sequel } = SCENES[story === null || story === "suppressed" ? "none" : story];
    const step = reply.code < 300 ? "body" : "rcpt";
    const { disposition, category, sentence } = judge(reply, step);
    return {
      step,
      disposition,
      category,
      sentence,
      reply,
      problem: null,
      relay: SANDBOX,
      host: "sandbox",
      port: 0,
      tls: false,
      startedAt: this.#now(),
      durationMs: 0,
      transcript: null,
      sequel,
    };
  }
}

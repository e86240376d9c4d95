/**
 * Calls endpoints, a few at a time. Endpoints that answer quickly share one lane; slow and unproven ones share another, in
 * which they can only hold up one another. Within a lane the endpoint that was served longest ago is next.
 */
import {
  LEDGER_RETRY_MS,
  WEBHOOK_GROUP_EVENTS,
  WEBHOOK_QUICK_CALLS,
  WEBHOOK_SLOW_CALLS,
  WEBHOOK_SLOW_MS,
} from "../core/limits.ts";
import type { Endpoint } from "../schema/webhook.ts";
import { type CallParts, callEndpoint } from "./webhook-call.ts";
import type { Endpoints } from "./webhook-endpoints.ts";
import type { WebhookLog } from "./webhook-log.ts";
import type { Claimed, WebhookQueue } from "./webhook-queue.ts";
import { type Answer, failsForDays, verdictOf } from "./webhook-schedule.ts";

export interface SenderParts extends CallParts {
  queue: WebhookQueue;
  record: WebhookLog;
  endpoints: Endpoints;
  /** 0 to 1. */
  random: () => number;
  newId: (now: number) => string;
  /** Tells the registry that an endpoint is not to be called any more. */
  disable: (endpoint: Endpoint, reason: string) => Promise<void>;
  /** Something is to be done at that time, in milliseconds since 1970. */
  wakeAt: (at: number) => void;
  log: (fact: string, details: Record<string, unknown>) => void;
}

type Lane = "quick" | "slow";
const CALLS: Record<Lane, number> = { quick: WEBHOOK_QUICK_CALLS, slow: WEBHOOK_SLOW_CALLS };
/** One endpoint does not take a whole lane. */
const CALLS_EACH: Record<Lane, number> = { quick: WEBHOOK_QUICK_CALLS - 1, slow: 1 };

interface UnderWay {
  lane: Lane;
  endpoint: Endpoint;
  /** One, or several where the endpoint takes a list. */
  claimed: readonly Claimed[];
}

/** What an endpoint is told of an event. One that came to speak another dialect meanwhile is told what there is. */
const bodyOf = ({ mailjet }: Endpoint, claimed: Claimed): string =>
  mailjet === undefined ? claimed.payload : (claimed.mailjet ?? claimed.payload);

export class WebhookSender {
  readonly #parts: SenderParts;
  readonly #underWay = new Set<UnderWay>();
  readonly #running = new Set<Promise<void>>();
  /** A number that grows with each call, by endpoint: who was served last. */
  readonly #served = new Map<string, number>();
  #calls = 0;

  constructor(parts: SenderParts) {
    this.#parts = parts;
  }

  get busy(): boolean {
    return this.#underWay.size > 0;
  }

  isUnderWay(endpoint: string, id: string): boolean {
    return this.#of(endpoint).some(({ claimed }) => claimed.some((one) => one.id === id));
  }

  /** Begins as many calls as may be under way. Each that ends begins the next. */
  pump(): void {
    for (let next = this.#next(); next !== null; next = this.#next()) {
      const call = this.#call(next).finally(() => this.#running.delete(call));
      this.#running.add(call);
    }
  }

  /** Resolves when no call is under way. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  #of(endpoint: string): UnderWay[] {
    return [...this.#underWay].filter((one) => one.endpoint.id === endpoint);
  }

  #next(): UnderWay | null {
    const { endpoints, queue, now, wakeAt } = this.#parts;
    const at = now();
    const used = { quick: 0, slow: 0 };
    for (const { lane } of this.#underWay) used[lane] += 1;
    const byTurn = [...endpoints.enabled].sort(
      (a, b) => (this.#served.get(a.id) ?? 0) - (this.#served.get(b.id) ?? 0),
    );
    for (const endpoint of byTurn) {
      const { lastMs, restUntil } = endpoints.healthOf(endpoint.id);
      const lane: Lane = lastMs !== null && lastMs <= WEBHOOK_SLOW_MS ? "quick" : "slow";
      const own = this.#of(endpoint.id);
      if (used[lane] >= CALLS[lane] || own.length >= CALLS_EACH[lane] || restUntil > at) continue;
      const subjects = own.flatMap((one) => one.claimed);
      const claimed: Claimed[] = [];
      const most = endpoint.mailjet === 2 ? WEBHOOK_GROUP_EVENTS : 1;
      while (claimed.length < most) {
        const next = queue.claim(endpoint.id, [...subjects, ...claimed], at);
        if (next === null) break;
        claimed.push(next);
      }
      if (claimed.length === 0) continue;
      wakeAt(at + LEDGER_RETRY_MS);
      const next = { lane, endpoint, claimed };
      this.#underWay.add(next);
      this.#served.set(endpoint.id, ++this.#calls);
      return next;
    }
    return null;
  }

  /** Never rejects. */
  async #call(under: UnderWay): Promise<void> {
    const { now, log } = this.#parts;
    const { endpoint, claimed } = under;
    try {
      const startedAt = now();
      const bodies = claimed.map((one) => bodyOf(endpoint, one));
      const body = endpoint.mailjet === 2 ? `[${bodies.join(",")}]` : bodies[0]!;
      const answer = await callEndpoint(this.#parts, endpoint, claimed[0]!.id, body);
      this.#underWay.delete(under);
      for (const one of claimed) await this.#settle(endpoint, one, startedAt, answer);
    } catch (cause) {
      // Its lease ends by itself.
      log("webhook_attempt_lost", { endpoint: endpoint.id, event: claimed[0]?.id, cause: String(cause) });
    } finally {
      this.#underWay.delete(under);
    }
    this.pump();
  }

  async #settle(endpoint: Endpoint, claimed: Claimed, startedAt: number, answer: Answer): Promise<void> {
    const { queue, record, endpoints, now, random, newId, wakeAt, disable, log } = this.#parts;
    if (endpoints.find(endpoint.id) === null) return; // Deleted meanwhile, and its log with it.
    const at = now();
    const verdict = verdictOf(answer, claimed.attempts, random());
    record.record(endpoint.id, claimed.id, newId(at), startedAt, answer);
    const before = endpoints.healthOf(endpoint.id);
    const health =
      verdict.kind === "success"
        ? { lastMs: answer.durationMs, failingSince: null, failures: 0, restUntil: 0 }
        : {
            lastMs: answer.durationMs,
            failingSince: before.failingSince ?? at,
            failures: before.failures + 1,
            restUntil: verdict.kind === "retry" ? at + verdict.restMs : 0,
          };
    endpoints.setHealth(endpoint.id, health);
    if (verdict.kind !== "success")
      log("webhook_attempt_failed", {
        endpoint: endpoint.id,
        event: claimed.id,
        attempt: claimed.attempts,
        status: answer.status,
        retryMs: verdict.kind === "retry" ? verdict.inMs : null,
      });
    if (verdict.kind === "retry") {
      queue.retry(endpoint.id, claimed, at + verdict.inMs, at);
      wakeAt(at + verdict.inMs);
    } else queue.end(endpoint.id, claimed, verdict.kind === "success" ? "success" : "failed", at);
    if (verdict.kind === "gone") await disable(endpoint, "The endpoint answered 410 Gone.");
    else if (failsForDays(health, at))
      await disable(
        endpoint,
        `Every call since ${new Date(health.failingSince ?? at).toISOString()} failed, ${health.failures} in all.`,
      );
  }
}

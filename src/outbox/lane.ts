/**
 * One relay's lane: takes due deliveries for it off the queue, as fast as the relay may be used, splices each copy, and
 * turns what came of it into an outcome. The pool calls it from its session loops.
 */
import { DAY_MS, SMTP_SILENT_MS } from "../core/limits.ts";
import { actionOf } from "../policy/category.ts";
import type { Attempt, Copy, Source } from "../smtp/attempt.ts";
import type { Pool } from "../smtp/pool.ts";
import type { Relay } from "../smtp/relay.ts";
import { nextAttempt } from "./backoff.ts";
import { type Breaker, closed, failed, isAvailable, took } from "./breaker.ts";
import { Claims } from "./claims.ts";
import type { Contents } from "./contents.ts";
import { type CopyContext, copyOf } from "./copy.ts";
import { type DelayContext, QuotaNotice, tellOfOutage } from "./delays.ts";
import { fateOf } from "./fate.ts";
import type { Meter } from "./meter.ts";
import type { Paces } from "./paces.ts";
import type { QueuedEmail } from "./queue.ts";
import { accepted, attemptData, eventOf, expired, finalType, unmade } from "./record.ts";
import type { Delivery } from "./tables.ts";
import { type Bucket, newBucket, shareOf, take, waitFor } from "./throttle.ts";
import { withhold } from "./withheld.ts";

/** So many destinations slowed in a row are the relay's own pace. */
const SLOWED_DOMAINS = 3;

export interface Job {
  copy: Copy;
  delivery: Delivery;
  /** When the message was accepted, or is scheduled for. */
  since: number;
  requestId: string | null;
  expiresAt: number;
  /** The message has gone on the wire. */
  isBegun: boolean;
}

/** What a lane asks of a pool. */
export type LanePool = Pick<Pool<Job>, "work" | "silentSince"> & {
  readonly state: Pick<Pool<Job>["state"], "open">;
};

export interface LaneContext extends CopyContext, DelayContext {
  contents: Contents;
  paces: Paces;
  meter: Meter;
  random: () => number;
  shards: number;
  log: (fact: string, details: Record<string, unknown>) => void;
  wake: () => void;
}

export class Lane implements Source<Job> {
  readonly relay: Relay;
  readonly pool: LanePool;
  breaker: Breaker = closed();
  /** Until when the quota is used up, in milliseconds since 1970. */
  spentUntil = 0;
  readonly claims: Claims;
  readonly #context: LaneContext;
  readonly #bucket: Bucket | null;
  readonly #quotaNotice: QuotaNotice;
  /** Destinations that a reply "too fast" came for since the last acceptance. */
  readonly #slowed = new Set<string>();
  /** Settles when it does not work any more; null: it does not. */
  working: Promise<void> | null = null;

  constructor(relay: Relay, pool: LanePool, context: LaneContext) {
    this.relay = relay;
    this.pool = pool;
    this.#context = context;
    this.claims = new Claims(context.queue, (claimed, now) => {
      // What is known is stored with the claim: one commit serves both.
      if (claimed.length > 0) context.outcomes.flush(false);
      return withhold(claimed, context, now);
    });
    this.#quotaNotice = new QuotaNotice(relay.name, context);
    this.#bucket = relay.rate === null ? null : newBucket(shareOf(relay.rate, context.shards), context.now());
  }

  /** Whether this relay may be used now: its breaker, its quota, and that it answers at all. */
  isAvailable(now: number): boolean {
    return isAvailable(this.breaker, now) && this.spentUntil <= now && !this.#isSilent(now);
  }

  /** Deadlines are long, since giving up on a message makes duplicates. Other mail need not wait for them. */
  #isSilent(now: number): boolean {
    return now - this.pool.silentSince(now) >= SMTP_SILENT_MS;
  }

  /** Looks after what waits while the relay is not available: copies in hand are for others, and senders are told of a quota. */
  tend(now: number): void {
    if (!this.claims.isEmpty && this.#isSilent(now)) {
      this.#context.log("relay_silent", { relay: this.relay.name, sessions: this.pool.state.open });
      this.claims.putBack();
    }
    this.#quotaNotice.tell(now, this.spentUntil);
  }

  /** When it may be used again, in milliseconds since 1970. */
  availableAt(): number {
    return Math.max(this.breaker.retryAt, this.spentUntil);
  }

  /** Why it may not be used, or what went wrong last; null: all is well. */
  complaint(now: number): string | null {
    if (this.spentUntil > now) return "Its quota is used up until it renews.";
    return this.#isSilent(now) ? "It has answered nothing for a minute." : this.breaker.lastError;
  }

  /** Milliseconds until the rate allows another message. */
  rateWait(now: number): number {
    return this.#bucket === null ? 0 : waitFor(this.#bucket, now);
  }

  get isWorking(): boolean {
    return this.working !== null;
  }

  /** Sends what is due. `after` is called when nothing is left to do for now. */
  work(after: () => void): Promise<void> {
    if (this.working !== null) {
      void this.pool.work(this);
      return this.working;
    }
    const working = this.pool
      .work(this)
      .catch((cause: unknown) => {
        this.#context.log("lane_failed", { relay: this.relay.name, cause: String(cause) });
        this.breaker = failed(this.breaker, String(cause), this.#context.now(), this.#context.random());
      })
      .finally(() => {
        this.working = null;
        this.claims.putBack();
        this.#context.outcomes.flush();
        after();
      });
    this.working = working;
    return working;
  }

  next(): Job | null {
    const { queue, contents, outcomes, now, chosen } = this.#context;
    for (;;) {
      const at = now();
      if (!this.isAvailable(at) || this.rateWait(at) > 0) return null;
      const delivery = this.claims.next(at, (route) => chosen(route, at) === this.relay.name);
      if (delivery === undefined) return null;
      const held = queue.holds.until(delivery.domain, at) ?? this.#context.paces.next(delivery.domain, at);
      if (held !== null) {
        queue.deliveries.putOff(delivery.id, held);
        continue;
      }
      const email = contents.get(delivery.email);
      if (email === null) {
        outcomes.finish(delivery, []); // Cancelled since.
        continue;
      }
      if (email.expiresAt <= at) {
        outcomes.finish(delivery, [expired(this.#context.newId, delivery, at)]);
        continue;
      }
      const copy = this.#copyOf(delivery, email, at);
      if (copy === null) continue;
      if (this.relay.quota !== null && !this.#spend(at)) {
        this.claims.putBack(delivery);
        this.#quotaNotice.tell(at, this.spentUntil);
        return null;
      }
      if (this.#bucket !== null) take(this.#bucket, at);
      const { since, requestId, expiresAt } = email;
      return { delivery, since, requestId, expiresAt, isBegun: false, copy };
    }
  }

  /** The copy, or null when it cannot be made: a bug of ours, which this recipient pays for and no other. */
  #copyOf(delivery: Delivery, email: QueuedEmail, at: number): Copy | null {
    const { outcomes, newId, log } = this.#context;
    try {
      return copyOf(delivery, email, this.relay, this.#context);
    } catch (cause) {
      log("copy_failed", { email: delivery.email, recipient: delivery.index, cause: String(cause) });
      outcomes.finish(delivery, [unmade(newId, delivery, at)]);
      return null;
    }
  }

  begun(job: Job): void {
    if (job.isBegun) return;
    this.#context.outcomes.begun();
    job.isBegun = true;
  }

  done(job: Job, attempt: Attempt): void {
    if (job.isBegun) this.#context.outcomes.landed();
    const { outcomes, newId, queue, now, random, meter, chosen } = this.#context;
    const { delivery } = job;
    const at = now();
    meter.count(attempt, delivery.attempts === 1 ? at - job.since : null);
    if (attempt.disposition === "accepted") {
      this.breaker = took(this.breaker, at);
      queue.holds.relax(delivery.domain);
      if (this.#slowed.size > 0) this.#slowed.clear();
      outcomes.finish(delivery, accepted(newId, delivery, attempt, at, this.relay));
      return;
    }
    const data = attemptData(delivery, attempt, job.requestId);
    const delayed = () => eventOf(newId, "email.delivery_delayed", delivery, at, data);
    const fate = fateOf(attempt, delivery.route, this.relay.name, (route) => chosen(route, at) !== null);
    if (fate.kind === "elsewhere") {
      data.next_attempt_at = at;
      outcomes.postpone(delivery, at, fate.route, delayed());
      return;
    }
    if (fate.kind === "over") {
      const event = { ...data, category: attempt.category };
      outcomes.finish(delivery, [eventOf(newId, finalType(attempt), delivery, at, event)]);
      return;
    }
    const action = actionOf(attempt.category, attempt.disposition);
    let due = nextAttempt(
      { attempts: delivery.attempts, greylisted: action === "retry_soon" },
      at,
      job.expiresAt,
      random(),
    );
    // "This recipient gets mail too quickly" is about nobody else: the schedule serves.
    // Told otherwise, the attempt does not count: held a few times, mail would wait for hours after its next failure.
    const isTooFast = action === "slow_down" && attempt.category !== "recipient_rate_limited";
    if (isTooFast) due = Math.min(this.#slowDown(delivery, attempt, at), job.expiresAt);
    const isWaiting = chosen(fate.route, at) === null; // For this relay to have rested.
    data.next_attempt_at = isWaiting ? Math.max(due, this.availableAt()) : due;
    outcomes.postpone(delivery, due, fate.route, delayed(), !isTooFast);
  }

  /**
   * "Too fast", which is no fault of the copy. Said of the session or the sender it concerns the relay, which rests; said
   * of a recipient or a message it may concern the destination alone, which is held, until it is said of several.
   * Returns when the copy is due again.
   */
  #slowDown(delivery: Delivery, attempt: Attempt, at: number): number {
    const { queue, random } = this.#context;
    this.#slowed.add(delivery.domain);
    if (
      ["rcpt", "data", "body"].includes(attempt.step) &&
      attempt.category !== "quota_exceeded" &&
      this.#slowed.size < SLOWED_DOMAINS
    )
      return queue.holds.slowDown(delivery.domain, at);
    this.breaker = failed(this.breaker, attempt.sentence, at, random(), true);
    return at; // By another relay, or when this one has rested.
  }

  unreachable(failure: Attempt): void {
    const { now, random, log, wake } = this.#context;
    const at = now();
    queueMicrotask(wake); // Others may take it, now: a session that hangs may keep this lane at work for minutes.
    this.claims.putBack();
    this.breaker = failed(this.breaker, failure.sentence, at, random());
    log("relay_unreachable", {
      relay: this.relay.name,
      host: failure.host,
      port: failure.port,
      category: failure.category,
      text: failure.reply?.text ?? failure.problem,
      retryAt: this.breaker.retryAt,
    });
    // Mail that another relay takes goes there at once. The rest waits; its senders are told why, once.
    const dataOf = (delivery: Delivery) => attemptData(delivery, failure);
    tellOfOutage(this.relay.name, this.#context, { at, until: this.breaker.retryAt, dataOf });
  }

  #spend(now: number): boolean {
    const quota = shareOf(this.relay.quota!, this.#context.shards);
    if (
      this.#context.queue.books.spend(this.relay.name, Math.max(1, Math.floor(quota.count)), quota.perMs, now)
    )
      return true;
    this.spentUntil = (Math.floor(now / quota.perMs) + 1) * quota.perMs;
    this.#context.log("quota_spent", {
      relay: this.relay.name,
      until: this.spentUntil,
      days: quota.perMs / DAY_MS,
    });
    return false;
  }
}

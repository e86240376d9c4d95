/**
 * Decides what happens next: which lane works, when to look again. Holds the lanes and the clock; the queue holds the
 * truth, so a dispatcher can be dropped and made anew at any moment.
 */

import { LEDGER_RETRY_MS } from "../core/limits.ts";
import type { Config } from "../env.ts";
import { Berths } from "../smtp/berths.ts";
import { Pool } from "../smtp/pool.ts";
import type { Relay } from "../smtp/relay.ts";
import { relaysOf } from "../smtp/routing.ts";
import { Clock, WATCHDOG_MS } from "./clock.ts";
import type { Contents } from "./contents.ts";
import { type Job, Lane, type LaneContext, type LanePool } from "./lane.ts";
import type { Mail } from "./mail.ts";
import type { Meter } from "./meter.ts";
import type { Outcomes } from "./outcomes.ts";
import { Paces } from "./paces.ts";
import type { Queue } from "./queue.ts";
import { expired, type NewId } from "./record.ts";
import type { Reporter } from "./reporter.ts";
import type { RelayHealth, RelayState } from "./rpc.ts";
import { SandboxPool, sandboxRelay } from "./sandbox.ts";

/** Expired deliveries given up in one go. */
const EXPIRED_PER_SWEEP = 1_000;
/**
 * Reports wait this long for company; and longer while a lane has a backlog: sending goes first, and telling costs about
 * as much. Whoever asks for an email has its events told at once.
 */
const REPORT_MS = 50;
const REPORT_WORKING_MS = 250;
const REPORT_BACKLOG_MS = 5_000;

export interface DispatcherContext {
  config: Config;
  /** How many it may have open at a time, to all relays together. */
  connections: number;
  queue: Queue;
  contents: Contents;
  outcomes: Outcomes;
  reporter: Reporter;
  meter: Meter;
  newId: NewId;
  now: () => number;
  random: () => number;
  seals: LaneContext["seals"];
  signerOf: LaneContext["signerOf"];
  setAlarm: (at: number) => void;
  log: (fact: string, details: Record<string, unknown>) => void;
}

export class Dispatcher {
  readonly #context: DispatcherContext;
  readonly #lanes = new Map<string, Lane>();
  readonly #clock: Clock;
  #reportTimer: ReturnType<typeof setTimeout> | null = null;
  #reportedAt = 0;
  #backlogSince: number | null = null;

  constructor(context: DispatcherContext) {
    this.#context = context;
    const { config, queue, contents, outcomes, meter, newId, now, random, seals, signerOf, log } = context;
    this.#clock = new Clock({
      now,
      setAlarm: context.setAlarm,
      isWorking: () => this.#isWorking,
      wake: () => this.wake(),
    });
    const paces = new Paces(config.paces, config.shards);
    const open = (relay: Relay, pool: LanePool) =>
      this.#lanes.set(
        relay.name,
        new Lane(relay, pool, {
          queue,
          contents,
          outcomes,
          paces,
          meter,
          newId,
          now,
          random,
          seals,
          signerOf,
          bounceDomain: config.bounceDomain,
          shards: config.shards,
          chosen: (route, at) => this.#chosen(route, at),
          log,
          wake: () => this.wake(),
        }),
      );
    const berths = new Berths(context.connections, now);
    const deps = { now, ehlo: config.ehloName, berths, log: (line: string) => log("smtp", { line }) };
    for (const relay of config.relays) open(relay, new Pool<Job>(relay, deps));
    open(sandboxRelay(), new SandboxPool<Job>(now));
  }

  /** Something may have changed: sends what is due, and looks again when the next thing is. Returns at once. */
  wake(): void {
    const { queue, now, random } = this.#context;
    const at = now();
    const mayBeMore = this.#sweep(at);
    for (const lane of this.#lanes.values()) lane.tend(at);
    for (const route of queue.routes.reopen(at, random(), (one) => this.#chosen(one, at) !== null)) {
      const due = queue.deliveries.nextDue(route);
      if (due === null || due > at) continue;
      const lane = this.#laneOf(route, at);
      if (lane !== null) void lane.work(() => this.wake());
    }
    this.#reportSoon();
    this.#rearm(at, mayBeMore);
  }

  /** Finds who can send new mail at once. Whatever cannot go waits in the queue. */
  assign(mail: readonly Mail[], now: number): void {
    const given = new Map<Lane, number>();
    for (const one of mail) {
      const [route] = one.routes;
      if (
        one.order.scheduledAt !== null ||
        route === undefined ||
        one.routes.some((other) => other !== route)
      )
        continue;
      const lane = this.#laneOf(route, now);
      if (lane === null) continue;
      const count = (given.get(lane) ?? 0) + one.routes.length;
      if (!lane.claims.hasRoom(count)) continue;
      given.set(lane, count);
      one.lane = lane;
    }
  }

  /** New mail is stored. Cheaper than `wake`, which comes again when the lanes are done. */
  accepted(mail: readonly Mail[]): void {
    const at = this.#context.now();
    this.#clock.alarmBy(at + WATCHDOG_MS);
    const lanes = new Set<Lane>();
    let asleep = false;
    for (const { order, routes, lane, given } of mail) {
      if (lane !== null && given !== undefined) {
        lane.claims.give(given);
        lanes.add(lane);
      } else if (order.scheduledAt !== null) asleep = true;
      else
        for (const route of new Set(routes)) {
          const other = this.#laneOf(route, at);
          if (other === null) asleep = true;
          else lanes.add(other);
        }
    }
    for (const lane of lanes) void lane.work(() => this.wake());
    this.#reportSoon();
    // Nobody works, so nobody will look again: what is scheduled, or waits for a relay, needs its time set.
    if (asleep) this.wake();
  }

  /** The lane that sends a route's mail now, or null while none can. */
  #laneOf(route: string, at: number): Lane | null {
    const name = this.#chosen(route, at);
    const lane = name === null ? undefined : this.#lanes.get(name);
    return lane !== undefined && lane.rateWait(at) === 0 ? lane : null;
  }

  /** An alarm fired: the one that was set is gone. */
  alarm(): void {
    this.#clock.fired();
    this.wake();
  }

  /** Resolves when no lane is working. */
  async idle(): Promise<void> {
    await Promise.all([...this.#lanes.values()].map((lane) => lane.working));
  }

  /** What is known goes to the ledger now. */
  async settle(): Promise<void> {
    this.#context.outcomes.flush();
    await this.#context.reporter.flush();
  }

  /** Copies that no session has taken yet are in nobody's hands. */
  release(): void {
    for (const lane of this.#lanes.values()) lane.claims.putBack();
  }

  /** Each relay's health: nothing is read for it. */
  health(): RelayHealth[] {
    const at = this.#context.now();
    return [...this.#lanes.values()].map((lane) => ({
      name: lane.relay.name,
      breaker: lane.isAvailable(at) ? "closed" : "open",
      retryAt: lane.availableAt() > at ? lane.availableAt() : null,
      lastError: lane.complaint(at),
      sessions: lane.pool.state.open,
    }));
  }

  /** The same, with what waits for each, which is counted. */
  states(): RelayState[] {
    const { queue, now } = this.#context;
    const at = now();
    const routes = queue.routes.waiting();
    return this.health().map((one) => ({
      ...one,
      waiting: routes
        .filter((route) => relaysOf(route)[0] === one.name)
        .reduce((sum, route) => sum + queue.deliveries.countDue(route, at), 0),
    }));
  }

  /** The first relay of a route that may be used now. */
  #chosen(route: string, now: number): string | null {
    return relaysOf(route).find((name) => this.#lanes.get(name)?.isAvailable(now)) ?? null;
  }

  /** Gives up what has expired. False: whatever expired and is still there is in a session's hands. */
  #sweep(now: number): boolean {
    const { queue, outcomes, newId } = this.#context;
    const due = queue.nextExpiry();
    if (due === null || due > now) return false;
    const over = queue.deliveries.claimExpired(now, EXPIRED_PER_SWEEP);
    for (const delivery of over) outcomes.finish(delivery, [expired(newId, delivery, now)]);
    outcomes.flush();
    return over.length > 0;
  }

  #reportSoon(ms = REPORT_MS): void {
    this.#reportTimer ??= setTimeout(() => {
      this.#reportTimer = null;
      const now = this.#context.now();
      const working = [...this.#lanes.values()].filter((lane) => lane.isWorking);
      if (!working.some((lane) => lane.claims.hasBacklog)) this.#backlogSince = null;
      else this.#backlogSince ??= now;
      const waits =
        this.#backlogSince !== null &&
        now - Math.max(this.#backlogSince, this.#reportedAt) < REPORT_BACKLOG_MS;
      if (!waits) void this.#report(now);
      if (working.length > 0) this.#reportSoon(REPORT_WORKING_MS);
    }, ms);
  }

  async #report(now: number): Promise<void> {
    this.#reportedAt = now;
    if (!(await this.#context.reporter.flush())) this.#clock.lookAgain(this.#context.now() + LEDGER_RETRY_MS);
  }

  /** Sets timer and alarm for whatever comes next. */
  #rearm(now: number, mayBeMore: boolean): void {
    const { queue } = this.#context;
    const expiry = queue.nextExpiry();
    const isInHands = expiry !== null && expiry <= now && !mayBeMore;
    const times = [isInHands ? now + WATCHDOG_MS : expiry, this.#tidied(now)];
    for (const route of queue.routes.waiting()) {
      const due = queue.deliveries.nextDue(route);
      if (due !== null) times.push(Math.max(due, this.#usableAt(route, now)));
    }
    const next = times
      .filter((time) => time !== null)
      .reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
    if (Number.isFinite(next)) this.#clock.lookAgain(next);
    if (this.#isWorking) this.#clock.alarmBy(now + WATCHDOG_MS);
  }

  get #isWorking(): boolean {
    return [...this.#lanes.values()].some((lane) => lane.isWorking);
  }

  /** Tidies the books when it is time. When it is again. */
  #tidied(now: number): number | null {
    const { books } = this.#context.queue;
    const at = books.nextTidy();
    if (at === null || at > now) return at;
    books.tidy(now);
    return books.nextTidy();
  }

  /** When the first relay of a route can send again; now when one can. */
  #usableAt(route: string, now: number): number {
    let soonest = Number.POSITIVE_INFINITY;
    for (const name of relaysOf(route)) {
      const lane = this.#lanes.get(name);
      if (lane === undefined) continue;
      const at = Math.max(lane.availableAt(), now + lane.rateWait(now));
      if (at <= now && lane.isWorking) return now + WATCHDOG_MS; // It calls wake() when it is done.
      soonest = Math.min(soonest, at);
    }
    // No relay of this route is configured any more: the next start gives it another route.
    return Number.isFinite(soonest) ? soonest : now + WATCHDOG_MS;
  }

  /** An alarm that restarts work after a crash, before anything is promised. */
  guard(): void {
    this.#clock.alarmBy(this.#context.now() + WATCHDOG_MS);
  }
}

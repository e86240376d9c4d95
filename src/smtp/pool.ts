/**
 * The sessions one object keeps with one relay. A pool takes copies from a source, sends them over as many sessions as
 * there is work for and the relay allows, and says what came of each. It decides nothing about retries or routing.
 */
import { SMTP_FEWER_CONNECTIONS_MS, SMTP_FRUITLESS_SESSIONS, SMTP_IDLE_MS } from "../core/limits.ts";
import type { Attempt, Copy, Source } from "./attempt.ts";
import { Berths, type Tenant } from "./berths.ts";
import { converse } from "./conversation.ts";
import type { SmtpFailure } from "./failure.ts";
import { IdleSessions } from "./idle-sessions.ts";
import { openSession } from "./open-session.ts";
import {
  attemptOf,
  failureOutcome,
  type Item,
  lastMove,
  limitsOf,
  newRun,
  type PoolDeps,
  type PoolState,
  type Run,
  UNSENT,
} from "./pool-run.ts";
import { DEFAULT_PORTS, portsOf, type Relay } from "./relay.ts";
import type { SmtpSession } from "./session.ts";
import type { Feed, Outcome } from "./transaction.ts";
import { transcriptOf } from "./transcript.ts";

export class Pool<Job extends { copy: Copy }> implements Tenant {
  #relay: Relay;
  #deps: PoolDeps;
  #run: Run<Job> | null = null;
  #idle: IdleSessions;
  readonly #berths: Berths;
  #busy = new Set<SmtpSession>();
  /** Loops under way: each has a session or is opening one. */
  #lanes = 0;
  #opening = 0;
  /** Taken, but not sent by the session that took them; the next session does. */
  #orphans: Item<Job>[] = [];
  #ceiling: { connections: number; until: number } | null = null;
  #lastError: PoolState["lastError"] = null;
  #lastPort: number | null = null;
  /** When a session last opened or answered for a copy, in milliseconds since 1970. */
  #answeredAt = 0;
  #closing = false;
  /** Cleared for good when the relay offers CHUNKING and does not take BDAT. */
  #chunking: boolean;

  constructor(relay: Relay, deps: PoolDeps) {
    this.#relay = relay;
    this.#deps = deps;
    this.#chunking = relay.bdat;
    this.#berths = deps.berths ?? new Berths(Number.POSITIVE_INFINITY, deps.now);
    this.#idle = new IdleSessions(deps.idleMs ?? SMTP_IDLE_MS);
  }

  get state(): PoolState {
    const busy = this.#busy.size;
    return { open: busy + this.#idle.size, busy, lastError: this.#lastError, lastPort: this.#lastPort };
  }

  /** Since when all sessions that the relay may have wait for a word of it, in milliseconds since 1970. `now`: they do not. */
  silentSince(now: number): number {
    const { size } = this.#busy;
    const mayHaveMore = size < this.#most() && this.#berths.waits(this) === 0;
    return size === 0 || mayHaveMore ? now : lastMove(this.#busy);
  }

  /** A session that is idle makes room for another pool's. */
  vacate(): boolean {
    return this.#idle.sendAway();
  }

  /**
   * Sends what the source has. Resolves when it is dry, or the relay is unreachable, and every `done` was called.
   * Called again meanwhile, it shares the run and looks again; a source passed then takes the other's place.
   */
  work(source: Source<Job>): Promise<void> {
    const running = this.#run;
    if (running === null) {
      this.#run = newRun(source);
      this.#startLane();
      return this.#run?.promise ?? Promise.resolve();
    }
    if (this.#closing) return running.promise.then(() => this.work(source));
    // A run that had given up begins again: a session of it may wait minutes for its last answer, and who asks now knows that
    // the relay was called unreachable.
    if (running.stopped !== null) {
      running.stopped = null;
      running.fruitless = 0;
    }
    running.source = source;
    // While the first session is being opened, the others wait for it; it will take what is there.
    const alive = this.#busy.size + this.#idle.size;
    if (alive > 0 && this.#lanes < this.#most() && this.#peek()) this.#startLane();
    return running.promise;
  }

  /** Takes nothing more, waits for copies under way, and closes all sessions. The pool may be used again afterwards. */
  async close(): Promise<void> {
    this.#closing = true;
    await this.#run?.promise.catch(() => {});
    await this.#idle.close();
    this.#closing = false;
  }

  #startLane(): void {
    const run = this.#run!;
    this.#lanes += 1;
    this.#lane(run)
      .catch((error: unknown) => {
        run.thrown ??= { error };
      })
      .then(() => {
        this.#lanes -= 1;
        if (this.#lanes === 0) this.#finish(run);
      });
  }

  #finish(run: Run<Job>): void {
    // Looked at once more, so that a `work` called since the last session found nothing is not lost.
    if (this.#peek()) {
      this.#startLane();
      return;
    }
    const orphans = this.#orphans;
    this.#orphans = [];
    this.#run = null;
    try {
      for (const item of orphans) item.source.done(item.job, run.stopped ?? this.#unsent(item));
    } catch (error) {
      run.thrown ??= { error };
    }
    run.end(run.thrown);
  }

  /** One session after another, until there is no work for one. */
  async #lane(run: Run<Job>): Promise<void> {
    for (;;) {
      const session = this.#idle.take() ?? (await this.#open(run));
      if (session === null) return;
      this.#busy.add(session);
      const feed = this.#feedOf(session, run);
      let usable: boolean;
      try {
        usable = await converse(session, feed, limitsOf(this.#relay, session));
      } catch (error) {
        session.drop();
        throw error;
      } finally {
        this.#busy.delete(session);
      }
      const hasMore = session.answeredCopies < this.#relay.messagesPerConnection && !session.isMuddled;
      if (!usable) this.#sessionFailed(session, run);
      else if (hasMore && !feed.isYielding && !this.#berths.yields(this, !this.#peek()))
        this.#idle.park(session);
      // Awaited: while the relay still counts this session, the next one may be one too many.
      else await session.quit();
      if (this.#peek()) continue;
      this.#berths.callOff(this);
      return;
    }
  }

  async #open(run: Run<Job>): Promise<SmtpSession | null> {
    // One lane is one session, and those that say QUIT still count.
    while (this.#lanes + this.#idle.leaving > this.#relay.connections && this.#idle.leaving > 0)
      await this.#idle.oneLess();
    if (!(await this.#berths.take(this))) return null;
    const startedAt = this.#deps.now();
    this.#opening += 1;
    let opened: Awaited<ReturnType<typeof openSession>> | null = null;
    try {
      // A berth may have taken its time, and other sessions may have done the work.
      if (this.#busy.size > 0 && !this.#peek()) return null;
      opened = await openSession(this.#relay, portsOf(this.#relay, this.#lastPort), this.#deps);
    } finally {
      this.#opening -= 1;
      if (opened?.ok !== true || opened.value.failure !== null) this.#berths.leave(this);
      else opened.value.dropped = () => this.#berths.leave(this);
    }
    if (opened.ok) {
      this.#lastPort = opened.value.peer.port;
      this.#answeredAt = this.#deps.now();
      return opened.value;
    }
    const { failure, port, opening } = opened.error;
    this.#note(failure);
    const alive = this.#busy.size + this.#idle.size;
    const now = this.#deps.now();
    // Sessions that have been silent for so long are no proof that the relay takes mail.
    if (alive > 0 && now < this.#answeredAt + SMTP_FEWER_CONNECTIONS_MS) {
      // "Too many connections": the relay took these and no more.
      this.#ceiling = { connections: alive, until: now + SMTP_FEWER_CONNECTIONS_MS };
    } else if (this.#opening === 0) {
      this.#stop(
        run,
        this.#attempt(failureOutcome(failure, transcriptOf(opening, [])), port, false, startedAt),
      );
    }
    return null;
  }

  #feedOf(session: SmtpSession, run: Run<Job>): Feed<Item<Job>> & { isYielding: boolean } {
    const pool = this;
    return {
      isYielding: false,
      get chunking() {
        return pool.#chunking;
      },
      refuseChunking: () => {
        this.#chunking = false;
        this.#deps.log?.(`relay ${this.#relay.name}: offers CHUNKING but does not take BDAT; DATA is used`);
      },
      begun: (item) => item.source.begun(item.job),
      take() {
        // Not before it has carried something: handed on and on, a berth would be of no use to anyone.
        this.isYielding ||= session.answeredCopies > 0 && pool.#berths.yields(pool);
        if (this.isYielding) return null;
        const item = pool.#orphans.shift() ?? pool.#takeNew();
        if (item !== null && pool.#lanes < pool.#most() && pool.#peek()) pool.#startLane();
        return item;
      },
      settle: (item, outcome) => {
        if (outcome.reply !== null && outcome.reply.code !== 421) {
          run.fruitless = 0;
          this.#answeredAt = this.#deps.now();
        }
        item.source.done(
          item.job,
          this.#attempt(outcome, session.peer.port, session.encrypted, item.startedAt),
        );
      },
      giveBack: (item) => {
        this.#orphans.push(item);
      },
    };
  }

  #takeNew(): Item<Job> | null {
    const run = this.#run;
    if (run === null || run.stopped !== null || run.thrown !== null || this.#closing) return null;
    const job = run.source.next();
    return job === null ? null : { copy: job.copy, job, source: run.source, startedAt: this.#deps.now() };
  }

  /** Is there work for one more session? If so, one copy of it is held. */
  #peek(): boolean {
    if (this.#run === null || this.#run.stopped !== null || this.#run.thrown !== null || this.#closing)
      return false;
    if (this.#orphans.length > 0) return true;
    const item = this.#takeNew();
    if (item !== null) this.#orphans.push(item);
    return item !== null;
  }

  #sessionFailed(session: SmtpSession, run: Run<Job>): void {
    const failure = session.failure!;
    this.#note(failure);
    if (session.answeredCopies > 0) return;
    run.fruitless += 1;
    if (run.fruitless < SMTP_FRUITLESS_SESSIONS) return;
    const outcome = failureOutcome(failure, transcriptOf(session.opening, []));
    this.#stop(run, this.#attempt(outcome, session.peer.port, session.encrypted, this.#deps.now()));
  }

  #stop(run: Run<Job>, attempt: Attempt): void {
    if (run.stopped !== null) return;
    run.stopped = attempt;
    this.#berths.callOff(this);
    run.source.unreachable(attempt);
  }

  /** How many sessions at once, now. */
  #most(): number {
    if (this.#ceiling !== null && this.#deps.now() >= this.#ceiling.until) this.#ceiling = null;
    return this.#ceiling?.connections ?? this.#relay.connections;
  }

  #note(failure: SmtpFailure): void {
    const { category, sentence } = failure.verdict;
    this.#lastError = { at: this.#deps.now(), category, sentence, detail: failure.detail };
    this.#deps.log?.(`relay ${this.#relay.name}: ${failure.step}: ${failure.detail}`);
  }

  #attempt(outcome: Outcome, port: number, tls: boolean, startedAt: number): Attempt {
    return attemptOf(this.#relay, outcome, { port, tls, startedAt, endedAt: this.#deps.now() });
  }

  /** A copy taken while the pool was told to close. */
  #unsent(item: Item<Job>): Attempt {
    const port = this.#lastPort ?? this.#relay.port ?? DEFAULT_PORTS[0];
    return this.#attempt(UNSENT, port, false, item.startedAt);
  }
}

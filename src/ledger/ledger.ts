/**
 * The ledger: a Durable Object that takes entries at any time, and brings them to libSQL when libSQL can be reached. Thin:
 * what it keeps is in journal.ts, how it gets there in flusher.ts, who is told of it in webhooks.ts,
 * what it tells the registry in facts.ts.
 */
import { DurableObject } from "cloudflare:workers";
import { Alarm } from "../core/alarm.ts";
import { uuidv7 } from "../core/ids.ts";
import {
  ALARM_MS,
  DAY_MS,
  LEDGER_PARAMETER_CHARS,
  LEDGER_RETRY_MS,
  SETTLE_MS,
  WEBHOOK_LOG_MS,
} from "../core/limits.ts";
import { addresseesOf } from "../db/addressees.ts";
import type { Db } from "../db/client.ts";
import type { CopyOf } from "../db/erase.ts";
import { writeEntries, writeEvents, writeLists } from "../db/journal.ts";
import { dbOf, type Env, isFirstLedger, publicFetchOf, readConfig, registryOf } from "../env.ts";
import { log } from "../log.ts";
import { rulesWith } from "../policy/suppression-rules.ts";
import { type EntryList, entriesOf, kindOf } from "../schema/entry-list.ts";
import type { LedgerEntry } from "../schema/event.ts";
import { rowOf } from "../schema/event-row.ts";
import type { EndpointSet } from "../schema/webhook.ts";
import { settlesWithin } from "../within.ts";
import { eraseFrom } from "./erasure.ts";
import { Facts } from "./facts.ts";
import { Flusher } from "./flusher.ts";
import { HitCarrier, visitsOf } from "./hit-carrier.ts";
import { Hits, isVisit } from "./hits.ts";
import { Journal } from "./journal.ts";
import { Keeper } from "./keeper.ts";
import { Rounds } from "./rounds.ts";
import type {
  ErasedFromLedger,
  LedgerRpc,
  WebhookAttempt,
  WebhookEvent,
  WebhookHealth,
  WebhookNotice,
  WebhookPage,
  WebhookTest,
} from "./rpc.ts";
import { Webhooks } from "./webhooks.ts";
import { Wishes } from "./wishes.ts";

export class Ledger extends DurableObject<Env> implements LedgerRpc {
  readonly #journal: Journal;
  readonly #flusher: Flusher;
  readonly #hits: Hits;
  readonly #carrier: HitCarrier;
  readonly #webhooks: Webhooks;
  readonly #facts: Facts;
  readonly #wishes: Wishes;
  /** Null: another ledger does it. */
  readonly #keeper: Keeper | null;
  readonly #alarm: Alarm;
  readonly #rounds = new Rounds(() => this.#tend());

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#alarm = new Alarm((at) => void ctx.storage.setAlarm(at), Date.now);
    this.#journal = new Journal(ctx.storage.sql);
    this.#hits = new Hits(ctx.storage.sql);
    this.#wishes = new Wishes(ctx.storage.sql);
    this.#flusher = new Flusher({
      journal: this.#journal,
      write: (entries) => writeEntries(this.openDb(), entries),
      now: Date.now,
      log,
    });
    const config = readConfig(env);
    const days = (config.ok && config.value.retention.events) || Number.POSITIVE_INFINITY;
    this.#webhooks = new Webhooks({
      keepMs: Math.min(WEBHOOK_LOG_MS, days * DAY_MS),
      sql: ctx.storage.sql,
      journal: this.#journal,
      openDb: () => this.openDb(),
      fetch: publicFetchOf(env),
      allowPrivate: config.ok && config.value.webhookPrivate,
      now: Date.now,
      random: Math.random,
      newId: (now) => uuidv7(now, crypto.getRandomValues(new Uint8Array(10))),
      disable: ({ id, url }, reason) => registryOf(env).disableWebhook(id, url, reason),
      wakeAt: (at) => this.#alarm.by(at),
      log,
    });
    this.#facts = new Facts({
      ruleOf: rulesWith(config.ok ? config.value.suppression : new Map()),
      sql: ctx.storage.sql,
      registry: () => registryOf(env),
      addressees: (copies) => addresseesOf(this.openDb(), copies),
      settled: () => this.#flusher.flush(),
      now: Date.now,
      log,
    });
    this.#keeper =
      config.ok && isFirstLedger(env, ctx.id)
        ? new Keeper({
            sql: ctx.storage.sql,
            retention: config.value.retention,
            openDb: () => this.openDb(),
            now: Date.now,
            log,
          })
        : null;
    this.#carrier = new HitCarrier({
      hits: this.#hits,
      through: (released, waitMs) =>
        this.#flusher.through(() => writeEvents(this.openDb(), released.lists, released.count), waitMs),
      // Only webhooks want to know of visits.
      written: (released) => this.#webhooks.wanted && this.#written(visitsOf(released)),
      journalled: (entries) => this.#journalled(entries),
      guard: (ms) => this.#guard(ms),
      waitUntil: (work) => ctx.waitUntil(work),
      now: Date.now,
    });
    this.#carrier.expect();
    ctx.waitUntil(this.#guardKeeperAtStart());
    // A ledger that knows a list is told of each change; one that knows none must not miss the first event.
    const pulled = () => this.#pullEndpoints();
    if (this.#webhooks.informed) ctx.waitUntil(pulled());
    else ctx.blockConcurrencyWhile(pulled);
  }

  /** The database this ledger writes to, opened anew for each batch. */
  protected openDb(): Db {
    return dbOf(this.env);
  }

  async append(entries: LedgerEntry[]): Promise<void> {
    this.#hits.note(entries);
    const visits = entries.filter(isVisit).map(({ event }) => rowOf(event));
    const others = visits.length === 0 ? entries : entries.filter((entry) => !isVisit(entry));
    if (others.length > 0) this.#journalled(others);
    if (visits.length > 0) await this.visits([JSON.stringify(visits)]);
  }

  async visits(lists: string[]): Promise<void> {
    for (const list of lists) this.#hits.take(list, Date.now());
    this.#carrier.expect();
  }

  #guardKeeper(): void {
    const due = this.#keeper?.due ?? null;
    if (due !== null) this.#alarm.by(due);
  }

  /** An alarm of the last life may be sooner, and there is only one. */
  async #guardKeeperAtStart(): Promise<void> {
    if ((this.#keeper?.due ?? null) === null) return;
    this.#alarm.found(await this.ctx.storage.getAlarm());
    this.#guardKeeper();
  }

  /** Takes entries for good, and sees to it that they go on. */
  #journalled(entries: LedgerEntry[]): void {
    const news = this.#wishes.news(entries);
    this.#journal.append(news, LEDGER_PARAMETER_CHARS);
    this.#webhooks.enqueue(news);
    const noted = this.#facts.note(entries);
    // Written together with the entries: whatever happens to this instance, the alarm brings another one.
    this.#guard(this.#flusher.delayMs);
    if (noted) this.ctx.waitUntil(this.#facts.deliver());
    if (!this.#flusher.resting) this.ctx.waitUntil(this.#flusher.soon().then(() => this.#webhooks.run()));
  }

  async report(lists: EntryList[]): Promise<void> {
    // Lists of earlier versions hold entries of every kind.
    if (lists.some((list) => kindOf(list) === null)) return this.append(lists.flatMap(entriesOf));
    const events = lists.filter((list) => kindOf(list) === "event").flatMap(entriesOf);
    this.#hits.note(events);
    if (await this.#flusher.through(() => writeLists(this.openDb(), lists, events), SETTLE_MS))
      this.#written(events);
    else this.#journalled(lists.flatMap(entriesOf));
  }

  /** LibSQL has them: who else is to know? */
  #written(entries: LedgerEntry[]): void {
    this.#webhooks.enqueue(entries);
    if (this.#facts.note(entries)) {
      this.#guard(this.#facts.delayMs);
      this.ctx.waitUntil(this.#facts.deliver());
    }
    if (this.#webhooks.wanted) {
      this.#guard(this.#flusher.delayMs);
      this.ctx.waitUntil(this.#webhooks.run());
    }
  }

  async settle(): Promise<{ pending: number; away: boolean; unfit: string | null }> {
    const until = Date.now() + SETTLE_MS;
    const { last } = this.#hits;
    if (this.#hits.first <= last) await settlesWithin(this.#carrier.carry(last), SETTLE_MS);
    const waiting = this.#hits.first <= last ? this.#hits.size : 0;
    const settled = await this.#flusher.settle(Math.max(0, until - Date.now()));
    const { away, unfit } = this.#flusher;
    const pending = (settled ? 0 : this.#journal.size) + waiting;
    return { pending, away: !settled && away, unfit };
  }

  async gauges(): Promise<{ pending: number; parked: number }> {
    return { pending: this.#journal.size + this.#hits.size, parked: this.#journal.parked };
  }

  async erase(address: string, copies: CopyOf[]): Promise<ErasedFromLedger> {
    // A wish not to be written to is told before it is forgotten here: the registry keeps it without the address. One that
    // cannot be told now stays, and the caller is to come again.
    if (this.#facts.isPending) await this.#facts.deliver();
    const erased = eraseFrom(this.ctx.storage.sql, address, copies);
    return {
      ...this.#webhooks.erase(address, copies),
      ...erased,
      pending: erased.pending + this.#facts.waitingFor(address),
    };
  }

  /** Never throws: the platform gives up on alarms that do. */
  override async alarm(): Promise<void> {
    this.#alarm.rang();
    if (!(await settlesWithin(this.#rounds.ask(), ALARM_MS))) this.#guard(LEDGER_RETRY_MS);
  }

  /** Everything that may be due. Never rejects. */
  async #tend(): Promise<void> {
    try {
      await this.#carrier.carry();
      if (!this.#webhooks.informed) await this.#pullEndpoints();
      await this.#flusher.flush();
      await this.#webhooks.run();
      if (this.#facts.isPending) await this.#facts.deliver();
      if (this.#journal.size > 0) this.#guard(this.#flusher.delayMs);
      if (this.#facts.isPending) this.#guard(this.#facts.delayMs);
      const due = this.#webhooks.prune() ? Date.now() : this.#webhooks.nextDue();
      if (due !== null) this.#alarm.by(due);
      await this.#keeper?.run();
      this.#guardKeeper();
    } catch (cause) {
      log("ledger_alarm_failed", { cause: String(cause) });
      this.#guard(LEDGER_RETRY_MS);
    }
  }

  async wake(): Promise<void> {
    this.#guard(0);
  }

  async setEndpoints(set: EndpointSet): Promise<void> {
    this.#webhooks.setEndpoints(set);
    // Events that waited while an endpoint was disabled may be due.
    this.#guard(0);
  }

  async notify(notices: WebhookNotice[]): Promise<void> {
    for (const notice of notices) this.#webhooks.notify(notice);
    this.#guard(0);
  }

  async webhookHealth(): Promise<WebhookHealth[]> {
    return this.#webhooks.health();
  }

  async webhookEvents(endpoint: string, page: WebhookPage): Promise<WebhookEvent[]> {
    return this.#webhooks.events(endpoint, page);
  }

  async webhookEvent(endpoint: string, id: string): Promise<(WebhookEvent & { payload: string }) | null> {
    return this.#webhooks.event(endpoint, id);
  }

  async webhookAttempts(endpoint: string, id: string): Promise<WebhookAttempt[] | null> {
    return this.#webhooks.attempts(endpoint, id);
  }

  async replayWebhook(endpoint: string, id: string): Promise<boolean> {
    const known = this.#webhooks.replay(endpoint, id);
    if (known) this.#guard(0);
    return known;
  }

  async testWebhook(endpoint: string, id: string, payload: string): Promise<WebhookTest | null> {
    return this.#webhooks.test(endpoint, id, payload);
  }

  #pullEndpoints(): Promise<void> {
    return this.#webhooks.learn(() => registryOf(this.env).endpoints());
  }

  /** Sees to it that an alarm rings within `ms`. */
  #guard(ms: number): void {
    this.#alarm.by(Date.now() + ms);
  }
}

/**
 * Everything the registry does about suppressions, put together: the list, what is learned of bounces, and the outboxes
 * that follow. A change is written first and told then: what an outbox misses it is told again, by the alarm.
 */
import { REPLICA_WAIT_MS, SUPPRESSION_TIDY_MS } from "../core/limits.ts";
import type { RuleOf } from "../policy/suppression-rules.ts";
import {
  comparedAddress,
  type NewSuppression,
  RESUBSCRIBE,
  type Suppression,
  type SuppressionFact,
} from "../schema/suppression.ts";
import { settlesWithin } from "../within.ts";
import { Bounces } from "./bounces.ts";
import { Replicas, type ReplicasParts } from "./replicas.ts";
import type {
  AddedSuppression,
  ErasedSuppressions,
  ReplicaState,
  Shipment,
  SuppressionQuery,
  SuppressionRpc,
  SuppressionTarget,
} from "./suppression-rpc.ts";
import { type SuppressionListener, Suppressions } from "./suppressions.ts";

export interface ProtectionParts {
  storage: DurableObjectStorage;
  outboxes: ReplicasParts["outboxes"];
  ruleOf: RuleOf;
  newId: (now: number) => string;
  now: () => number;
  /** Sees to it that `tick` is called by then, whatever happens to this instance. */
  wakeBy: (at: number) => void;
  /** Keeps this instance alive until the promise settles. */
  keep: (promise: Promise<unknown>) => void;
  told: SuppressionListener;
  report: ReplicasParts["report"];
}

export class Protection implements SuppressionRpc {
  readonly #parts: ProtectionParts;
  readonly #list: Suppressions;
  readonly #bounces: Bounces;
  readonly #replicas: Replicas;

  constructor(parts: ProtectionParts) {
    this.#parts = parts;
    const { storage, outboxes, newId, report, ruleOf } = parts;
    this.#list = new Suppressions(storage, newId, (type, entries) => {
      if (type === "suppression.removed") this.#bounces.clear(entries.map(({ address }) => address));
      parts.told(type, entries);
    });
    this.#bounces = new Bounces(storage.sql, ruleOf);
    this.#replicas = new Replicas({ sql: storage.sql, log: this.#list.log, outboxes, report });
  }

  async addSuppressions(entries: NewSuppression[]): Promise<AddedSuppression[]> {
    const { last } = this.#list.log;
    const answers = this.#list.add(entries, this.#parts.now());
    if (this.#list.log.last > last) await this.#ship();
    return answers;
  }

  async importSuppressions(entries: NewSuppression[]): Promise<{ added: number; already: number }> {
    const answers = await this.addSuppressions(entries);
    const added = answers.filter((one) => one.added).length;
    return { added, already: answers.length - added };
  }

  async removeSuppressions(target: SuppressionTarget): Promise<Suppression[]> {
    const removed = this.#list.remove(target, this.#parts.now());
    if (removed.length > 0) await this.#ship();
    return removed;
  }

  async findSuppressions(target: SuppressionTarget): Promise<Suppression[]> {
    return this.#list.find(target, this.#parts.now());
  }

  async listSuppressions(query: SuppressionQuery): Promise<{ rows: Suppression[]; hasMore: boolean }> {
    return this.#list.list(query, this.#parts.now());
  }

  async learn(facts: SuppressionFact[]): Promise<void> {
    const { storage, now, keep } = this.#parts;
    const at = now();
    const { last } = this.#list.log;
    storage.transactionSync(() => {
      for (const fact of facts) {
        if (fact.category === RESUBSCRIBE) {
          if (this.#bounces.isNew(fact, at)) this.#list.takeBack(fact.address, fact.topic, at);
          continue;
        }
        const entry = this.#bounces.learn(fact, at);
        if (entry === null) continue;
        this.#list.add([entry], at);
        this.#bounces.clear([entry.address]);
      }
    });
    this.#wakeForTidying();
    // The ledger need not wait for the outboxes: the fact is safe here.
    if (this.#list.log.last > last) keep(this.#ship());
  }

  async suppressionsSince(state: ReplicaState): Promise<Shipment> {
    return this.#list.log.since(state);
  }

  async eraseSuppressed(given: string): Promise<ErasedSuppressions> {
    const address = comparedAddress(given);
    const { last } = this.#list.log;
    const bounces = this.#bounces.clear([address]);
    const erased = this.#list.erase(address, this.#parts.now());
    if (this.#list.log.last > last) await this.#ship();
    return { ...erased, bounces };
  }

  /** What time brings: outboxes that missed something, entries that are over, counts that are old. Never throws. */
  async tick(): Promise<void> {
    const { now, report, wakeBy } = this.#parts;
    try {
      // Other calls have their turn between.
      while (this.#list.expire(now())) await new Promise((resolve) => setTimeout(resolve, 0));
      this.#bounces.tidy(now());
      if (this.#replicas.isBehind && !(await this.#replicas.ship())) wakeBy(now() + this.#replicas.retryMs);
    } catch (cause) {
      report("suppression_alarm_failed", { cause: String(cause) });
      wakeBy(now() + this.#replicas.retryMs);
    }
    this.#wakeForTidying();
  }

  /** Tells the outboxes, and waits for them a while. */
  async #ship(): Promise<void> {
    const { now, wakeBy } = this.#parts;
    wakeBy(now() + this.#replicas.retryMs);
    this.#wakeForTidying();
    await settlesWithin(this.#replicas.ship(), REPLICA_WAIT_MS);
  }

  #wakeForTidying(): void {
    const { now, wakeBy } = this.#parts;
    const times = [this.#list.nextExpiry(), this.#bounces.nextTidy()].filter((at) => at !== null);
    if (times.length > 0) wakeBy(Math.max(Math.min(...times), now() + SUPPRESSION_TIDY_MS));
  }
}

/**
 * Brings the suppression list to the outboxes: each is told what it has not heard, and again until it has. One line per
 * outbox, so that calls made meanwhile share it.
 */
import { REPLICA_RETRY_MAX_MS, REPLICA_RETRY_MS } from "../core/limits.ts";
import type { ChangeLog } from "./change-log.ts";
import type { ReplicaRpc, ReplicaState } from "./suppression-rpc.ts";

export interface ReplicasParts {
  sql: SqlStorage;
  log: ChangeLog;
  /** Every outbox, by its shard. */
  outboxes: () => readonly Pick<ReplicaRpc, "takeSuppressions">[];
  report: (fact: string, details: Record<string, unknown>) => void;
}

export class Replicas {
  readonly #parts: ReplicasParts;
  readonly #states = new Map<number, ReplicaState>();
  readonly #running = new Map<number, Promise<boolean>>();
  #failures = 0;

  constructor(parts: ReplicasParts) {
    this.#parts = parts;
  }

  /** How soon to try again after the failures so far, in milliseconds. */
  get retryMs(): number {
    return Math.min(REPLICA_RETRY_MS * 2 ** Math.max(0, this.#failures - 1), REPLICA_RETRY_MAX_MS);
  }

  /** Whether any outbox is known to lack something. */
  get isBehind(): boolean {
    const { sql, log, outboxes } = this.#parts;
    if (log.last === 0) return false;
    const shards = outboxes().length;
    const { n } = sql
      .exec<{ n: number }>(
        "SELECT count(*) AS n FROM suppression_replica WHERE position >= ? AND shard < ?",
        log.last,
        shards,
      )
      .one();
    return n < shards;
  }

  /** Resolves to whether every outbox has everything there is. Never rejects. */
  async ship(): Promise<boolean> {
    const { log, outboxes } = this.#parts;
    const target = log.last;
    const all = outboxes();
    const reached = await Promise.all(all.map((outbox, shard) => this.#bring(outbox, shard, target)));
    const done = reached.every(Boolean);
    this.#failures = done ? 0 : this.#failures + 1;
    if (done) log.forget(this.#leastPosition(all.length));
    return done;
  }

  async #bring(
    outbox: Pick<ReplicaRpc, "takeSuppressions">,
    shard: number,
    target: number,
  ): Promise<boolean> {
    // A run under way may have read before our change: one more run has not.
    for (let run = 0; run < 2; run++) {
      let running = this.#running.get(shard);
      if (running === undefined) {
        running = this.#run(outbox, shard).finally(() => this.#running.delete(shard));
        this.#running.set(shard, running);
      }
      if (!(await running)) return false;
      if ((this.#states.get(shard)?.position ?? -1) >= target) return true;
    }
    return false;
  }

  async #run(outbox: Pick<ReplicaRpc, "takeSuppressions">, shard: number): Promise<boolean> {
    const { sql, log, report } = this.#parts;
    // What an outbox has said that it has, it has; one that lost it begins anew by itself.
    let state = this.#states.get(shard) ?? {
      epoch: log.salt,
      position: this.#position(shard),
      base: log.last,
    };
    try {
      while (!log.isCurrent(state)) {
        const reached = await outbox.takeSuppressions(log.since(state));
        // It takes a shipment, or has a gap before it: then the next one begins where it stands.
        if (isSame(reached, state)) throw new Error("the outbox took nothing");
        state = reached;
      }
    } catch (cause) {
      this.#states.delete(shard);
      report("suppressions_not_shipped", { shard, cause: String(cause) });
      return false;
    }
    this.#states.set(shard, state);
    sql.exec(
      "INSERT OR REPLACE INTO suppression_replica (shard, position) VALUES (?, ?)",
      shard,
      state.position,
    );
    return true;
  }

  #position(shard: number): number {
    return (
      this.#parts.sql
        .exec<{ position: number }>("SELECT position FROM suppression_replica WHERE shard = ?", shard)
        .toArray()[0]?.position ?? 0
    );
  }

  #leastPosition(shards: number): number {
    return this.#parts.sql
      .exec<{ n: number | null }>(
        "SELECT min(position) AS n FROM suppression_replica WHERE shard < ?",
        shards,
      )
      .one().n!;
  }
}

const isSame = (a: ReplicaState, b: ReplicaState): boolean =>
  a.epoch === b.epoch && a.position === b.position && a.base === b.base;

/**
 * The numbered changes of the suppression list, as outboxes are told of them. An entry's newest state stands for all its
 * changes, so a replica that begins anew reads the list itself, and one that follows reads what is new.
 */
import { base64url } from "../core/bytes.ts";
import { SUPPRESSIONS_PER_CALL } from "../core/limits.ts";
import type { Suppression, SuppressionOrigin } from "../schema/suppression.ts";
import type { ReplicaState, Shipment } from "./suppression-rpc.ts";
import { SUPPRESSION_SCHEMA } from "./suppression-tables.ts";

const SALT_BYTES = 24;

export class ChangeLog {
  /** Key of the hashes of erased addresses, and the name of this list. Made once. */
  readonly salt: string;
  readonly #sql: SqlStorage;
  #last: number;
  /** Removals up to this number may be forgotten. */
  #floor: number;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(SUPPRESSION_SCHEMA);
    let salt = this.#state("salt");
    if (salt === null) {
      salt = base64url(crypto.getRandomValues(new Uint8Array(SALT_BYTES)));
      this.#set("salt", salt);
    }
    this.salt = salt;
    this.#last = Number(this.#state("last") ?? 0);
    this.#floor = Number(this.#state("floor") ?? 0);
  }

  /** The newest change's number. */
  get last(): number {
    return this.#last;
  }

  /** The first of `count` new numbers. None is ever given twice. */
  take(count: number): number {
    const first = this.#last + 1;
    if (count > 0) {
      this.#last += count;
      this.#set("last", String(this.#last));
    }
    return first;
  }

  /** Entries have been removed. */
  bury(entries: readonly Suppression[]): void {
    if (entries.length === 0) return;
    this.#sql.exec(
      `INSERT INTO suppression_gone (seq, address, topic)
       SELECT ? + key, value ->> 0, value ->> 1 FROM json_each(?)`,
      this.take(entries.length),
      JSON.stringify(entries.map(({ address, topic }) => [address, topic])),
    );
  }

  /** Every outbox has everything up to `position`: removals before need not be told again. */
  forget(position: number): void {
    const { n } = this.#sql
      .exec<{ n: number | null }>("SELECT max(seq) AS n FROM suppression_gone WHERE seq <= ?", position)
      .one();
    if (n === null) return;
    this.#sql.exec("DELETE FROM suppression_gone WHERE seq <= ?", n);
    this.#floor = Math.max(this.#floor, n);
    this.#set("floor", String(this.#floor));
  }

  /** Whether a replica has everything. */
  isCurrent(state: ReplicaState): boolean {
    return this.#fits(state) && state.position === this.#last;
  }

  /** What follows on what a replica has. */
  since(state: ReplicaState): Shipment {
    const fresh = !this.#fits(state);
    const from = fresh ? 0 : state.position;
    const rows = this.#sql
      .exec<{
        seq: number;
        address: string;
        topic: string;
        origin: string | null;
        category: string | null;
        reason: string | null;
        expires_at: number | null;
      }>(
        `SELECT seq, address, topic, origin, category, reason, expires_at FROM suppression WHERE seq > ?1
         UNION ALL SELECT seq, address, topic, NULL, NULL, NULL, NULL FROM suppression_gone WHERE seq > ?1
         ORDER BY seq LIMIT ?2`,
        from,
        SUPPRESSIONS_PER_CALL,
      )
      .toArray();
    const more = rows.length === SUPPRESSIONS_PER_CALL && rows.at(-1)!.seq < this.#last;
    return {
      epoch: this.salt,
      fresh,
      base: fresh ? this.#last : state.base,
      from,
      through: more ? rows.at(-1)!.seq : this.#last,
      more,
      rows: rows.map(({ expires_at, origin, category, ...row }) => ({
        ...row,
        origin: (origin ?? "manual") as SuppressionOrigin,
        category: category ?? "",
        expiresAt: expires_at,
        gone: origin === null,
      })),
    };
  }

  /** Whether a replica is of this list, and has missed no removal that has been forgotten. */
  #fits({ epoch, position, base }: ReplicaState): boolean {
    return epoch === this.salt && position <= this.#last && Math.max(position, base) >= this.#floor;
  }

  #state(name: string): string | null {
    return (
      this.#sql
        .exec<{ value: string }>("SELECT value FROM suppression_state WHERE name = ?", name)
        .toArray()[0]?.value ?? null
    );
  }

  #set(name: string, value: string): void {
    this.#sql.exec("INSERT OR REPLACE INTO suppression_state (name, value) VALUES (?, ?)", name, value);
  }
}

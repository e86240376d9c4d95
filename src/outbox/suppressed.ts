/**
 * The outbox's replica of the suppression list, in its own SQLite, so that asking costs a look-up and needs nobody. The
 * registry has the truth and tells what changed; here it is only applied.
 */
import type { ReplicaState, Shipment, ShippedRow } from "../registry/suppression-rpc.ts";
import { comparedAddress, ERASED, type SuppressionGrounds } from "../schema/suppression.ts";
import { erasedAddress } from "../tracking/erased.ts";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS suppressed (
    address TEXT NOT NULL,
    topic TEXT NOT NULL,
    origin TEXT NOT NULL,
    category TEXT NOT NULL,
    reason TEXT,
    expires_at INTEGER,
    PRIMARY KEY (address, topic)
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS suppressed_expiry ON suppressed (expires_at) WHERE expires_at IS NOT NULL;
  CREATE TABLE IF NOT EXISTS suppressed_state (
    one INTEGER PRIMARY KEY CHECK (one = 1), epoch TEXT NOT NULL, position INTEGER NOT NULL, base INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS topic (email INTEGER PRIMARY KEY, name TEXT NOT NULL);
`;
/** Addresses asked about in one statement. */
const ROWS = 1_000;
/** What sorts right after every erased address. */
const AFTER_ERASED = String.fromCharCode(ERASED.charCodeAt(0) + 1);

export class Suppressed {
  readonly #storage: DurableObjectStorage;
  readonly #sql: SqlStorage;
  #state: ReplicaState;
  #isEmpty = true;
  #hasErased = false;
  #hasTopics: boolean;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#sql = storage.sql;
    this.#sql.exec(SCHEMA);
    const [state] = this.#sql
      .exec<{ epoch: string; position: number; base: number }>(
        "SELECT epoch, position, base FROM suppressed_state",
      )
      .toArray();
    this.#state = state ?? { epoch: "", position: 0, base: 0 };
    this.#hasTopics = this.#any("SELECT 1 FROM topic LIMIT 1");
    this.#look();
  }

  get state(): ReplicaState {
    return this.#state;
  }

  /** Nothing is suppressed: who asks is spared the asking. */
  get isEmpty(): boolean {
    return this.#isEmpty;
  }

  /** Takes what the registry tells. A shipment that begins after what is known here is not taken. Returns how far it is then. */
  apply(shipment: Shipment, now: number): ReplicaState {
    const { epoch, fresh, base, from, through, rows } = shipment;
    if (!fresh && (epoch !== this.#state.epoch || from > this.#state.position)) return this.#state;
    this.#storage.transactionSync(() => {
      if (fresh) {
        this.#sql.exec("DELETE FROM suppressed");
        this.#state = { epoch, base, position: 0 };
      }
      const { position } = this.#state;
      this.#write(rows.filter((row) => row.seq > position));
      this.#sql.exec("DELETE FROM suppressed WHERE expires_at <= ?", now);
      this.#state = { epoch, base: this.#state.base, position: Math.max(position, through) };
      this.#sql.exec(
        "INSERT OR REPLACE INTO suppressed_state (one, epoch, position, base) VALUES (1, ?, ?, ?)",
        epoch,
        this.#state.position,
        this.#state.base,
      );
    });
    this.#look();
    return this.#state;
  }

  /** Rows in order, in runs of the same kind: an address may go and come again. */
  #write(rows: readonly ShippedRow[]): void {
    for (let at = 0; at < rows.length; ) {
      let end = at + 1;
      while (end < rows.length && rows[end]!.gone === rows[at]!.gone) end++;
      const run = rows.slice(at, end);
      if (run[0]!.gone)
        this.#sql.exec(
          `DELETE FROM suppressed WHERE (address, topic) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?))`,
          JSON.stringify(run.map(({ address, topic }) => [address, topic])),
        );
      else
        this.#sql.exec(
          `INSERT OR REPLACE INTO suppressed (address, topic, origin, category, reason, expires_at)
           SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5 FROM json_each(?)`,
          JSON.stringify(
            run.map((row) => [row.address, row.topic, row.origin, row.category, row.reason, row.expiresAt]),
          ),
        );
      at = end;
    }
  }

  /** What stands against mail to these addresses about a topic (null: none), by position in the list. */
  against(addresses: readonly string[], topic: string | null, now: number): Map<number, SuppressionGrounds> {
    return this.#ask(
      addresses.map((address) => ({ address, of: topic ?? "" })),
      "j.value ->> 2",
      now,
    );
  }

  /** Likewise for deliveries, each with its message's number: its topic is on record here. */
  among(
    deliveries: readonly { address: string; email: number }[],
    now: number,
  ): Map<number, SuppressionGrounds> {
    return this.#ask(
      deliveries.map(({ address, email }) => ({ address, of: email })),
      this.#hasTopics ? "(SELECT name FROM topic WHERE email = j.value ->> 2)" : "''",
      now,
    );
  }

  /** `topic`: how SQL finds the topic of what is asked about, from its `of`. */
  #ask(
    asked: readonly { address: string; of: string | number }[],
    topic: string,
    now: number,
  ): Map<number, SuppressionGrounds> {
    const found = new Map<number, SuppressionGrounds>();
    if (this.#isEmpty) return found;
    for (let from = 0; from < asked.length; from += ROWS) {
      const list = asked.slice(from, from + ROWS).map(({ address, of }) => {
        const compared = comparedAddress(address);
        return [compared, this.#hasErased ? erasedAddress(this.#state.epoch, compared) : compared, of];
      });
      const rows = this.#sql.exec<SuppressionGrounds & { n: number }>(
        `SELECT j.key AS n, s.topic, s.origin, s.category, s.reason FROM json_each(?1) j
         CROSS JOIN suppressed s ON s.address IN (j.value ->> 0, j.value ->> 1)
           AND (s.topic = '' OR s.topic = ${topic})
         WHERE s.expires_at IS NULL OR s.expires_at > ?2`,
        JSON.stringify(list),
        now,
      );
      // What is about all mail says more than what is about a topic.
      for (const { n, ...grounds } of rows)
        if (!found.has(from + n) || grounds.topic === "") found.set(from + n, grounds);
    }
    return found;
  }

  /** Remembers a message's topic for as long as it is queued. */
  setTopic(email: number, topic: string): void {
    this.#sql.exec("INSERT OR REPLACE INTO topic (email, name) VALUES (?, ?)", email, topic);
    this.#hasTopics = true;
  }

  /** A message is no longer queued. */
  dropTopic(email: number): void {
    if (this.#hasTopics) this.#sql.exec("DELETE FROM topic WHERE email = ?", email);
  }

  #look(): void {
    this.#isEmpty = !this.#any("SELECT 1 FROM suppressed LIMIT 1");
    this.#hasErased = this.#any(
      "SELECT 1 FROM suppressed WHERE address >= ? AND address < ? LIMIT 1",
      ERASED,
      AFTER_ERASED,
    );
  }

  #any(query: string, ...bindings: SqlStorageValue[]): boolean {
    return this.#sql.exec(query, ...bindings).toArray().length > 0;
  }
}

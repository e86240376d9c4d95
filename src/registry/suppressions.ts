/**
 * The suppression list in the registry's SQLite: entries, and the numbered changes that outboxes follow. All calls are
 * synchronous; what one call writes is written whole or not at all.
 */
import { SUPPRESSIONS_PER_CALL } from "../core/limits.ts";
import {
  ERASED,
  isErased,
  type NewSuppression,
  type Suppression,
  type SuppressionOrigin,
} from "../schema/suppression.ts";
import { erasedAddress } from "../tracking/erased.ts";
import { ChangeLog } from "./change-log.ts";
import type { AddedSuppression, SuppressionQuery, SuppressionTarget } from "./suppression-rpc.ts";
import { SUPPRESSION_COLUMNS, type SuppressionRow, toSuppression } from "./suppression-tables.ts";

/** Told of entries that came or went, in the transaction that wrote it. Not of what is erased: that is to be forgotten. */
export type SuppressionListener = (type: SuppressionChange, entries: readonly Suppression[]) => void;
/** Resend's names for them. */
export type SuppressionChange = "suppression.added" | "suppression.removed";

/** Whose word weighs more when two entries would last equally long. */
const WEIGHT: Record<SuppressionOrigin, number> = { bounce: 0, manual: 1, unsubscribe: 2, complaint: 3 };

const keyOf = (entry: { address: string; topic: string }): string => `${entry.topic}\0${entry.address}`;

export class Suppressions {
  readonly log: ChangeLog;
  readonly #storage: DurableObjectStorage;
  readonly #sql: SqlStorage;
  readonly #newId: (now: number) => string;
  readonly #told: SuppressionListener;

  constructor(storage: DurableObjectStorage, newId: (now: number) => string, told: SuppressionListener) {
    this.#storage = storage;
    this.#sql = storage.sql;
    this.log = new ChangeLog(storage.sql);
    this.#newId = newId;
    this.#told = told;
  }

  /** See SuppressionRpc.addSuppressions. */
  add(entries: readonly NewSuppression[], now: number): AddedSuppression[] {
    return this.#storage.transactionSync(() => {
      const known = this.#existing(entries);
      const over = [...known].filter(([, { expiresAt }]) => expiresAt !== null && expiresAt <= now);
      for (const [key] of over) known.delete(key);
      this.#end(over.map(([, entry]) => entry));
      const made = new Set<Suppression>();
      const answers = entries.map((entry): AddedSuppression => {
        const before = known.get(keyOf(entry));
        if (before === undefined) {
          const added = { ...entry, id: this.#newId(now), createdAt: now };
          known.set(keyOf(entry), added);
          made.add(added);
          return { id: added.id, added: true };
        }
        if (outweighs(entry, before)) this.#replace(before, entry, made.has(before));
        return { id: before.id, added: false };
      });
      this.#insert([...made]);
      return answers;
    });
  }

  /** See SuppressionRpc.removeSuppressions. */
  remove(target: SuppressionTarget, now: number): Suppression[] {
    return this.#storage.transactionSync(() => this.#remove(this.find(target, now)));
  }

  /** Whoever unsubscribed took it back. Other entries of the address stay: they are not the person's to lift. */
  takeBack(address: string, topic: string, now: number): void {
    this.#remove(
      this.find({ addresses: [address], topic }, now).filter(({ origin }) => origin === "unsubscribe"),
    );
  }

  #remove(found: Suppression[]): Suppression[] {
    this.#delete(found);
    this.log.bury(found);
    if (found.length > 0) this.#told("suppression.removed", found);
    return found;
  }

  find(target: SuppressionTarget, now: number): Suppression[] {
    const [list, match] =
      "ids" in target
        ? [target.ids.map((id) => id.toLowerCase()), "s.id = j.value"]
        : [
            target.addresses.flatMap((address) => this.#spellings(address)),
            "s.address = j.value AND s.topic = ?3",
          ];
    return this.#sql
      .exec<SuppressionRow>(
        `SELECT DISTINCT ${SUPPRESSION_COLUMNS} FROM (
           SELECT s.* FROM json_each(?1) j CROSS JOIN suppression s ON ${match}
           WHERE s.expires_at IS NULL OR s.expires_at > ?2)`,
        JSON.stringify(list),
        now,
        ...("ids" in target ? [] : [target.topic]),
      )
      .toArray()
      .map(toSuppression);
  }

  /** Newest first. */
  list(query: SuppressionQuery, now: number): { rows: Suppression[]; hasMore: boolean } {
    const { limit, after, before, origin, topic, address } = query;
    const conditions = ["(expires_at IS NULL OR expires_at > ?)"];
    const bindings: SqlStorageValue[] = [now];
    const where = (condition: string, ...values: SqlStorageValue[]) => {
      conditions.push(condition);
      bindings.push(...values);
    };
    if (after != null) where("id < ?", after);
    if (before != null) where("id > ?", before);
    if (origin != null) where("origin = ?", origin);
    if (topic != null) where("topic = ?", topic);
    if (address != null)
      where("address IN (SELECT value FROM json_each(?))", JSON.stringify(this.#spellings(address)));
    const rows = this.#sql
      .exec<SuppressionRow>(
        `SELECT ${SUPPRESSION_COLUMNS} FROM suppression WHERE ${conditions.join(" AND ")}
         ORDER BY id ${before == null ? "DESC" : "ASC"} LIMIT ?`,
        ...bindings,
        limit + 1,
      )
      .toArray();
    const page = rows.slice(0, limit).map(toSuppression);
    return { rows: before == null ? page : page.reverse(), hasMore: rows.length > limit };
  }

  /**
   * Removes entries whose time is over, which have had no effect since: at most SUPPRESSIONS_PER_CALL, for all of an imported
   * list may end in the same moment. Whether there may be more.
   */
  expire(now: number): boolean {
    return this.#storage.transactionSync(() => {
      const over = this.#sql
        .exec<SuppressionRow>(
          `SELECT ${SUPPRESSION_COLUMNS} FROM suppression WHERE expires_at <= ? LIMIT ?`,
          now,
          SUPPRESSIONS_PER_CALL,
        )
        .toArray()
        .map(toSuppression);
      this.#end(over);
      return over.length === SUPPRESSIONS_PER_CALL;
    });
  }

  /** Takes entries off that are over. Outboxes know the hour themselves. */
  #end(over: Suppression[]): void {
    if (over.length === 0) return;
    this.#delete(over);
    this.#told("suppression.removed", over);
  }

  /** When the next entry's time is over, or null. */
  nextExpiry(): number | null {
    return this.#sql
      .exec<{ at: number | null }>(
        "SELECT min(expires_at) AS at FROM suppression WHERE expires_at IS NOT NULL",
      )
      .one().at;
  }

  /** See SuppressionRpc.eraseSuppressed; counts are not kept here. */
  erase(address: string, now: number): { hashed: number; removed: number } {
    return this.#storage.transactionSync(() => {
      const rows = this.#sql
        .exec<SuppressionRow>(`SELECT ${SUPPRESSION_COLUMNS} FROM suppression WHERE address = ?`, address)
        .toArray()
        .map(toSuppression);
      const wishes = rows.filter(
        ({ origin, expiresAt }) => origin !== "bounce" && (expiresAt === null || expiresAt > now),
      );
      this.#delete(rows);
      this.log.bury(rows);
      const hash = erasedAddress(this.log.salt, address);
      // What was said of the person goes too; that something was said stays.
      this.#write(wishes.map((entry) => ({ ...entry, address: hash, reason: null, sourceId: null })));
      return { hashed: wishes.length, removed: rows.length - wishes.length };
    });
  }

  /** An address as it may stand in a row: itself, or the hash that stays when it was erased. */
  #spellings(address: string): string[] {
    return isErased(address) ? [] : [address, erasedAddress(this.log.salt, address)];
  }

  /** Entries that are there for the keys of others. */
  #existing(entries: readonly NewSuppression[]): Map<string, Suppression> {
    const spelled = entries.map(({ address, topic }) => [address, topic]);
    const hashed = this.#hasErased()
      ? entries.map(({ address, topic }) => [erasedAddress(this.log.salt, address), topic])
      : [];
    const rows = this.#sql.exec<SuppressionRow & { n: number }>(
      `SELECT j.key AS n, s.* FROM json_each(?) j
       CROSS JOIN suppression s ON s.address = j.value ->> 0 AND s.topic = j.value ->> 1`,
      JSON.stringify([...spelled, ...hashed]),
    );
    const found = new Map<string, Suppression>();
    for (const row of rows) found.set(keyOf(entries[row.n % entries.length]!), toSuppression(row));
    return found;
  }

  #hasErased(): boolean {
    return (
      this.#sql
        .exec(
          "SELECT 1 FROM suppression WHERE address >= ? AND address < ? LIMIT 1",
          ERASED,
          String.fromCharCode(ERASED.charCodeAt(0) + 1),
        )
        .toArray().length > 0
    );
  }

  #insert(entries: readonly Suppression[]): void {
    this.#write(entries);
    if (entries.length > 0) this.#told("suppression.added", entries);
  }

  #write(entries: readonly Suppression[]): void {
    for (let at = 0; at < entries.length; at += SUPPRESSIONS_PER_CALL) {
      const some = entries.slice(at, at + SUPPRESSIONS_PER_CALL);
      const first = this.log.take(some.length);
      this.#sql.exec(
        `INSERT INTO suppression (${SUPPRESSION_COLUMNS}, seq)
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
           value ->> 8, ? + key FROM json_each(?)`,
        first,
        JSON.stringify(
          some.map((e) => [
            e.id,
            e.address,
            e.topic,
            e.origin,
            e.category,
            e.reason,
            e.sourceId,
            e.createdAt,
            e.expiresAt,
          ]),
        ),
      );
    }
  }

  /** Gives an entry the grounds of another. One that is `unwritten` is written later. */
  #replace(before: Suppression, by: NewSuppression, unwritten: boolean): void {
    const erased = isErased(before.address);
    Object.assign(before, { ...by, address: before.address });
    if (unwritten) return;
    this.#sql.exec(
      `UPDATE suppression SET origin = ?, category = ?, reason = ?, source_id = ?, expires_at = ?, seq = ? WHERE id = ?`,
      by.origin,
      by.category,
      erased ? null : by.reason,
      erased ? null : by.sourceId,
      by.expiresAt,
      this.log.take(1),
      before.id,
    );
  }

  #delete(entries: readonly Suppression[]): void {
    this.#sql.exec(
      "DELETE FROM suppression WHERE id IN (SELECT value FROM json_each(?))",
      JSON.stringify(entries.map(({ id }) => id)),
    );
  }
}

/** Whether an entry takes the place of one that is there: it lasts longer, or equally long and weighs more. */
function outweighs(entry: NewSuppression, before: Suppression): boolean {
  const until = (one: NewSuppression) => one.expiresAt ?? Number.POSITIVE_INFINITY;
  return until(entry) === until(before)
    ? WEIGHT[entry.origin] > WEIGHT[before.origin]
    : until(entry) > until(before);
}

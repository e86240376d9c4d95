/**
 * Bounces, complaints and unsubscribes as the registry hears of them: counted here, and judged by the policy table
 * (policy/suppression.ts). What closes an address becomes an entry of the list.
 */
import { DAY_MS, SUPPRESSION_WITHIN_DAYS_MAX } from "../core/limits.ts";
import { CATEGORIES, type Category } from "../policy/category.ts";
import type { RuleOf } from "../policy/suppression-rules.ts";
import type { NewSuppression, SuppressionFact, SuppressionOrigin } from "../schema/suppression.ts";

/** For as long as any rule may count them; the same event is not told again so late. */
const KEPT_MS = SUPPRESSION_WITHIN_DAYS_MAX * DAY_MS;

export class Bounces {
  readonly #sql: SqlStorage;
  readonly #ruleOf: RuleOf;

  /** The tables are ChangeLog's, which comes first. */
  constructor(sql: SqlStorage, ruleOf: RuleOf) {
    this.#sql = sql;
    this.#ruleOf = ruleOf;
  }

  /** Takes note of a fact; the entry it leads to, or null. A fact told before leads to none. */
  learn(fact: SuppressionFact, now: number): NewSuppression | null {
    const rule = this.#ruleOf(fact.category);
    if (rule.when === "never" || !this.isNew(fact, now)) return null;
    if (rule.when === "repeated") {
      const { n } = this.#sql
        .exec<{ n: number }>(
          `SELECT min(count(DISTINCT email), count(DISTINCT at / ${DAY_MS})) AS n FROM bounce
           WHERE address = ? AND category = ? AND at > ? AND at <= ?`,
          fact.address,
          fact.category,
          fact.at - rule.withinDays * DAY_MS,
          fact.at,
        )
        .one();
      if (n < rule.times) return null;
    }
    const expiresAt = rule.days === null ? null : fact.at + rule.days * DAY_MS;
    if (expiresAt !== null && expiresAt <= now) return null;
    return {
      address: fact.address,
      topic: fact.topic,
      origin: originOf(fact.category),
      category: fact.category,
      reason: sentence(
        fact.category,
        rule.when === "repeated" ? `On ${rule.times} days of ${rule.withinDays}: ` : "",
      ),
      sourceId: fact.emailId,
      expiresAt,
    };
  }

  /** Whether a fact has not been told before. It is noted as told, and as one to be counted where the rule counts. */
  isNew(fact: SuppressionFact, now: number): boolean {
    if (fact.at <= now - KEPT_MS) return false;
    // Counted ones name the address until they have led to an entry; of the others only the event's id is kept.
    const counted = this.#ruleOf(fact.category).when === "repeated";
    return (
      this.#sql
        .exec(
          `INSERT INTO bounce (event, address, category, email, at) VALUES (?, ?, ?, ?, ?)
           ON CONFLICT (event) DO NOTHING RETURNING event`,
          fact.id,
          counted ? fact.address : "",
          fact.category,
          counted ? fact.emailId : "",
          fact.at,
        )
        .toArray().length > 0
    );
  }

  /** Counting begins anew: the addresses have an entry now, or had one and are free again. Returns how many counts it were. */
  clear(addresses: readonly string[]): number {
    if (addresses.length === 0) return 0;
    return this.#sql
      .exec(
        `UPDATE bounce SET address = '', email = '' WHERE address <> '' AND address IN (SELECT value FROM json_each(?))
         RETURNING event`,
        JSON.stringify(addresses),
      )
      .toArray().length;
  }

  /** Drops what counts for nothing any more. */
  tidy(now: number): void {
    this.#sql.exec("DELETE FROM bounce WHERE at <= ?", now - KEPT_MS);
  }

  /** When tidy has something to do next, or null. */
  nextTidy(): number | null {
    const { at } = this.#sql.exec<{ at: number | null }>("SELECT min(at) AS at FROM bounce").one();
    return at === null ? null : at + KEPT_MS;
  }
}

const originOf = (category: string): SuppressionOrigin =>
  category === "complaint" || category === "unsubscribe" ? category : "bounce";

function sentence(category: string, before: string): string | null {
  if (!Object.hasOwn(CATEGORIES, category)) return null;
  return before + CATEGORIES[category as Category].sentence;
}

/** SUPPRESSION: rows of the policy table that an operator has set otherwise. Pure. */
import { SUPPRESSION_RULE_DAYS_MAX, SUPPRESSION_WITHIN_DAYS_MAX } from "../core/limits.ts";
import { err, ok, type Result } from "../core/result.ts";
import { beginning } from "../core/text.ts";
import { CATEGORIES } from "./category.ts";
import { type SuppressionRule, suppressionRule } from "./suppression.ts";

/** What applies to a category or signal. */
export type RuleOf = (category: string) => SuppressionRule;

const FORM =
  'must be a JSON object such as {"mailbox_full": "5 in 30d for 14d", "recipient_refused": "never", "refused": "1 for 90d"}';
const RULE = /^(?:(never)|(\d{1,3})(?: in (\d{1,4})d)?(?: for (\d{1,5})d)?)$/;
const WHY = "Set so here.";

/** The table, with these rows in the place of its own. */
export const rulesWith =
  (rows: ReadonlyMap<string, SuppressionRule>): RuleOf =>
  (category) =>
    rows.get(category) ?? suppressionRule(category);

/** Rows by category, or what is wrong. Complaints and unsubscribes are nobody's to set: they are another's wish. */
export function parseSuppressionRules(text: string): Result<Map<string, SuppressionRule>, string> {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    return err(FORM);
  }
  if (typeof given !== "object" || given === null || Array.isArray(given)) return err(FORM);
  const rows = new Map<string, SuppressionRule>();
  for (const [category, rule] of Object.entries(given)) {
    if (!Object.hasOwn(CATEGORIES, category) || category === "accepted")
      return err(`names \`${beginning(category, 50)}\`, which is no category of a bounce`);
    const parsed = typeof rule === "string" ? parseRule(rule) : err(FORM);
    if (!parsed.ok) return parsed;
    rows.set(category, parsed.value);
  }
  return ok(rows);
}

function parseRule(text: string): Result<SuppressionRule, string> {
  const match = RULE.exec(text.trim());
  if (match === null) return err(FORM);
  const [, never, count, within, duration] = match;
  if (never !== undefined) return ok({ when: "never", why: WHY });
  const times = Number(count);
  const days = duration === undefined ? null : Number(duration);
  if (times < 1 || (days !== null && (days < 1 || days > SUPPRESSION_RULE_DAYS_MAX))) return err(FORM);
  if (times === 1) return within === undefined ? ok({ when: "at_once", days, why: WHY }) : err(FORM);
  const withinDays = Number(within ?? 0);
  if (withinDays < times || withinDays > SUPPRESSION_WITHIN_DAYS_MAX)
    return err(
      `must say within how many days \`${times}\` is counted, from ${times} to ${SUPPRESSION_WITHIN_DAYS_MAX}: \`${times} in 30d\``,
    );
  return ok({ when: "repeated", times, withinDays, days, why: WHY });
}

/** Values of Mailjet's template language: what JSON holds, compared and joined as its templates expect. Pure. */

/** Undefined: there is no such variable. */
export type Value = unknown;

export const isList = (value: Value): value is readonly unknown[] => Array.isArray(value);

/** A member by name or position; only the object's own, so that nothing of the language underneath is reached. */
export function memberOf(value: Value, key: string | number): Value {
  if (typeof value !== "object" || value === null) return undefined;
  return Object.hasOwn(value, key) ? (value as Record<string | number, Value>)[key] : undefined;
}

/** As text; null: it has none. */
export function textOfValue(value: Value): string | null {
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  return null;
}

/** Absent, null, false, zero, empty text and an empty list are false; so is the text "false", which senders write for it. */
export function isTrue(value: Value): boolean {
  if (isList(value)) return value.length > 0;
  if (typeof value === "string") return value !== "" && value.toLowerCase() !== "false";
  return Boolean(value);
}

/** The number a value is or spells; null: none. */
export function numberOfValue(value: Value): number | null {
  if (typeof value === "number") return value;
  if (typeof value !== "string" || value.trim() === "") return null;
  const number = Number(value);
  return Number.isFinite(number) ? number : null;
}

/** Below 0, 0 or above 0; null: they cannot be compared. Numbers as numbers, also when spelled; absent is the empty text. */
export function compare(left: Value, right: Value): number | null {
  const [a, b] = [numberOfValue(left), numberOfValue(right)];
  if (a !== null && b !== null) return a - b;
  const [x, y] = [left ?? "", right ?? ""].map(textOfValue);
  if (x == null || y == null) return null;
  return x < y ? -1 : x > y ? 1 : 0;
}

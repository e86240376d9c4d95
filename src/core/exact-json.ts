/** JSON with whole numbers beyond 2^53: a bigint is written as its digits, where JSON.stringify alone would throw. */

/** Raw text as a JSON value (tc39/proposal-json-parse-with-source; in V8 since 11.4). TypeScript's library lacks it still. */
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown };

export const exactJson = (value: unknown): string =>
  JSON.stringify(value, (_, item: unknown) => (typeof item === "bigint" ? rawJSON(String(item)) : item));

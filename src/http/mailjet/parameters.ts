/** Filters of Mailjet's resources, read with care: one that is not served is an error, not a list of everything. */
import { MAILJET_PAGE_DEFAULT, MAILJET_PAGE_MAX } from "../../core/limits.ts";
import { beginning } from "../../core/text.ts";
import type { AppContext } from "../context.ts";
import { ProblemError } from "../errors.ts";

/** A filter that cannot be followed, to be thrown. */
export const wrong = (message: string) => new ProblemError({ kind: "invalid_parameter", message });

const COMMON = ["Limit", "Offset", "Sort", "countOnly"] as const;
type Common = (typeof COMMON)[number];

/** `2018-01-01`, `2018-01-01T00:00:00`, with a zone or without: then UTC. */
const DATE = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?$/i;

export class Filters<Name extends string> {
  readonly #given = new Map<string, string>();

  /** `served`: what the resource knows besides Limit, Offset, Sort and countOnly. Case does not matter; the first counts. */
  constructor(c: AppContext, served: readonly Name[]) {
    const known = new Map([...COMMON, ...served].map((name) => [name.toLowerCase(), name]));
    for (const [key, value] of new URL(c.req.url).searchParams) {
      const name = known.get(key.toLowerCase());
      if (name === undefined)
        throw wrong(
          `The filter "${beginning(key, 100)}" is not served here; ${[...served, ...COMMON].join(", ")} are.`,
        );
      if (!this.#given.has(name)) this.#given.set(name, value);
    }
  }

  text(name: Name): string | null {
    return this.#given.get(name) || null;
  }

  flag(name: Name | Common): boolean {
    const text = this.#given.get(name)?.toLowerCase() ?? "false";
    if (/^(1|true)$/.test(text)) return true;
    if (/^(0|false|)$/.test(text)) return false;
    throw wrong(`"${name}" must be true or false.`);
  }

  number(name: Name | Common, least: number, most: number): number | null {
    const text = this.#given.get(name) ?? "";
    if (text === "") return null;
    const number = Number(text);
    if (!Number.isInteger(number) || number < least || number > most)
      throw wrong(`"${name}" must be a whole number from ${least} to ${most}.`);
    return number;
  }

  /** Milliseconds since 1970 of a Unix time in seconds or a date. `end`: of the moment that no longer belongs to it. */
  moment(name: Name, end = false): number | null {
    const text = this.#given.get(name)?.trim() ?? "";
    if (text === "") return null;
    if (/^\d{1,11}$/.test(text)) return (Number(text) + (end ? 1 : 0)) * 1000;
    const date = DATE.exec(text);
    const at =
      date === null
        ? Number.NaN
        : Date.parse(text.length > 10 && date[1] === undefined ? `${text.replace(" ", "T")}Z` : text);
    if (Number.isNaN(at))
      throw wrong(`"${name}" must be a Unix time in seconds, or a date such as 2026-11-24T08:00:00Z.`);
    return at + (end ? 1 : 0);
  }

  oneOf<V extends string>(name: Name, values: readonly V[]): V | null {
    const text = this.#given.get(name)?.toLowerCase() ?? "";
    if (text === "") return null;
    const found = values.find((value) => value.toLowerCase() === text);
    if (found === undefined) throw wrong(`"${name}" must be one of ${values.join(", ")}.`);
    return found;
  }

  /** `sorts`: names of properties that stand for the order of the list. Limit 0 is the most there may be. */
  page(sorts: readonly string[]): { limit: number; offset: number; descending: boolean } {
    const limit = this.number("Limit", 0, MAILJET_PAGE_MAX) ?? MAILJET_PAGE_DEFAULT;
    // A + of a query is a space, unless it was escaped.
    const sort = (this.#given.get("Sort") ?? "").trim().toLowerCase();
    const [property = "", order = "asc"] = sort.split(/[\s+]+/);
    if (sort !== "" && !(sorts.some((name) => name.toLowerCase() === property) && /^(asc|desc)$/.test(order)))
      throw wrong(`"Sort" must be ${sorts.join(" or ")}, with +DESC for the other way round.`);
    return {
      limit: limit === 0 ? MAILJET_PAGE_MAX : limit,
      offset: this.number("Offset", 0, Number.MAX_SAFE_INTEGER) ?? 0,
      descending: order === "desc",
    };
  }

  get countOnly(): boolean {
    return this.flag("countOnly");
  }
}

/** Where ids of emails of a moment begin: they sort by time. */
export function idBound(ms: number | null): string | null {
  if (ms === null) return null;
  const hex = ms.toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}`;
}

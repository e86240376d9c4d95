/** What stands in paths and queries, read with care. Anything wrong is thrown as a Problem and answered by the app. */
import type { Context } from "hono";
import { type EmailId, parseEmailId } from "../core/ids.ts";
import { PAGE_DEFAULT, PAGE_MAX } from "../core/limits.ts";
import type { AppContext, AppEnv } from "./context.ts";
import { ProblemError } from "./errors.ts";

/** The `:id` of a path, or another text that must be an email's id. */
export function idOf(c: Context<AppEnv>, text = c.req.param("id") ?? ""): EmailId {
  const id = parseEmailId(text);
  if (id === null)
    throw new ProblemError({
      kind: "not_found",
      message: "There is no email with this id: an id is a UUID.",
    });
  return id;
}

/** What is wrong with a parameter, to be thrown. */
export const parameter = (message: string) => new ProblemError({ kind: "invalid_parameter", message });

function limitOf(text: string | undefined, name: string, max: number): number {
  if (text === undefined || text === "") return PAGE_DEFAULT;
  const limit = Number(text);
  if (!Number.isInteger(limit) || limit < 1 || limit > max)
    throw parameter(`\`${name}\` must be a number from 1 to ${max}.`);
  return limit;
}

/** `limit`, `after` and `before` of a list. */
export function pageOf(c: AppContext): { limit: number; after: string | null; before: string | null } {
  const { limit, after, before } = c.req.query();
  if (after !== undefined && before !== undefined)
    throw parameter("`after` and `before` cannot be given together.");
  for (const [name, id] of Object.entries({ after, before }))
    if (id !== undefined && parseEmailId(id) === null)
      throw parameter(`\`${name}\` must be the id of an item of this list.`);
  return {
    limit: limitOf(limit, "limit", PAGE_MAX),
    after: after?.toLowerCase() ?? null,
    before: before?.toLowerCase() ?? null,
  };
}

/** A page of a list that is at hand whole, newest first: ids grow with time. */
export function listPage<T extends { id: string }>(
  all: readonly T[],
  { limit, after, before }: ReturnType<typeof pageOf>,
): { has_more: boolean; data: T[] } {
  const list = all.filter(({ id }) => (after === null || id < after) && (before === null || id > before));
  return {
    has_more: list.length > limit,
    data: before === null ? list.slice(0, limit) : list.slice(-limit),
  };
}

/** Recipients of one email are paged by their index. */
export function recipientPageOf(c: AppContext): { limit: number; after: number | null } {
  const { recipients_limit, recipients_after } = c.req.query();
  const after = recipients_after === undefined ? null : Number(recipients_after);
  if (after !== null && (!Number.isInteger(after) || after < 0))
    throw parameter("`recipients_after` must be a recipient's index.");
  return { limit: limitOf(recipients_limit ?? String(PAGE_MAX), "recipients_limit", PAGE_MAX), after };
}

/** The value of a parameter that has only these; null when it was not given. */
export function oneOf<T extends string>(c: AppContext, name: string, known: readonly T[]): T | null {
  const given = c.req.query(name);
  if (given === undefined || given === "") return null;
  const found = known.find((one) => one === given);
  if (found === undefined) throw parameter(`\`${name}\` must be one of ${known.join(", ")}.`);
  return found;
}

/** Likewise for several with commas, each once. */
export function listOf<T extends string>(c: AppContext, name: string, known: readonly T[]): T[] | null {
  const given = c.req.query(name);
  if (given === undefined || given === "") return null;
  const wanted = [...new Set(given.split(",").map((one) => one.trim()))];
  const found = wanted.flatMap((one) => known.find((other) => other === one) ?? []);
  if (found.length < wanted.length)
    throw parameter(`\`${name}\` takes ${known.join(", ")}, separated by commas.`);
  return found;
}

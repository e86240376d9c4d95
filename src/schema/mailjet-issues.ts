/** What zod found wrong, in Mailjet's codes: the code follows from the kind of fault and the value at fault. */
import type { z } from "zod";
import { err, ok, type Result } from "../core/result.ts";
import type { MailjetCode, MailjetIssue } from "./mailjet-codes.ts";
import { spellPath } from "./parse.ts";

const ISSUES_MAX = 20;

type Issue = z.core.$ZodIssue;

/** The value a schema makes of `given`, or everything at fault. `whole`: what `given` is called in a sentence. */
export function parseMailjet<T extends z.ZodType>(
  schema: T,
  given: unknown,
  whole = "The body",
): Result<z.output<T>, MailjetIssue[]> {
  const parsed = schema.safeParse(given);
  if (parsed.success) return ok(parsed.data);
  return err(parsed.error.issues.slice(0, ISSUES_MAX).map((issue) => translated(issue, given, whole)));
}

function translated(issue: Issue, given: unknown, whole: string): MailjetIssue {
  const path = spellPath(issue.path);
  const own =
    issue.code === "custom"
      ? (issue.params as { code: MailjetCode; related?: string[] } | undefined)
      : undefined;
  if (own !== undefined)
    return { code: own.code, message: issue.message, related: own.related ?? (path === "" ? [] : [path]) };
  const value = issue.path.reduce<unknown>(
    (here, part) => (here as Record<PropertyKey, unknown> | null | undefined)?.[part],
    given,
  );
  const code = codeOf(issue, value);
  const message =
    code === "mj-0003"
      ? "is mandatory but missing"
      : path === "" && issue.code === "invalid_type"
        ? "must be an object"
        : issue.message;
  return {
    code,
    message: `${path === "" ? whole : `"${path}"`} ${message}.`,
    related: path === "" ? [] : [path],
  };
}

function codeOf(issue: Issue, value: unknown): MailjetCode {
  if (value === undefined || value === null) return "mj-0003";
  switch (issue.code) {
    case "too_big":
      return typeof value === "string" ? "mj-0006" : typeof value === "number" ? "mj-0005" : "mj-0008";
    case "too_small":
      return typeof value === "string" ? "mj-0012" : typeof value === "number" ? "mj-0005" : "mj-0007";
    case "invalid_type":
      return "mj-0004";
    default:
      return "mj-0005";
  }
}

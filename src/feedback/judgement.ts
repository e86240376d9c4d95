/** From status and words to a report's verdict, by the one policy table. Pure. */
import { DIAGNOSTIC_CHARS } from "../core/limits.ts";
import { beginning } from "../core/text.ts";
import type { Category } from "../policy/category.ts";
import { judgeStatus } from "../policy/outcome.ts";
import type { Report } from "./report.ts";

/** Categories that say no more than "no". */
const VAGUE: ReadonlySet<Category> = new Set([
  "refused",
  "unspecified",
  "server_busy",
  "policy_refused",
  "protocol_error",
  "accepted",
]);

/** A report of a copy that failed or waits. `diagnostic`: the words that come with it, or null. */
export function judged(
  recipient: string | null,
  action: "failed" | "delayed",
  status: string | null,
  diagnostic: string | null,
): Report {
  const verdict = judgeStatus(status, diagnostic ?? "");
  // A notice of failure may quote a 2.x.x of an earlier hop, and sendmail files any 550 it does not know under 5.5.0: no
  // fault of the dialogue with our relay, but a plain no.
  const plain = verdict.category === "accepted" || verdict.category === "protocol_error";
  const category = plain ? "refused" : verdict.category;
  const temporary =
    status?.[0] === "4" ||
    category === "expired" ||
    // Nobody reached is nobody asked, unless a server says so itself.
    (category === "delivery_failed" && status?.[0] !== "5") ||
    (!plain && verdict.disposition === "deferred");
  return {
    recipient,
    action,
    status: status ?? statusIn(diagnostic ?? ""),
    diagnostic: diagnostic === null ? null : beginning(diagnostic, DIAGNOSTIC_CHARS),
    category,
    permanent: action === "failed" && !temporary,
  };
}

/** The enhanced status code a text holds, or null. Not part of an IP address or a version. */
export const statusIn = (text: string): string | null =>
  /(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?![\d.]*\d)/.exec(text)?.[0] ?? null;

/** Whether the words tell more than that it failed. */
export const isTelling = (status: string | null, text: string): boolean =>
  !VAGUE.has(judgeStatus(status, text).category);

/**
 * From what a relay said, or failed to say, to what it means. Policy is in the tables: category.ts (what each outcome
 * means), status-codes.ts, reply-codes.ts, overrides.ts, phrases.ts (what servers say) and
 * notice-phrases.ts (what they tell people). Pure.
 */
import { type Action, actionOf, CATEGORIES, type Category } from "./category.ts";
import { NOTICE_PHRASES } from "./notice-phrases.ts";
import { OVERRIDES } from "./overrides.ts";
import { PHRASES, type PhraseRow } from "./phrases.ts";
import type { Disposition, Reply, Step } from "./reply.ts";
import { CODES } from "./reply-codes.ts";
import { STATUSES, type StatusRow } from "./status-codes.ts";

export interface Verdict {
  disposition: Disposition;
  category: Category;
  action: Action;
  /** For a person. */
  sentence: string;
}

const SESSION_STEPS: ReadonlySet<Step> = new Set(["connect", "greeting", "ehlo", "starttls", "auth"]);

/** What a reply means at a step. 2xx is "accepted" at the copy's last step, `body`, alone. */
export function judge(reply: Reply, step: Step): Verdict {
  if (reply.code < 300)
    return step === "body" ? verdict("accepted", "accepted") : judgeProblem("protocol_error");
  const permanent = reply.code >= 500;
  const found = find(reply.enhanced, reply.text, permanent, step) ?? byCode(reply.code, step);
  // A refused session says nothing about the copy: it waits, or another relay takes it.
  if (SESSION_STEPS.has(step)) return verdict(found.category, "deferred");
  return verdict(found.category, dispositionOf(found, permanent));
}

/** What a problem without a reply means: hang-up, timeout, refused certificate, or a copy this relay cannot carry. */
export function judgeProblem(category: Category): Verdict {
  const { means } = CATEGORIES[category];
  return verdict(category, means === "bounced" ? "bounced" : "deferred");
}

/** A reply code in running text: not part of an address, a fraction or an amount ("250/250", "500 MB", "240 hours"). */
const CODE =
  /(?<![\w./-])([245]\d\d)[ -](?=[\w<'"#])(?!(?:[KMG]i?B|bytes|hours|minutes|seconds|days|messages|e-?mails|recipients)\b)/i;

/**
 * What a status from elsewhere means: a bounce's Status field ("5.1.1", "4.4.7") and diagnostic text. Either may be
 * missing. "2.x.x" is accepted.
 */
export function judgeStatus(enhanced: string | null, diagnosticText: string): Verdict {
  const code = CODE.exec(diagnosticText)?.[1];
  const status = enhanced ?? /\b[245]\.\d{1,3}\.\d{1,3}\b/.exec(diagnosticText)?.[0] ?? null;
  const leading = status?.[0] ?? code?.[0] ?? "5";
  if (leading === "2") return verdict("accepted", "accepted");
  const permanent = leading === "5";
  // A status of no detail ("5.0.0") is often put over a diagnostic that has one.
  const inner = /\b[245]\.\d{1,3}\.\d{1,3}\b/.exec(diagnosticText)?.[0] ?? null;
  const detail = status !== null && /\.0\.0$/.test(status) && inner !== null ? inner : status;
  const found =
    find(detail, diagnosticText, permanent, "rcpt") ??
    byCode(Number(code ?? (permanent ? 550 : 450)), "body");
  return verdict(found.category, dispositionOf(found, permanent));
}

type Found = Pick<StatusRow, "category" | "means">;

function find(enhanced: string | null, text: string, permanent: boolean, step: Step): Found | null {
  const flat = text.replaceAll("\n", " ");
  const status =
    enhanced === null
      ? undefined
      : STATUSES.find((row) => row.status === enhanced.slice(2) || row.status === enhanced);
  return (
    byPhrase(OVERRIDES, flat, permanent, step) ??
    (status?.sure === true ? status : null) ??
    byPhrase(PHRASES, flat, permanent, step) ??
    byPhrase(NOTICE_PHRASES, flat, permanent, step) ??
    status ??
    null
  );
}

function byPhrase(
  rows: readonly PhraseRow[],
  text: string,
  permanent: boolean,
  step: Step,
): PhraseRow | null {
  for (const row of rows) {
    if (row.on !== undefined && row.on !== (permanent ? 5 : 4)) continue;
    if (row.at !== undefined && row.at !== step) continue;
    if (row.says.test(text)) return row;
  }
  return null;
}

function byCode(code: number, step: Step): Found {
  const row = CODES.find((one) => one.code === code && (one.at === undefined || one.at.includes(step)));
  if (row !== undefined) return row;
  if (code >= 300 && code < 400) return { category: "protocol_error" };
  if (SESSION_STEPS.has(step))
    return { category: step === "auth" && code >= 500 ? "authentication_failed" : "relay_refused" };
  return { category: code >= 500 ? "refused" : "unspecified" };
}

function dispositionOf(found: Found, permanent: boolean): Disposition {
  if (found.means !== undefined) return found.means;
  const { means } = CATEGORIES[found.category];
  return means === "by_code" ? (permanent ? "bounced" : "deferred") : means;
}

function verdict(category: Category, disposition: Disposition): Verdict {
  return {
    disposition,
    category,
    action: actionOf(category, disposition),
    sentence: CATEGORIES[category].sentence,
  };
}

/**
 * Which headers a caller may set. Two pure checks of a name; values are the business of `email.ts` and of the header
 * writer in `message/headers.ts`.
 */

/** RFC 5322 section 3.6.8 allows any printable ASCII but the colon; what mail software writes is letters, digits, `-`, `_`. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]*$/;

export const isHeaderName = (name: string): boolean => NAME.test(name);

const FIELD = "it is made from the field of the request";
const TRACE = "it is a trace of servers the message passed, and only they may write it";
const VERDICT = "it is the verdict of a receiving server; a forged one is a reason to refuse the message";
const STRUCTURE = "it describes how the message is put together, which is done here";
const SIGNATURE = "a signature is made over the finished message";

/** In lower case. `prefix*` stands for every name that begins so. */
const FORBIDDEN: readonly (readonly [name: string, reason: string])[] = [
  ["from", `${FIELD} \`from\``],
  ["to", `${FIELD} \`to\``],
  ["cc", `${FIELD} \`cc\``],
  ["bcc", "it would show hidden recipients to everyone; use the field `bcc`"],
  ["reply-to", `${FIELD} \`reply_to\``],
  ["subject", `${FIELD} \`subject\``],
  ["date", "it is the time of acceptance; use `scheduled_at` to send later"],
  ["mime-version", STRUCTURE],
  ["content-*", STRUCTURE],
  ["return-path", "the last server writes it from the envelope (RFC 5321 section 4.4)"],
  ["received", TRACE],
  ["received-spf", VERDICT],
  ["delivered-to", TRACE],
  ["x-original-to", TRACE],
  ["authentication-results", VERDICT],
  ["arc-*", SIGNATURE],
  ["dkim-signature", SIGNATURE],
  ["domainkey-signature", SIGNATURE],
  ["resent-*", "it says that an old message was sent on (RFC 5322 section 3.6.6), and this is a new one"],
  ["resent-bcc", "it would show hidden recipients to everyone"],
];

const EXACT = new Map(FORBIDDEN.filter(([name]) => !name.endsWith("*")));
const PREFIXES = FORBIDDEN.filter(([name]) => name.endsWith("*")).map(
  ([name, reason]) => [name.slice(0, -1), reason] as const,
);

/** Why a caller may not set this header, as the end of a sentence; null when they may. */
export function forbiddenHeader(name: string): string | null {
  const lower = name.trim().toLowerCase();
  return EXACT.get(lower) ?? PREFIXES.find(([prefix]) => lower.startsWith(prefix))?.[1] ?? null;
}

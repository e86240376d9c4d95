/**
 * Suppressions: addresses that get no mail, or none of a topic. What an entry is, how addresses are compared, and the bodies
 * of /suppressions. Pure.
 */
import { z } from "zod";
import { SUPPRESSION_REASON_CHARS, SUPPRESSIONS_PER_BATCH, TOPIC_CHARS } from "../core/limits.ts";
import { mailbox } from "./email.ts";

/** How an entry came to be. Resend knows the first three. */
export const SUPPRESSION_ORIGINS = ["bounce", "complaint", "manual", "unsubscribe"] as const;
export type SuppressionOrigin = (typeof SUPPRESSION_ORIGINS)[number];

/** Times in milliseconds since 1970. */
export interface Suppression {
  /** UUIDv7. */
  id: string;
  /** As compared (`comparedAddress`); begins with `#` once the address itself has been erased. */
  address: string;
  /** The topic it is about; "": all mail. */
  topic: string;
  origin: SuppressionOrigin;
  /** The bounce's category, else the origin. */
  category: string;
  /** For a person; null: the origin says it all. */
  reason: string | null;
  /** The email that led to it. */
  sourceId: string | null;
  createdAt: number;
  /** Null: stays until it is removed. */
  expiresAt: number | null;
}

export type NewSuppression = Omit<Suppression, "id" | "createdAt">;

/** What a refusal is told with. */
export type SuppressionGrounds = Pick<Suppression, "topic" | "origin" | "category" | "reason">;

/** A fact that opens an address again: whoever unsubscribed took it back. */
export const RESUBSCRIBE = "resubscribe";

/** Something that may close an address, as the policy table has it, or RESUBSCRIBE. */
export interface SuppressionFact {
  /** The event's id: told twice, it counts once. */
  id: string;
  /** As compared. */
  address: string;
  topic: string;
  category: string;
  emailId: string;
  at: number;
}

/** Begins the stand-in for an erased address. An address always has an @, and this has none. */
export const ERASED = "#";
export const isErased = (address: string): boolean => address.startsWith(ERASED);

/** Atoms and dots: what needs no quotes. */
const PLAIN = /^[^\s"(),:;<>@[\\\].]+(\.[^\s"(),:;<>@[\\\].]+)*$/;

/**
 * The form in which addresses are compared. RFC 5321 section 2.4 has local parts differ by case, and no mail system in use
 * makes that difference: a person who unsubscribes as `Ada@` must not get mail as `ada@`. `"ada"@` is `ada@` (section
 * 4.1.2). The domain is in lower-case A-labels already.
 */
export function comparedAddress(address: string): string {
  if (!address.startsWith('"')) return folded(address);
  const at = address.lastIndexOf("@");
  const inner = address.slice(1, at - 1).replace(/\\(.)/gu, "$1");
  return folded(PLAIN.test(inner) ? inner + address.slice(at) : address);
}

const folded = (text: string): string =>
  (/[^\0-\x7f]/.test(text) ? text.normalize("NFC") : text).toLowerCase();

/** What the event of a refused copy says. */
export function suppressedSentence({ origin, topic, reason }: SuppressionGrounds): string {
  const more = reason === null ? "" : ` ${reason}`;
  switch (origin) {
    case "bounce":
      return `Suppressed: mail to this address bounced before.${more}`;
    case "complaint":
      return `Suppressed: the recipient called earlier mail spam.${more}`;
    case "unsubscribe":
      return topic === ""
        ? `Suppressed: the recipient has unsubscribed.${more}`
        : `Suppressed: the recipient has unsubscribed from \`${topic}\`.${more}`;
    case "manual":
      return `Suppressed: the address is on the suppression list.${more}`;
  }
}

const line = (max: number) =>
  z
    .string("must be text")
    .trim()
    .max(max, `is longer than ${max} characters`)
    .refine((text) => !/\p{Cc}/u.test(text), "has a line break or another control character")
    .refine((text) => text.isWellFormed(), "is not well-formed Unicode (a lone surrogate)");

const email = mailbox.transform(({ address }) => comparedAddress(address));

/** What an entry may say besides its address. */
export const suppressionFields = {
  topic: line(TOPIC_CHARS).nullish().describe("The topic it is about. Absent: all mail."),
  reason: line(SUPPRESSION_REASON_CHARS).nullish().describe("For people. Absent: none."),
  /** ISO 8601 with a zone. Absent: it stays until it is removed. */
  expires_at: z.iso
    .datetime({ offset: true, error: "must be a time such as `2027-01-31T12:00:00Z`" })
    .nullish(),
};

export const AddSuppression = z.object({ email, ...suppressionFields });

const several = <T extends z.ZodType>(one: T, what: string) =>
  z
    .array(one, `must be a list of ${what}`)
    .min(1, `is empty: 1 to ${SUPPRESSIONS_PER_BATCH} ${what}`)
    .max(SUPPRESSIONS_PER_BATCH, `has more than ${SUPPRESSIONS_PER_BATCH} ${what}`);

export const AddSuppressions = z.object({ emails: several(email, "addresses"), ...suppressionFields });

export const RemoveSuppressions = z
  .object({
    emails: several(email, "addresses").nullish(),
    ids: several(z.string("must be an id").max(100, "is not an id"), "ids").nullish(),
    /** With `emails`. Absent: the entries about all mail. */
    topic: suppressionFields.topic,
  })
  .superRefine(({ emails, ids }, ctx) => {
    if ((emails ?? null) === null && (ids ?? null) === null)
      ctx.addIssue({ code: "custom", path: ["emails"], message: "is missing: give `emails` or `ids`" });
    if ((emails ?? null) !== null && (ids ?? null) !== null)
      ctx.addIssue({ code: "custom", path: ["ids"], message: "cannot be given together with `emails`" });
  });

/** One row of an imported file, its address already read. */
export const ImportedSuppression = z.object({
  origin: z.enum(SUPPRESSION_ORIGINS, `must be one of ${SUPPRESSION_ORIGINS.join(", ")}`).nullish(),
  category: line(50).nullish(),
  source_id: line(50).nullish(),
  ...suppressionFields,
});

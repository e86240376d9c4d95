/** What a piece of mail that came in tells about mail that went out. */
import type { Category } from "../policy/category.ts";

/**
 * bounce: a copy was given up. delayed: it is still tried. delivered: a server says that it arrived. complaint: the
 * reader called it spam. auto_reply: a machine answered for a person, which says nothing about delivery. unsubscribe:
 * the reader wants no more. unknown: none of these, or not to be made out.
 */
export const FEEDBACK_KINDS = [
  "bounce",
  "delivered",
  "delayed",
  "complaint",
  "auto_reply",
  "unsubscribe",
  "unknown",
] as const;
export type FeedbackKind = (typeof FEEDBACK_KINDS)[number];

/** RFC 3464 section 2.3.3, and what stands in their place for mail of people. */
export type ReportAction =
  | "failed"
  | "delayed"
  | "delivered"
  | "relayed"
  | "expanded"
  | "complained"
  | "unsubscribed";

/** About one recipient. */
export interface Report {
  /** As the report names them: the original recipient if it tells, else the final one. Null: it does not say. */
  recipient: string | null;
  action: ReportAction;
  /** RFC 3463, such as "5.1.1". */
  status: string | null;
  /** The words of the server that refused, or of the notice; of a complaint its feedback type. */
  diagnostic: string | null;
  /** By the policy table; null where there is nothing to judge. */
  category: Category | null;
  /** Failed, and the same would fail again tomorrow. */
  permanent: boolean;
}

/** Something that may be the signed token of a return path or an unsubscribe address. The signature is not checked here. */
export interface TokenClue {
  purpose: "bounce" | "unsubscribe";
  token: string;
}

/** A Message-ID made here: of a message, and in bulk of one copy of it. Nobody says yet that there is such a message. */
export interface MessageClue {
  /** The message's id, in lower case. */
  email: string;
  recipient: number | null;
}

/** Where to look for the message that the mail is about. */
export interface Clues {
  /** Tokens of the address the mail came to. */
  address: TokenClue[];
  /** Tokens in the mail itself, as in the returned headers. */
  tokens: TokenClue[];
  messages: MessageClue[];
  /** Addresses that may be the recipient's, in lower case, as reports and returned headers name them. */
  recipients: string[];
}

export interface Feedback {
  kind: FeedbackKind;
  /** Empty for auto_reply and unknown. */
  reports: Report[];
  clues: Clues;
  /** The mail's own Message-ID; null: it has none. */
  messageId: string | null;
}

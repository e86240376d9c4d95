/** What a server said about a copy, and what became of it: the words that the policy tables speak in. */

export interface Reply {
  /** 200 to 599. */
  code: number;
  /** RFC 3463, such as "5.1.1"; null when the reply carries none. */
  enhanced: string | null;
  /** Lines joined with "\n", codes stripped, control characters replaced. */
  text: string;
}

/** accepted: the relay took responsibility. deferred: try again. bounced: never again for this recipient. */
export type Disposition = "accepted" | "deferred" | "bounced";

/** Where in the dialogue a reply came. Up to auth it speaks about the session, from mail on about the copy. */
export type Step = "connect" | "greeting" | "ehlo" | "starttls" | "auth" | "mail" | "rcpt" | "data" | "body";

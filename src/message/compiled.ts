/**
 * A compiled message: constant byte runs with slots between them. Made once per message by the worker; the outbox
 * splices a recipient's values in (`splice.ts`) and sends. This file is the shape; `compile.ts` makes it.
 */

/** What fills a gap, and how the value must be spelled there. Plain JSON. */
export type Slot =
  /** The recipient's tracking token: 43 characters of base64url, safe anywhere. */
  | { kind: "token" }
  /** Bulk: the recipient's mailbox as a header value, folded and encoded. */
  | { kind: "to" }
  /** Bulk: the copy's own Message-ID, without angle brackets. */
  | { kind: "message_id" }
  /** Bulk: a whole header line whose value holds variables, folded and encoded once its text is known. */
  | { kind: "header"; name: string; value: (string | Variable)[] }
  /** A variable's value in a body part. */
  | VariableSlot
  /**
   * Bulk: the whole target of a link that holds variables, tracked with the recipient's own values. `base`: of tracking
   * links. `target`: as a browser follows it. `raw`: as it stands in the html, for a target that cannot be tracked.
   */
  | { kind: "link"; base: string; target: (string | Variable)[]; raw: (string | VariableSlot)[] };

export type VariableSlot = { kind: "variable"; spelling: VariableSpelling } & Variable;

/** `{{name}}` or `{{name|fallback}}`. */
export interface Variable {
  name: string;
  /** Used where the recipient has no value; null: there must be one. */
  fallback: string | null;
  /** Set: the value is ours, whatever the recipient's variables say. */
  own?: OwnValue;
}

/** Values that we make for each recipient. */
export type OwnValue =
  /** The recipient's unsubscribe link. `base`: without a slash at the end. */
  | { kind: "unsubscribe_url"; base: string; topic: string | null }
  /** The local part of the address that mail to leave goes to. */
  | { kind: "unsubscribe_mail" };

/**
 * All are quoted-printable in the end. html: `& < > " '` escaped. unquoted: html inside a tag but outside quotes,
 * where spaces and `=` would end the attribute, so these are escaped too. raw and text: as it is.
 */
export type VariableSpelling = "html" | "unquoted" | "raw" | "text";

export interface Compiled {
  /**
   * All constant runs, joined, exactly as they go over the wire: CRLF line ends, no line over 998 bytes, dots already
   * stuffed, ending in CRLF, without the final dot.
   */
  bytes: Uint8Array;
  /** In order. `at` is an offset into `bytes`: the value goes before the byte at that offset. */
  slots: { at: number; slot: Slot }[];
  /** True when a header holds raw UTF-8, so that the session must use SMTPUTF8. A bulk recipient's own address is not counted. */
  smtputf8: boolean;
}

/** One recipient's values. */
export interface Fill {
  token: string;
  /** Bulk only. */
  to?: { address: string; name: string | null };
  message_id?: string;
  /** For messages with a way to unsubscribe: the token of the link, by topic, and that of the mail address. */
  unsubscribe?: (topic: string | null) => string;
  unsubscribe_mail?: () => string;
  /** For links that hold variables: see `linkSigner`. */
  signLink?: (target: string) => string | null;
  variables?: Readonly<Record<string, string>>;
}

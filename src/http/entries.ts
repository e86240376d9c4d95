/** What the ledger is told of a message when it is accepted, in entries of bounded size. Pure. */
import type { EmailId } from "../core/ids.ts";
import { BODY_CHUNK_CHARS, RECIPIENTS_PER_ENTRY } from "../core/limits.ts";
import type { LedgerEntry, RecipientRow } from "../schema/event.ts";

export function recipientEntries(email_id: EmailId, rows: readonly RecipientRow[]): LedgerEntry[] {
  const entries: LedgerEntry[] = [];
  for (let at = 0; at < rows.length; at += RECIPIENTS_PER_ENTRY)
    entries.push({ kind: "recipients", email_id, rows: rows.slice(at, at + RECIPIENTS_PER_ENTRY) });
  return entries;
}

export function bodyEntries(email_id: EmailId, part: "html" | "text", data: string | null): LedgerEntry[] {
  const entries: LedgerEntry[] = [];
  for (let at = 0, seq = 0; at < (data?.length ?? 0); seq++) {
    let end = Math.min(at + BODY_CHUNK_CHARS, data!.length);
    // Never between the halves of a surrogate pair: each would become U+FFFD on its own.
    if (end < data!.length && (data!.charCodeAt(end - 1) & 0xfc00) === 0xd800) end--;
    entries.push({ kind: "body", email_id, part, seq, data: data!.slice(at, end) });
    at = end;
  }
  return entries;
}

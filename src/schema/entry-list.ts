/**
 * Entries on their way to the ledger as text. A list holds entries of one kind, `kind [entry, …]` with the entries as JSON, so
 * that whoever passes it on need not read it. Without line breaks: JSON has none.
 */
import { jsonLists } from "../core/json-lists.ts";
import type { LedgerEntry } from "./event.ts";

export type EntryList = string;

/** Lists in the order of the entries, none longer than `chars` unless a single entry is. */
export function entryLists(entries: readonly LedgerEntry[], chars: number): EntryList[] {
  const lists: EntryList[] = [];
  for (let from = 0, to = 0; from < entries.length; from = to) {
    const { kind } = entries[from]!;
    const items: string[] = [];
    for (; to < entries.length && entries[to]!.kind === kind; to++) items.push(JSON.stringify(entries[to]));
    for (const list of jsonLists(items, chars)) lists.push(`${kind} ${list}`);
  }
  return lists;
}

/** What a list holds; null: entries of any kind, as JSON alone (what earlier versions wrote). */
export function kindOf(list: EntryList): LedgerEntry["kind"] | null {
  if (list.startsWith("event ")) return "event";
  if (list.startsWith("email ")) return "email";
  if (list.startsWith("recipients ")) return "recipients";
  return list.startsWith("body ") ? "body" : null;
}

export const entriesOf = (list: EntryList): LedgerEntry[] =>
  JSON.parse(list.slice(list.indexOf("["))) as LedgerEntry[];

/** The entries as JSON, with commas between. */
export const itemsOf = (list: EntryList): string => list.slice(list.indexOf("[") + 1, -1);

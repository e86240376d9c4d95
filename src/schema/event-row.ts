/** Events as short lists, in the columns of libSQL's table: the form in which those that there are many of travel and are stored. */
import type { EmailId } from "../core/ids.ts";
import { TEXTS_SHARED } from "../core/limits.ts";
import type { EventData, EventType, MailEvent } from "./event.ts";

export type EventRow = [
  id: string,
  email_id: string,
  recipient: number | null,
  type: EventType,
  at: number,
  data: EventData,
];

export const rowOf = ({ id, email_id, recipient, type, at, data }: MailEvent): EventRow => [
  id,
  email_id,
  recipient,
  type,
  at,
  data,
];

/** The event of a row. Whom it was told of (`to`) is not in it. */
export const eventOf = ([id, email_id, recipient, type, at, data]: EventRow): MailEvent => ({
  id,
  type,
  email_id,
  recipient,
  at,
  data,
});

/** What there is to say of an open or a click. */
export interface Visited {
  id: string;
  email_id: EmailId;
  recipient: number;
  at: number;
  /** Where a click led; null: an open. */
  link: string | null;
  visitor: Required<NonNullable<EventData["visitor"]>>;
}

/**
 * The EventRow of a visit as JSON, put together from pieces that are spelled once: to have the object and have it spelled whole
 * costs several times as much, and there are thousands a second.
 */
export function visitRow({ id, email_id, recipient, at, link, visitor }: Visited): string {
  const { user_agent, ip, verdict, reason } = visitor;
  const click = link === null ? "" : `"click":{"link":${spelled(link)}},`;
  return `["${id}","${email_id}",${recipient},"email.${link === null ? "opened" : "clicked"}",${at},{${click}"visitor":{"user_agent":${spelled(user_agent)},"ip":${spelled(ip)},"verdict":"${verdict}","reason":${spelled(reason)}}}]`;
}

/** Links, user agents and the like as JSON: most were there before. */
const spellings = new Map<string, string>();

function spelled(text: string | null): string {
  if (text === null) return "null";
  let json = spellings.get(text);
  if (json === undefined) {
    json = JSON.stringify(text);
    if (spellings.size >= TEXTS_SHARED) spellings.clear();
    spellings.set(text, json);
  }
  return json;
}

/** Events as short lists, in the columns of libSQL's table: the form in which those that there are many of travel and are stored. */
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

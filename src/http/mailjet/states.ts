/** Where a copy stands, in Mailjet's words, and back again for filters. Pure. */
import {
  categoriesOfState,
  HARD_CATEGORIES,
  isHard,
  STATES,
  stateOfCategory,
  stateOfSuppression,
} from "../../policy/mailjet-state.ts";
import type { EventType, RecipientStatus } from "../../schema/event.ts";

/** `Status` of a message. A copy given up by us is a soft bounce: nobody said that the address is no good. */
const STATUS: Record<RecipientStatus, (category: string | null) => string> = {
  queued: () => "queued",
  scheduled: () => "queued",
  delivery_delayed: () => "deferred",
  sent: () => "sent",
  delivered: () => "sent",
  opened: () => "opened",
  clicked: () => "clicked",
  bounced: (category) => (isHard(category) ? "hardbounced" : "softbounced"),
  failed: () => "softbounced",
  suppressed: () => "blocked",
  canceled: () => "blocked",
  complained: () => "spam",
  unsubscribed: () => "unsub",
};

export const statusOf = (status: RecipientStatus, category: string | null): string =>
  STATUS[status](category);

/** A status, or only the part of it with some categories, or without them. */
interface StatusFilter {
  status: RecipientStatus;
  categories?: readonly string[];
  others?: readonly string[];
}
const hard: StatusFilter = { status: "bounced", categories: HARD_CATEGORIES };
const soft: StatusFilter[] = [{ status: "bounced", others: HARD_CATEGORIES }, { status: "failed" }];

/** By `MessageStatus`, 0 to 11. */
const FILTERS: readonly (readonly (RecipientStatus | StatusFilter)[] | null)[] = [
  null, // 0 processed: all.
  ["queued", "scheduled"],
  ["sent", "delivered"],
  ["opened"],
  ["clicked"],
  ["bounced", "failed"],
  ["complained"],
  ["unsubscribed"],
  ["suppressed", "canceled"],
  soft,
  [hard],
  ["delivery_delayed"],
];
export const MESSAGE_STATUSES = FILTERS.length;

/** Null: all. */
export const filterOfStatus = (number: number): StatusFilter[] | null =>
  FILTERS[number]?.map((one) => (typeof one === "string" ? { status: one } : one)) ?? null;

/** The states that a `MessageState` (StateID) finds are those of copies that did not arrive, by their category. */
export const filterOfState = (id: number): string[] => categoriesOfState(id);

/** StateID, `error_related_to` and `error` of a copy; id 0: nothing went wrong. */
export function stateOf(status: RecipientStatus, category: string | null) {
  const name =
    status === "suppressed"
      ? stateOfSuppression(category)
      : status === "complained"
        ? "spam reporter"
        : status === "bounced" || status === "failed" || status === "delivery_delayed"
          ? (stateOfCategory(category) ?? "system issue")
          : null;
  return name === null
    ? { id: 0, name: "", relatedTo: "" }
    : { id: STATES[name].id, name, relatedTo: STATES[name].relatedTo };
}

/** `EventType` of a message's history. What is not here is not in it. */
export const HISTORY: Partial<Record<EventType, string>> = {
  "email.sent": "sent",
  "email.opened": "opened",
  "email.clicked": "clicked",
  "email.bounced": "bounced",
  "email.failed": "bounced",
  "email.suppressed": "blocked",
  "email.canceled": "blocked",
  "email.complained": "spam",
  "email.unsubscribed": "unsub",
};

/** The status that an event leads to. */
export const statusOfEvent = (type: EventType): RecipientStatus =>
  type.slice("email.".length) as RecipientStatus;

/** From what came of an attempt to the event people read. Pure. */
import type { EventData, EventType, LedgerEntry, MailEvent } from "../schema/event.ts";
import { type SuppressionGrounds, suppressedSentence } from "../schema/suppression.ts";
import type { Attempt } from "../smtp/attempt.ts";
import type { Relay } from "../smtp/relay.ts";
import type { Delivery } from "./tables.ts";

/** Makes an event's id of its time. */
export type NewId = (now: number) => string;

/** Events that may close an address say which. The others are many. */
const ADDRESSED: ReadonlySet<EventType> = new Set<EventType>([
  "email.bounced",
  "email.failed",
  "email.delivery_delayed",
  "email.complained",
]);

export function eventOf(
  newId: NewId,
  type: EventType,
  delivery: Pick<Delivery, "email" | "index"> & Partial<Pick<Delivery, "address">>,
  at: number,
  data: EventData,
): LedgerEntry {
  const event: MailEvent = {
    id: newId(at),
    type,
    email_id: delivery.email,
    recipient: delivery.index,
    at,
    data,
  };
  if (delivery.address !== undefined && ADDRESSED.has(type)) event.to = delivery.address;
  return { kind: "event", event };
}

/** The attempt as it goes on the record. A transcript begins with whose it is: the HTTP request, the email, the recipient. */
export function attemptData(
  delivery: Delivery,
  attempt: Attempt,
  requestId: string | null = null,
): EventData {
  const data: EventData = {
    attempt: {
      number: delivery.attempts,
      relay: attempt.relay,
      host: attempt.host,
      port: attempt.port,
      tls: attempt.tls,
      step: attempt.step,
      code: attempt.reply?.code ?? null,
      enhanced: attempt.reply?.enhanced ?? null,
      text: attempt.reply?.text ?? attempt.problem ?? "",
      category: attempt.category,
      sentence: attempt.sentence,
      duration_ms: attempt.durationMs,
    },
  };
  if (attempt.transcript !== null) {
    const request = requestId === null ? "" : `request ${requestId}, `;
    data.transcript = `${request}email ${delivery.email}, recipient ${delivery.index}\n${attempt.transcript}`;
  }
  return data;
}

/** The events of an attempt that was accepted, a millisecond each: what follows on something is listed after it. */
export function accepted(
  newId: NewId,
  delivery: Delivery,
  attempt: Attempt,
  at: number,
  relay: Pick<Relay, "name" | "final">,
): LedgerEntry[] {
  const entries = [eventOf(newId, "email.sent", delivery, at, attemptData(delivery, attempt))];
  if (relay.final)
    entries.push(
      eventOf(newId, "email.delivered", delivery, at + 1, {
        reason: `${relay.name} is the final server for this address.`,
      }),
    );
  for (const [i, type] of (attempt.sequel ?? []).entries())
    entries.push(eventOf(newId, type, delivery, at + 1 + i, { reason: "Played by a test address." }));
  return entries;
}

/**
 * A refusal by a server is a bounce; what we gave up ourselves, without asking a server or against no server's word,
 * has failed.
 */
export const finalType = (attempt: Attempt): EventType =>
  attempt.reply === null ? "email.failed" : "email.bounced";

/** The event of a copy that is not sent since its address is on the suppression list. */
export const suppressed = (
  newId: NewId,
  delivery: Pick<Delivery, "email" | "index" | "address">,
  at: number,
  grounds: SuppressionGrounds,
): LedgerEntry =>
  eventOf(newId, "email.suppressed", delivery, at, {
    category: grounds.category,
    reason: suppressedSentence(grounds),
  });

/** The event of a copy that could not be made. */
export const unmade = (newId: NewId, delivery: Delivery, now: number): LedgerEntry =>
  eventOf(newId, "email.failed", delivery, now, {
    category: "invalid_message",
    reason:
      "This recipient's copy could not be put together. The log says why; others of the message are not concerned.",
  });

/** The event of a delivery whose time is over. */
export const expired = (newId: NewId, delivery: Delivery, now: number) =>
  eventOf(newId, "email.failed", delivery, now, {
    category: "expired",
    reason:
      delivery.attempts === 0
        ? "Its time to live was over while it waited: for a relay that was away or slow, or for a rate, quota or pace."
        : `Its time to live was over after ${delivery.attempts} attempt${delivery.attempts === 1 ? "" : "s"}.`,
  });

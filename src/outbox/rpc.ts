/** What other rooms may ask of the outbox. The class is `Outbox` in outbox.ts. */
import { utf8 } from "../core/bytes.ts";
import type { EmailId } from "../core/ids.ts";
import {
  LEDGER_PARAMETER_CHARS,
  MB,
  RECIPIENT_VARIABLES_BYTES,
  VARIABLES_PER_RECIPIENT,
} from "../core/limits.ts";
import type { Compiled } from "../message/compiled.ts";
import type { ReplicaRpc } from "../registry/suppression-rpc.ts";
import { type EntryList, entryLists } from "../schema/entry-list.ts";
import type { LedgerEntry } from "../schema/event.ts";
import type { Meters } from "./meter.ts";

/** One recipient of a message to come. */
export interface DeliveryOrder {
  /** Index within the email. */
  index: number;
  /** Envelope address, domain as A-labels. */
  address: string;
  /** Display name; bulk only, where To is a slot. */
  name: string | null;
  /** Bulk only. */
  variables: Record<string, string> | null;
}

/** One message and everyone it goes to. Durable, whole, when `accept` resolves. */
export interface Order {
  id: EmailId;
  compiled: Omit<Compiled, "bytes">;
  /** Null: the bytes were staged before, since they are too large for one call. */
  bytes: Uint8Array | null;
  /** Envelope sender when a relay has no return path of its own. */
  mailFrom: string;
  /** The From address, for routing. */
  from: string;
  deliveries: DeliveryOrder[];
  /** Of the HTTP request, for transcripts; null: none. */
  requestId: string | null;
  /** Everything but the dialogue with a relay. */
  sandbox: boolean;
  /** What its recipients may unsubscribe from; null: everything of the sender. */
  topic: string | null;
  /** Relay asked for by name; null: routing chooses. */
  relay: string | null;
  /** Milliseconds since 1970; null: at once. */
  scheduledAt: number | null;
  /** Milliseconds since 1970. After it, nothing is tried. */
  expiresAt: number;
  /** What the ledger is told, in order, before any event of these messages. */
  entries: LedgerEntry[];
}

/** An order as the outbox has it: what it only keeps or passes on stays text. */
export interface Packed extends Omit<Order, "compiled" | "entries"> {
  smtputf8: boolean;
  /** The compiled message's, as JSON. */
  slots: string;
  record: EntryList[];
}

/** An order as it travels: a call costs more for each object in it than for the whole as text. */
export interface Parcel extends Pick<Packed, "slots" | "record" | "bytes"> {
  /** The rest of it, as JSON; with its deliveries when none has variables. */
  order: string;
  /** Else they are here: text of all of them might outgrow a call, since one character beyond Latin-1 doubles all of a text. */
  deliveries: DeliveryOrder[];
  /** Entries that are not in the record: as JSON, long bodies might outgrow a call. */
  long: LedgerEntry[];
}

/** Bodies of more characters than this travel as they are. A hundred of a batch that do not are 3 MB, and 13 at the very worst. */
const LONG_BODY_CHARS = 32_000;

export function pack(order: Order): Parcel {
  const { compiled, bytes, entries, deliveries, ...rest } = order;
  const isPlain = deliveries.every(({ variables }) => variables === null);
  const chars = entries.reduce((sum, entry) => sum + (entry.kind === "body" ? entry.data.length : 0), 0);
  const isLong = ({ kind }: LedgerEntry) => kind === "body" && chars > LONG_BODY_CHARS;
  return {
    order: JSON.stringify({
      ...rest,
      deliveries: isPlain ? deliveries : [],
      smtputf8: compiled.smtputf8,
    }),
    deliveries: isPlain ? [] : deliveries,
    slots: JSON.stringify(compiled.slots),
    bytes,
    record: entryLists(
      entries.filter((entry) => !isLong(entry)),
      LEDGER_PARAMETER_CHARS,
    ),
    long: entries.filter(isLong),
  };
}

/** Bytes that a character of a value takes at most in a delivery's row as it is written: a control character is `\\u0000`. */
const WIDEST = 8;
/** Quotation marks and the like around a name and its value. */
const AROUND_BYTES = 16;

/**
 * That a recipient's variables are more than a row holds, as a sentence without its subject; null: they are not. `chars`: of
 * all names and values.
 */
export function unstorable(variables: Readonly<Record<string, string>>, chars: number): string | null {
  if (WIDEST * chars + AROUND_BYTES * 2 * VARIABLES_PER_RECIPIENT <= RECIPIENT_VARIABLES_BYTES) return null;
  // Twice: they are text in a list that is text itself.
  const bytes = utf8(JSON.stringify(JSON.stringify(variables))).length;
  if (bytes <= RECIPIENT_VARIABLES_BYTES) return null;
  return `take ${(bytes / MB).toFixed(1)} MB to keep; at most ${(RECIPIENT_VARIABLES_BYTES / MB).toFixed(1)} MB are taken for one recipient`;
}

/** Bytes that a parcel's texts and message take in a call, about: one character beyond Latin-1 makes two bytes of each in its text. */
export function weightOf({ order, deliveries, slots, record, long, bytes }: Parcel): number {
  const bodies = long.map((entry) => (entry.kind === "body" ? entry.data : ""));
  let weight = bytes?.length ?? 0;
  for (const text of [order, slots, ...record, ...bodies]) weight += textWeight(text);
  for (const { address, name, variables } of deliveries) {
    weight += DELIVERY_BYTES + address.length + 2 * (name?.length ?? 0);
    for (const key in variables) weight += key.length + textWeight(variables[key]!);
  }
  return weight;
}

/** Names of a delivery's fields, and what stands around their values. */
const DELIVERY_BYTES = 60;
const textWeight = (text: string): number => text.length * (/[^\x00-\xff]/.test(text) ? 2 : 1);

export function unpack({ order, deliveries, slots, bytes, record, long }: Parcel): Packed {
  const rest = JSON.parse(order) as Omit<Packed, "slots" | "record" | "bytes">;
  return {
    ...rest,
    deliveries: deliveries.length > 0 ? deliveries : rest.deliveries,
    slots,
    bytes,
    record: [...record, ...entryLists(long, LEDGER_PARAMETER_CHARS)],
  };
}

export interface IdempotencyClaim {
  /** Key as the caller gave it, under the caller's own name. */
  key: string;
  /** Hash of the request: another body under the same key is refused. */
  hash: string;
  /** What the first request answered with, to be answered again: JSON. */
  response: string;
  /** The answer says how many copies were `accepted` and `suppressed`: the outbox writes the true numbers into it. */
  counted: boolean;
}

export type Acceptance =
  /** `suppressed` counts the copies that are not sent, since their address is on the suppression list. */
  | { kind: "accepted"; suppressed: number }
  /** The same request was accepted before; nothing was queued now. */
  | { kind: "repeated"; response: string }
  /** The key was used for another request. */
  | { kind: "mismatch" };

/** What a change of a scheduled message came to. */
export type Change =
  | { kind: "changed" }
  /** Not here: never was, or everything about it is done. */
  | { kind: "unknown" }
  /** It waits, but for no time that was asked for. */
  | { kind: "unscheduled" }
  /** Too late: it is being sent, or was. */
  | { kind: "started" };

export interface ErasedFromOutbox {
  /** Copies that will never be sent. */
  deliveries: number;
  /** Copies in a session's hands: what becomes of them is told to the ledger in a moment. */
  inFlight: number;
}

export interface OutboxRpc extends ReplicaRpc {
  /** Lays by a part of a message too large for one call. Forgotten after an hour unless `accept` takes it. */
  stage(id: EmailId, part: number, bytes: Uint8Array): Promise<void>;
  /** All or nothing, and durable when it resolves. */
  accept(parcels: Parcel[], idempotency: IdempotencyClaim | null): Promise<Acceptance>;
  /** Looks what there is to do, whatever became of the alarm. */
  wake(): Promise<void>;
  /** Hands what is known to the ledger now. */
  settle(): Promise<void>;
  reschedule(id: EmailId, scheduledAt: number): Promise<Change>;
  cancel(id: EmailId): Promise<Change>;
  /** Drops every copy that waits for an address; the caller erases the rest of it. */
  erase(address: string): Promise<ErasedFromOutbox>;
  /** For GET /relays: each relay as this object sees it. */
  relays(): Promise<RelayState[]>;
  /** Why copies of a message with an index from `first` to `last` have not gone yet. Those that are done are not named. */
  waits(id: EmailId, first: number, last: number): Promise<Wait[]>;
  /** For GET /metrics. */
  gauges(): Promise<OutboxGauges>;
}

/** What a copy waits for. */
export interface Wait {
  index: number;
  /** Milliseconds since 1970; null: nobody knows. */
  until: number | null;
  /** For a person. */
  reason: string;
}

export interface OutboxGauges {
  /** Copies waiting, due or not. */
  waiting: number;
  due: number;
  /** Milliseconds since 1970; null when nothing is due. */
  oldestDueAt: number | null;
  relays: RelayState[];
  meters: Meters;
}

export interface RelayHealth {
  name: string;
  /** closed: in use. open: resting after failures until `retryAt`. */
  breaker: "closed" | "open";
  retryAt: number | null;
  lastError: string | null;
  sessions: number;
}

export interface RelayState extends RelayHealth {
  /** Deliveries due now that this relay would be the first to take. */
  waiting: number;
}

/**
 * What other rooms may ask of the registry about suppressions, and what it tells the outboxes. Addresses are as compared.
 * Times in milliseconds since 1970.
 */
import type {
  NewSuppression,
  Suppression,
  SuppressionFact,
  SuppressionGrounds,
  SuppressionOrigin,
} from "../schema/suppression.ts";

export interface AddedSuppression {
  /** Of the entry that is there now: a new one, or the one that was. */
  id: string;
  added: boolean;
}

/** Absent filters let everything through. */
export interface SuppressionQuery {
  limit: number;
  /** Ids: what stands after it in the list (older), or before it (newer). */
  after?: string | null;
  before?: string | null;
  origin?: SuppressionOrigin | null;
  topic?: string | null;
  address?: string | null;
}

/** Which entries: by id, or those of addresses about one topic ("": about all mail). */
export type SuppressionTarget = { ids: readonly string[] } | { addresses: readonly string[]; topic: string };

/** What was done about one address that is to be forgotten. */
export interface ErasedSuppressions {
  /** Entries of which only a keyed hash stays, so that the wish is still kept. */
  hashed: number;
  /** Entries that are gone. */
  removed: number;
  /** Counted bounces that name the address no longer. */
  bounces: number;
}

export interface SuppressionRpc {
  /**
   * In order. An entry that is there stays, with its id, unless the new one lasts longer or weighs more: then it takes on
   * the new one's grounds. Known to every outbox within reach when it resolves; the others are told until they know.
   */
  addSuppressions(entries: NewSuppression[]): Promise<AddedSuppression[]>;
  /** Likewise, for long lists: answers with numbers only. */
  importSuppressions(entries: NewSuppression[]): Promise<{ added: number; already: number }>;
  /** The entries that were there. As with adding, every outbox within reach knows. */
  removeSuppressions(target: SuppressionTarget): Promise<Suppression[]>;
  findSuppressions(target: SuppressionTarget): Promise<Suppression[]>;
  /** Newest first. */
  listSuppressions(query: SuppressionQuery): Promise<{ rows: Suppression[]; hasMore: boolean }>;
  /** Durable when it resolves. A fact told again is ignored, by its id. */
  learn(facts: SuppressionFact[]): Promise<void>;
  /** For an outbox that may have missed something: what follows on what it has. */
  suppressionsSince(state: ReplicaState): Promise<Shipment>;
  /**
   * Forgets a person's address. Of complaints, unsubscribes and entries made by hand a keyed hash stays, since the wish not
   * to be written to outlives the record of it; bounces and counts are gone.
   */
  eraseSuppressed(address: string): Promise<ErasedSuppressions>;
}

/** How far an outbox's replica has come. */
export interface ReplicaState {
  /** Of which list: the registry's salt, which a new list has anew. "": none yet. */
  epoch: string;
  /** The number of the newest change it has. */
  position: number;
  /** What the newest number was when the replica was begun: nothing removed before is in it. */
  base: number;
}

/** One entry's state at its newest change. */
export type ShippedRow = SuppressionGrounds & {
  seq: number;
  address: string;
  expiresAt: number | null;
  /** It is no longer there. */
  gone: boolean;
};

/** Changes, in order of their numbers: all there are between `from` and `through`. */
export interface Shipment {
  /** Also the key of hashes that stand for erased addresses. */
  epoch: string;
  /** The replica is to begin anew before it takes this. */
  fresh: boolean;
  base: number;
  from: number;
  through: number;
  /** There is more after `through`. */
  more: boolean;
  rows: ShippedRow[];
}

/** What the registry asks of an outbox. Resolves to how far the replica is then; a shipment with a gap before it is not taken. */
export interface ReplicaRpc {
  takeSuppressions(shipment: Shipment): Promise<ReplicaState>;
}

/**
 * Opens and clicks on their way to the ledger. Answers never wait for this; hits of one moment share a call, since a call
 * costs as much as serving several redirects.
 *
 * The request whose hit begins a batch carries it (`waitUntil`); hits of other requests that come while it is under way
 * are plain data and ride along with the next call. An I/O object of one request is never used in another.
 */
import { type EmailId, shardOf } from "../core/ids.ts";
import { jsonLists } from "../core/json-lists.ts";
import { LEDGER_BATCH_ENTRIES, LEDGER_PARAMETER_CHARS } from "../core/limits.ts";
import { type Env, ledgerOf } from "../env.ts";
import { log } from "../log.ts";
import { type Visited, visitRow } from "../schema/event-row.ts";

/**
 * How long a hit waits for others before all go to the ledger, in milliseconds: a commit's time on a slow disk. While they keep
 * coming it is longer: the thread that waits for a disk serves nobody.
 */
const GATHER_MS = 20;
const GATHER_BUSY_MS = 50;
/** A ledger that refuses is asked again this many times, ever more slowly; then the hits are given up, and it is logged. */
const TRIES = 6;
const FIRST_RETRY_MS = 100;

/** A carrier that has not moved for this long was cancelled by the platform; the next hit carries its batch. */
const CARRIER_MS = 30_000;

interface Batch {
  /** An email whose ledger takes them. */
  email: EmailId;
  /** EventRows as JSON: they are told, kept and passed on as text. */
  events: string[];
  /** When its carrier last moved, in milliseconds since 1970. */
  at: number;
}
const waiting = new Map<number, Batch>();

/** Takes a hit. A promise is the caller's to keep alive until it settles; it does not reject. Null: another request carries it. */
export function recordHit(env: Env, shards: number, visit: Visited): Promise<void> | null {
  const { email_id: email, at } = visit;
  const lane = shardOf(email, shards);
  const others = waiting.get(lane);
  if (others !== undefined) {
    others.events.push(visitRow(visit));
    if (at - others.at < CARRIER_MS) return null;
    others.at = at;
  } else waiting.set(lane, { email, events: [visitRow(visit)], at });
  return carry(env, shards, lane);
}

async function carry(env: Env, shards: number, lane: number): Promise<void> {
  await scheduler.wait(GATHER_MS);
  for (let batch = take(lane); batch !== null; batch = take(lane)) {
    await deliver(env, shards, batch);
    // While hits keep coming, each call waits for its company; what takes a call each takes a commit each.
    await scheduler.wait(GATHER_BUSY_MS);
  }
}

/** The next batch of a lane; null, and the lane is free for another request to carry, when there is none. */
function take(lane: number): Pick<Batch, "email" | "events"> | null {
  const batch = waiting.get(lane);
  if (batch === undefined || batch.events.length === 0) {
    waiting.delete(lane);
    return null;
  }
  batch.at = Date.now();
  return { email: batch.email, events: batch.events.splice(0, LEDGER_BATCH_ENTRIES) };
}

async function deliver(
  env: Env,
  shards: number,
  { email, events }: Pick<Batch, "email" | "events">,
): Promise<void> {
  const lists = [...jsonLists(events, LEDGER_PARAMETER_CHARS)];
  for (let tried = 0; tried < TRIES; tried++) {
    if (tried > 0) await scheduler.wait(FIRST_RETRY_MS * 2 ** (tried - 1));
    try {
      await ledgerOf(env, shards, email).visits(lists);
      return;
    } catch (cause) {
      log("ledger_refused_hits", { hits: events.length, tried: tried + 1, cause: String(cause) });
    }
  }
  log("hits_lost", { hits: events.length });
}

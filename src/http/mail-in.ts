/**
 * Mail in: read, matched, and its events given to the ledger. What POST /inbound and Cloudflare Email Routing share. Nothing
 * is ever sent in answer: a machine must not reply to machines (RFC 3834 section 2), or they write to each other for ever.
 */
import type { EmailId } from "../core/ids.ts";
import { shardOf } from "../core/ids.ts";
import { findReported } from "../db/reported.ts";
import { type Config, dbOf, type Env, ledgerOf, outboxOf } from "../env.ts";
import { eventsOf } from "../feedback/events.ts";
import type { Feedback } from "../feedback/report.ts";
import { understand } from "../feedback/understand.ts";
import { log } from "../log.ts";
import { textOf } from "../message/text.ts";
import type { MailEvent } from "../schema/event.ts";
import { matchesOf } from "./matching.ts";

export interface MailIn {
  /** The message as it came; FEEDBACK_BYTES of it are enough. */
  raw: Uint8Array;
  /** The envelope's recipient; null: the headers say it. */
  to: string | null;
}

export interface Received {
  feedback: Feedback;
  /** Recipients of ours that it is about. */
  matched: number;
  /** Ids of their emails. */
  emails: EmailId[];
}

/** The events are durable when it resolves. Throws a DbError when only libSQL could tell whom it is about, and is away. */
export async function receive(env: Env, config: Config, { raw, to }: MailIn): Promise<Received> {
  const feedback = await understand({ raw, to, textOf });
  const matches = await matchesOf(feedback, {
    secrets: config.signingSecrets,
    find: (emails, addresses) => find(env, config, emails, addresses),
  });
  const events = await eventsOf(feedback, matches, Date.now());
  await append(env, config, events);
  const emails = [...new Set(matches.map(({ email }) => email))];
  log("mail_in", {
    kind: feedback.kind,
    reports: feedback.reports.length,
    matched: matches.length,
    by: matches[0]?.by ?? null,
    emails,
    events: events.map(({ type }) => type),
  });
  return { feedback, matched: matches.length, emails };
}

/** A message just sent may not have reached libSQL: what is under way is brought there, and libSQL is asked once more. */
async function find(env: Env, config: Config, emails: readonly string[], addresses: readonly string[]) {
  const found = await findReported(dbOf(env), emails, addresses);
  if (found.length > 0) return found;
  const shards = new Map(emails.map((id) => [shardOf(id as EmailId, config.shards), id as EmailId]));
  await Promise.all(
    [...shards.values()].map(async (id) => {
      await outboxOf(env, config.shards, id).settle();
      await ledgerOf(env, config.shards, id).settle();
    }),
  );
  return findReported(dbOf(env), emails, addresses);
}

async function append(env: Env, config: Config, events: readonly MailEvent[]): Promise<void> {
  const byShard = Map.groupBy(events, ({ email_id }) => shardOf(email_id as EmailId, config.shards));
  for (const of of byShard.values())
    await ledgerOf(env, config.shards, of[0]!.email_id as EmailId).append(
      of.map((event) => ({ kind: "event", event })),
    );
}

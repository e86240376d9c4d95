/** The tables of suppressions in the registry's SQLite, and how an entry is read from its row. */
import type { Suppression, SuppressionOrigin } from "../schema/suppression.ts";

/**
 * Every change has a number (`seq`), and an entry bears that of its newest change; of a removed one a row stays in
 * `suppression_gone` until every outbox has heard. Entries that expire leave none: outboxes know the hour themselves.
 */
export const SUPPRESSION_SCHEMA = `
  CREATE TABLE IF NOT EXISTS suppression (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    address TEXT NOT NULL,
    topic TEXT NOT NULL,
    origin TEXT NOT NULL,
    category TEXT NOT NULL,
    reason TEXT,
    source_id TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    UNIQUE (address, topic)
  );
  CREATE INDEX IF NOT EXISTS suppression_origin ON suppression (origin, id);
  CREATE INDEX IF NOT EXISTS suppression_expiry ON suppression (expires_at) WHERE expires_at IS NOT NULL;
  CREATE TABLE IF NOT EXISTS suppression_gone (seq INTEGER PRIMARY KEY, address TEXT NOT NULL, topic TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS suppression_state (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS suppression_replica (shard INTEGER PRIMARY KEY, position INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS bounce (
    event TEXT PRIMARY KEY,
    address TEXT NOT NULL,
    category TEXT NOT NULL,
    email TEXT NOT NULL,
    at INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS bounce_address ON bounce (address, category) WHERE address <> '';
  CREATE INDEX IF NOT EXISTS bounce_at ON bounce (at);
`;

export type SuppressionRow = {
  id: string;
  address: string;
  topic: string;
  origin: string;
  category: string;
  reason: string | null;
  source_id: string | null;
  created_at: number;
  expires_at: number | null;
};
export const SUPPRESSION_COLUMNS =
  "id, address, topic, origin, category, reason, source_id, created_at, expires_at";

export const toSuppression = (row: SuppressionRow): Suppression => ({
  id: row.id,
  address: row.address,
  topic: row.topic,
  origin: row.origin as SuppressionOrigin,
  category: row.category,
  reason: row.reason,
  sourceId: row.source_id,
  createdAt: row.created_at,
  expiresAt: row.expires_at,
});

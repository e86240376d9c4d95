/** The tables of the outbox's SQLite, and how a delivery is read from its row. */
import type { EmailId } from "../core/ids.ts";

export const SCHEMA = `
  CREATE TABLE IF NOT EXISTS email (
    id TEXT PRIMARY KEY,
    mail_from TEXT NOT NULL,
    sender TEXT NOT NULL,
    smtputf8 INTEGER NOT NULL,
    pin TEXT,
    slots TEXT NOT NULL,
    scheduled_at INTEGER,
    expires_at INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS email_expiry ON email (expires_at);
  CREATE TABLE IF NOT EXISTS content (
    email TEXT NOT NULL,
    part INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    staged_at INTEGER,
    PRIMARY KEY (email, part)
  );
  CREATE INDEX IF NOT EXISTS content_staged ON content (staged_at) WHERE staged_at IS NOT NULL;
  CREATE TABLE IF NOT EXISTS delivery (
    id INTEGER PRIMARY KEY,
    email TEXT NOT NULL,
    idx INTEGER NOT NULL,
    address TEXT NOT NULL,
    domain TEXT NOT NULL,
    name TEXT,
    variables TEXT,
    route TEXT NOT NULL,
    state INTEGER NOT NULL DEFAULT 0,
    due INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0
  );
  CREATE INDEX IF NOT EXISTS delivery_due ON delivery (state, route, due, id);
  CREATE INDEX IF NOT EXISTS delivery_email ON delivery (email, idx);
  CREATE INDEX IF NOT EXISTS delivery_domain ON delivery (domain, state, due);
  CREATE TABLE IF NOT EXISTS report (seq INTEGER PRIMARY KEY AUTOINCREMENT, entry TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS idempotency (
    key TEXT PRIMARY KEY,
    hash TEXT NOT NULL,
    response TEXT NOT NULL,
    expires_at INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS idempotency_expiry ON idempotency (expires_at);
  CREATE TABLE IF NOT EXISTS quota (relay TEXT PRIMARY KEY, window INTEGER NOT NULL, used INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
`;

/** waiting: due some time. attempting: handed to a session, and may reach the relay. */
export const WAITING = 0;
export const ATTEMPTING = 1;

export interface Delivery {
  /** Row id in the outbox. */
  id: number;
  email: EmailId;
  index: number;
  address: string;
  domain: string;
  name: string | null;
  variables: Record<string, string> | null;
  /** Names of the relays that may take it, see routing. */
  route: string;
  /** Attempts begun, this one included. */
  attempts: number;
}

export type DeliveryRow = {
  id: number;
  email: string;
  idx: number;
  address: string;
  domain: string;
  name: string | null;
  variables: string | null;
  route: string;
  attempts: number;
};

export const toDelivery = (row: DeliveryRow): Delivery => ({
  id: row.id,
  email: row.email as EmailId,
  index: row.idx,
  address: row.address,
  domain: row.domain,
  name: row.name,
  variables: row.variables === null ? null : (JSON.parse(row.variables) as Record<string, string>),
  route: row.route,
  attempts: row.attempts,
});

/** What a delivery's row is read as. */
export const DELIVERY_COLUMNS = "id, email, idx, address, domain, name, variables, route, attempts";

/** The tables of the outbox's SQLite, and how a delivery is read from its row. */
import type { EmailId } from "../core/ids.ts";

/**
 * A message's bytes stand in its row, or, when they are more than a row holds, in parts in `content` (`bytes` is null).
 *
 * A delivery's row id is its message's number and its own index in one (`deliveryId`): the deliveries of a message are a
 * range of row ids, first come first served is the order of row ids, and the only index a delivery needs is the one it
 * is found by when due. It leaves that index when it is claimed. Every index less is a fifth of the writing.
 *
 * `delivery.state`: 0, waiting, is due some time; 1, attempting, was handed to a session and may reach the relay. The
 * numbers stand in the statements as they are: SQLite uses a partial index only where it can read its condition.
 */
export const SCHEMA = `
  CREATE TABLE IF NOT EXISTS email (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    mail_from TEXT NOT NULL,
    sender TEXT NOT NULL,
    smtputf8 INTEGER NOT NULL,
    pin TEXT,
    request TEXT,
    slots TEXT NOT NULL,
    scheduled_at INTEGER,
    expires_at INTEGER NOT NULL,
    bytes BLOB
  );
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
    address TEXT NOT NULL,
    name TEXT,
    variables TEXT,
    route TEXT NOT NULL,
    state INTEGER NOT NULL DEFAULT 0,
    due INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0
  );
  CREATE INDEX IF NOT EXISTS delivery_due ON delivery (route, due) WHERE state = 0;
  CREATE TABLE IF NOT EXISTS hold (domain TEXT PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS report (seq INTEGER PRIMARY KEY AUTOINCREMENT, entries TEXT NOT NULL);
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

/** Columns that older versions of these tables lack. */
export function upgrade(sql: SqlStorage): void {
  const columns = sql.exec<{ name: string }>("SELECT name FROM pragma_table_info('email')").toArray();
  if (!columns.some(({ name }) => name === "request")) sql.exec("ALTER TABLE email ADD COLUMN request TEXT");
}

/** More recipients than a message may have. */
const INDEXES = 2 ** 20;

/** Row id of a delivery. */
export const deliveryId = (email: number, index: number): number => email * INDEXES + index;
/** Number of the message that a delivery belongs to. */
export const emailNumber = (delivery: number): number => Math.floor(delivery / INDEXES);
/** First and last row id that deliveries of a message can have. */
export const idRange = (email: number): [first: number, last: number] => [
  email * INDEXES,
  (email + 1) * INDEXES - 1,
];

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
  address: string;
  name: string | null;
  variables: string | null;
  route: string;
  attempts: number;
};
/** A row as it is written: claimed when an attempt is counted, waiting when none is. */
export type NewDelivery = DeliveryRow & { due: number };

/** What a row is read as. */
export const DELIVERY_COLUMNS = "id, address, name, variables, route, attempts";

export const domainOf = (address: string): string => address.slice(address.lastIndexOf("@") + 1);

export const toDelivery = (row: DeliveryRow, email: EmailId): Delivery => ({
  id: row.id,
  email,
  index: row.id % INDEXES,
  address: row.address,
  domain: domainOf(row.address),
  name: row.name,
  variables: row.variables === null ? null : (JSON.parse(row.variables) as Record<string, string>),
  route: row.route,
  attempts: row.attempts,
});

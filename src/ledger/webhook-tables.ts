/**
 * Webhooks in the ledger's SQLite: events that endpoints want, each one's way to each endpoint, and every call that was
 * made. All stay as the log until WEBHOOK_LOG_MS, so that an event that arrives twice is told once.
 */

/** Who an event is about: events of one recipient go to an endpoint one by one, in order. -1: the email as a whole. */
export interface Subject {
  email: string;
  recipient: number;
}

export const WHOLE = -1;

export function makeTables(sql: SqlStorage): void {
  // `through`: the number of the journal's entry after which libSQL knows the event's email. `source`: the event, until
  // there is a payload. `mailjet`: the payload in Mailjet's dialect; null: nobody wants it.
  sql.exec(`CREATE TABLE IF NOT EXISTS webhook_event (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, type TEXT NOT NULL, email TEXT NOT NULL,
    recipient INTEGER NOT NULL, at INTEGER NOT NULL, wanted TEXT NOT NULL, through INTEGER NOT NULL, source TEXT,
    payload TEXT, mailjet TEXT, created_at INTEGER NOT NULL)`);
  sql.exec("CREATE INDEX IF NOT EXISTS webhook_unbuilt ON webhook_event (seq) WHERE payload IS NULL");
  sql.exec(`CREATE TABLE IF NOT EXISTS webhook_delivery (
    endpoint TEXT NOT NULL, id TEXT NOT NULL, seq INTEGER NOT NULL, email TEXT NOT NULL, recipient INTEGER NOT NULL,
    state TEXT NOT NULL, attempts INTEGER NOT NULL, due_at INTEGER NOT NULL, PRIMARY KEY (endpoint, id)) WITHOUT ROWID`);
  sql.exec(
    "CREATE INDEX IF NOT EXISTS webhook_due ON webhook_delivery (endpoint, due_at, seq) WHERE state = 'pending'",
  );
  sql.exec(
    "CREATE INDEX IF NOT EXISTS webhook_subject ON webhook_delivery (endpoint, email, recipient, seq) WHERE state = 'pending'",
  );
  sql.exec(`CREATE TABLE IF NOT EXISTS webhook_attempt (
    endpoint TEXT NOT NULL, id TEXT NOT NULL, attempt TEXT NOT NULL, at INTEGER NOT NULL, status INTEGER NOT NULL,
    response TEXT NOT NULL, duration_ms INTEGER NOT NULL, PRIMARY KEY (endpoint, id, attempt)) WITHOUT ROWID`);
}

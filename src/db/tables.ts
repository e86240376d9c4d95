/**
 * The tables of libSQL. Times are INTEGER milliseconds since 1970, lists and objects JSON text. What keeps statuses true
 * is in the triggers (migrations/0001_triggers.sql), so that it holds whoever inserts, and however often.
 */
import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type {
  EmailMeta,
  EmailRow,
  EventData,
  EventType,
  RecipientRow,
  RecipientStatus,
} from "../schema/event.ts";

/**
 * Every status, with its rank: a status is only ever replaced by one of higher rank, so the order in which events arrive
 * does not matter. The rows and their reasons are in migrations/0001_triggers.sql. An event `email.x` leads to status `x`.
 */
export const statuses = sqliteTable("statuses", {
  name: text("name").$type<RecipientStatus>().primaryKey(),
  rank: integer("rank").notNull().unique(),
  /** 1: may become `emails.last_event`. 0: Resend has no such name for an email. */
  of_email: integer("of_email").notNull(),
});

/** See EmailRow for what each column means. */
export const emails = sqliteTable("emails", {
  id: text("id").primaryKey(),
  created_at: integer("created_at").notNull(),
  kind: text("kind").$type<EmailRow["kind"]>().notNull(),
  from: text("from").notNull(),
  to: text("to", { mode: "json" }).$type<string[]>().notNull(),
  cc: text("cc", { mode: "json" }).$type<string[]>().notNull(),
  bcc: text("bcc", { mode: "json" }).$type<string[]>().notNull(),
  reply_to: text("reply_to", { mode: "json" }).$type<string[]>().notNull(),
  subject: text("subject").notNull(),
  message_id: text("message_id"),
  headers: text("headers", { mode: "json" }).$type<EmailRow["headers"]>().notNull(),
  tags: text("tags", { mode: "json" }).$type<EmailRow["tags"]>().notNull(),
  attachments: text("attachments", { mode: "json" }).$type<EmailRow["attachments"]>().notNull(),
  track_opens: integer("track_opens", { mode: "boolean" }).notNull(),
  track_clicks: integer("track_clicks", { mode: "boolean" }).notNull(),
  relay: text("relay"),
  size: integer("size").notNull(),
  /** The newest plan: a later `email.scheduled` changes it. */
  scheduled_at: integer("scheduled_at"),
  expires_at: integer("expires_at").notNull(),
  meta: text("meta", { mode: "json" }).$type<EmailMeta>().notNull().default({}),
  /** The furthest status any recipient has reached; starts as `queued` or `scheduled`. */
  last_event: text("last_event").$type<RecipientStatus>().notNull(),
  /** Time of the newest event, or of acceptance. */
  updated_at: integer("updated_at").notNull(),
});

export const recipients = sqliteTable(
  "recipients",
  {
    email_id: text("email_id").notNull(),
    /** Position within the email, from 0. */
    idx: integer("idx").notNull(),
    address: text("address").notNull(),
    /** What stands after the last @, in lower case. */
    domain: text("domain").notNull(),
    kind: text("kind").$type<RecipientRow["kind"]>().notNull(),
    status: text("status").$type<RecipientStatus>().notNull(),
    /** The highest attempt number seen; 0 before the first. */
    attempts: integer("attempts").notNull().default(0),
    /** Of the newest attempt. */
    relay: text("relay"),
    code: integer("code"),
    enhanced: text("enhanced"),
    reply: text("reply"),
    /** Of the newest event that explains something: an attempt, or a report with a category or a reason. */
    category: text("category"),
    sentence: text("sentence"),
    /** Time of the newest event that concerns this recipient; null before the first. */
    updated_at: integer("updated_at"),
  },
  (t) => [
    primaryKey({ columns: [t.email_id, t.idx] }),
    index("recipients_status").on(t.email_id, t.status),
    index("recipients_address").on(t.address),
  ],
);

export const events = sqliteTable(
  "events",
  {
    id: text("id").primaryKey(),
    email_id: text("email_id").notNull(),
    /** Null: the email as a whole, that is, every recipient. */
    recipient: integer("recipient"),
    type: text("type").$type<EventType>().notNull(),
    at: integer("at").notNull(),
    data: text("data", { mode: "json" }).$type<EventData>().notNull(),
    relay: text("relay").generatedAlwaysAs(sql.raw("data ->> '$.attempt.relay'"), { mode: "virtual" }),
    category: text("category").generatedAlwaysAs(
      sql.raw("coalesce(data ->> '$.attempt.category', data ->> '$.category')"),
      { mode: "virtual" },
    ),
  },
  (t) => [
    index("events_email").on(t.email_id, t.at, t.id),
    index("events_recipient").on(t.email_id, t.recipient, t.at, t.id),
    index("events_type").on(t.type, t.at),
  ],
);

/** What was written, in chunks of at most BODY_CHUNK_CHARS: a row holds 2 MB. */
export const bodies = sqliteTable(
  "bodies",
  {
    email_id: text("email_id").notNull(),
    part: text("part").$type<"html" | "text">().notNull(),
    seq: integer("seq").notNull(),
    data: text("data").notNull(),
  },
  (t) => [primaryKey({ columns: [t.email_id, t.part, t.seq] })],
);

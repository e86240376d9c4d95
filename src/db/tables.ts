/**
 * The tables of libSQL. Times are INTEGER milliseconds since 1970, lists and objects JSON text. What keeps statuses and
 * figures true is in the triggers (migrations/0004_figures.sql), so that it holds whoever inserts, and however often.
 */
import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import type {
  EmailMeta,
  EmailRow,
  EventData,
  EventType,
  RecipientRow,
  RecipientStatus,
  UniqueMetric,
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
export const emails = sqliteTable(
  "emails",
  {
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
  },
  (t) => [
    // By these a bounce finds its email, and Mailjet's dialect one of its own.
    index("emails_message_id").on(t.message_id).where(sql`message_id IS NOT NULL`),
    index("emails_custom_id")
      .on(sql`meta ->> '$.mailjet.custom_id'`)
      .where(sql`meta ->> '$.mailjet.custom_id' IS NOT NULL`),
  ],
);

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
    // Servers tell addresses of people apart by case on paper only: ask with `lower(address) = lower(?)`.
    index("recipients_address").on(sql`lower(address)`),
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
    index("events_type").on(t.type, t.at, t.id),
    // Of the few that something went wrong with.
    index("events_category").on(t.category, t.at, t.id).where(sql`category <> 'accepted'`),
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

/**
 * A recipient's first open and first click: of anyone, of anyone but a scanner, of a person. Whichever event is the
 * earliest, however late it comes in.
 */
export const firsts = sqliteTable(
  "firsts",
  {
    email_id: text("email_id").notNull(),
    recipient: integer("recipient").notNull(),
    metric: text("metric").$type<UniqueMetric>().notNull(),
    at: integer("at").notNull(),
    event_id: text("event_id").notNull(),
  },
  (t) => [primaryKey({ columns: [t.email_id, t.recipient, t.metric] })],
);

/**
 * How often something happened: one row per hour (of `at`, since 1970), metric and circumstances. A metric is an event's
 * type without `email.`, for opens and clicks with the verdict behind it, or a UniqueMetric. "": does not apply.
 */
export const figures = sqliteTable(
  "figures",
  {
    hour: integer("hour").notNull(),
    metric: text("metric").notNull(),
    facet: integer("facet").notNull(),
    /** The one that took the copy, also for what happened afterwards. */
    relay: text("relay").notNull(),
    category: text("category").notNull(),
    count: integer("count").notNull(),
  },
  (t) => [primaryKey({ columns: [t.hour, t.metric, t.facet, t.relay, t.category] })],
);

/**
 * Circumstances that emails and recipients give their events. Only so many are taken up in a day at each level of detail:
 * 1 has all, 2 lacks the recipient's domain, 3 the tags too, 0 (one row) all. What is lacking is "(other)".
 */
export const facets = sqliteTable(
  "facets",
  {
    id: integer("id").primaryKey(),
    level: integer("level").notNull(),
    /** When it was taken up, in days since 1970. */
    day: integer("day").notNull(),
    sender_domain: text("sender_domain").notNull(),
    recipient_domain: text("recipient_domain").notNull(),
    /** JSON list of at most ten `name=value`, sorted. */
    tags: text("tags").notNull(),
  },
  (t) => [
    uniqueIndex("facets_whole").on(t.sender_domain, t.recipient_domain, t.tags),
    index("facets_day").on(t.day, t.level),
  ],
);

/** Marks of events that are not in the figures yet: too few for a round of counting, or their email or recipient is not known. */
export const uncounted = sqliteTable("uncounted", {
  id: integer("id").primaryKey(),
  hour: integer("hour").notNull(),
  metric: text("metric").notNull(),
  email_id: text("email_id").notNull(),
  recipient: integer("recipient"),
  /** Null: that of the event that says it was sent. */
  relay: text("relay"),
  category: text("category").notNull(),
  /** -1 when a first turns out to have been earlier. */
  count: integer("count").notNull(),
});

/** Where a round of counting is made up; empty between statements. */
export const counting = sqliteTable("counting", {
  hour: integer("hour").notNull(),
  metric: text("metric").notNull(),
  email_id: text("email_id").notNull(),
  recipient: integer("recipient"),
  relay: text("relay"),
  category: text("category").notNull(),
  count: integer("count").notNull(),
  sender_domain: text("sender_domain").notNull(),
  recipient_domain: text("recipient_domain").notNull(),
  tags: text("tags").notNull(),
  known: integer("known").notNull(),
  facet: integer("facet"),
});

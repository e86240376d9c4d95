/**
 * GET /events and GET /emails/:id/events: what happened, as pages, or as an export of one JSON object a line
 * (`Accept: application/x-ndjson`), which is read from libSQL only as fast as the caller takes it.
 */
import { Hono } from "hono";
import { utf8 } from "../core/bytes.ts";
import { parseEmailId } from "../core/ids.ts";
import { EXPORT_PAGE } from "../core/limits.ts";
import type { Db } from "../db/client.ts";
import { findEmail } from "../db/emails.ts";
import { type EventFilter, type EventPage, type EventPlace, findEvents, placeOf } from "../db/events.ts";
import { dbOf } from "../env.ts";
import { EVENT_TYPES, type EventType } from "../schema/event.ts";
import { parseMoment } from "../schema/period.ts";
import type { AppContext, AppEnv } from "./context.ts";
import { fail } from "./errors.ts";
import { idOf, pageOf, parameter } from "./parameters.ts";
import { settle, settleAll } from "./settle.ts";
import { eventObject } from "./shapes.ts";

export const events = new Hono<AppEnv>();

events.get("/events", async (c) => {
  const filter = filterOf(c);
  await (filter.emailId === undefined ? settleAll(c) : settle(c, idOf(c, filter.emailId)));
  return answer(c, filter, "desc");
});

/** A timeline: oldest first. */
events.get("/emails/:id/events", async (c) => {
  const id = idOf(c);
  await settle(c, id);
  if ((await findEmail(dbOf(c.env), id)) === null)
    return fail(c, { kind: "not_found", message: "There is no email with this id." });
  return answer(c, { ...filterOf(c), emailId: id }, "asc");
});

async function answer(c: AppContext, filter: EventFilter, order: EventPage["order"]): Promise<Response> {
  const db = dbOf(c.env);
  const { limit, after, before } = pageOf(c);
  const from = await placeIn(db, after, "after");
  if (/\bapplication\/x-ndjson\b/i.test(c.req.header("accept") ?? "")) {
    if (before !== null) throw parameter("`before` is for pages; an export goes on after `after`.");
    // What happens from now on is not waited for.
    const until = Math.min(filter.until ?? Number.POSITIVE_INFINITY, Date.now() + 1);
    return c.body(exported(db, { ...filter, until }, from), 200, {
      "Content-Type": "application/x-ndjson; charset=utf-8",
      "Cache-Control": "no-store",
    });
  }
  const { rows, hasMore } = await findEvents(db, filter, {
    limit,
    order,
    after: from,
    before: await placeIn(db, before, "before"),
  });
  return c.json({ object: "list", has_more: hasMore, data: rows.map(eventObject) });
}

async function placeIn(db: Db, id: string | null, name: string): Promise<EventPlace | null> {
  if (id === null) return null;
  const place = await placeOf(db, id);
  if (place === null) throw parameter(`\`${name}\` names an event that is not there.`);
  return place;
}

/** Oldest first, so that an export that broke off goes on after the last id it had. A failure breaks it off, visibly. */
function exported(db: Db, filter: EventFilter, from: EventPlace | null): ReadableStream<Uint8Array> {
  let after = from;
  return new ReadableStream({
    async pull(controller) {
      for (;;) {
        const { rows, hasMore } = await findEvents(db, filter, { limit: EXPORT_PAGE, order: "asc", after });
        after = rows.at(-1) ?? after;
        if (rows.length > 0)
          controller.enqueue(utf8(rows.map((row) => `${JSON.stringify(eventObject(row))}\n`).join("")));
        if (!hasMore) return controller.close();
        // A stream that was given nothing does not ask again.
        if (rows.length > 0) return;
      }
    },
  });
}

function filterOf(c: AppContext): EventFilter {
  const given = c.req.query();
  const filter: EventFilter = {};
  if (given.type) filter.types = given.type.split(",").map(typeOf);
  if (given.recipient) {
    // In a query a plus sign is a space; no address has one.
    filter.address = given.recipient.trim().replaceAll(" ", "+");
    if (!filter.address.includes("@")) throw parameter("`recipient` must be an address.");
  }
  if (given.tag) {
    const [, name, value] = /^([^=:]+)(?:[=:](.*))?$/.exec(given.tag) ?? [];
    if (name === undefined) throw parameter("`tag` must be a name, or a name and a value: `campaign=May`.");
    filter.tag = { name, value: value ?? null };
  }
  const email = given.email ?? given.email_id;
  if (email) {
    const id = parseEmailId(email);
    if (id === null) throw parameter("`email` must be the id of an email.");
    filter.emailId = id;
  }
  if (given.relay) filter.relay = given.relay;
  if (given.category) filter.category = given.category;
  if (given.since) filter.since = momentIn(given.since, "since", false);
  if (given.until) filter.until = momentIn(given.until, "until", true);
  return filter;
}

/** `email.opened`, or `opened` for short. */
function typeOf(text: string): EventType {
  const name = text.trim();
  const type = EVENT_TYPES.find((one) => one === name || one === `email.${name}`);
  if (type === undefined) throw parameter(`\`type\` takes ${EVENT_TYPES.join(", ")}, separated by commas.`);
  return type;
}

function momentIn(text: string, name: string, end: boolean): number {
  const at = parseMoment(text, "UTC", end);
  if (at === null)
    throw parameter(`\`${name}\` must be a date such as 2026-11-24, or a time such as 2026-11-24T08:00:00Z.`);
  // A date alone means the whole day.
  return end && !text.includes(":") ? at + 1 : at;
}

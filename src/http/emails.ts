/** GET /emails and changes to what has not gone yet. Shapes are Resend's; what it lacks is added beside. */
import { Hono } from "hono";
import type { EmailId } from "../core/ids.ts";
import { MB } from "../core/limits.ts";
import { bodyOf, countsByStatus, findEmail, listEmails, recipientsOf } from "../db/emails.ts";
import type { RecipientRecord } from "../db/recipients.ts";
import { dbOf, outboxOf } from "../env.ts";
import { textOf } from "../message/text.ts";
import type { Change, Wait } from "../outbox/rpc.ts";
import { Reschedule } from "../schema/email.ts";
import { parse } from "../schema/parse.ts";
import { parseSchedule } from "../schema/schedule.ts";
import { readJson } from "./body.ts";
import type { AppContext, AppEnv } from "./context.ts";
import { fail, unwrap } from "./errors.ts";
import { idOf, pageOf, recipientPageOf } from "./parameters.ts";
import { settle, settleAll } from "./settle.ts";
import { emailObject, listItem, recipientObject } from "./shapes.ts";

export const emails = new Hono<AppEnv>();

emails.get("/emails", async (c) => {
  const page = pageOf(c);
  await settleAll(c);
  const { rows, hasMore } = await listEmails(dbOf(c.env), page);
  return c.json({ object: "list", has_more: hasMore, data: rows.map(listItem) });
});

emails.get("/emails/:id", async (c) => {
  const id = idOf(c);
  await settle(c, id);
  const db = dbOf(c.env);
  const email = await findEmail(db, id);
  if (email === null) return noSuchEmail(c);
  const { limit, after } = recipientPageOf(c);
  const [recipients, counts, html, text] = await Promise.all([
    recipientsOf(db, id, { limit, after }),
    countsByStatus(db, id),
    bodyOf(db, id, "html"),
    bodyOf(db, id, "text"),
  ]);
  const waits = await waitsOf(c, id, recipients.rows);
  return c.json({
    // Without a text of its own, an email went out with one made of its html.
    ...emailObject(email, html, text ?? (html === null ? null : textOf(html) || null)),
    counts,
    recipients: recipients.rows.map((recipient) => recipientObject(recipient, waits.get(recipient.index))),
    recipients_has_more: recipients.hasMore,
  });
});

/** What copies wait for, by index. Asked after libSQL: a copy that has gone since waits for nothing. */
async function waitsOf(
  c: AppContext,
  id: EmailId,
  rows: readonly RecipientRecord[],
): Promise<Map<number, Wait>> {
  const pending = rows.filter(({ status }) => PENDING.has(status)).map(({ index }) => index);
  if (pending.length === 0) return new Map();
  const outbox = outboxOf(c.env, c.var.config.shards, id);
  const waits = await outbox.waits(id, pending[0]!, pending.at(-1)!);
  return new Map(waits.map((wait) => [wait.index, wait]));
}

emails.patch("/emails/:id", async (c) => {
  const id = idOf(c);
  const { value } = unwrap(await readJson(c.req.raw, MB));
  const { scheduled_at } = unwrap(parse(Reschedule, value));
  const now = Date.now();
  const at = parseSchedule(scheduled_at, now);
  if (!at.ok) return fail(c, { kind: "invalid", issues: [{ path: "scheduled_at", message: at.error }] });
  const change = await outboxOf(c.env, c.var.config.shards, id).reschedule(id, at.value);
  return changed(c, id, change.kind, "rescheduled");
});

emails.post("/emails/:id/cancel", async (c) => {
  const id = idOf(c);
  const change = await outboxOf(c.env, c.var.config.shards, id).cancel(id);
  return changed(c, id, change.kind, "cancelled");
});

/** Statuses of copies that the outbox may still have. */
const PENDING: ReadonlySet<string> = new Set(["queued", "scheduled", "delivery_delayed"]);

const noSuchEmail = (c: AppContext): Response =>
  fail(c, { kind: "not_found", message: "There is no email with this id." });

function changed(
  c: AppContext,
  id: EmailId,
  kind: Change["kind"],
  verb: string,
): Response | Promise<Response> {
  switch (kind) {
    case "changed":
      return c.json({ object: "email", id });
    case "started":
      return fail(c, {
        kind: "locked",
        message: `The email cannot be ${verb} any more: it is being sent, or has been.`,
      });
    case "unscheduled":
      return fail(c, {
        kind: "locked",
        message:
          "The email was not scheduled: it waits to be sent as soon as it can be. It can be cancelled.",
      });
    case "unknown":
      return goneOrUnknown(c, id, verb);
  }
}

/** The outbox forgets what is done; libSQL knows whether there ever was such an email. */
async function goneOrUnknown(c: AppContext, id: EmailId, verb: string): Promise<Response> {
  await settle(c, id);
  if ((await findEmail(dbOf(c.env), id)) === null) return noSuchEmail(c);
  return fail(c, {
    kind: "locked",
    message: `The email cannot be ${verb} any more: nothing of it is waiting to be sent.`,
  });
}

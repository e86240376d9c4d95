/** GET /v3/REST/message, messagehistory and messageinformation: what was sent, copy by copy, from libSQL. */
import { Hono } from "hono";
import { HISTORY_EVENTS } from "../../core/limits.ts";
import { numberOf } from "../../core/name-number.ts";
import { eventsOfCopy } from "../../db/mailjet-events.ts";
import {
  type CopyFilter,
  type CopyRecord,
  copies,
  countCopies,
  countedCopies,
} from "../../db/mailjet-messages.ts";
import { dbOf } from "../../env.ts";
import { isHard } from "../../policy/mailjet-state.ts";
import { parseMailbox } from "../../schema/address.ts";
import type { AppEnv } from "../context.ts";
import { settleAll } from "../settle.ts";
import { list, moment, noSuch } from "./envelope.ts";
import { copiesOf, EVERYTHING, numberOfCopy } from "./lookup.ts";
import { Filters, idBound, wrong } from "./parameters.ts";
import {
  filterOfState,
  filterOfStatus,
  HISTORY,
  MESSAGE_STATUSES,
  stateOf,
  statusOf,
  statusOfEvent,
} from "./states.ts";

export const messages = new Hono<AppEnv>();

const NAMES = [
  "CustomID",
  "MessageStatus",
  "MessageState",
  "Contact",
  "CustomCampaign",
  "FromTS",
  "ToTS",
  "ShowSubject",
  "ShowContactAlt",
  "ShowCustomID",
] as const;
const SORTS = ["ID", "ArrivedAt"];
const STATES_MAX = 21;
function filterOf(filters: Filters<(typeof NAMES)[number]>): CopyFilter {
  const status = filters.number("MessageStatus", 0, MESSAGE_STATUSES - 1);
  const state = filters.number("MessageState", 1, STATES_MAX);
  const contact = filters.text("Contact");
  const mailbox = contact === null ? null : parseMailbox(contact);
  if (mailbox !== null && !mailbox.ok)
    throw wrong('"Contact" must be an address: contacts are known by nothing else here.');
  return {
    from: idBound(filters.moment("FromTS")),
    below: idBound(filters.moment("ToTS", true)),
    index: null,
    address: mailbox === null ? null : mailbox.value.address,
    customId: filters.text("CustomID"),
    campaign: filters.text("CustomCampaign"),
    statuses: status === null ? null : filterOfStatus(status),
    categories: state === null ? null : filterOfState(state),
  };
}

interface Shown {
  subject: boolean;
  contact: boolean;
  customId: boolean;
}

async function messageObject(copy: CopyRecord, shown: Shown) {
  const { mailjet } = copy.meta;
  const state = stateOf(copy.status, copy.category);
  return {
    ArrivedAt: moment(copy.created_at),
    AttachmentCount: copy.attachments,
    AttemptCount: copy.attempts,
    CampaignID: await numberOf(mailjet?.campaign),
    ContactAlt: shown.contact ? copy.address : "",
    ContactID: await numberOf(copy.address),
    Delay: copy.sent_at === null ? 0 : copy.sent_at - copy.created_at,
    DestinationID: await numberOf(copy.domain),
    FilterTime: 0,
    ID: numberOfCopy(copy),
    IsClickTracked: copy.clicks && copy.html === 1,
    IsHTMLPartIncluded: copy.html === 1,
    IsOpenTracked: copy.opens && copy.html === 1,
    IsTextPartIncluded: copy.text === 1,
    IsUnsubTracked: false,
    MessageSize: copy.size,
    SenderID: await numberOf(copy.from),
    SpamassassinScore: 0,
    SpamassRules: "",
    StateID: state.id,
    StatePermanent: copy.status === "bounced" && isHard(copy.category),
    Status: statusOf(copy.status, copy.category),
    Subject: shown.subject ? copy.subject : "",
    UUID: copy.id,
    ...(shown.customId ? { CustomID: mailjet?.custom_id ?? "" } : {}),
  };
}

messages.get("/v3/REST/message", async (c) => {
  const filters = new Filters(c, NAMES);
  const filter = filterOf(filters);
  const page = filters.page(SORTS);
  const shown = {
    subject: filters.flag("ShowSubject"),
    contact: filters.flag("ShowContactAlt"),
    customId: filters.flag("ShowCustomID"),
  };
  await settleAll(c);
  const db = dbOf(c.env);
  if (filters.countOnly) return list(c, [], await countCopies(db, filter));
  const rows = await copies(db, filter, page);
  return list(c, await Promise.all(rows.map((copy) => messageObject(copy, shown))));
});

messages.get("/v3/REST/message/:id", async (c) => {
  const found = await copiesOf(c, c.req.param("id"), copies);
  if (found.length === 0) return noSuch(c, "message");
  const all = { subject: true, contact: true, customId: true };
  return list(c, await Promise.all(found.map((copy) => messageObject(copy, all))));
});

messages.get("/v3/REST/messagehistory/:id", async (c) => {
  const [copy] = await copiesOf(c, c.req.param("id"), copies);
  if (copy === undefined) return noSuch(c, "message");
  const events = await eventsOfCopy(dbOf(c.env), copy.id, copy.index, HISTORY_EVENTS);
  const rows = events.flatMap(({ type, at, data }) => {
    const kind = HISTORY[type];
    if (kind === undefined || data.visitor?.verdict === "scanner") return [];
    const agent = data.visitor?.user_agent ?? "";
    return {
      Comment: data.click?.link ?? data.attempt?.text ?? data.reason ?? "",
      EventAt: Math.floor(at / 1000),
      EventType: kind,
      State: stateOf(statusOfEvent(type), data.attempt?.category ?? data.category ?? null).name,
      Useragent: agent,
      UseragentID: agent,
    };
  });
  return list(
    c,
    await Promise.all(rows.map(async (row) => ({ ...row, UseragentID: await numberOf(row.UseragentID) }))),
  );
});

messages.get("/v3/REST/messageinformation", async (c) => {
  const filters = new Filters(c, ["CustomCampaign", "MessageStatus", "FromTS", "ToTS"]);
  const status = filters.number("MessageStatus", 0, MESSAGE_STATUSES - 1);
  const filter: CopyFilter = {
    ...EVERYTHING,
    from: idBound(filters.moment("FromTS")),
    below: idBound(filters.moment("ToTS", true)),
    campaign: filters.text("CustomCampaign"),
    statuses: status === null ? null : filterOfStatus(status),
  };
  const page = filters.page(["ID", "CreatedAt"]);
  await settleAll(c);
  const db = dbOf(c.env);
  if (filters.countOnly) return list(c, [], await countCopies(db, filter));
  return list(c, await Promise.all((await countedCopies(db, filter, page)).map(informationObject)));
});

messages.get("/v3/REST/messageinformation/:id", async (c) => {
  const found = await copiesOf(c, c.req.param("id"), countedCopies);
  if (found.length === 0) return noSuch(c, "message");
  return list(c, await Promise.all(found.map(informationObject)));
});

async function informationObject(copy: Awaited<ReturnType<typeof countedCopies>>[number]) {
  const status = statusOf(copy.status, copy.category);
  return {
    CampaignID: await numberOf(copy.meta.mailjet?.campaign),
    ClickTrackedCount: copy.clicked,
    ContactID: await numberOf(copy.address),
    CreatedAt: moment(copy.created_at),
    ID: numberOfCopy(copy),
    MessageSize: copy.size,
    OpenTrackedCount: copy.opened,
    QueuedCount: status === "queued" || status === "deferred" ? 1 : 0,
    SendEndAt: copy.sent_at === null ? "" : moment(copy.sent_at),
    SentCount: copy.sent_at === null ? 0 : 1,
    SpamAssassinRules: { Items: [] },
    SpamAssassinScore: 0,
  };
}

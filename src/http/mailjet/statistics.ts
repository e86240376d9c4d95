/** GET /v3/REST/openinformation, clickstatistics and bouncestatistics: what came of what was sent. */
import { Hono } from "hono";
import type { EmailId } from "../../core/ids.ts";
import { messageNumber } from "../../core/message-number.ts";
import { numberOf } from "../../core/name-number.ts";
import { countOfKind, type EventFilter, eventsOfKind, type KindRecord } from "../../db/mailjet-events.ts";
import { copies } from "../../db/mailjet-messages.ts";
import { dbOf } from "../../env.ts";
import { isHard } from "../../policy/mailjet-state.ts";
import type { EventType } from "../../schema/event.ts";
import type { AppEnv } from "../context.ts";
import { settleAll } from "../settle.ts";
import { list, moment, noSuch } from "./envelope.ts";
import { copiesOf } from "./lookup.ts";
import { Filters } from "./parameters.ts";
import { stateOf } from "./states.ts";

export const statistics = new Hono<AppEnv>();

const numberOfCopy = ({ email_id, index }: KindRecord) => messageNumber(email_id as EmailId, index);

async function opened(event: KindRecord) {
  const agent = event.data.visitor?.user_agent ?? "";
  return {
    ArrivedAt: moment(event.created_at),
    CampaignID: await numberOf(event.meta.mailjet?.campaign),
    ContactID: await numberOf(event.address),
    MessageID: numberOfCopy(event),
    OpenedAt: moment(event.at),
    UserAgentFull: agent,
    UserAgentID: await numberOf(agent),
  };
}

async function clicked(event: KindRecord) {
  return {
    ClickedAt: moment(event.at),
    ClickedDelay: Math.max(0, Math.round((event.at - event.created_at) / 1000)),
    ContactID: await numberOf(event.address),
    ID: messageNumber(event.id as EmailId, 0),
    MessageID: numberOfCopy(event),
    Url: event.data.click?.link ?? "",
    UserAgentID: await numberOf(event.data.visitor?.user_agent),
  };
}

async function bounced(event: KindRecord) {
  const category = event.data.attempt?.category ?? event.data.category ?? null;
  return {
    BouncedAt: moment(event.at),
    CampaignID: await numberOf(event.meta.mailjet?.campaign),
    ContactID: await numberOf(event.address),
    ID: numberOfCopy(event),
    IsBlocked: isHard(category),
    IsStatePermanent: isHard(category),
    StateID: stateOf("bounced", category).id,
  };
}

/** Each resource: which events it lists, how, and by which names of a moment it may be sorted. */
const RESOURCES: readonly {
  name: string;
  types: readonly EventType[];
  object: (event: KindRecord) => Promise<object>;
  sorts: readonly string[];
}[] = [
  { name: "openinformation", types: ["email.opened"], object: opened, sorts: ["ID", "OpenedAt"] },
  { name: "clickstatistics", types: ["email.clicked"], object: clicked, sorts: ["ID", "ClickedAt"] },
  {
    name: "bouncestatistics",
    types: ["email.bounced", "email.failed"],
    object: bounced,
    sorts: ["ID", "BouncedAt"],
  },
];

const EVERYTHING = { from: null, below: null, campaign: null, copy: null };

for (const { name, types, object, sorts } of RESOURCES) {
  statistics.get(`/v3/REST/${name}`, async (c) => {
    const filters = new Filters(c, [
      "FromTS",
      "ToTS",
      "EventFromTs",
      "EventToTs",
      "CustomCampaign",
      "MessageID",
    ]);
    const number = filters.text("MessageID");
    const [found] = number === null ? [] : await copiesOf(c, number, copies);
    const filter: EventFilter = {
      types,
      from: filters.moment("EventFromTs") ?? filters.moment("FromTS"),
      below: filters.moment("EventToTs", true) ?? filters.moment("ToTS", true),
      campaign: filters.text("CustomCampaign"),
      copy: found ?? null,
    };
    const page = filters.page(sorts);
    if (number !== null && found === undefined) return list(c, []);
    await settleAll(c);
    const db = dbOf(c.env);
    if (filters.countOnly) return list(c, [], await countOfKind(db, filter));
    return list(c, await Promise.all((await eventsOfKind(db, filter, page)).map(object)));
  });

  /** Of one message. Mailjet numbers clicks too; here a click is found by its message. */
  statistics.get(`/v3/REST/${name}/:id`, async (c) => {
    const [copy] = await copiesOf(c, c.req.param("id"), copies);
    if (copy === undefined) return noSuch(c, "message");
    const filters = new Filters(c, []);
    const events = await eventsOfKind(dbOf(c.env), { ...EVERYTHING, types, copy }, filters.page(sorts));
    return list(c, await Promise.all(events.map(object)));
  });
}

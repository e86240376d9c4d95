/**
 * /v3/REST/eventcallbackurl: where events are told in Mailjet's words. An event callback is a webhook like any, queued and
 * retried as they are; only what it is told, and how it is signed for, differs.
 */
import { Hono } from "hono";
import type { EmailId } from "../../core/ids.ts";
import { MB, WEBHOOK_SECRET_BYTES, WEBHOOKS_MAX } from "../../core/limits.ts";
import { messageNumber } from "../../core/message-number.ts";
import type { Result } from "../../core/result.ts";
import { registryOf } from "../../env.ts";
import type { MailjetCallback, Webhook } from "../../registry/rpc.ts";
import { parseEndpoint } from "../../schema/endpoint.ts";
import {
  CALLBACK_EVENTS,
  ChangedCallback,
  NewCallback,
  typesOfCallback,
} from "../../schema/mailjet-callback.ts";
import type { MailjetIssue } from "../../schema/mailjet-codes.ts";
import { parseMailjet } from "../../schema/mailjet-issues.ts";
import { spellSecret } from "../../schema/webhook.ts";
import { readJson } from "../body.ts";
import type { AppContext, AppEnv } from "../context.ts";
import { unwrap } from "../errors.ts";
import { newId } from "../new-id.ts";
import { list, noSuch } from "./envelope.ts";
import { refuse } from "./errors.ts";
import { Filters, wrong } from "./parameters.ts";

export const callbacks = new Hono<AppEnv>();

type Callback = Webhook & { mailjet: MailjetCallback };

const isCallback = (webhook: Webhook): webhook is Callback => webhook.mailjet !== null;
const numberOf = ({ id }: Webhook): bigint => messageNumber(id as EmailId, 0);

const callbackObject = (callback: Callback) => ({
  APIKeyID: 0,
  EventType: callback.mailjet.event,
  ID: numberOf(callback),
  IsBackup: false,
  Status: callback.enabled ? "alive" : "dead",
  Url: callback.endpoint,
  Version: callback.mailjet.version,
});

const callbacksOf = async (c: AppContext): Promise<Callback[]> =>
  (await registryOf(c.env).listWebhooks()).filter(isCallback);

/** By number, or as Mailjet spells its other key: `open|false`. */
async function find(c: AppContext): Promise<Callback | null> {
  const key = c.req.param("id") ?? "";
  const all = await callbacksOf(c);
  return all.find((one) => String(numberOf(one)) === key || `${one.mailjet.event}|false` === key) ?? null;
}

const bodyOf = async (c: AppContext): Promise<unknown> => unwrap(await readJson(c.req.raw, MB)).value;

/** The value, or the first thing at fault thrown. */
function checked<T>(parsed: Result<T, MailjetIssue[]>): T {
  if (!parsed.ok) throw wrong(parsed.error[0]!.message);
  return parsed.value;
}

function urlOf(c: AppContext, text: string): string {
  const url = parseEndpoint(text, c.var.config.webhookPrivate, true);
  if (!url.ok) throw wrong(`"Url" ${url.error}.`);
  return url.value;
}

/** One callback for each kind of event, as with Mailjet. */
function refuseTwice(
  c: AppContext,
  all: readonly Callback[],
  event: string,
  id: string | null,
): Response | null {
  const other = all.find((one) => one.mailjet.event === event && one.id !== id);
  return other === undefined
    ? null
    : refuse(c, {
        status: 400,
        code: "",
        message: `There is an eventcallbackurl for "${event}" already: number ${numberOf(other)}. Change or delete it.`,
      });
}

callbacks.get("/v3/REST/eventcallbackurl", async (c) => {
  const filters = new Filters(c, ["EventType", "Status", "Version", "Backup"]);
  const event = filters.oneOf("EventType", [...CALLBACK_EVENTS, "1", "2", "3", "4", "5", "6", "7"]);
  const status = filters.oneOf("Status", ["alive", "dead"]);
  const version = filters.number("Version", 1, 2);
  const backup = filters.flag("Backup");
  const page = filters.page(["ID"]);
  const found = (await callbacksOf(c))
    .filter(({ mailjet }) => event === null || mailjet.event === (NUMBERED[Number(event)] ?? event))
    .filter(({ enabled }) => status === null || enabled === (status === "alive"))
    .filter(({ mailjet }) => version === null || mailjet.version === version)
    .filter(() => !backup);
  if (filters.countOnly) return list(c, [], found.length);
  const sorted = page.descending ? found : found.reverse();
  return list(c, sorted.slice(page.offset, page.offset + page.limit).map(callbackObject));
});

/** Kinds of events by Mailjet's numbers, which its filter takes. */
const NUMBERED: Record<number, string> = {
  1: "click",
  2: "bounce",
  3: "spam",
  4: "blocked",
  5: "unsub",
  6: "open",
  7: "sent",
};

callbacks.get("/v3/REST/eventcallbackurl/:id", async (c) => {
  const callback = await find(c);
  return callback === null ? noSuch(c, "eventcallbackurl") : list(c, [callbackObject(callback)]);
});

callbacks.post("/v3/REST/eventcallbackurl", async (c) => {
  const { EventType, Url, Version, Status } = checked(parseMailjet(NewCallback, await bodyOf(c)));
  const endpoint = urlOf(c, Url);
  const registry = registryOf(c.env);
  const all = await registry.listWebhooks();
  const twice = refuseTwice(c, all.filter(isCallback), EventType, null);
  if (twice !== null) return twice;
  if (all.length >= WEBHOOKS_MAX)
    return refuse(c, {
      status: 400,
      code: "",
      message: `There are ${WEBHOOKS_MAX} webhooks already; delete some first.`,
    });
  const now = Date.now();
  const id = newId(now);
  await registry.createWebhook({
    id,
    endpoint,
    events: typesOfCallback(EventType),
    secret: spellSecret(crypto.getRandomValues(new Uint8Array(WEBHOOK_SECRET_BYTES))),
    createdAt: now,
    mailjet: { event: EventType, version: Version },
  });
  if (Status === "dead") await registry.updateWebhook(id, { enabled: false, reason: "Made as dead." });
  return answer(c, id, 201);
});

callbacks.put("/v3/REST/eventcallbackurl/:id", async (c) => {
  const callback = await find(c);
  if (callback === null) return noSuch(c, "eventcallbackurl");
  const { EventType, Url, Version, Status } = checked(parseMailjet(ChangedCallback, await bodyOf(c)));
  const event = EventType ?? callback.mailjet.event;
  const twice = refuseTwice(c, await callbacksOf(c), event, callback.id);
  if (twice !== null) return twice;
  const endpoint = Url === undefined ? callback.endpoint : urlOf(c, Url);
  // With Mailjet, one that was suspended is alive again when it is given another URL.
  const revived = endpoint !== callback.endpoint || callback.enabled;
  await registryOf(c.env).updateWebhook(callback.id, {
    endpoint,
    events: typesOfCallback(event),
    enabled: Status === undefined ? revived : Status === "alive",
    mailjet: { event, version: Version ?? callback.mailjet.version },
  });
  return answer(c, callback.id, 200);
});

async function answer(c: AppContext, id: string, status: 200 | 201): Promise<Response> {
  const callback = (await callbacksOf(c)).find((one) => one.id === id);
  return list(c, callback === undefined ? [] : [callbackObject(callback)], 1, status);
}

callbacks.delete("/v3/REST/eventcallbackurl/:id", async (c) => {
  const callback = await find(c);
  if (callback === null) return noSuch(c, "eventcallbackurl");
  await registryOf(c.env).removeWebhook(callback.id);
  return c.body(null, 204);
});

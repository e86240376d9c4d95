/** /suppressions: addresses that get no mail. Shapes are Resend's; topic, category, reason and expiry are added beside. */
import { Hono } from "hono";
import { parseEmailId } from "../core/ids.ts";
import { MB, TOPIC_CHARS } from "../core/limits.ts";
import { registryOf } from "../env.ts";
import type { SuppressionQuery, SuppressionTarget } from "../registry/suppression-rpc.ts";
import { parseMailbox } from "../schema/address.ts";
import { parse } from "../schema/parse.ts";
import {
  AddSuppression,
  AddSuppressions,
  comparedAddress,
  isErased,
  type NewSuppression,
  RemoveSuppressions,
  SUPPRESSION_ORIGINS,
  type Suppression,
} from "../schema/suppression.ts";
import { readJson } from "./body.ts";
import type { AppContext, AppEnv } from "./context.ts";
import { fail, ProblemError, unwrap } from "./errors.ts";
import { pageOf } from "./parameters.ts";

export const suppressions = new Hono<AppEnv>();

suppressions.post("/suppressions", async (c) => {
  const { value } = unwrap(await readJson(c.req.raw, MB));
  const { email, ...rest } = unwrap(parse(AddSuppression, value));
  const [answer] = await registryOf(c.env).addSuppressions([manual(email, rest)]);
  return c.json({ object: "suppression", id: answer!.id }, answer!.added ? 201 : 200);
});

suppressions.post("/suppressions/batch/add", async (c) => {
  const { value } = unwrap(await readJson(c.req.raw, MB));
  const { emails, ...rest } = unwrap(parse(AddSuppressions, value));
  const answers = await registryOf(c.env).addSuppressions(emails.map((email) => manual(email, rest)));
  return c.json({ data: answers.map(({ id }) => ({ object: "suppression", id })) }, 201);
});

suppressions.post("/suppressions/batch/remove", async (c) => {
  const { value } = unwrap(await readJson(c.req.raw, MB));
  const { emails, ids, topic } = unwrap(parse(RemoveSuppressions, value));
  const removed = await registryOf(c.env).removeSuppressions(
    ids != null ? { ids } : { addresses: emails!, topic: topic ?? "" },
  );
  return c.json({ data: removed.map(removedObject) });
});

suppressions.get("/suppressions", async (c) => {
  const { rows, hasMore } = await registryOf(c.env).listSuppressions({
    ...pageOf(c),
    ...suppressionFilter(c),
  });
  return c.json({ object: "list", has_more: hasMore, data: rows.map(suppressionObject) });
});

suppressions.get("/suppressions/:idOrEmail", async (c) => {
  const [found] = await registryOf(c.env).findSuppressions(targetOf(c));
  return found === undefined ? noSuchSuppression(c) : c.json(suppressionObject(found));
});

suppressions.delete("/suppressions/:idOrEmail", async (c) => {
  const [removed] = await registryOf(c.env).removeSuppressions(targetOf(c));
  return removed === undefined ? noSuchSuppression(c) : c.json(removedObject(removed));
});

/** The filters of a list or an export. */
export function suppressionFilter(c: AppContext): Pick<SuppressionQuery, "origin" | "topic" | "address"> {
  const { origin, topic, email } = c.req.query();
  const known = SUPPRESSION_ORIGINS.find((one) => one === origin);
  if (origin !== undefined && known === undefined)
    throw parameter(`\`origin\` must be one of ${SUPPRESSION_ORIGINS.join(", ")}.`);
  return {
    origin: known ?? null,
    topic: topic === undefined ? null : topicOf(c),
    address: email === undefined ? null : addressOf(email, "`email`"),
  };
}

const parameter = (message: string) => new ProblemError({ kind: "invalid_parameter", message });

function addressOf(text: string, name: string): string {
  const mailbox = parseMailbox(text);
  if (!mailbox.ok) throw parameter(`${name} ${mailbox.error}.`);
  return comparedAddress(mailbox.value.address);
}

/** `?topic=`; absent: the entry about all mail. */
function topicOf(c: AppContext): string {
  const topic = c.req.query("topic")?.trim() ?? "";
  if (topic.length > TOPIC_CHARS) throw parameter(`\`topic\` is longer than ${TOPIC_CHARS} characters.`);
  return topic;
}

function targetOf(c: AppContext): SuppressionTarget {
  const text = c.req.param("idOrEmail") ?? "";
  const id = parseEmailId(text);
  if (id !== null) return { ids: [id] };
  return {
    addresses: [addressOf(text, "What stands after /suppressions/ must be an id or an address: it")],
    topic: topicOf(c),
  };
}

const manual = (
  address: string,
  given: {
    topic?: string | null | undefined;
    reason?: string | null | undefined;
    expires_at?: string | null | undefined;
  },
): NewSuppression => {
  const expiresAt = given.expires_at == null ? null : Date.parse(given.expires_at);
  if (expiresAt !== null && expiresAt <= Date.now())
    throw new ProblemError({ kind: "invalid", issues: [{ path: "expires_at", message: "is in the past" }] });
  return {
    address,
    topic: given.topic ?? "",
    origin: "manual",
    category: "manual",
    reason: given.reason || null,
    sourceId: null,
    expiresAt,
  };
};

/** Resend spells these times as ISO 8601. */
const iso = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());

/** One entry. Of an erased one the address is not known, only that there is one. */
export const suppressionObject = (entry: Suppression) => ({
  object: "suppression",
  id: entry.id,
  email: isErased(entry.address) ? "(erased)" : entry.address,
  origin: entry.origin,
  source_id: entry.sourceId,
  created_at: iso(entry.createdAt),
  topic: entry.topic === "" ? null : entry.topic,
  category: entry.category,
  reason: entry.reason,
  expires_at: iso(entry.expiresAt),
});

const removedObject = ({ id }: Suppression) => ({ object: "suppression", id, deleted: true });

const noSuchSuppression = (c: AppContext): Response =>
  fail(c, { kind: "not_found", message: "Suppression not found: there is no such entry." });

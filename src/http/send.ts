/** POST /emails, /emails/batch and /emails/bulk: everything that sends. Shapes are Resend's; what it lacks is added beside. */
import { Hono } from "hono";
import { type Problem, toWire } from "../core/errors.ts";
import { ATTACHMENTS_FETCH_MS, BATCH_EMAILS, MB, RPC_BYTES } from "../core/limits.ts";
import { err, ok, type Result } from "../core/result.ts";
import { outboxOf, publicFetchOf } from "../env.ts";
import { type Order, pack, weightOf } from "../outbox/rpc.ts";
import { BulkEmail } from "../schema/bulk.ts";
import { SendEmail } from "../schema/email.ts";
import type { EmailMeta } from "../schema/event.ts";
import { parse, unknownFields } from "../schema/parse.ts";
import { fetched } from "./attachments.ts";
import { readJson } from "./body.ts";
import { compose, composeBulk } from "./compose.ts";
import type { AppContext, AppEnv } from "./context.ts";
import { fail, ProblemError, unwrap } from "./errors.ts";
import { emailIdWithByte, type Idempotency, readIdempotency } from "./idempotency.ts";
import { newId } from "./new-id.ts";
import type { ReadyTemplate } from "./template-cache.ts";
import { withTemplate } from "./template-use.ts";
import { nameUnknown } from "./unknown.ts";

export const sending = new Hono<AppEnv>();

sending.post("/emails", async (c) => {
  const { value, idempotency } = await readRequest(c, "/emails");
  const unknown = unknownFields(SendEmail, value);
  const made = unwrap(await withTemplate(c.env, value, Date.now()));
  const request = unwrap(await withFiles(c, unwrap(parse(SendEmail, made.value))));
  const context = composeContext(c, idempotency?.byte ?? null, made.template);
  const order = unwrap(compose(request, context, made.template));
  const response = await accept(c, [order], idempotency, { id: order.id });
  nameUnknown(c, unknown);
  return c.json(response);
});

sending.post("/emails/batch", async (c) => {
  const { value, idempotency } = await readRequest(c, "/emails/batch");
  if (!Array.isArray(value))
    return fail(c, {
      kind: "invalid",
      issues: [{ path: "", message: "The body must be a list of emails." }],
    });
  if (value.length === 0 || value.length > BATCH_EMAILS)
    return fail(c, {
      kind: "invalid",
      issues: [{ path: "", message: `The list has ${value.length} emails; 1 to ${BATCH_EMAILS} are taken.` }],
    });
  const permissive = isPermissive(c);
  const byte = idempotency?.byte ?? crypto.getRandomValues(new Uint8Array(1))[0]!;
  const orders: Order[] = [];
  const errors: { index: number; message: string }[] = [];
  const unknown: string[] = [];
  const limit = fileLimit();
  for (const [index, item] of value.entries()) {
    for (const field of unknownFields(SendEmail, item)) unknown.push(`[${index}].${field}`);
    const order = await composeItem(c, item, byte, limit);
    if (order.ok) {
      orders.push(order.value);
      // Now, not at the end: files by address make a small request large, and all of it is in memory.
      sizeOf(orders);
    } else if (!permissive || order.error.kind === "unavailable") return fail(c, atIndex(order.error, index));
    else errors.push({ index, message: reasonOf(order.error) });
  }
  const data = orders.map(({ id }) => ({ id }));
  const body = permissive ? { data, errors } : { data };
  const response = orders.length === 0 ? body : await accept(c, orders, idempotency, body);
  nameUnknown(c, unknown);
  return c.json(response);
});

sending.post("/emails/bulk", async (c) => {
  const { value, idempotency } = await readRequest(c, "/emails/bulk");
  const unknown = unknownFields(BulkEmail, value);
  const made = unwrap(await withTemplate(c.env, value, Date.now()));
  const request = unwrap(await withFiles(c, unwrap(parse(BulkEmail, made.value))));
  const order = unwrap(composeBulk(request, composeContext(c, idempotency?.byte ?? null, made.template)));
  const response = await accept(c, [order], idempotency, {
    id: order.id,
    accepted: order.deliveries.length,
    suppressed: 0,
  });
  nameUnknown(c, unknown);
  return c.json(response);
});

async function composeItem(
  c: AppContext,
  item: unknown,
  byte: number,
  limit: () => AbortSignal,
): Promise<Result<Order, Problem>> {
  const made = await withTemplate(c.env, item, Date.now());
  if (!made.ok) return made;
  const { template, value } = made.value;
  const parsed = parse(SendEmail, value);
  const whole = parsed.ok ? await withFiles(c, parsed.value, limit) : parsed;
  return whole.ok ? compose(whole.value, composeContext(c, byte, template), template) : whole;
}

/** When to give up the files of a request, all together: from the first one on, for most requests have none and want no timer. */
function fileLimit(): () => AbortSignal {
  let signal: AbortSignal | null = null;
  return () => {
    signal ??= AbortSignal.timeout(ATTACHMENTS_FETCH_MS);
    return signal;
  };
}

/** The request with the files that it names by their address. */
async function withFiles<T extends Pick<SendEmail, "attachments">>(
  c: AppContext,
  request: T,
  limit = fileLimit(),
): Promise<Result<T, Problem>> {
  if (request.attachments?.some(({ path }) => path !== undefined) !== true) return ok(request);
  const files = await fetched(request.attachments, "attachments", {
    fetch: publicFetchOf(c.env),
    allowPrivate: c.var.config.webhookPrivate,
    signal: limit(),
  });
  return files.ok
    ? ok({ ...request, attachments: files.value })
    : err({ kind: "invalid_attachment", issues: files.error });
}

async function readRequest(c: AppContext, route: string) {
  const { value, text } = unwrap(await readJson(c.req.raw));
  // What went into the sandbox reached nobody, and must not answer for the same request meant for real.
  const where = isSandboxed(c) ? `${route} (sandbox)` : route;
  const idempotency = unwrap(
    await readIdempotency(c.req.header("idempotency-key"), c.var.caller.id, where, text),
  );
  return { value, idempotency };
}

/** What composing needs to know of a request. `byte`: decides the shard; null: chance does. */
export function composeContext(c: AppContext, byte: number | null, template: ReadyTemplate | null = null) {
  const sandbox = isSandboxed(c);
  const now = Date.now();
  const random = crypto.getRandomValues(new Uint8Array(10));
  return {
    config: c.var.config,
    id: emailIdWithByte(now, random, byte ?? random[9]!),
    now,
    random: crypto.getRandomValues(new Uint8Array(16)),
    senders: c.var.caller.domains,
    sandbox,
    meta: metaOf(c, sandbox, template),
    newId,
    trackingBase: c.var.config.publicUrl ?? new URL(c.req.url).origin,
  };
}

function isPermissive(c: AppContext): boolean {
  const asked = c.req.header("x-batch-validation")?.trim().toLowerCase() ?? "strict";
  if (asked !== "strict" && asked !== "permissive")
    throw new ProblemError({
      kind: "invalid_parameter",
      message: "x-batch-validation must be `strict` or `permissive`.",
    });
  return asked === "permissive";
}

/** Asked for by the key, or by `X-Sandbox: true`. */
function isSandboxed(c: AppContext): boolean {
  if (c.var.caller.sandbox) return true;
  const asked = c.req.header("x-sandbox")?.trim().toLowerCase() ?? "false";
  if (asked !== "true" && asked !== "false")
    throw new ProblemError({ kind: "invalid_parameter", message: "X-Sandbox must be `true` or `false`." });
  return asked === "true";
}

/** Circumstances that go on the record with an email. */
function metaOf(c: AppContext, sandbox: boolean, template: ReadyTemplate | null): EmailMeta {
  const meta: EmailMeta = { request_id: c.var.requestId };
  if (c.var.caller.id !== null) meta.key_id = c.var.caller.id;
  if (sandbox) meta.sandbox = true;
  if (template !== null) meta.template_id = template.id;
  return meta;
}

/** Hands orders of one shard to their outbox. Resolves, with what to answer, once they are durable. */
export async function accept<T>(
  c: AppContext,
  orders: Order[],
  idempotency: Idempotency | null,
  response: T,
): Promise<T> {
  const [first] = orders as [Order, ...Order[]];
  const outbox = outboxOf(c.env, c.var.config.shards, first.id);
  const size = sizeOf(orders);
  if (size > STAGE_BYTES) {
    for (let at = 0, part = 0; at < size; at += STAGE_BYTES, part++)
      await outbox.stage(first.id, part, first.bytes!.slice(at, at + STAGE_BYTES));
    first.bytes = null;
  }
  const counted = typeof response === "object" && response !== null && "accepted" in response;
  const claim = idempotency && {
    key: idempotency.key,
    hash: idempotency.hash,
    response: JSON.stringify(response),
    counted,
  };
  const { length } = first.deliveries;
  const parcels = orders.map(pack);
  const weight = parcels.reduce((sum, parcel) => sum + weightOf(parcel), 0);
  if (weight > RPC_BYTES)
    throw new ProblemError({
      kind: "too_large",
      message: `Mail and text make ${Math.ceil(weight / MB)} MB, where letters beyond Western Europe's count twice; ${RPC_BYTES / MB} MB are taken in one call.`,
    });
  const acceptance = await outbox.accept(parcels, claim);
  switch (acceptance.kind) {
    case "accepted":
      return counted
        ? { ...response, accepted: length - acceptance.suppressed, suppressed: acceptance.suppressed }
        : response;
    case "repeated":
      c.header("idempotent-replayed", "true");
      return JSON.parse(acceptance.response) as T;
    case "mismatch":
      throw new ProblemError({
        kind: "idempotency_mismatch",
        message: "This Idempotency-Key was used with another request within the last 24 hours.",
      });
  }
}

/** Bytes of all messages. Throws a Problem when there are several and one call cannot carry them. */
function sizeOf(orders: readonly Order[]): number {
  const size = orders.reduce((sum, { bytes }) => sum + (bytes?.length ?? 0), 0);
  if (orders.length > 1 && size > RPC_BYTES / 2)
    throw new ProblemError({
      kind: "too_large",
      message: `The batch makes ${Math.ceil(size / MB)} MB of mail or more; ${RPC_BYTES / 2 / MB} MB are taken in one call.`,
    });
  return size;
}

/** A message longer than this goes to the outbox in parts: a call carries 32 MiB, and the record of it needs room too. */
const STAGE_BYTES = 8 * MB;

/** The first is enough: a list of errors has a line for each email. */
const reasonOf = (problem: Problem): string =>
  toWire("issues" in problem ? { ...problem, issues: problem.issues.slice(0, 1) } : problem).message;

function atIndex<P extends Problem>(problem: P, index: number): P {
  if (!("issues" in problem)) return problem;
  return {
    ...problem,
    issues: problem.issues.map(({ path, message }) => ({
      path: path === "" ? `[${index}]` : `[${index}].${path}`,
      message,
    })),
  };
}

/** POST /v3.1/send: each message on its own, good ones sent whatever becomes of the others. */
import { Hono } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { exactJson } from "../../core/exact-json.ts";
import { messageNumber } from "../../core/message-number.ts";
import type { Order } from "../../outbox/rpc.ts";
import type { MailjetIssue } from "../../schema/mailjet-codes.ts";
import { parseMailjet } from "../../schema/mailjet-issues.ts";
import { messageSchema, SendRequest, withGlobals } from "../../schema/mailjet-send.ts";
import { unknownFields } from "../../schema/parse.ts";
import { readJson } from "../body.ts";
import type { AppContext, AppEnv } from "../context.ts";
import { nameUnknown } from "../unknown.ts";
import { Desk, type Prepared } from "./desk.ts";
import { type MessageError, refuse, refuseProblem } from "./errors.ts";
import type { Seat } from "./translate.ts";

export const send = new Hono<AppEnv>();

send.post("/v3.1/send", async (c) => {
  const body = await readJson(c.req.raw);
  if (!body.ok) return refuseProblem(c, body.error);
  const parsed = parseMailjet(SendRequest, body.value.value);
  if (!parsed.ok) return refuseWhole(c, parsed.error[0]!);
  const { Messages, Globals, SandboxMode } = parsed.value;
  const desk = new Desk(c);
  const unknown: string[] = [];
  const messages = Messages.map((message, i) => {
    for (const field of unknownFields(messageSchema(message), message))
      unknown.push(`Messages[${i}].${field}`);
    return desk.read(withGlobals(Globals, message));
  });
  await desk.lookUp(messages.flatMap((message) => (message.ok ? [message.value] : [])));
  const prepared = messages.map((message) =>
    message.ok ? desk.prepare(message.value, SandboxMode === true) : message,
  );
  const lost = SandboxMode === true ? new Map<Order, MessageError>() : await desk.hand(prepared);
  const answers = prepared.map((one) => {
    if (!one.ok) return { Status: "error", Errors: one.error };
    const fault = lost.get(one.value.order);
    return fault === undefined
      ? success(c, one.value, SandboxMode === true)
      : { Status: "error", Errors: [fault] };
  });
  nameUnknown(c, unknown);
  // An SDK that throws although mail was sent makes its caller send again (mailjet-apiv3-nodejs#271): a request fails only
  // when nothing of it was taken.
  const errors = answers.flatMap((answer) => ("Errors" in answer ? [answer.Errors[0]!] : []));
  const status = errors.length === answers.length ? errors[0]!.StatusCode : 200;
  c.header("Content-Type", "application/json; charset=utf-8");
  return c.body(exactJson({ Messages: answers }), status as ContentfulStatusCode);
});

const refuseWhole = (c: AppContext, { code, message }: MailjetIssue): Response =>
  refuse(c, { status: 400, code, message });

/** What stands in the answer for a message that was taken. In Mailjet's sandbox mode there is no message to name. */
function success(c: AppContext, { order, customId, seats }: Prepared, sandboxed: boolean) {
  const base = c.var.config.publicUrl ?? new URL(c.req.url).origin;
  const copy = ({ email, index }: Seat) => {
    const number = sandboxed ? 0 : messageNumber(order.id, index);
    return {
      Email: email,
      MessageUUID: sandboxed ? "" : order.id,
      MessageID: number,
      MessageHref: `${base}/v3/REST/message/${number}`,
    };
  };
  return {
    Status: "success",
    CustomID: customId,
    To: seats.to.map(copy),
    Cc: seats.cc.map(copy),
    Bcc: seats.bcc.map(copy),
  };
}

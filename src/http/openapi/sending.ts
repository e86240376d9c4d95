/** The contract of everything that sends. */
import { BulkEmail } from "../../schema/bulk.ts";
import { SendBatch, SendEmail } from "../../schema/email.ts";
import type { Operation, Parameter } from "./operation.ts";

const IDEMPOTENCY: Parameter = {
  name: "Idempotency-Key",
  in: "header",
  description:
    "The same key and body get the same answer for 24 hours, and one message. Another body under the same key is refused.",
  schema: { type: "string", minLength: 1, maxLength: 256 },
};
const SANDBOX: Parameter = {
  name: "X-Sandbox",
  in: "header",
  description: "`true`: everything runs but the dialogue with a relay.",
  schema: { type: "string", enum: ["true", "false"] },
};

export const SENDING: Operation[] = [
  {
    method: "post",
    path: "/emails",
    id: "sendEmail",
    tag: "Sending",
    summary: "Send a message",
    description:
      "Answered once the message is durable. Fields nobody knows are named in `x-postern-unknown-fields`.",
    access: "sending",
    parameters: [IDEMPOTENCY, SANDBOX],
    body: SendEmail,
    answer: { status: 200, description: "`{id}`: it will be delivered, bounced, expired or cancelled." },
    example: {
      body: {
        from: "Ada <ada@example.com>",
        to: ["delivered@postern.test"],
        subject: "It works",
        html: '<p>Hello! <a href="https://example.com/">Click me</a></p>',
        tags: [{ name: "kind", value: "welcome" }],
      },
      status: 200,
    },
  },
  {
    method: "post",
    path: "/emails/batch",
    id: "sendBatch",
    tag: "Sending",
    summary: "Send up to 100 messages",
    access: "sending",
    parameters: [
      IDEMPOTENCY,
      SANDBOX,
      {
        name: "x-batch-validation",
        in: "header",
        description:
          "`strict` (default): one wrong message refuses all. `permissive`: the others are sent, and `errors` names the wrong ones.",
        schema: { type: "string", enum: ["strict", "permissive"] },
      },
    ],
    body: SendBatch,
    answer: {
      status: 200,
      description: "`{data: [{id}]}`, in the order given; permissive adds `errors: [{index, message}]`.",
    },
    example: {
      body: [
        { from: "ada@example.com", to: "delivered@postern.test", subject: "One", text: "One" },
        { from: "ada@example.com", to: "bounced@postern.test", subject: "Two", text: "Two" },
      ],
      status: 200,
    },
  },
  {
    method: "post",
    path: "/emails/bulk",
    id: "sendBulk",
    tag: "Sending",
    summary: "Send one content to up to 10,000 people, each a private copy",
    access: "sending",
    parameters: [IDEMPOTENCY, SANDBOX],
    body: BulkEmail,
    answer: { status: 200, description: "`{id, accepted, suppressed}`." },
    example: {
      body: {
        from: "news@example.com",
        subject: "Hello {{name|there}}",
        html: "<p>Dear {{name|reader}}, …</p>",
        recipients: [
          { to: "delivered@postern.test", variables: { name: "Bea" } },
          { to: "delivered+carl@postern.test" },
        ],
      },
      status: 200,
    },
  },
];

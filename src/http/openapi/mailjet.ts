/** The contract of Mailjet's dialect; docs/mailjet.md tells how it differs from Mailjet. */
import { MailjetBatch } from "../../schema/mailjet-send.ts";
import type { Operation } from "./operation.ts";

export const MAILJET: Operation[] = [
  {
    method: "post",
    path: "/v3.1/send",
    id: "mailjetSend",
    tag: "Mailjet",
    summary: "Send up to 50 messages, each on its own",
    access: "sending",
    body: MailjetBatch,
    answer: {
      status: 200,
      description: "`{Messages: [{Status, CustomID, To, Cc, Bcc}]}`, in the order given.",
    },
    example: {
      body: {
        Messages: [
          {
            From: { Email: "ada@example.com", Name: "Ada" },
            To: [{ Email: "delivered@postern.test" }],
            Subject: "It works",
            TextPart: "Hello!",
            CustomID: "order-1",
          },
        ],
      },
      status: 200,
    },
  },
];

/** The contract of what became of messages. */
import { Reschedule } from "../../schema/email.ts";
import { EXPORT } from "./events.ts";
import type { Operation } from "./operation.ts";
import { PAGING } from "./paging.ts";

export const EMAILS: Operation[] = [
  {
    method: "get",
    path: "/emails",
    id: "listEmails",
    tag: "Emails",
    summary: "Messages, the newest first",
    parameters: PAGING,
    answer: { status: 200, description: "`{object: list, has_more, data}`." },
    example: { query: { limit: "2" }, status: 200 },
  },
  {
    method: "get",
    path: "/emails/{id}",
    id: "getEmail",
    tag: "Emails",
    summary: "One message, with each recipient's status and the relay's last words",
    parameters: [
      {
        name: "recipients_limit",
        in: "query",
        description: "How many recipients.",
        schema: { type: "integer" },
      },
      {
        name: "recipients_after",
        in: "query",
        description: "Only recipients of a higher index.",
        schema: { type: "integer" },
      },
    ],
    answer: { status: 200, description: "The message, `counts` by status, and `recipients`." },
    example: { path: { id: "$email" }, status: 200 },
  },
  {
    method: "get",
    path: "/emails/{id}/events",
    id: "listEmailEvents",
    tag: "Emails",
    summary: "What happened to a message, the oldest first",
    description: `Takes the filters of GET /events, too. ${EXPORT}`,
    parameters: PAGING,
    answer: { status: 200, description: "`{object: list, has_more, data}`." },
    example: { path: { id: "$email" }, status: 200 },
  },
  {
    method: "patch",
    path: "/emails/{id}",
    id: "rescheduleEmail",
    tag: "Emails",
    summary: "Send a scheduled message at another time",
    body: Reschedule,
    answer: { status: 200, description: "`{object: email, id}`." },
    example: { path: { id: "$scheduled" }, body: { scheduled_at: "in 2 hours" }, status: 200 },
  },
  {
    method: "post",
    path: "/emails/{id}/cancel",
    id: "cancelEmail",
    tag: "Emails",
    summary: "Drop what has not gone yet of a message",
    answer: { status: 200, description: "`{object: email, id}`." },
    example: { path: { id: "$scheduled" }, status: 200 },
  },
];

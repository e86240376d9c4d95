/** The contract of suppressions. */
import {
  AddSuppression,
  AddSuppressions,
  RemoveSuppressions,
  SUPPRESSION_ORIGINS,
} from "../../schema/suppression.ts";
import type { Operation, Parameter } from "./operation.ts";
import { PAGING } from "./paging.ts";

const TOPIC: Parameter = {
  name: "topic",
  in: "query",
  description: "With an address: the entry about this topic. Absent: the one about all mail.",
};
const FILTERS: Parameter[] = [
  {
    name: "origin",
    in: "query",
    description: "How entries came to be.",
    schema: { type: "string", enum: [...SUPPRESSION_ORIGINS] },
  },
  { name: "topic", in: "query", description: "Entries about this topic; empty: about all mail." },
  { name: "email", in: "query", description: "Entries of this address." },
];

export const SUPPRESSIONS: Operation[] = [
  {
    method: "post",
    path: "/suppressions",
    id: "addSuppression",
    tag: "Suppressions",
    summary: "Send an address nothing any more",
    description: "200 with the same id when it is on the list already.",
    body: AddSuppression,
    answer: { status: 201, description: "`{object: suppression, id}`." },
    example: { body: { email: "reader@example.net", reason: "Asked by telephone." }, status: 201 },
  },
  {
    method: "get",
    path: "/suppressions",
    id: "listSuppressions",
    tag: "Suppressions",
    summary: "Suppressed addresses, the newest first",
    parameters: [...PAGING, ...FILTERS],
    answer: { status: 200, description: "`{object: list, has_more, data}`." },
    example: { query: { origin: "bounce", limit: "50" }, status: 200 },
  },
  {
    method: "get",
    path: "/suppressions/{idOrEmail}",
    id: "getSuppression",
    tag: "Suppressions",
    summary: "Whether an address is suppressed, and why",
    parameters: [TOPIC],
    answer: { status: 200, description: "The entry." },
    example: { path: { idOrEmail: "$suppressed" }, status: 200 },
  },
  {
    method: "delete",
    path: "/suppressions/{idOrEmail}",
    id: "removeSuppression",
    tag: "Suppressions",
    summary: "Let an address have mail again",
    parameters: [TOPIC],
    answer: { status: 200, description: "`{object: suppression, id, deleted: true}`." },
    example: { path: { idOrEmail: "$suppressed" }, status: 200 },
  },
  {
    method: "post",
    path: "/suppressions/batch/add",
    id: "addSuppressions",
    tag: "Suppressions",
    summary: "Suppress up to 100 addresses",
    body: AddSuppressions,
    answer: { status: 201, description: "`{data: [{object: suppression, id}]}`, in order." },
    example: { body: { emails: ["one@example.net", "two@example.net"], topic: "news" }, status: 201 },
  },
  {
    method: "post",
    path: "/suppressions/batch/remove",
    id: "removeSuppressions",
    tag: "Suppressions",
    summary: "Take up to 100 entries off the list, by address or by id",
    body: RemoveSuppressions,
    answer: {
      status: 200,
      description: "`{data: [{object: suppression, id, deleted: true}]}`: those there were.",
    },
    example: { body: { emails: ["one@example.net", "two@example.net"], topic: "news" }, status: 200 },
  },
  {
    method: "post",
    path: "/suppressions/import",
    id: "importSuppressions",
    tag: "Suppressions",
    summary: "Suppress a whole list",
    description:
      "A list of addresses, or CSV with a header. With `Accept: application/x-ndjson` a line of progress for every 5,000 rows, then the summary.",
    body: {
      type: "text/csv",
      description:
        "Columns: `email`, and if wanted `topic`, `origin`, `category`, `reason`, `source_id`, `expires_at`.",
    },
    answer: {
      status: 200,
      description:
        "`{object: suppression_import, rows, added, already, invalid_total, invalid: [{line, reason}]}`.",
    },
    example: { body: "email,reason\nreader@example.net,Asked by telephone.\n", status: 200 },
  },
  {
    method: "get",
    path: "/suppressions/export",
    id: "exportSuppressions",
    tag: "Suppressions",
    summary: "The whole list as CSV",
    parameters: FILTERS,
    answer: { status: 200, description: "Oldest first, with a header.", type: "text/csv" },
    example: { query: { origin: "complaint" }, status: 200 },
  },
];

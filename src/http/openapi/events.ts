/** The contract of events, figures and forgetting. */
import { EVENT_TYPES } from "../../schema/event.ts";
import { METRICS } from "../../schema/metric.ts";
import { GRANULARITIES } from "../../schema/period.ts";
import type { Operation, Parameter } from "./operation.ts";
import { PAGING } from "./paging.ts";

const query = (name: string, description: string): Parameter => ({ name, in: "query", description });

const MOMENT = "A date such as `2026-11-24`, or a time such as `2026-11-24T08:00:00Z`.";
export const EXPORT =
  "With `Accept: application/x-ndjson` all of it comes as one event a line, the oldest first; `after` goes on where an export broke off.";

export const EVENTS: Operation[] = [
  {
    method: "get",
    path: "/events",
    id: "listEvents",
    tag: "Events",
    summary: "What happened, the newest first",
    description: EXPORT,
    parameters: [
      query("type", `One or several of ${EVENT_TYPES.join(", ")}, with commas.`),
      query("recipient", "The recipient's address, in any case."),
      query("tag", "A tag's name, or name and value: `campaign=May`."),
      query("email", "Id of an email."),
      query("relay", "Name of the relay of an attempt."),
      query("category", "What a server's answer or a report amounts to, such as `mailbox_full`."),
      query("since", MOMENT),
      query("until", `${MOMENT} Not included; a date is, as a whole.`),
      ...PAGING,
    ],
    answer: { status: 200, description: "`{object: list, has_more, data}`." },
    example: { query: { type: "email.sent", limit: "2" }, status: 200 },
  },
  {
    method: "get",
    path: "/emails/metrics",
    id: "getMetrics",
    tag: "Events",
    summary: "How often what happened, and rates, with machines told apart",
    parameters: [
      query("start_date", `${MOMENT} Absent: six days before the end.`),
      query("end_date", `${MOMENT} Absent: now.`),
      query("timezone", "IANA name of the zone that days begin in. Absent: UTC."),
      {
        name: "granularity",
        in: "query",
        description: "Length of a period.",
        schema: { type: "string", enum: GRANULARITIES, default: "daily" },
      },
      query("metrics", `Absent: all. Of ${METRICS.join(", ")}, with commas.`),
      query(
        "dimensions",
        "What rows are told apart by: period, email, domain, sender_domain, recipient_domain, relay, category, tag, with commas. Absent: totals only.",
      ),
      query("domain_id", "Only these sender domains, with commas. A domain's id is its name."),
      query("email_id", "Only these emails, with commas."),
      query("broadcast_id", "There are none: 422."),
      query("recipient_domain", "Only these, with commas."),
      query("relay", "Only these, with commas."),
      query("category", "Only these, with commas."),
      query("tag", "Only these, `name=value`, with commas."),
    ],
    answer: {
      status: 200,
      description:
        "`{object: metrics, start_date, end_date, metrics, dimensions, granularity, totals, data}`; `data` when there are dimensions.",
    },
    example: { query: { dimensions: "period,relay", metrics: "sent,bounce_rate" }, status: 200 },
  },
  {
    method: "delete",
    path: "/recipients/{email}",
    id: "eraseRecipient",
    tag: "Recipients",
    summary: "Forget one person everywhere",
    description:
      "Mail that waits for them is never sent. Of a complaint, an unsubscribe or an entry made by hand a keyed hash stays, so that the wish is still kept.",
    parameters: [{ name: "email", in: "path", description: "The address." }],
    answer: {
      status: 200,
      description:
        "`{object: erasure, email, erased: {…}, in_flight, complete}`: rows by table. Not `complete`: a copy was on the wire; call again in a moment.",
    },
    example: { path: { email: "nobody@example.net" }, status: 200 },
  },
];

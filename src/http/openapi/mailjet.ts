/** The contract of Mailjet's dialect; docs/mailjet.md tells how it differs from Mailjet. */
import { ChangedCallback, NewCallback } from "../../schema/mailjet-callback.ts";
import { MailjetBatch } from "../../schema/mailjet-send.ts";
import type { Operation, Parameter } from "./operation.ts";

const integer = { type: "integer" } as const;
const query = (
  name: string,
  description: string,
  schema: Parameter["schema"] = { type: "string" },
): Parameter => ({
  name,
  in: "query",
  description,
  schema,
});
const SPAN = [
  query("FromTS", "From this moment on: a Unix time in seconds, or a date."),
  query("ToTS", "Up to this moment."),
];
const PAGE = [
  query("Limit", "How many: 10 by default, at most 1,000; 0 is 1,000.", integer),
  query("Offset", "How many to leave out.", integer),
  query("Sort", "A property's name, with +DESC for the other way round."),
  query("countOnly", "Only how many there are.", { type: "boolean" }),
];
const ENVELOPE = "`{Count, Data, Total}`.";

/** A list, and the same of one message. */
function resource(name: string, what: string, parameters: readonly Parameter[]): Operation[] {
  const id = name.replace(/^./, (first) => first.toUpperCase());
  return [
    {
      method: "get",
      path: `/v3/REST/${name}`,
      id: `mailjetList${id}`,
      tag: "Mailjet",
      summary: `${what}, as a list`,
      parameters: [...parameters, ...SPAN, ...PAGE],
      answer: { status: 200, description: ENVELOPE },
      example: { query: { Limit: "2" }, status: 200 },
    },
    ofMessage(name, what),
  ];
}

const ofMessage = (name: string, what: string): Operation => ({
  method: "get",
  path: `/v3/REST/${name}/{id}`,
  id: `mailjetGet${name.replace(/^./, (first) => first.toUpperCase())}`,
  tag: "Mailjet",
  summary: `${what}, of one message`,
  answer: { status: 200, description: ENVELOPE },
  example: { path: { id: "$number" }, status: 200 },
});

const CAMPAIGN = query("CustomCampaign", "Only of this campaign.");
const STATUS = query("MessageStatus", "0 to 11, as Mailjet numbers them.", integer);
const EVENTS = [
  CAMPAIGN,
  query("MessageID", "Only of this message.", integer),
  query("EventFromTs", "As FromTS."),
  query("EventToTs", "As ToTS."),
];

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
  ...resource("message", "What was sent, a row for each recipient", [
    CAMPAIGN,
    STATUS,
    query("CustomID", "Only with this CustomID."),
    query("Contact", "Only to this address."),
    query("MessageState", "1 to 21, as Mailjet numbers them.", integer),
    query("ShowSubject", "With the subject.", { type: "boolean" }),
    query("ShowContactAlt", "With the address.", { type: "boolean" }),
    query("ShowCustomID", "With the CustomID.", { type: "boolean" }),
  ]),
  ofMessage("messagehistory", "Everything that happened"),
  ...resource("messageinformation", "Size and counts of opens and clicks", [CAMPAIGN, STATUS]),
  ...resource("openinformation", "Opens", EVENTS),
  ...resource("clickstatistics", "Clicks", EVENTS),
  ...resource("bouncestatistics", "Bounces", EVENTS),
  {
    method: "get",
    path: "/v3/REST/statcounters",
    id: "mailjetStatCounters",
    tag: "Mailjet",
    summary: "How much was sent, and what came of it",
    parameters: [
      query("CounterSource", "APIKey."),
      query("CounterTiming", "Message: by the time of sending. Event: by the time of what happened."),
      query("CounterResolution", "Lifetime, Day, Hour or Highest."),
      ...SPAN,
      ...PAGE,
    ],
    answer: { status: 200, description: ENVELOPE },
    example: {
      query: { CounterSource: "APIKey", CounterTiming: "Event", CounterResolution: "Day" },
      status: 200,
    },
  },
  {
    method: "get",
    path: "/v3/REST/eventcallbackurl",
    id: "mailjetListCallbacks",
    tag: "Mailjet",
    summary: "Where events are told in Mailjet's words",
    parameters: [
      query("EventType", "Only of this kind."),
      query("Status", "alive or dead."),
      query("Version", "1 or 2.", integer),
      query("Backup", "There are no backups here.", { type: "boolean" }),
      ...PAGE,
    ],
    answer: { status: 200, description: ENVELOPE },
    example: { status: 200 },
  },
  {
    method: "post",
    path: "/v3/REST/eventcallbackurl",
    id: "mailjetCreateCallback",
    tag: "Mailjet",
    summary: "Have events of one kind told to a URL",
    body: NewCallback,
    answer: { status: 201, description: ENVELOPE },
    example: { body: { EventType: "spam", Url: "https://example.com/mailjet", Version: 2 }, status: 201 },
  },
  {
    method: "get",
    path: "/v3/REST/eventcallbackurl/{id}",
    id: "mailjetGetCallback",
    tag: "Mailjet",
    summary: "One of them, by number or as `open|false`",
    answer: { status: 200, description: ENVELOPE },
    example: { path: { id: "$callback" }, status: 200 },
  },
  {
    method: "put",
    path: "/v3/REST/eventcallbackurl/{id}",
    id: "mailjetUpdateCallback",
    tag: "Mailjet",
    summary: "Change it; another URL makes it alive again",
    body: ChangedCallback,
    answer: { status: 200, description: ENVELOPE },
    example: { path: { id: "$callback" }, body: { Version: 1 }, status: 200 },
  },
  {
    method: "delete",
    path: "/v3/REST/eventcallbackurl/{id}",
    id: "mailjetDeleteCallback",
    tag: "Mailjet",
    summary: "Tell it no more",
    answer: { status: 204, description: "Nothing.", type: "" },
    example: { path: { id: "$callback" }, status: 204 },
  },
];

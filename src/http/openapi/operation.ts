/** What the contract says of one route, and an example of it that a test calls. */
import type { Schema } from "../../schema/json-schema.ts";

export interface Parameter {
  name: string;
  in: "path" | "query" | "header";
  description: string;
  /** Absent: text. */
  schema?: { type: "string" | "integer" | "boolean"; [key: string]: unknown };
}

export interface Example {
  /** In the place of `{id}` and the like. A value such as "$email" stands for something the test has made before. */
  path?: Record<string, string>;
  query?: Record<string, string>;
  headers?: Record<string, string>;
  /** JSON, or text of the operation's own media type. */
  body?: unknown;
  status: number;
}

export interface Operation {
  method: "get" | "post" | "patch" | "put" | "delete";
  /** As OpenAPI writes it: `/emails/{id}`. */
  path: string;
  /** A name for generated clients. */
  id: string;
  tag: Tag;
  /** A few words. */
  summary: string;
  /** What a caller should know besides. */
  description?: string;
  /** Whose business it is: absent, whoever has a key of full access. */
  access?: "sending" | "anyone";
  parameters?: Parameter[];
  /** The schema that validates the body; or its media type, when it is not JSON. */
  body?: Schema | { type: string; description: string };
  /** What a good answer is. */
  answer: { status: number; description: string; type?: string };
  example: Example;
}

/** Groups of routes, in the order a reader wants them. */
export const TAGS = {
  Sending: "Messages on their way out: one, a batch, or one content for many.",
  Emails: "What became of a message, recipient by recipient.",
  Events: "Everything that happened, and figures made of it.",
  Templates: "Content that is kept here and sent by name.",
  Suppressions: "Addresses that get no mail.",
  Webhooks: "Events told to your server, signed.",
  "API keys": "Who may call, and for what.",
  Relays: "The servers that mail goes through.",
  "Mail in": "Bounces, complaints and unsubscribe mails.",
  Recipients: "One person's data.",
  Tracking: "What mail links to. Nobody needs a key here.",
  Operation: "Health and figures of the gateway itself.",
  Mailjet: "The dialect that Mailjet's SDKs speak.",
} as const;
export type Tag = keyof typeof TAGS;

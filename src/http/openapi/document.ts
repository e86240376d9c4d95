/** The OpenAPI 3.1 document (spec.openapis.org/oas/v3.1.1), put together from the operations and the schemas that validate. Pure. */
import { isSchema, jsonSchemaOf } from "../../schema/json-schema.ts";
import type { Operation } from "./operation.ts";
import { TAGS } from "./operation.ts";

export type Document = Record<string, unknown>;

const VERSION = "0.1.0";

/** Errors that every route behind a key may answer, by status. */
const ERRORS: Record<string, string> = {
  "401": "No key, or one that may not do this.",
  "403": "The key is not known, or may not send as this sender.",
  "404": "There is no such thing.",
  "415": "The body is compressed (`Content-Encoding`); send it uncompressed.",
  "422": "The request is not valid; `errors` names every field at fault.",
  "429": "The key's rate is used up; Retry-After says when to come again.",
  "503": "What is needed for the answer is away; Retry-After says when to come again. Sending goes on.",
};

const ERROR_SCHEMA = {
  type: "object",
  required: ["statusCode", "name", "message"],
  properties: {
    statusCode: { type: "integer", description: "The HTTP status." },
    name: { type: "string", description: "What kind of error it is, for programs." },
    message: { type: "string", description: "What is wrong, for people." },
    errors: {
      type: "array",
      description: "Every field at fault.",
      items: {
        type: "object",
        required: ["path", "message"],
        properties: { path: { type: "string" }, message: { type: "string" } },
      },
    },
  },
};

/** `base`: where this gateway is reached. */
export function documentOf(operations: readonly Operation[], base: string): Document {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const operation of operations) {
    paths[operation.path] ??= {};
    paths[operation.path]![operation.method] = operationObject(operation);
  }
  const used = new Set(operations.map(({ tag }) => tag));
  return {
    openapi: "3.1.1",
    info: {
      title: "Postern",
      version: VERSION,
      summary: "An email API in front of any SMTP relay.",
      description:
        "Resend's wire contract, and what it lacks. Errors are `{statusCode, name, message, errors}`. Lists are paged by `limit`, `after` and `before`.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: base, description: "This gateway" }],
    security: [{ key: [] }],
    tags: Object.entries(TAGS)
      .filter(([name]) => used.has(name as Operation["tag"]))
      .map(([name, description]) => ({ name, description })),
    paths,
    components: {
      securitySchemes: {
        key: { type: "http", scheme: "bearer", description: "The root key, or one made by POST /api-keys." },
        ...(used.has("Mailjet")
          ? {
              basic: {
                type: "http",
                scheme: "basic",
                description: "Mailjet's dialect: a key as the password.",
              },
            }
          : {}),
      },
      schemas: { Error: ERROR_SCHEMA },
      responses: Object.fromEntries(
        Object.entries(ERRORS).map(([status, description]) => [
          `Error${status}`,
          {
            description,
            content: { "application/json": { schema: { $ref: "#/components/schemas/Error" } } },
          },
        ]),
      ),
    },
  };
}

function operationObject(operation: Operation): Record<string, unknown> {
  const { answer, access, example } = operation;
  const media = answer.type ?? "application/json";
  const empty = answer.type === "" || answer.status === 302;
  const object: Record<string, unknown> = {
    operationId: operation.id,
    tags: [operation.tag],
    summary: operation.summary,
    ...(operation.description === undefined ? {} : { description: operation.description }),
    ...(access === "anyone" ? { security: [] } : {}),
    ...(operation.tag === "Mailjet" ? { security: [{ basic: [] }, { key: [] }] } : {}),
    responses: {
      [answer.status]: {
        description: answer.description,
        ...(empty ? {} : { content: { [media]: {} } }),
      },
      ...errorsOf(operation),
    },
  };
  const parameters = parametersOf(operation);
  if (parameters.length > 0) object.parameters = parameters;
  if (operation.body !== undefined)
    object.requestBody = isSchema(operation.body)
      ? {
          required: true,
          content: { "application/json": { schema: jsonSchemaOf(operation.body), example: example.body } },
        }
      : {
          required: true,
          description: operation.body.description,
          content: { [operation.body.type]: { schema: { type: "string" }, example: example.body } },
        };
  return object;
}

function parametersOf({ path, parameters = [], example }: Operation): Record<string, unknown>[] {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!);
  const spelled = parameters.map(({ schema = { type: "string" as const }, ...one }) => ({
    ...one,
    ...(one.in === "path" ? { required: true } : {}),
    schema,
    ...(example.query?.[one.name] === undefined
      ? {}
      : { example: parsed(example.query[one.name]!, schema.type) }),
  }));
  const missing = inPath
    .filter((name) => !parameters.some((one) => one.in === "path" && one.name === name))
    .map((name) => ({ name, in: "path", required: true, schema: { type: "string" } }));
  return [...missing, ...spelled];
}

function errorsOf({ access, path, body, method, tag }: Operation): Record<string, unknown> {
  if (access === "anyone" || tag === "Mailjet")
    return { default: { description: "An error, as a sentence." } };
  const statuses = ["401", "403", "429", "503"];
  if (path.includes("{")) statuses.push("404");
  if (body !== undefined) statuses.push("415");
  if (body !== undefined || method === "get") statuses.push("422");
  return Object.fromEntries(
    statuses.sort().map((status) => [status, { $ref: `#/components/responses/Error${status}` }]),
  );
}

const parsed = (text: string, type: string): unknown =>
  type === "integer" ? Number(text) : type === "boolean" ? text === "true" : text;

/** Errors as Mailjet's callers expect them: one shape for a request as a whole, another for each message of it. */
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { type Problem, toWire } from "../../core/errors.ts";
import { MAILJET_CODES, type MailjetCode, type MailjetIssue } from "../../schema/mailjet-codes.ts";
import type { AppContext } from "../context.ts";

/** What goes wrong with a request as a whole. `code` is empty where Mailjet has none. */
export interface Refusal {
  status: number;
  code: MailjetCode | "";
  message: string;
}

/** Problems that have a code of Mailjet's; all others go by their status alone. */
const CODES: Partial<Record<Problem["kind"], MailjetCode>> = {
  missing_api_key: "mj-0015",
  invalid_api_key: "mj-0015",
  bad_json: "mj-0002",
  too_large: "mj-0011",
};

export function refusalOf(problem: Problem): Refusal {
  const { statusCode, message } = toWire(problem);
  const code = CODES[problem.kind] ?? "";
  // What we call unprocessable is a bad request to Mailjet.
  const status = code === "" ? (statusCode === 422 ? 400 : statusCode) : MAILJET_CODES[code].status;
  return { status, code, message };
}

/** A request refused as a whole. `ErrorInfo` is what the REST resources of old have in place of a code. */
export function refuse(c: AppContext, { status, code, message }: Refusal): Response {
  return c.json(
    {
      ErrorIdentifier: c.var.requestId,
      ErrorCode: code,
      ErrorInfo: "",
      ErrorMessage: message,
      StatusCode: status,
    },
    status as ContentfulStatusCode,
  );
}

export function refuseProblem(c: AppContext, problem: Problem): Response {
  if ("retryAfterSeconds" in problem) c.header("Retry-After", String(problem.retryAfterSeconds));
  return refuse(c, refusalOf(problem));
}

/** One message refused. */
export interface MessageError {
  ErrorIdentifier: string;
  ErrorCode: string;
  StatusCode: number;
  ErrorMessage: string;
  ErrorRelatedTo: string[];
}

export const messageError = (identifier: string, { code, message, related }: MailjetIssue): MessageError => ({
  ErrorIdentifier: identifier,
  ErrorCode: code,
  StatusCode: MAILJET_CODES[code].status,
  ErrorMessage: message,
  ErrorRelatedTo: related,
});

/** A message that could not be taken for a reason outside itself. */
export const messageRefusal = (identifier: string, { status, code, message }: Refusal): MessageError => ({
  ErrorIdentifier: identifier,
  ErrorCode: code,
  StatusCode: status,
  ErrorMessage: message,
  ErrorRelatedTo: [],
});

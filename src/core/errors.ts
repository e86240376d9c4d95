/**
 * The one union of things a caller can be told, and its one translation to HTTP.
 * Names and statuses are Resend's (its public error reference), so that its SDKs understand them.
 * What the operator needs to know (host, reply, cause) goes to the event and the log, never in here.
 */

/** One thing wrong with one field. `path` is as a developer would write it: `to[1]`, `attachments[0].content`. */
export interface FieldIssue {
  path: string;
  message: string;
}

export type Problem =
  | { kind: "missing_api_key" }
  | { kind: "invalid_api_key" }
  | { kind: "restricted_api_key"; message: string }
  | { kind: "sender_not_allowed"; message: string }
  | { kind: "bad_json"; message: string }
  | { kind: "missing_field"; issues: FieldIssue[] }
  | { kind: "invalid"; issues: FieldIssue[] }
  | { kind: "invalid_attachment"; issues: FieldIssue[] }
  | { kind: "invalid_parameter"; message: string }
  | { kind: "compressed"; message: string }
  | { kind: "too_large"; message: string }
  | { kind: "not_found"; message: string }
  | { kind: "method_not_allowed"; message: string }
  | { kind: "invalid_idempotency_key"; message: string }
  | { kind: "idempotency_mismatch"; message: string }
  | { kind: "idempotency_in_progress"; message: string }
  | { kind: "locked"; message: string }
  | { kind: "rate_limited"; message: string; retryAfterSeconds: number }
  | { kind: "unavailable"; message: string; retryAfterSeconds: number }
  | { kind: "internal" };

/** What goes over the wire. `errors` lists every field at fault; `message` names the first, for SDKs that show only that. */
export interface WireError {
  statusCode: number;
  name: string;
  message: string;
  errors?: FieldIssue[];
}

const sentence = (issues: FieldIssue[]): string => {
  const [first] = issues;
  if (first === undefined) return "The request is not valid.";
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more, see \`errors\`)` : "";
  return `${first.path === "" ? "" : `\`${first.path}\`: `}${first.message}${more}`;
};

/** Status, name and public sentence of a problem. A new kind does not compile until it has all three. */
export function toWire(problem: Problem): WireError {
  const wire = (statusCode: number, name: string, message: string, errors?: FieldIssue[]): WireError =>
    errors === undefined ? { statusCode, name, message } : { statusCode, name, message, errors };
  switch (problem.kind) {
    case "missing_api_key":
      return wire(401, "missing_api_key", "Missing API key: send `Authorization: Bearer YOUR_KEY`.");
    case "invalid_api_key":
      return wire(403, "invalid_api_key", "The API key is not known here.");
    case "restricted_api_key":
      return wire(401, "restricted_api_key", problem.message);
    case "sender_not_allowed":
      return wire(403, "validation_error", problem.message);
    case "bad_json":
      return wire(400, "validation_error", problem.message);
    case "missing_field":
      return wire(422, "missing_required_field", sentence(problem.issues), problem.issues);
    case "invalid":
      return wire(422, "validation_error", sentence(problem.issues), problem.issues);
    case "invalid_attachment":
      return wire(422, "invalid_attachment", sentence(problem.issues), problem.issues);
    case "invalid_parameter":
      return wire(422, "invalid_parameter", problem.message);
    case "compressed":
      return wire(415, "validation_error", problem.message);
    case "too_large":
      return wire(413, "validation_error", problem.message);
    case "not_found":
      return wire(404, "not_found", problem.message);
    case "method_not_allowed":
      return wire(405, "method_not_allowed", problem.message);
    case "invalid_idempotency_key":
      return wire(400, "invalid_idempotency_key", problem.message);
    case "idempotency_mismatch":
      return wire(409, "invalid_idempotent_request", problem.message);
    case "idempotency_in_progress":
      return wire(409, "concurrent_idempotent_requests", problem.message);
    case "locked":
      return wire(409, "resource_locked", problem.message);
    case "rate_limited":
      return wire(429, "rate_limit_exceeded", problem.message);
    case "unavailable":
      return wire(503, "application_error", problem.message);
    case "internal":
      return wire(500, "internal_server_error", "Something went wrong here, and it has been logged.");
  }
}

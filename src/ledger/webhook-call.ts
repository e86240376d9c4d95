/**
 * One POST to an endpoint, with a bound on everything: the whole has a deadline, redirects are not followed (the next
 * address would go unchecked, and a POST may become a GET), and of the answer only the beginning is read.
 */
import {
  WEBHOOK_BODY_BYTES,
  WEBHOOK_BODY_MS,
  WEBHOOK_RESPONSE_CHARS,
  WEBHOOK_TIMEOUT_MS,
} from "../core/limits.ts";
import { beginning } from "../core/text.ts";
import { parseEndpoint, splitCredentials } from "../schema/endpoint.ts";
import type { Endpoint } from "../schema/webhook.ts";
import { type Answer, retryAfterMs } from "./webhook-schedule.ts";
import { signedHeaders } from "./webhook-signature.ts";

export interface CallParts {
  fetch: (url: string, init: RequestInit) => Promise<Response>;
  now: () => number;
  /** Whether private addresses may be called. */
  allowPrivate: boolean;
  /** Absent: WEBHOOK_TIMEOUT_MS. */
  timeoutMs?: number;
}

/** Never rejects: what went wrong is the answer. */
export async function callEndpoint(
  parts: CallParts,
  endpoint: Pick<Endpoint, "url" | "secrets" | "mailjet">,
  id: string,
  body: string,
): Promise<Answer> {
  const { now, timeoutMs = WEBHOOK_TIMEOUT_MS } = parts;
  const startedAt = now();
  const answer = (status: number, response: string, retryAfter: number | null = null): Answer => ({
    status,
    response: beginning(response, WEBHOOK_RESPONSE_CHARS),
    retryAfterMs: retryAfter,
    durationMs: now() - startedAt,
  });
  const url = parseEndpoint(endpoint.url, parts.allowPrivate, endpoint.mailjet !== undefined);
  if (!url.ok) return answer(0, `Not called: the endpoint ${url.error}.`);
  // fetch takes no URL with a user in it.
  const { url: address, authorization } = splitCredentials(url.value);
  try {
    const response = await parts.fetch(address, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "user-agent": "Postern-Webhooks/1.0",
        ...(endpoint.mailjet === undefined ? await signedHeaders(endpoint.secrets, id, startedAt, body) : {}),
        ...(authorization === null ? {} : { authorization }),
      },
      body,
      redirect: "manual",
      signal: AbortSignal.timeout(timeoutMs),
    });
    const text = await textOf(response);
    if (response.status >= 300 && response.status < 400) {
      const to = response.headers.get("location") ?? "nowhere";
      return answer(response.status, `Redirects are not followed; this one leads to ${to}`);
    }
    return answer(response.status, text, retryAfterMs(response.headers.get("retry-after"), now()));
  } catch (cause) {
    return answer(0, sentenceOf(cause, timeoutMs));
  }
}

function sentenceOf(cause: unknown, timeoutMs: number): string {
  if (cause instanceof Error && (cause.name === "TimeoutError" || cause.name === "AbortError"))
    return `No answer within ${Math.round(timeoutMs / 1_000)} s.`;
  // workerd says no more to a program than this when its network refuses an address; the reason is in its own log.
  if (String(cause).includes("internal error"))
    return "No connection: the host has no address that may be called (it is unknown, or leads to a private network).";
  return `No connection: ${String(cause)
    .replace(/^\w*Error: /, "")
    .slice(0, 200)}`;
}

/** The first WEBHOOK_BODY_BYTES that come within WEBHOOK_BODY_MS, as text; then the body is dropped. */
async function textOf(response: Response): Promise<string> {
  if (response.body === null) return "";
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), WEBHOOK_BODY_MS);
  });
  let text = "";
  try {
    for (let read = 0; read < WEBHOOK_BODY_BYTES; ) {
      const reading = reader.read();
      reading.catch(() => undefined); // When time was up first, nobody else hears of it.
      const chunk = await Promise.race([reading, late]);
      if (chunk === null || chunk.done) break;
      const part = chunk.value.subarray(0, WEBHOOK_BODY_BYTES - read);
      read += part.length;
      text += decoder.decode(part, { stream: true });
    }
  } catch {
    // The status has been said; a body cut short changes nothing.
  } finally {
    clearTimeout(timer);
    // Not awaited: a peer that does not let go must not hold us.
    reader.cancel().catch(() => undefined);
  }
  return text;
}

/** For tests in workerd: calls in Mailjet's dialect, answered with numbers beyond 2^53 whole. */
import { KEY, worker } from "./api.ts";

export interface MailjetAnswer {
  status: number;
  headers: Headers;
  /** As it came over the wire. */
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of any shape.
  body: any;
}

export const basic = (pub: string, priv: string): string => `Basic ${btoa(`${pub}:${priv}`)}`;

/** One request with Basic credentials. Long numbers in the answer come as text, as the SDK has them. */
export async function mailjetCall(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<MailjetAnswer> {
  const response = await worker().fetch(`https://mail.example.com${path}`, {
    method,
    headers: { authorization: basic("public", KEY), "content-type": "application/json", ...headers },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const exact = text.replace(/(?<=[:[,]\s*)(\d{16,})(?=\s*[,}\]])/g, '"$1"');
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: exact === "" ? null : JSON.parse(exact),
  };
}

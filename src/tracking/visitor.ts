/** One fetch of a pixel or of a link, as far as its verdict needs it. Pure: what a request carries is only read. */
import { USER_AGENT_CHARS } from "../core/limits.ts";
import { beginning } from "../core/text.ts";

/** Headers by which a client says why it fetches. Absent: not sent. */
export const VISIT_HEADERS = [
  "purpose", // Chrome's link prefetch (crbug.com/1358419)
  "sec-purpose", // Fetch standard section 3.7: prefetch, prefetch;prerender
  "x-purpose", // Safari's and old Opera's page previews (matomo #3285)
  "x-moz", // Firefox before 115
  "sec-fetch-dest", // Fetch Metadata: document for a navigation, image for an image
] as const;
// `via` is not among them: a company's web proxy adds it to its people's requests, so it speaks for neither.

export type VisitHeaders = Partial<Record<(typeof VISIT_HEADERS)[number], string>>;

export interface Visit {
  type: "open" | "click";
  /** GET, HEAD, … */
  method: string;
  /** Null: none was sent. */
  userAgent: string | null;
  headers: VisitHeaders;
  /** In full. It is judged and not kept: see address.ts. */
  ip: string | null;
  /** The network the request came from: Cloudflare says, others do not. Null: not known. */
  asn: number | null;
  asOrganization: string | null;
  /** Milliseconds since 1970. */
  now: number;
  /** When a relay took the recipient's copy, or a time surely before that. Null: not known. */
  sentAt: number | null;
}

/** What of a request a visit is made of: the platform's Request has it all. */
interface Fetched {
  method: string;
  headers: { get(name: string): string | null };
  cf?: unknown;
}

/** A user agent as far as it is kept. */
export const keptAgent = (agent: string | null): string | null =>
  agent === null || agent.length <= USER_AGENT_CHARS ? agent : beginning(agent, USER_AGENT_CHARS);

/** The visit a request is. `ip`: the address it came from, when known. */
export function visitOf(
  type: Visit["type"],
  request: Fetched,
  at: { now: number; sentAt: number | null; ip: string | null },
): Visit {
  const headers: VisitHeaders = {};
  for (const name of VISIT_HEADERS) {
    const value = request.headers.get(name);
    if (value !== null) headers[name] = value;
  }
  // Only Cloudflare says, and Cloudflare tells the address too: to ask for it in vain costs as much as two headers.
  const network = (at.ip === null ? {} : (request.cf ?? {})) as { asn?: unknown; asOrganization?: unknown };
  return {
    type,
    method: request.method,
    userAgent: request.headers.get("user-agent"),
    headers,
    asn: typeof network.asn === "number" ? network.asn : null,
    asOrganization: typeof network.asOrganization === "string" ? network.asOrganization : null,
    ...at,
  };
}

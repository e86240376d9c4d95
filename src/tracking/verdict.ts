/**
 * Person, proxy or scanner: the verdict on one visit, with its reason. Pure, and a judgement only: a pixel and a link
 * answer everyone alike. What other visits of the same recipient say is in `series.ts`, the tables are those of `visitors.ts`.
 *
 * `person` promises little: nothing says it was a machine.
 */
import { AGENTS_KNOWN, SCANNER_DELAY_MS, USER_AGENT_CHARS } from "../core/limits.ts";
import { beginning } from "../core/text.ts";
import { parseAddress } from "./address.ts";
import { MACHINE_AGENTS } from "./machine-agents.ts";
import { MAIL_AGENTS } from "./mail-agents.ts";
import { NETWORKS } from "./networks.ts";
import type { Visit } from "./visitor.ts";
import type { AgentRow, NetworkRow, Verdict } from "./visitors.ts";

export interface Judgement {
  verdict: Verdict;
  /** For a person: what it rests on. */
  reason: string;
}

export const PERSON: Judgement = { verdict: "person", reason: "nothing speaks for a machine" };

/** Most visitors match no row: one look over all rows at once answers them. */
const AGENTS: readonly AgentRow[] = [...MAIL_AGENTS, ...MACHINE_AGENTS];
const agents = AGENTS.map((row) => ({ row, form: new RegExp(row.agent.source, "i") }));
const anyAgent = new RegExp(AGENTS.map((row) => `(?:${row.agent.source})`).join("|"), "i");
const networks = NETWORKS.map((row) => ({ row, form: new RegExp(row.organization.source, "i") }));

/** Who made a visit. The first that fits decides: method, stated purpose, user agent, network, time. */
export function judgeVisit(visit: Visit): Judgement {
  const method = visit.method.toUpperCase();
  if (method !== "GET")
    // DEMANDS 4, jdavidbakr/mail-tracker #200: people's programs ask with GET.
    return scanner(method === "HEAD" ? "a HEAD request: only whether it exists" : `a ${method} request`);
  const purpose = statedPurpose(visit);
  if (purpose !== null) return scanner(purpose);
  if (visit.userAgent === null || visit.userAgent.trim() === "") return scanner("no user agent");
  const row = agentRow(visit) ?? networkRow(visit);
  if (row !== null) return { verdict: row.verdict, reason: row.reason };
  return tooSoon(visit.now, visit.sentAt) ?? PERSON;
}

/** A verdict when a visit came before a person could have seen the mail: before a relay took it, or within a second of that. */
export function tooSoon(at: number, sentAt: number | null): Judgement | null {
  if (sentAt === null || at - sentAt >= SCANNER_DELAY_MS) return null;
  return scanner(at < sentAt ? "before the mail was sent" : "within a second of sending");
}

export const scanner = (reason: string): Judgement => ({ verdict: "scanner", reason });

/** Why the client says it fetches, when that is not for a person to see now. */
function statedPurpose({ headers, type }: Visit): string | null {
  for (const name of ["sec-purpose", "purpose", "x-purpose", "x-moz"] as const) {
    const value = headers[name];
    if (value !== undefined && /prefetch|prerender|preview|instant/i.test(value))
      return `${name}: ${beginning(value, 40)}`;
  }
  const dest = headers["sec-fetch-dest"]?.toLowerCase();
  // Fetch Metadata section 2.1: a link that is followed arrives as a document (or in a frame), a pixel as an image.
  if (type === "open" && dest === "document") return "the pixel was opened as a page";
  if (type === "click" && (dest === "image" || dest === "empty" || dest === "script"))
    return `the link was fetched as ${dest === "empty" ? "data" : dest === "image" ? "an image" : "a script"}, not opened`;
  return null;
}

/** User agents that no row is about: of those who read mail, a few hundred make up nearly all. */
const plainAgents = new Set<string>();

function isPlain(agent: string): boolean {
  if (plainAgents.has(agent)) return true;
  if (anyAgent.test(agent)) return false;
  if (agent.length <= USER_AGENT_CHARS) {
    if (plainAgents.size >= AGENTS_KNOWN) plainAgents.clear();
    plainAgents.add(agent);
  }
  return true;
}

function agentRow({ userAgent, type }: Visit): AgentRow | null {
  const agent = (userAgent ?? "").trim();
  if (isPlain(agent)) return null;
  const found = agents.find(({ row, form }) => (row.on ?? type) === type && form.test(agent));
  if (found !== undefined) return found.row;
  // Something that only loads images has followed a link.
  const proxy =
    type === "click"
      ? agents.find(({ row, form }) => row.verdict === "proxy" && form.test(agent))
      : undefined;
  return proxy === undefined
    ? null
    : { ...proxy.row, verdict: "scanner", reason: `an image loader followed the link: ${proxy.row.reason}` };
}

function networkRow({ asn, asOrganization, ip, type }: Visit): NetworkRow | null {
  const address = ip === null ? null : parseAddress(ip);
  const block = address?.length === 4 ? address[0] : undefined;
  const found = networks.find(
    ({ row, form }) =>
      (row.on ?? type) === type &&
      ((asn !== null && row.asn.includes(asn)) ||
        (asOrganization !== null && form.test(asOrganization.trim())) ||
        (row.block !== undefined && row.block === block)),
  );
  return found?.row ?? null;
}

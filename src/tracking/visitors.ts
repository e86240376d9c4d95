/**
 * Who fetches mail's pixels and links: the shape of the tables behind the verdicts. Each row says on what it rests.
 * The tables: `mail-agents.ts`, `machine-agents.ts`, `networks.ts`.
 *
 * In none of them, on purpose: mail programs that load images for the person who reads (Outlook's
 * `ms-office; MSOffice 16`, Thunderbird, `Dalvik`, `CFNetwork`); networks of web proxies that carry people (Zscaler,
 * Netskope, Cisco Umbrella, iCloud Private Relay) and of clouds, where VPNs live too.
 */

export type Verdict = "person" | "proxy" | "scanner";

export interface AgentRow {
  /** Looked for in the user agent, in any case. */
  agent: RegExp;
  verdict: Exclude<Verdict, "person">;
  /** What it may judge; absent: both. */
  on?: "open" | "click";
  /** For a person, as a sentence without its full stop. */
  reason: string;
  source: string;
}

export interface NetworkRow {
  /** Looked for in the network's name (`asOrganization`), in any case. */
  organization: RegExp;
  /** Numbers of autonomous systems that belong to it whatever their name says; empty: judged by name only. */
  asn: readonly number[];
  /** An IPv4 block that is all its own, where nobody tells the network: the first byte of a /8. */
  block?: number;
  on?: "open" | "click";
  verdict: Exclude<Verdict, "person">;
  reason: string;
  source: string;
}

/** The source of a row that rests on a name nobody but its maker would use. */
export const VENDOR = "the name its maker gives itself in the user agent";

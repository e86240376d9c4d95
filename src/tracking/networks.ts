/**
 * Networks (autonomous systems) that say by themselves who visits. Few do: most carry people and machines alike. The
 * first row that fits decides.
 */
import type { NetworkRow } from "./visitors.ts";

const SCANNER = "a security scanner";
const FILTERS = "a network that only filters mail (warmbly/warmbly #526)";

export const NETWORKS: readonly NetworkRow[] = [
  {
    organization: /^apple(?: |-|$)/,
    asn: [714, 6185],
    block: 17,
    on: "open",
    verdict: "proxy",
    reason: "Apple's network loaded it",
    source: "17.0.0.0/8 is Apple's; AS714 and AS6185: ntop/nDPI, utils/asn_update.sh",
  },
  {
    organization: /^(?:google|yahoo|oath)\b/,
    asn: [15169],
    on: "open",
    verdict: "proxy",
    reason: "a mail service's network loaded it",
    source: "sparkpost.com/blog/gmail-prefetching-images: prefetches come from Google's addresses",
  },
  {
    organization: /^proton(?: ag|mail)|fastmail/,
    asn: [],
    on: "open",
    verdict: "proxy",
    reason: "a mail service's network loaded it",
    source: "both fetch images for their readers",
  },
  // Outlook on the web loads images through Microsoft; Safe Links sends the browser itself to the link, so a click
  // from Microsoft is its scanner. A person on a Windows 365 desktop is misjudged; the reason says by what.
  {
    organization: /^microsoft/,
    asn: [8075, 8068, 8069],
    on: "open",
    verdict: "proxy",
    reason: "Microsoft's network loaded it, for Outlook or to scan it",
    source: "warmbly/warmbly #412; numbers: Microsoft's peering policy, technical requirements",
  },
  {
    organization: /^microsoft/,
    asn: [8075, 8068, 8069],
    on: "click",
    verdict: "scanner",
    reason: "Microsoft's network followed it, as Safe Links does",
    source: "warmbly/warmbly #410, #412; numbers as above",
  },
  {
    organization: /proofpoint/,
    asn: [22843, 26211],
    verdict: "scanner",
    reason: `${SCANNER}: Proofpoint's network`,
    source: `${FILTERS}; numbers: they announce 148.163.128.0/19, Proofpoint's`,
  },
  {
    organization: /mimecast/,
    asn: [30031],
    verdict: "scanner",
    reason: `${SCANNER}: Mimecast's network`,
    source: `${FILTERS}; the number announces 170.10.128.0/22, Mimecast's`,
  },
  {
    organization: /barracuda/,
    asn: [15324],
    verdict: "scanner",
    reason: `${SCANNER}: Barracuda's network`,
    source: "university.act-on.com, false positives in email clicks; the number: ARIN, NetName BARRAUCDA",
  },
  {
    organization: /messagelabs/,
    asn: [],
    verdict: "scanner",
    reason: `${SCANNER}: Symantec's network`,
    source: FILTERS,
  },
  {
    organization: /ironport/,
    asn: [30238],
    verdict: "scanner",
    reason: `${SCANNER}: Cisco's network`,
    source: `${FILTERS}; the number: IPinfo, "Cisco Systems Ironport Division"`,
  },
  {
    organization: /trend ?micro|fireeye|trellix|cloudmark|hornetsecurity|vade secure|appriver|sophos/,
    asn: [],
    verdict: "scanner",
    reason: `${SCANNER}'s network`,
    source: FILTERS,
  },
];

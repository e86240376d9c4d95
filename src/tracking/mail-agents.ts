/** User agents of the mail trade: image proxies, Office, security scanners. The first row that fits decides. */
import { type AgentRow, VENDOR } from "./visitors.ts";

const SCANNER = "a security scanner";

export const MAIL_AGENTS: readonly AgentRow[] = [
  // Image proxies: they fetch when a person opens, or before.
  {
    agent: /googleimageproxy|ggpht\.com/,
    verdict: "proxy",
    on: "open",
    reason: "Gmail's image proxy",
    source: "support.google.com/mail/answer/145919",
  },
  {
    agent: /chrome\/42\.0\.2311\.135 safari\/537\.36 edge\/12\.246 mozilla\/5\.0$/,
    verdict: "proxy",
    on: "open",
    reason: "Gmail's prefetch, before the mail is shown",
    source: "sparkpost.com/blog/gmail-prefetching-images",
  },
  {
    agent: /yahoomailproxy|yahoocachesystem/,
    verdict: "proxy",
    on: "open",
    reason: "Yahoo's image proxy",
    source: "help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html",
  },
  // Firefox without a version is not among browsers: the whole user agent is these 11 characters.
  {
    agent: /^mozilla\/5\.0$/,
    verdict: "proxy",
    on: "open",
    reason: "Apple Mail Privacy Protection",
    source:
      "wordtothewise.com/2024/08/prefetches-and-proxies; AdobeDocs/campaign-classic, technotes/apple-mail-app-privacy-protection",
  },
  {
    agent: /outlookimageproxy|owaimageproxy/,
    verdict: "proxy",
    on: "open",
    reason: "Outlook's image proxy",
    source: VENDOR,
  },
  {
    agent: /duckduckgo-?image|protonmail-?proxy|slack-imgproxy|superhuman/,
    verdict: "proxy",
    on: "open",
    reason: "a mail or chat service's image proxy",
    source: VENDOR,
  },

  // Office looks at a link before the browser does; the person's own request follows it.
  {
    agent: /microsoft office (?:existence|protocol) discovery/,
    verdict: "scanner",
    reason: "Office looked whether the link exists",
    source: "oalders/http-browserdetect #114",
  },
  {
    agent: /ms-?office|microsoft office/,
    verdict: "scanner",
    on: "click",
    reason: "Office looked at the link before the browser",
    source: "suped.com, bot user agents in click data: a browser follows links, Office does not",
  },
  {
    agent: /bingpreview/,
    verdict: "scanner",
    reason: "Microsoft's page preview",
    source: "phpList/phplist3 #415",
  },
  {
    agent: /safelinks|microsoft[ -]?defender|msatp|smartscreen/,
    verdict: "scanner",
    reason: `${SCANNER}: Microsoft Defender`,
    source: VENDOR,
  },
  {
    agent: /microsoft[ -](?:exchange|skype|preview)/,
    verdict: "scanner",
    on: "click",
    reason: "a Microsoft service looked at the link",
    source: "suped.com, bot user agents in click data",
  },

  // Security scanners that say who they are.
  { agent: /proofpoint|urldefense/, verdict: "scanner", reason: `${SCANNER}: Proofpoint`, source: VENDOR },
  {
    agent: /barracuda/,
    verdict: "scanner",
    reason: `${SCANNER}: Barracuda`,
    source: "gmass.co/blog/false-opens-in-gmail (Barracuda Sentinel (EE))",
  },
  { agent: /mimecast/, verdict: "scanner", reason: `${SCANNER}: Mimecast`, source: VENDOR },
  {
    agent: /messagelabs|symantec|broadcom/,
    verdict: "scanner",
    reason: `${SCANNER}: Symantec`,
    source: VENDOR,
  },
  {
    agent: /trend ?micro|\btmes\b|trendmicro/,
    verdict: "scanner",
    reason: `${SCANNER}: Trend Micro`,
    source: VENDOR,
  },
  {
    agent: /ironport|ciscosecureemail|cisco[ -](?:secure|talos|umbrella|esa)/,
    verdict: "scanner",
    reason: `${SCANNER}: Cisco`,
    source: VENDOR,
  },
  { agent: /fireeye|trellix|mandiant/, verdict: "scanner", reason: `${SCANNER}: FireEye`, source: VENDOR },
  { agent: /zscaler/, verdict: "scanner", reason: `${SCANNER}: Zscaler`, source: VENDOR },
  { agent: /sophos/, verdict: "scanner", reason: `${SCANNER}: Sophos`, source: VENDOR },
  { agent: /cloudmark/, verdict: "scanner", reason: `${SCANNER}: Cloudmark`, source: VENDOR },
  { agent: /virustotal/, verdict: "scanner", reason: `${SCANNER}: VirusTotal`, source: VENDOR },
  {
    agent: /fortiguard|fortimail|fortinet|fortisandbox/,
    verdict: "scanner",
    reason: `${SCANNER}: Fortinet`,
    source: VENDOR,
  },
  { agent: /forcepoint|websense/, verdict: "scanner", reason: `${SCANNER}: Forcepoint`, source: VENDOR },
  { agent: /mcafee|gtiscanner/, verdict: "scanner", reason: `${SCANNER}: McAfee`, source: VENDOR },
  {
    agent: /hornetsecurity|vade ?(?:secure|retro)|spamfighter|spamtitan/,
    verdict: "scanner",
    reason: `${SCANNER}: a mail filter`,
    source: VENDOR,
  },
  {
    agent: /paloalto|palo alto networks|wildfire|cortex-?xpanse|expanse/,
    verdict: "scanner",
    reason: `${SCANNER}: Palo Alto Networks`,
    source: VENDOR,
  },
  {
    agent: /check ?point ?(?:te|harmony|software)|avanan/,
    verdict: "scanner",
    reason: `${SCANNER}: Check Point`,
    source: VENDOR,
  },
  {
    agent: /bitdefender|kaspersky|f-secure|withsecure|esetonline|drweb|clamav/,
    verdict: "scanner",
    reason: `${SCANNER}: an antivirus`,
    source: VENDOR,
  },
  {
    agent:
      /urlscan|phishtank|netcraft|openphish|safebrowsing|google-safety|abnormal ?security|agari|ironscales|darktrace|censysinspect/,
    verdict: "scanner",
    reason: SCANNER,
    source: VENDOR,
  },
];

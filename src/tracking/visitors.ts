/**
 * Who fetches mail's pixels and links: the tables behind the verdicts. A row that names neither a person's program nor
 * a machine's does harm either way, so each says on what it rests. Order counts: the first row that fits decides.
 *
 * Left out on purpose: desktop and mobile mail programs, which load images for the person who reads (Outlook's
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

const SCANNER = "a security scanner";
const PREVIEW = "a link preview";
const LIBRARY = "a program, not a browser";
const VENDOR = "the name its maker gives itself in the user agent";

export const AGENTS: readonly AgentRow[] = [
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
    agent: /bitdefender|kaspersky|f-secure|withsecure|esetonline|\bavast\b|drweb|clamav/,
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

  // Link previews: someone pasted the link elsewhere, or a chat shows the mail.
  { agent: /slackbot/, verdict: "scanner", reason: `${PREVIEW}: Slack`, source: "api.slack.com/robots" },
  {
    agent: /facebookexternal|facebookcatalog|facebot|meta-external/,
    verdict: "scanner",
    reason: `${PREVIEW}: Facebook`,
    source: "developers.facebook.com/docs/sharing/webmasters/web-crawlers",
  },
  { agent: /^whatsapp\//, verdict: "scanner", reason: `${PREVIEW}: WhatsApp`, source: VENDOR },
  { agent: /telegrambot/, verdict: "scanner", reason: `${PREVIEW}: Telegram`, source: VENDOR },
  { agent: /twitterbot/, verdict: "scanner", reason: `${PREVIEW}: X`, source: VENDOR },
  { agent: /linkedinbot/, verdict: "scanner", reason: `${PREVIEW}: LinkedIn`, source: VENDOR },
  { agent: /discordbot/, verdict: "scanner", reason: `${PREVIEW}: Discord`, source: VENDOR },
  {
    agent: /skypeuripreview|teamslinkpreview/,
    verdict: "scanner",
    reason: `${PREVIEW}: Skype or Teams`,
    source: VENDOR,
  },
  {
    agent:
      /snap url preview|iframely|embedly|pinterestbot|redditbot|vkshare|viberbot|mattermost|zulip|link-?preview/,
    verdict: "scanner",
    reason: PREVIEW,
    source: VENDOR,
  },

  // Crawlers name themselves by convention. `cubot` is a telephone.
  {
    agent: /(?<!cu)bot\b|crawler|spider|\bslurp\b|archiver|scrapy/,
    verdict: "scanner",
    reason: "a crawler",
    source: "RFC 9110 section 10.1.5: a robot names itself",
  },

  // Browsers without a person, and programs that watch sites.
  {
    agent: /headless|phantomjs|slimerjs|puppeteer|playwright|selenium|webdriver|electron-fetch/,
    verdict: "scanner",
    reason: "a browser without a screen",
    source: VENDOR,
  },
  {
    agent:
      /pingdom|uptime|statuscake|site24x7|newrelic|datadog|nagios|check_http|zabbix|gtmetrix|lighthouse|pagespeed|monitor/,
    verdict: "scanner",
    reason: "a monitor of sites",
    source: VENDOR,
  },

  // Libraries and tools.
  { agent: /^curl\/|libcurl/, verdict: "scanner", reason: `${LIBRARY}: curl`, source: VENDOR },
  { agent: /^wget/, verdict: "scanner", reason: `${LIBRARY}: wget`, source: VENDOR },
  { agent: /python|aiohttp|httpx\//, verdict: "scanner", reason: `${LIBRARY}: Python`, source: VENDOR },
  { agent: /go-http-client|fasthttp|colly/, verdict: "scanner", reason: `${LIBRARY}: Go`, source: VENDOR },
  {
    agent: /^java\/|apache-httpclient|jetty|jakarta|ahc\/|reactornetty/,
    verdict: "scanner",
    reason: `${LIBRARY}: Java`,
    source: "suped.com, bot user agents in click data",
  },
  // Android mail programs load images with it; a link goes to a browser.
  {
    agent: /okhttp/,
    verdict: "scanner",
    on: "click",
    reason: `${LIBRARY}: okhttp`,
    source: "suped.com, bot user agents in click data",
  },
  {
    agent: /^node(?:-fetch|-superagent|\.js)?\b|axios|undici|^got[ /(]|^deno\/|^bun\//,
    verdict: "scanner",
    reason: `${LIBRARY}: JavaScript`,
    source: VENDOR,
  },
  {
    agent:
      /guzzle|^php|^ruby|faraday|libwww-perl|lwp::|perl|^rust|reqwest|hyper\/|lua-resty|^dart|winhttp|powershell|httpie|postman|insomnia|restsharp/,
    verdict: "scanner",
    reason: LIBRARY,
    source: VENDOR,
  },
];

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

const FILTERS = "a network that only filters mail (warmbly/warmbly #526)";

export const NETWORKS: readonly NetworkRow[] = [
  {
    organization: /^apple(?: |-|$)/,
    asn: [714, 6185],
    block: 17,
    on: "open",
    verdict: "proxy",
    reason: "Apple's network loaded it",
    source: "17.0.0.0/8 and AS714 are Apple's",
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
    asn: [8075, 8074, 12076],
    on: "open",
    verdict: "proxy",
    reason: "Microsoft's network loaded it, for Outlook or to scan it",
    source: "warmbly/warmbly #412",
  },
  {
    organization: /^microsoft/,
    asn: [8075, 8074, 12076],
    on: "click",
    verdict: "scanner",
    reason: "Microsoft's network followed it, as Safe Links does",
    source: "warmbly/warmbly #410, #412",
  },
  {
    organization: /proofpoint/,
    asn: [22843, 26211, 52129],
    verdict: "scanner",
    reason: `${SCANNER}: Proofpoint's network`,
    source: FILTERS,
  },
  {
    organization: /mimecast/,
    asn: [30031, 42427],
    verdict: "scanner",
    reason: `${SCANNER}: Mimecast's network`,
    source: FILTERS,
  },
  {
    organization: /barracuda/,
    asn: [15324],
    verdict: "scanner",
    reason: `${SCANNER}: Barracuda's network`,
    source: "university.act-on.com, false positives in email clicks",
  },
  {
    organization: /messagelabs/,
    asn: [21345, 26282],
    verdict: "scanner",
    reason: `${SCANNER}: Symantec's network`,
    source: FILTERS,
  },
  {
    organization: /ironport/,
    asn: [30238],
    verdict: "scanner",
    reason: `${SCANNER}: Cisco's network`,
    source: FILTERS,
  },
  {
    organization: /trend ?micro|fireeye|trellix|cloudmark|hornetsecurity|vade secure|appriver|sophos/,
    asn: [],
    verdict: "scanner",
    reason: `${SCANNER}'s network`,
    source: FILTERS,
  },
];

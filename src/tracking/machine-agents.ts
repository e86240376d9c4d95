/** User agents of machines that visit any link: previews, crawlers, monitors, libraries. The first row that fits decides. */
import { type AgentRow, VENDOR } from "./visitors.ts";

const PREVIEW = "a link preview";
const LIBRARY = "a program, not a browser";

export const MACHINE_AGENTS: readonly AgentRow[] = [
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
      /guzzle|^php|^ruby|faraday|libwww-perl|lwp::|^perl|^rust|reqwest|hyper\/|lua-resty|^dart|winhttp|powershell|httpie|postman|insomnia|restsharp/,
    verdict: "scanner",
    reason: LIBRARY,
    source: VENDOR,
  },
];

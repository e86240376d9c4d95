/** The verdict policy, row by row. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  BURST_MS,
  SAME_VISITOR_MS,
  SCANNER_DELAY_MS,
  SERIES_VISITS,
  SWEEP_MS,
  USER_AGENT_CHARS,
} from "../../src/core/limits.ts";
import { keptAddress, parseAddress, truncateAddress } from "../../src/tracking/address.ts";
import { MACHINE_AGENTS } from "../../src/tracking/machine-agents.ts";
import { MAIL_AGENTS } from "../../src/tracking/mail-agents.ts";
import { judgeSeries, type SeriesVisit } from "../../src/tracking/series.ts";
import { judgeVisit } from "../../src/tracking/verdict.ts";
import { keptAgent, type Visit, visitOf } from "../../src/tracking/visitor.ts";

const NOW = 1_800_000_000_000;
const CHROME =
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/146.0.0.0 Safari/537.36";
const SAFARI =
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1";
const GMAIL_PREFETCH =
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/42.0.2311.135 Safari/537.36 Edge/12.246 Mozilla/5.0";
const OUTLOOK =
  "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; WOW64; Trident/7.0; .NET4.0C; Microsoft Outlook 16.0.5257; ms-office; MSOffice 16)";

const visit = (change: Partial<Visit> = {}): Visit => ({
  type: "open",
  method: "GET",
  userAgent: CHROME,
  headers: {},
  ip: "203.0.113.7",
  asn: 64_500,
  asOrganization: "Example Telecom",
  now: NOW,
  sentAt: NOW - 3_600_000,
  ...change,
});

type Row = [
  agent: string | null,
  open: "person" | "proxy" | "scanner",
  click: "person" | "scanner",
  reason?: RegExp,
];

describe.each<Row>([
  // People's programs.
  [CHROME, "person", "person"],
  [SAFARI, "person", "person"],
  ["Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "person", "person"],
  ["Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.5.0", "person", "person"],
  [
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)",
    "person",
    "person",
  ],
  [
    "Mozilla/5.0 (Linux; Android 9; CUBOT X18 Plus) AppleWebKit/537.36 Chrome/120.0.0.0 Mobile Safari/537.36",
    "person",
    "person",
  ],
  [
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 [FBAN/FBIOS;FBAV/440.0]",
    "person",
    "person",
  ],
  ["Dalvik/2.1.0 (Linux; U; Android 14; SM-S918B)", "person", "person"],
  ["Outlook-iOS/723.4027091.prod.iphone (4.2.1)", "person", "person"],
  ["Mail/3774 CFNetwork/1490.0.4 Darwin/23.2.0", "person", "person"],
  ["Opera/9.80 (J2ME/MIDP; Opera Mini/9; U; en) Presto/2.12", "person", "person"],
  // Outlook loads images itself, and looks at links before the browser.
  [OUTLOOK, "person", "scanner", /Office/],
  ["Microsoft Office/16.0 (Microsoft Outlook 16.0.8241; Pro)", "person", "scanner", /Office/],
  // Android's mail programs load images with it.
  ["okhttp/4.12.0", "person", "scanner", /okhttp/],
  // Image proxies, which follow no links.
  [
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
    "proxy",
    "scanner",
    /Gmail/,
  ],
  ["Mozilla/5.0 (via ggpht.com)", "proxy", "scanner", /Gmail/],
  [GMAIL_PREFETCH, "proxy", "scanner", /prefetch/],
  ["YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html", "proxy", "scanner", /Yahoo/],
  ["YahooCacheSystem", "proxy", "scanner", /Yahoo/],
  ["Mozilla/5.0", "proxy", "scanner", /Apple Mail/],
  [" Mozilla/5.0 ", "proxy", "scanner", /Apple Mail/],
  // Microsoft's lookers.
  ["Microsoft Office Existence Discovery", "scanner", "scanner", /exists/],
  ["Microsoft Office Protocol Discovery", "scanner", "scanner", /exists/],
  [
    "Mozilla/5.0 (Windows NT 6.1; WOW64) AppleWebKit/534+ (KHTML, like Gecko) BingPreview/1.0b",
    "scanner",
    "scanner",
    /preview/,
  ],
  ["Mozilla/5.0 (compatible; Microsoft-Defender)", "scanner", "scanner", /Defender/],
  ["Microsoft SafeLinks/1.0", "scanner", "scanner", /Defender/],
  // Security scanners.
  ["Mozilla/5.0 (compatible; Proofpoint URL Defense)", "scanner", "scanner", /Proofpoint/],
  ["Barracuda Sentinel (EE)", "scanner", "scanner", /Barracuda/],
  ["BarracudaCentral/1.0", "scanner", "scanner", /Barracuda/],
  ["Mimecast-URL-Protect", "scanner", "scanner", /Mimecast/],
  ["MessageLabs LinkScanner", "scanner", "scanner", /Symantec/],
  ["Symantec Email Security.cloud", "scanner", "scanner", /Symantec/],
  ["Trend Micro Email Security (TMES)", "scanner", "scanner", /Trend Micro/],
  ["CiscoSecureEmail/15", "scanner", "scanner", /Cisco/],
  ["IronPort-URL/2", "scanner", "scanner", /Cisco/],
  ["FireEye ETP", "scanner", "scanner", /FireEye/],
  ["Zscaler Sandbox", "scanner", "scanner", /Zscaler/],
  ["Sophos Email", "scanner", "scanner", /Sophos/],
  ["Cloudmark Authority", "scanner", "scanner", /Cloudmark/],
  ["virustotalcloud", "scanner", "scanner", /VirusTotal/],
  ["FortiSandbox", "scanner", "scanner", /Fortinet/],
  ["Websense TRITON", "scanner", "scanner", /Forcepoint/],
  [
    "Expanse, a Palo Alto Networks company, searches across the global IPv4 space",
    "scanner",
    "scanner",
    /Palo Alto/,
  ],
  ["urlscan.io", "scanner", "scanner", /security scanner/],
  // Link previews.
  ["Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", "scanner", "scanner", /Slack/],
  [
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "scanner",
    "scanner",
    /Facebook/,
  ],
  ["WhatsApp/2.23.20.0", "scanner", "scanner", /WhatsApp/],
  ["TelegramBot (like TwitterBot)", "scanner", "scanner", /Telegram/],
  ["Twitterbot/1.0", "scanner", "scanner", /X$/],
  [
    "LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)",
    "scanner",
    "scanner",
    /LinkedIn/,
  ],
  ["Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)", "scanner", "scanner", /Discord/],
  ["Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5", "scanner", "scanner", /Skype/],
  ["Iframely/1.3.1 (+https://iframely.com/docs/about)", "scanner", "scanner", /preview/],
  // Crawlers and monitors.
  [
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "scanner",
    "scanner",
    /crawler/,
  ],
  ["Mozilla/5.0 (compatible; Yahoo! Slurp)", "scanner", "scanner", /crawler/],
  ["Pingdom.com_bot_version_1.4_(http://www.pingdom.com/)", "scanner", "scanner", /monitor/],
  ["Mozilla/5.0+(compatible; UptimeRobot/2.0)", "scanner", "scanner", /crawler|monitor/],
  [
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/126.0.0.0 Safari/537.36",
    "scanner",
    "scanner",
    /screen/,
  ],
  // Libraries.
  ["curl/8.7.1", "scanner", "scanner", /curl/],
  ["Wget/1.21.3", "scanner", "scanner", /wget/],
  ["python-requests/2.32.3", "scanner", "scanner", /Python/],
  ["Python/3.9 aiohttp/3.8.1", "scanner", "scanner", /Python/],
  ["Go-http-client/1.1", "scanner", "scanner", /Go/],
  ["Java/17.0.2", "scanner", "scanner", /Java/],
  ["Apache-HttpClient/4.5.13 (Java/11.0.16)", "scanner", "scanner", /Java/],
  ["AHC/2.1", "scanner", "scanner", /Java/],
  ["axios/1.7.2", "scanner", "scanner", /JavaScript/],
  ["node", "scanner", "scanner", /JavaScript/],
  ["node-fetch/1.0 (+https://github.com/bitinn/node-fetch)", "scanner", "scanner", /JavaScript/],
  ["undici", "scanner", "scanner", /JavaScript/],
  ["got (https://github.com/sindresorhus/got)", "scanner", "scanner", /JavaScript/],
  ["GuzzleHttp/7", "scanner", "scanner", /program/],
  ["libwww-perl/6.72", "scanner", "scanner", /program/],
  ["PostmanRuntime/7.39.0", "scanner", "scanner", /program/],
  // None.
  [null, "scanner", "scanner", /no user agent/],
  ["", "scanner", "scanner", /no user agent/],
  ["  ", "scanner", "scanner", /no user agent/],
])("%s", (userAgent, open, click, reason) => {
  it(`opens as ${open}, clicks as ${click}`, () => {
    const opened = judgeVisit(visit({ userAgent }));
    const clicked = judgeVisit(visit({ userAgent, type: "click" }));
    expect([opened.verdict, clicked.verdict]).toEqual([open, click]);
    if (reason !== undefined && open !== "person") expect(opened.reason).toMatch(reason);
    if (reason !== undefined) expect(clicked.reason).toMatch(reason);
  });
});

describe("what else a request says", () => {
  it.each<[string, Partial<Visit>, string, RegExp]>([
    ["HEAD", { method: "HEAD" }, "scanner", /HEAD/],
    ["head", { method: "head" }, "scanner", /HEAD/],
    ["OPTIONS", { method: "OPTIONS", type: "click" }, "scanner", /OPTIONS/],
    ["a proxy's HEAD", { method: "HEAD", userAgent: "GoogleImageProxy" }, "scanner", /HEAD/],
    ["Purpose: prefetch", { headers: { purpose: "prefetch" }, type: "click" }, "scanner", /purpose/],
    ["Sec-Purpose: prefetch", { headers: { "sec-purpose": "prefetch" } }, "scanner", /sec-purpose/],
    [
      "prerendering",
      { headers: { "sec-purpose": "prefetch;prerender" }, type: "click" },
      "scanner",
      /prerender/,
    ],
    ["X-Purpose: preview", { headers: { "x-purpose": "preview" }, type: "click" }, "scanner", /preview/],
    ["X-moz: prefetch", { headers: { "x-moz": "prefetch" }, type: "click" }, "scanner", /x-moz/],
    ["another purpose", { headers: { purpose: "navigation" }, type: "click" }, "person", /nothing/],
    [
      "a link as a document",
      { headers: { "sec-fetch-dest": "document" }, type: "click" },
      "person",
      /nothing/,
    ],
    ["a link in a frame", { headers: { "sec-fetch-dest": "iframe" }, type: "click" }, "person", /nothing/],
    ["a link as an image", { headers: { "sec-fetch-dest": "image" }, type: "click" }, "scanner", /image/],
    ["a link as data", { headers: { "sec-fetch-dest": "empty" }, type: "click" }, "scanner", /data/],
    ["a pixel as an image", { headers: { "sec-fetch-dest": "image" } }, "person", /nothing/],
    ["a pixel as a page", { headers: { "sec-fetch-dest": "document" } }, "scanner", /page/],
    ["Apple's network", { asn: 714, asOrganization: "Apple Inc." }, "proxy", /Apple/],
    ["Apple's network by its name", { asn: null, asOrganization: "APPLE-ENGINEERING" }, "proxy", /Apple/],
    [
      "Apple's block, no network known",
      { asn: null, asOrganization: null, ip: "17.58.100.9" },
      "proxy",
      /Apple/,
    ],
    ["a click from Apple's network", { asn: 714, type: "click" }, "person", /nothing/],
    ["a name that only begins so", { asOrganization: "Appleton Telecom" }, "person", /nothing/],
    ["Google's network", { asn: 15_169, asOrganization: "Google LLC" }, "proxy", /network/],
    ["Microsoft opens", { asn: 8075, asOrganization: "Microsoft Corporation" }, "proxy", /Microsoft/],
    ["Microsoft clicks", { asn: 8075, type: "click" }, "scanner", /Safe Links/],
    ["Proofpoint's network", { asOrganization: "PROOFPOINT-ASN-US-EAST" }, "scanner", /Proofpoint/],
    ["Mimecast's network", { asn: 30_031, type: "click" }, "scanner", /Mimecast/],
    [
      "Barracuda's network",
      { asOrganization: "Barracuda Networks Inc.", type: "click" },
      "scanner",
      /Barracuda/,
    ],
    ["MessageLabs' network", { asOrganization: "MessageLabs Inc.", type: "click" }, "scanner", /Symantec/],
    ["Trend Micro's network", { asOrganization: "Trend Micro Inc", type: "click" }, "scanner", /network/],
    [
      "a web proxy that carries people",
      { asOrganization: "Zscaler, Inc.", type: "click" },
      "person",
      /nothing/,
    ],
    ["a cloud, where VPNs live", { asOrganization: "Amazon.com, Inc.", type: "click" }, "person", /nothing/],
    [
      "nothing known but a browser",
      { asn: null, asOrganization: null, ip: null, sentAt: null },
      "person",
      /nothing/,
    ],
    ["before it was sent", { sentAt: NOW + 1, type: "click" }, "scanner", /before/],
    ["at once", { sentAt: NOW - SCANNER_DELAY_MS + 1 }, "scanner", /second/],
    ["after a second", { sentAt: NOW - SCANNER_DELAY_MS }, "person", /nothing/],
    ["a proxy at once", { sentAt: NOW, userAgent: "Mozilla/5.0" }, "proxy", /Apple/],
  ])("%s", (_, change, verdict, reason) => {
    const judged = judgeVisit(visit(change));
    expect(judged.verdict).toBe(verdict);
    expect(judged.reason).toMatch(reason);
  });

  it("every row is written in lower case, with reason and source", () => {
    for (const { agent, reason, source } of [...MAIL_AGENTS, ...MACHINE_AGENTS]) {
      expect(agent.source).toBe(agent.source.toLowerCase()); // compared in any case
      expect([agent.flags, reason.endsWith("."), source.length > 5]).toEqual(["", false, true]);
    }
  });

  it("anything at all gets a verdict", () => {
    const any = fc.record({
      type: fc.constantFrom("open" as const, "click" as const),
      method: fc.string(),
      userAgent: fc.option(fc.string()),
      headers: fc.dictionary(fc.constantFrom("purpose", "x-moz", "sec-fetch-dest"), fc.string()),
      ip: fc.option(fc.string()),
      asn: fc.option(fc.integer()),
      asOrganization: fc.option(fc.string()),
      now: fc.integer(),
      sentAt: fc.option(fc.integer()),
    });
    fc.assert(
      fc.property(any, (given) => {
        const { verdict, reason } = judgeVisit(given as Visit);
        expect(["person", "proxy", "scanner"]).toContain(verdict);
        expect(reason).not.toBe("");
      }),
    );
  });
});

it("what is kept of a request's own words is well-formed, wherever it is cut off", () => {
  const smile = "\u{1f600}";
  for (const before of ["", "x"]) {
    const agent = before + smile.repeat(USER_AGENT_CHARS);
    expect(keptAgent(agent)?.isWellFormed()).toBe(true);
    expect(keptAgent(agent)).toHaveLength(USER_AGENT_CHARS - before.length);
    const { reason } = judgeVisit(visit({ headers: { purpose: `prefetch${before}${smile.repeat(40)}` } }));
    expect(reason.isWellFormed()).toBe(true);
  }
  expect([keptAgent(smile), keptAgent(null), keptAgent("")]).toEqual([smile, null, ""]);
});

describe("a visit from a request", () => {
  const at = { now: NOW, sentAt: null, ip: "203.0.113.7" };
  it("takes what the verdict needs, and the network where the platform tells it", () => {
    const request = new Request("https://x.com/", {
      headers: { "User-Agent": "curl/8", "Sec-Purpose": "prefetch", Cookie: "a=b" },
    });
    expect(visitOf("click", request, at)).toEqual({
      type: "click",
      method: "GET",
      userAgent: "curl/8",
      headers: { "sec-purpose": "prefetch" },
      asn: null,
      asOrganization: null,
      ...at,
    });
    const told = Object.assign(request, { cf: { asn: 714, asOrganization: "Apple Inc." } });
    expect(visitOf("open", told, at)).toMatchObject({ asn: 714, asOrganization: "Apple Inc." });
    const odd = Object.assign(request.clone(), { cf: { asn: "714" } });
    expect(visitOf("open", odd, at)).toMatchObject({ asn: null, asOrganization: null });
  });
});

describe("a series", () => {
  let ids = 0;
  const seen = (change: Partial<SeriesVisit> = {}): SeriesVisit => ({
    id: `v${++ids}`,
    type: "click",
    at: NOW,
    link: "https://x.com/a",
    ip: "203.0.113.0",
    userAgent: CHROME,
    verdict: "person",
    reason: "",
    ...change,
  });
  const link = (n: number): string => `https://x.com/${n}`;

  it("two links at once are a person's", () => {
    expect(judgeSeries([seen({ link: link(1) })], seen({ link: link(2) }))).toBeNull();
  });
  it("one link many times is a person's", () => {
    expect(judgeSeries([seen(), seen(), seen(), seen()], seen())).toBeNull();
  });
  it("three links within seconds are a scanner's, the earlier two as well", () => {
    const visits = [seen({ link: link(1), at: NOW - BURST_MS }), seen({ link: link(2), at: NOW - 1 })];
    const judged = judgeSeries(visits, seen({ link: link(3) }));
    expect(judged).toMatchObject({ verdict: "scanner", reason: expect.stringMatching(/3 links/) });
    expect(new Set(judged!.revised)).toEqual(new Set(visits.map(({ id }) => id)));
  });
  it("whatever address each came from", () => {
    const visits = [seen({ link: link(1), ip: "192.0.2.0" }), seen({ link: link(2), userAgent: SAFARI })];
    expect(judgeSeries(visits, seen({ link: link(3) }))?.verdict).toBe("scanner");
  });
  it("three links in their time are a person's", () => {
    const visits = [seen({ link: link(1), at: NOW - BURST_MS - 1 }), seen({ link: link(2), at: NOW - 1 })];
    expect(judgeSeries(visits, seen({ link: link(3) }))).toBeNull();
  });
  it("six links within half a minute are a scanner's", () => {
    const visits = [1, 2, 3, 4, 5].map((n) => seen({ link: link(n), at: NOW - SWEEP_MS + n * 5_000 }));
    expect(judgeSeries(visits, seen({ link: link(6) }))).toMatchObject({
      reason: expect.stringMatching(/6 links/),
    });
    expect(judgeSeries(visits.slice(1), seen({ link: link(6) }))).toBeNull();
  });
  it("revises no visit twice", () => {
    const visits = [seen({ link: link(1), verdict: "scanner", userAgent: null }), seen({ link: link(2) })];
    expect(judgeSeries(visits, seen({ link: link(3) }))?.revised).toEqual([visits[1]!.id]);
  });
  it("later visits and the visit itself do not count", () => {
    const current = seen({ link: link(3) });
    const visits = [current, seen({ link: link(1), at: NOW + 1 }), seen({ link: link(2) })];
    expect(judgeSeries(visits, current)).toBeNull();
  });
  it("opens are no clicks", () => {
    const visits = [seen({ type: "open", link: null }), seen({ link: link(2) })];
    expect(judgeSeries(visits, seen({ link: link(3) }))).toBeNull();
    expect(
      judgeSeries([seen({ link: link(1) }), seen({ link: link(2) })], seen({ type: "open", link: null })),
    ).toBeNull();
  });
  it("who was a scanner a moment ago still is, told by address and user agent", () => {
    const was = seen({ verdict: "scanner", reason: "a HEAD request", at: NOW - SAME_VISITOR_MS });
    expect(judgeSeries([was], seen({ type: "open", link: null }))).toEqual({
      verdict: "scanner",
      reason: "the same visitor as a scanner: a HEAD request",
      revised: [],
    });
    const again = seen({ verdict: "scanner", reason: "the same visitor as a scanner: a HEAD request" });
    expect(judgeSeries([again], seen())?.reason).toBe("the same visitor as a scanner: a HEAD request");
    expect(judgeSeries([{ ...was, ip: "192.0.2.0" }], seen())).toBeNull();
    expect(judgeSeries([{ ...was, userAgent: SAFARI }], seen())).toBeNull();
    expect(judgeSeries([{ ...was, at: was.at - 1 }], seen())).toBeNull();
    expect(judgeSeries([{ ...was, ip: null }], seen({ ip: null }))).toBeNull();
    expect(judgeSeries([{ ...was, userAgent: null }], seen({ userAgent: null }))).toBeNull();
  });
  it("clicks before sending, or within a second of it, are a scanner's; opens of a proxy are not", () => {
    expect(judgeSeries([], seen(), NOW + 1)).toMatchObject({ reason: expect.stringMatching(/before/) });
    expect(judgeSeries([], seen(), NOW - SCANNER_DELAY_MS + 1)).toMatchObject({ verdict: "scanner" });
    expect(judgeSeries([], seen(), NOW - SCANNER_DELAY_MS)).toBeNull();
    expect(judgeSeries([], seen({ type: "open", link: null, verdict: "proxy" }), NOW)).toBeNull();
  });
  it("says nothing more of a scanner", () => {
    expect(judgeSeries([], seen({ verdict: "scanner" }), NOW + 1)).toBeNull();
  });
  it("looks at a bounded number of visits, the latest", () => {
    const visits = [
      seen({ link: link(1) }),
      ...Array.from({ length: SERIES_VISITS }, () => seen({ at: NOW + 1 })),
    ];
    const current = seen({ link: link(3), at: NOW + 2 });
    expect(judgeSeries([...visits, seen({ link: link(2) })], current)).toBeNull();
    expect(judgeSeries(visits.slice(0, 3).concat(seen({ link: link(2) })), current)?.verdict).toBe("scanner");
  });
});

describe("addresses", () => {
  it.each([
    ["203.0.113.77", "full", "203.0.113.77"],
    ["203.0.113.77", "truncated", "203.0.113.0"],
    ["203.0.113.77", "none", null],
    [" 2001:DB8::1 ", "full", "2001:db8::1"],
    ["2001:db8::1", "truncated", "2001:db8:0::"],
    ["256.1.1.1", "full", null],
    ["<script>", "full", null],
    ["1::2::3", "full", null],
    ["1:2:3:4:5:6:7::8", "full", null],
    ["1:2:3:4:5:6:7:8:9", "truncated", null],
    ["12345::", "truncated", null],
    [null, "full", null],
  ] as const)("%s kept %s is %s", (address, policy, kept) => expect(keptAddress(address, policy)).toBe(kept));

  it("truncated ones name their network and nobody in it", () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        expect(truncateAddress(address)).toBe(`${address.slice(0, address.lastIndexOf("."))}.0`);
        expect(truncateAddress(`::ffff:${address}`)).toBe(truncateAddress(address));
      }),
    );
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 65_535 }), { minLength: 8, maxLength: 8 }), (groups) => {
        const text = groups.map((group) => group.toString(16)).join(":");
        expect(parseAddress(text)).toEqual(groups);
        expect(parseAddress(truncateAddress(text)!)?.slice(0, 3)).toEqual(groups.slice(0, 3));
      }),
    );
  });
});

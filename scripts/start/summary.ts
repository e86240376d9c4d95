/** What `npm start` tells a person. Pure: text in, text out. */
import { styleText } from "node:util";
import type { Relay } from "../../src/smtp/relay.ts";
import type { KeyRing } from "./keys.ts";

export interface Summary {
  /** Base URL of the API as this machine reaches it. */
  base: string;
  /** As configured; null when links take the origin of the request that sends. */
  publicUrl: string | null;
  dataDir: string;
  keys: KeyRing;
  /** The key may be shown: it is new, or a person watches. */
  showKey: boolean;
  relays: Relay[];
  /** The local inbox, when it is the relay. */
  inbox: { page: string } | null;
  libsqlUrl: string | null;
  /** Colours and weight, for a terminal. */
  colour: boolean;
}

type Style = Parameters<typeof styleText>[0];

/** The summary, ending in a line break. */
export function summarise(summary: Summary): string {
  const paint = (style: Style, text: string) =>
    summary.colour ? styleText(style, text, { validateStream: false }) : text;
  const rows: [string, string][] = [
    ["API", summary.base],
    ["API key", keyLine(summary)],
  ];
  if (summary.inbox !== null)
    rows.push(["Inbox", `${summary.inbox.page}   (no SMTP_URL is set, so mail stays here)`]);
  else rows.push(["Relay", summary.relays.map(describeRelay).join(", ")]);
  if (summary.publicUrl !== null && summary.publicUrl !== summary.base)
    rows.push(["Tracking links", summary.publicUrl]);
  rows.push(["State", summary.dataDir]);
  if (summary.libsqlUrl !== null) rows.push(["libSQL", summary.libsqlUrl]);
  const width = Math.max(...rows.map(([name]) => name.length));
  return [
    "",
    paint("bold", "Postern is running."),
    "",
    ...rows.map(([name, value]) => `  ${paint("dim", name.padEnd(width))}  ${value}`),
    "",
    paint("bold", "Send a mail:"),
    "",
    curl(summary),
    "",
    paint("bold", "Then:"),
    ...nextSteps(summary).map((step) => `  ${step}`),
    "",
    paint("dim", "Ctrl-C ends it; state is kept."),
    "",
  ].join("\n");
}

function keyLine({ keys, showKey }: Summary): string {
  if (keys.apiKey === "given") return "the API_KEY you have set";
  if (keys.apiKey === "made") return `${keys.API_KEY}   (made now, kept in ${keys.file})`;
  return showKey ? keys.API_KEY : `kept in ${keys.file}; show it with: ${showCommand(keys.file)}`;
}

const showCommand = (file: string) => `node -p 'require("${file}").API_KEY'`;

/** The key as a shell puts it into the curl line: a key that was given to us is not for printing. */
function keyWord({ keys, showKey }: Summary): string {
  if (keys.apiKey === "given") return "$API_KEY";
  return showKey ? keys.API_KEY : `$(${showCommand(keys.file)})`;
}

/** A command that can be pasted into a shell as it is. */
function curl(summary: Summary): string {
  const body = {
    from: "Postern <hello@example.com>",
    to: "you@example.com",
    subject: "It works",
    html: `<p>Hello! <a href="${summary.base}/healthz?from=mail">Click me</a>, and look at the events.</p>`,
  };
  return [
    `curl ${summary.base}/emails \\`,
    `  -H "Authorization: Bearer ${keyWord(summary)}" \\`,
    '  -H "Content-Type: application/json" \\',
    `  -d '${JSON.stringify(body)}'`,
  ].join("\n");
}

function nextSteps(summary: Summary): string[] {
  const events = `curl ${summary.base}/emails/ID/events -H "Authorization: Bearer ${keyWord(summary)}"`;
  if (summary.inbox === null) {
    return [
      "Put in addresses that your relay sends from and to.",
      `See what happened, with the id that was answered: ${events}`,
    ];
  }
  return [
    `1. Open ${summary.inbox.page}, read the mail, click its link.`,
    `2. See what happened, with the id that was answered: ${events}`,
    "3. To send for real, set SMTP_URL=smtp://user:password@host:587 (in the environment or in .env).",
  ];
}

/** Name, host and port, without credentials. */
function describeRelay(relay: Relay): string {
  const where = relay.port === null ? relay.host : `${relay.host}:${relay.port}`;
  return `${relay.name === relay.host ? "" : `${relay.name} `}${where} (TLS ${relay.tls}${relay.credentials === null ? "" : ", with password"})`;
}

/** What `npm start` and `npm run dev` do alike before a worker runs: settings, state, keys, port, configuration, inbox. */
import { err, ok, type Result } from "../../src/core/result.ts";
import { type Config, parseConfig } from "../../src/env.ts";
import { type Inbox, openInbox } from "../inbox/inbox.ts";
import { type DataDir, openDataDir } from "./data-dir.ts";
import { type KeyRing, openKeys } from "./keys.ts";
import { freePort } from "./ports.ts";
import { isWildcard, localUrl, readSettings, type Settings } from "./settings.ts";
import type { Summary } from "./summary.ts";

/** The inbox's page, unless INBOX_PORT says otherwise or something else has it. */
const INBOX_PORT_DEFAULT = 8025;

export interface Prepared {
  settings: Settings;
  port: number;
  /** Base URL as this machine reaches the worker. */
  base: string;
  dataDir: DataDir;
  keys: KeyRing;
  /** All variables of the worker, complete and checked. */
  variables: Record<string, string>;
  config: Config;
  /** Null when a relay is configured. */
  inbox: Inbox | null;
  /** Ends the inbox and lets go of DATA_DIR. */
  close(): Promise<void>;
}

/** Everything ready but the worker, or one line that says what to change. `files` are read behind the environment. */
export async function prepare(files: string[]): Promise<Result<Prepared, string>> {
  const settings = readSettings(process.env, files);
  if (!settings.ok) return settings;
  const dataDir = openDataDir(settings.value.dataDir);
  if (!dataDir.ok) return dataDir;
  const opened = await open(settings.value, dataDir.value);
  if (!opened.ok) dataDir.value.release();
  return opened;
}

async function open(settings: Settings, dataDir: DataDir): Promise<Result<Prepared, string>> {
  const keys = openKeys(dataDir.path, settings.variables);
  if (!keys.ok) return keys;
  const port = await freePort(settings.host, settings.port);
  if (!port.ok) return port;
  const base = localUrl(settings.host, port.value);
  const variables: Record<string, string> = {
    ...settings.variables,
    API_KEY: keys.value.API_KEY,
    SIGNING_SECRET: keys.value.SIGNING_SECRET,
  };
  // Behind "every interface" no address is the right one; the worker then takes the one it was called by.
  if (settings.variables.PUBLIC_URL === undefined && !isWildcard(settings.host)) variables.PUBLIC_URL = base;

  const inbox =
    settings.variables.SMTP_URL === undefined && settings.variables.RELAYS === undefined
      ? await startInbox(settings, port.value)
      : null;
  if (inbox !== null) {
    if (!inbox.ok) return inbox;
    variables.SMTP_URL = inbox.value.smtpUrl;
  }
  const config = parseConfig(variables);
  if (!config.ok) {
    await inbox?.value.close();
    return err(config.error);
  }
  return ok({
    settings,
    port: port.value,
    base,
    dataDir,
    keys: keys.value,
    variables,
    config: config.value,
    inbox: inbox?.value ?? null,
    async close() {
      await inbox?.value.close();
      dataDir.release();
    },
  });
}

/** The inbox's port beside a worker that will listen on `taken`; 0 is any free one. */
export function inboxPortBeside(taken: number, asked: number | null): Result<number, string> {
  if (asked === taken) return err(`INBOX_PORT and PORT are both ${taken}; choose another`);
  return ok(asked ?? (taken === INBOX_PORT_DEFAULT ? 0 : INBOX_PORT_DEFAULT));
}

async function startInbox(settings: Settings, taken: number): Promise<Result<Inbox, string>> {
  const port = inboxPortBeside(taken, settings.inboxPort);
  if (!port.ok) return port;
  const wanted = await freePort("127.0.0.1", port.value);
  if (!wanted.ok && settings.inboxPort !== null) return err(wanted.error.replace("PORT=…", "INBOX_PORT=…"));
  return ok(await openInbox({ smtpPort: 0, webPort: wanted.ok ? wanted.value : 0 }));
}

/** What there is to tell about it. */
export function summaryOf(prepared: Prepared): Summary {
  const terminal = process.stdout.isTTY === true;
  return {
    base: prepared.base,
    publicUrl: prepared.config.publicUrl,
    dataDir: prepared.dataDir.path,
    keys: prepared.keys,
    showKey: terminal || prepared.keys.apiKey === "made",
    relays: prepared.config.relays,
    inbox: prepared.inbox === null ? null : { page: prepared.inbox.pageUrl },
    libsqlUrl: prepared.config.libsql === null ? null : withoutCredentials(prepared.config.libsql.url),
    // https://no-color.org: set to anything but the empty string.
    colour: terminal && (process.env.NO_COLOR ?? "") === "",
  };
}

function withoutCredentials(text: string): string {
  if (!URL.canParse(text)) return text;
  const url = new URL(text);
  return `${url.protocol}//${url.host}`;
}

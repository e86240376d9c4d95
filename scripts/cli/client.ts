/** The gateway's API as the command line calls it. Everything that goes wrong is a Failure with a sentence for a person. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { localUrl, readSettings } from "../start/settings.ts";
import { EXIT, Failure } from "./failure.ts";
import { parsedJson } from "./ndjson.ts";

export interface Call {
  method?: string;
  /** An object goes as JSON, a stream and bytes as they are. */
  body?: object | ReadableStream | Uint8Array;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** What a failed call may be tried again for, and how often: only calls that may be repeated ask for it. */
const TRIES = 5;
const FIRST_WAIT_MS = 500;
/** A gateway that asks for more patience than this is left alone. */
const LONGEST_WAIT_MS = 60_000;

export class Client {
  readonly base: string;
  readonly #key: string;

  constructor(base: string, key: string) {
    this.base = base.replace(/\/+$/, "");
    this.#key = key;
  }

  /** The answer, whatever its status. */
  async call(path: string, { method = "GET", body, headers = {}, signal }: Call = {}): Promise<Response> {
    const raw = body === undefined || body instanceof Uint8Array || body instanceof ReadableStream;
    try {
      return await fetch(`${this.base}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${this.#key}`,
          ...(raw ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: raw ? (body as BodyInit) : JSON.stringify(body) }),
        ...(body instanceof ReadableStream ? { duplex: "half" } : {}),
        ...(signal === undefined ? {} : { signal }),
      } as RequestInit);
    } catch (cause) {
      if (signal?.aborted) throw cause;
      const why =
        cause instanceof Error && cause.cause instanceof Error ? cause.cause.message : String(cause);
      throw new Failure(EXIT.unavailable, `${this.base} cannot be reached: ${why}`);
    }
  }

  /** The body of a good answer; anything else is a Failure. */
  async json<T>(path: string, call: Call = {}): Promise<T> {
    const response = await this.call(path, call);
    if (!response.ok) throw await failureOf(response);
    return this.#read<T>(response);
  }

  /** What a good answer says. Whatever else listens at the address (a proxy, a web site) may well answer 200. */
  async #read<T>(response: Response): Promise<T> {
    const text = await response.text().catch(() => {
      throw new Failure(EXIT.unavailable, `the answer of ${this.base} broke off`);
    });
    return parsedJson<T>(text, this.base);
  }

  /** As json, for calls that may be repeated: waits and tries again while the gateway is away, busy or asks for patience. */
  async persist<T>(path: string, call: Call, waiting: (seconds: number, why: string) => void): Promise<T> {
    for (let tried = 1; ; tried++) {
      try {
        const response = await this.call(path, call);
        if (response.ok) return await this.#read<T>(response);
        const failure = await failureOf(response);
        if (tried === TRIES || (response.status !== 429 && response.status < 500)) throw failure;
        const asked = Number(response.headers.get("retry-after") ?? 0) * 1_000;
        await this.#wait(Math.max(asked, FIRST_WAIT_MS * 2 ** tried), failure, waiting);
      } catch (cause) {
        if (!(cause instanceof Failure) || cause.exit !== EXIT.unavailable || cause.answer !== null)
          throw cause;
        if (tried === TRIES) throw cause;
        await this.#wait(FIRST_WAIT_MS * 2 ** tried, cause, waiting);
      }
    }
  }

  async #wait(ms: number, failure: Failure, waiting: (seconds: number, why: string) => void): Promise<void> {
    if (ms > LONGEST_WAIT_MS) throw failure;
    waiting(Math.ceil(ms / 1_000), failure.message);
    await sleep(ms);
  }
}

export async function failureOf(response: Response): Promise<Failure> {
  const text = await response.text();
  const exit = response.status >= 500 || response.status === 429 ? EXIT.unavailable : EXIT.refused;
  try {
    const answer = JSON.parse(text) as { message?: string; errors?: { path: string; message: string }[] };
    const more = (answer.errors ?? []).slice(1).map(({ path, message }) => `\n  \`${path}\`: ${message}`);
    return new Failure(exit, `${answer.message ?? text}${more.join("")}`, answer);
  } catch {
    return new Failure(exit, `${response.status} ${text.slice(0, 200)}`);
  }
}

/**
 * The client that options, the environment (POSTERN_URL, API_KEY), `.env` or a gateway started here point to, in this
 * order.
 */
export function clientOf(options: { url?: string; key?: string }): Client {
  const settings = readSettings(process.env, [".env"]);
  if (!settings.ok) throw new Failure(EXIT.usage, settings.error);
  const { host, port, dataDir, variables } = settings.value;
  const url = options.url ?? process.env.POSTERN_URL ?? localUrl(host, port);
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new Failure(EXIT.usage, `--url must be an address such as https://mail.example.com, not "${url}"`);
  const key = options.key ?? variables.API_KEY ?? keptKey(dataDir);
  if (key === null)
    throw new Failure(
      EXIT.usage,
      "no API key: give --key, set API_KEY, or run this where `npm start` keeps its state (DATA_DIR)",
    );
  return new Client(url, key);
}

function keptKey(dataDir: string): string | null {
  try {
    return (JSON.parse(readFileSync(join(dataDir, "keys.json"), "utf8")) as { API_KEY: string }).API_KEY;
  } catch {
    return null;
  }
}

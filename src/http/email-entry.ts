/** The email() entry: mail that Cloudflare Email Routing hands to the worker. */
import { FEEDBACK_BYTES, INBOUND_BYTES } from "../core/limits.ts";
import { type Env, readConfig } from "../env.ts";
import { log } from "../log.ts";
import { readStart } from "./body.ts";
import { receive } from "./mail-in.ts";

/** What of a ForwardableEmailMessage is used. */
export interface IncomingEmail {
  /** The envelope's recipient. */
  readonly to: string;
  readonly raw: ReadableStream<Uint8Array>;
  readonly rawSize: number;
}

/**
 * Waits between tries while libSQL or the ledger is away: there is nobody to hand the mail back to. Reports with a token,
 * which almost all have, ask libSQL nothing.
 */
const WAITS_MS = [1_000, 3_000, 8_000];

/** Takes a mail. Never throws, never answers, and never rejects: a bounce that is bounced goes nowhere. */
export const email = (message: IncomingEmail, env: Env): Promise<void> => takeEmail(message, env, WAITS_MS);

/** As `email`, with the waits between tries in milliseconds. */
export async function takeEmail(message: IncomingEmail, env: Env, waits: readonly number[]): Promise<void> {
  try {
    const config = readConfig(env);
    if (!config.ok) {
      log("configuration_wrong", { problem: config.error });
      return;
    }
    const raw = await readStart(message.raw, FEEDBACK_BYTES, INBOUND_BYTES);
    if (raw === null) {
      log("mail_in_too_large", { bytes: message.rawSize });
      return;
    }
    for (let tried = 0; ; tried++) {
      try {
        await receive(env, config.value, { raw, to: message.to });
        return;
      } catch (cause) {
        log("mail_in_refused", { tried: tried + 1, cause: String(cause) });
        const wait = waits[tried];
        if (wait === undefined) return log("mail_in_lost", { bytes: message.rawSize });
        await scheduler.wait(wait);
      }
    }
  } catch (cause) {
    log("mail_in_failed", { cause: String(cause) });
  }
}

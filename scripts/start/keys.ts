/** API key and signing secret: made on the first run, kept in DATA_DIR. What the environment gives goes first. */
import { randomBytes } from "node:crypto";
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { join } from "node:path";
import { err, ok, type Result } from "../../src/core/result.ts";

export interface Keys {
  API_KEY: string;
  SIGNING_SECRET: string;
}

export interface KeyRing extends Keys {
  /** Where those are kept that the environment does not give. */
  file: string;
  /** given: by the environment. made: just now. kept: by an earlier run. */
  apiKey: "given" | "made" | "kept";
}

/** `re_` and 32 url-safe characters (192 random bits): Resend's shape, which its SDK users and secret scanners know. */
const newApiKey = () => `re_${randomBytes(24).toString("base64url")}`;
/** 256 random bits, as long as the HMAC-SHA256 they key. */
const newSecret = () => randomBytes(32).toString("base64url");

/** Keys for this run; whatever is missing is made and kept in keys.json, readable by its owner only. The error is one line. */
export function openKeys(dataDir: string, given: Partial<Keys>): Result<KeyRing, string> {
  const file = join(dataDir, "keys.json");
  const kept = readKeys(file);
  if (!kept.ok) return kept;
  const keys: Keys = {
    API_KEY: kept.value.API_KEY ?? newApiKey(),
    SIGNING_SECRET: kept.value.SIGNING_SECRET ?? newSecret(),
  };
  if (kept.value.API_KEY === undefined || kept.value.SIGNING_SECRET === undefined) {
    try {
      write(file, keys);
    } catch (error) {
      return err(`${file} cannot be written (${(error as NodeJS.ErrnoException).code})`);
    }
  }
  const source = kept.value.API_KEY === undefined ? "made" : "kept";
  return ok({
    API_KEY: given.API_KEY ?? keys.API_KEY,
    SIGNING_SECRET: given.SIGNING_SECRET ?? keys.SIGNING_SECRET,
    file,
    apiKey: given.API_KEY === undefined ? source : "given",
  });
}

function readKeys(file: string): Result<Partial<Keys>, string> {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    return code === "ENOENT" ? ok({}) : err(`${file} cannot be read (${code})`);
  }
  try {
    const { API_KEY, SIGNING_SECRET } = JSON.parse(text) as Record<string, unknown>;
    if (isKey(API_KEY) && isKey(SIGNING_SECRET)) return ok({ API_KEY, SIGNING_SECRET });
  } catch {
    // Said below.
  }
  // Making new ones would break every link in mail already sent, so that is for a person to decide.
  return err(
    `${file} is damaged: restore it, or remove it to get new keys (links in mail already sent then stop working)`,
  );
}

const isKey = (value: unknown): value is string => typeof value === "string" && value.length >= 16;

/** Whole or not at all, also across a power cut. */
function write(file: string, keys: Keys): void {
  const fresh = `${file}.new`;
  const fd = openSync(fresh, "w", 0o600);
  writeSync(fd, `${JSON.stringify(keys, null, 2)}\n`);
  fsyncSync(fd);
  closeSync(fd);
  renameSync(fresh, file);
}

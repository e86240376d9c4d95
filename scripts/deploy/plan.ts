/** What a deployment needs and where each thing comes from. Pure but for the random bytes of new secrets. */
import { randomBytes } from "node:crypto";
import { err, ok, type Result } from "../../src/core/result.ts";
import { parseConfig, VARIABLES } from "../../src/env.ts";

type Name = (typeof VARIABLES)[number];
export type Values = Partial<Record<Name, string>>;

/** given: by the environment or the file. there: the worker has it. made: now, at random. asked: of the person. absent: its default holds. */
export type Source = "given" | "there" | "made" | "asked" | "absent";

export interface Item {
  name: Name;
  source: Source;
}

export interface Plan {
  items: Item[];
  given: Values;
  /** Where events go; null: the embedded store, or what the worker already has. */
  libsql: { url: string; authToken: string | null } | null;
}

/** What is put in the place of what is not known here, so that all the rest can be checked. */
const STAND_INS: Values = {
  API_KEY: "k".repeat(32),
  SIGNING_SECRET: "s".repeat(32),
  SMTP_URL: "smtp://relay.invalid:587",
};

/** A secret of 192 random bits, in the form of a key. */
const newKey = () => `re_${randomBytes(24).toString("base64url")}`;
const newSecret = () => randomBytes(32).toString("base64url");

/** The plan, or which variable is wrong and what would be right. */
export function planOf(given: Values, there: readonly string[]): Result<Plan, string> {
  const has = (name: Name): boolean => given[name] !== undefined || there.includes(name);
  const relayed = has("SMTP_URL") || has("RELAYS");
  const items = VARIABLES.map((name): Item => {
    if (given[name] !== undefined) return { name, source: "given" };
    if (there.includes(name)) return { name, source: "there" };
    if (name === "API_KEY" || name === "SIGNING_SECRET") return { name, source: "made" };
    if (name === "SMTP_URL" && !relayed) return { name, source: "asked" };
    return { name, source: "absent" };
  });
  const checked = parseConfig({ ...STAND_INS, ...given });
  if (!checked.ok) return err(checked.error);
  if (given.PUBLIC_URL !== undefined && /^http:|localhost|127\.0\.0\.1/.test(given.PUBLIC_URL))
    return err(
      "PUBLIC_URL is an address of this machine; leave it out, or give the worker's own https address",
    );
  const { LIBSQL_URL: url, LIBSQL_AUTH_TOKEN: authToken = null } = given;
  return ok({ items, given, libsql: url === undefined ? null : { url, authToken } });
}

/** Every value to upload. `ask` is null when nobody is to be asked: then what would be asked for is left out. */
export async function settled(
  plan: Plan,
  ask: ((question: string) => Promise<Result<string, string>>) | null,
): Promise<Result<Values, string>> {
  const values: Values = { ...plan.given };
  for (const { name, source } of plan.items) {
    if (source === "made") values[name] = name === "API_KEY" ? newKey() : newSecret();
    if (source !== "asked" || ask === null) continue;
    const answer = await ask("The relay, such as smtp://user:password@smtp.example.com:587");
    if (!answer.ok) return err(`${name} is not set: ${answer.error}`);
    const checked = parseConfig({ ...STAND_INS, ...plan.given, [name]: answer.value });
    if (!checked.ok) return err(checked.error);
    values[name] = answer.value;
  }
  return ok(values);
}

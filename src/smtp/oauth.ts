/**
 * Access tokens for XOAUTH2: Gmail's and Microsoft's live an hour, so a relay is given what tokens are made with, not a
 * token. RFC 6749: a refresh token (section 6), or the client's own credentials (section 4.4) where there is none.
 */
import { z } from "zod";
import { OAUTH_ANSWER_BYTES, OAUTH_TIMEOUT_MS } from "../core/limits.ts";
import { err, ok, type Result } from "../core/result.ts";

export interface OAuth {
  tokenUrl: string;
  clientId: string;
  clientSecret: string | null;
  /** Null: the client speaks for itself. */
  refreshToken: string | null;
  scope: string | null;
}

/** As RELAYS writes it. */
export const oauthField = z
  .strictObject(
    {
      token_url: z
        .string("must be an address")
        .refine(
          (text) =>
            URL.canParse(text) &&
            (/^https:/i.test(text) || /^http:\/\/(127\.0\.0\.1|localhost)[:/]/.test(text)),
          "must be an https address",
        ),
      client_id: z.string("must be text").min(1),
      client_secret: z.string("must be text").min(1).optional(),
      refresh_token: z.string("must be text").min(1).optional(),
      scope: z.string("must be text").min(1).optional(),
    },
    "must be an object with token_url, client_id, client_secret, refresh_token, scope",
  )
  .refine(
    (given) => given.client_secret !== undefined || given.refresh_token !== undefined,
    "needs a client_secret or a refresh_token",
  )
  .transform(
    (given): OAuth => ({
      tokenUrl: given.token_url,
      clientId: given.client_id,
      clientSecret: given.client_secret ?? null,
      refreshToken: given.refresh_token ?? null,
      scope: given.scope ?? null,
    }),
  );

export interface OAuthDeps {
  now: () => number;
  fetch?: (url: string, init: RequestInit) => Promise<Response>;
}

/** A token is not used in the last minute of its life: a session may take that long to log in. */
const MARGIN_MS = 60_000;
/** When the server does not say how long a token lives (RFC 6749 section 5.1 only recommends it). */
const LIFE_SECONDS = 600;

/** Tokens by what they were made with; there are as many as relays. */
const tokens = new Map<string, { token: string; until: number }>();
const keyOf = (oauth: OAuth): string => JSON.stringify(oauth);

/** A token the server refused is not offered again. */
export const forgetToken = (oauth: OAuth): void => void tokens.delete(keyOf(oauth));

/** A token that is good for now, or why there is none, without secrets. */
export async function accessToken(
  oauth: OAuth,
  { now, fetch = globalThis.fetch }: OAuthDeps,
): Promise<Result<string, string>> {
  const held = tokens.get(keyOf(oauth));
  if (held !== undefined && held.until > now()) return ok(held.token);
  const form = new URLSearchParams({ client_id: oauth.clientId });
  if (oauth.clientSecret !== null) form.set("client_secret", oauth.clientSecret);
  form.set("grant_type", oauth.refreshToken === null ? "client_credentials" : "refresh_token");
  if (oauth.refreshToken !== null) form.set("refresh_token", oauth.refreshToken);
  if (oauth.scope !== null) form.set("scope", oauth.scope);
  const host = new URL(oauth.tokenUrl).host;
  try {
    const response = await fetch(oauth.tokenUrl, {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded", accept: "application/json" },
      body: form.toString(),
      redirect: "manual",
      signal: AbortSignal.timeout(OAUTH_TIMEOUT_MS),
    });
    const answer = parsed((await response.text()).slice(0, OAUTH_ANSWER_BYTES));
    if (!response.ok || answer.access_token === null)
      return err(`${host} gave no access token: ${answer.error ?? `it answered ${response.status}`}`);
    tokens.set(keyOf(oauth), {
      token: answer.access_token,
      until: now() + Math.max(0, answer.expires_in * 1_000 - MARGIN_MS),
    });
    return ok(answer.access_token);
  } catch {
    return err(`${host} could not be asked for an access token within ${OAUTH_TIMEOUT_MS / 1_000} s`);
  }
}

interface Answer {
  access_token: string | null;
  expires_in: number;
  /** The code of RFC 6749 section 5.2, such as `invalid_grant`. */
  error: string | null;
}

function parsed(text: string): Answer {
  let fields: Record<string, unknown> = {};
  try {
    fields = JSON.parse(text) as Record<string, unknown>;
  } catch {
    // No JSON: no token.
  }
  const { access_token, expires_in, error } = fields ?? {};
  return {
    // What goes into a command line must not end it.
    access_token:
      typeof access_token === "string" && /^[\x21-\x7e]+$/.test(access_token) ? access_token : null,
    expires_in: Number(expires_in) > 0 ? Number(expires_in) : LIFE_SECONDS,
    error: typeof error === "string" && /^[\w ]{1,60}$/.test(error) ? error : null,
  };
}

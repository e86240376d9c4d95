/** From a relay's configuration to a session ready for MAIL, or why there is none: which ports, and when in clear after all. */
import { err, ok, type Result } from "../core/result.ts";
import { connectFailure, SmtpFailure } from "./failure.ts";
import { accessToken, forgetToken } from "./oauth.ts";
import { diagnose } from "./probe.ts";
import { type Relay, type TlsPolicy, tlsOn } from "./relay.ts";
import { type OpeningStep, type Progress, type SessionDeps, SmtpSession } from "./session.ts";

/** What came of one port. */
export interface PortFailure {
  failure: SmtpFailure;
  port: number;
  /** The masked dialogue so far. */
  opening: string[];
}

export interface NotOpened extends PortFailure {
  /** What came of each port, in the order in which they were tried. */
  tried: readonly PortFailure[];
}

/**
 * Opens a session on the first port that answers. Expected failure is a value: the last port's failure, or the first
 * one's that got as far as talking.
 */
export async function openSession(
  configured: Relay,
  ports: readonly number[],
  deps: SessionDeps,
  progress?: Progress,
): Promise<Result<SmtpSession, NotOpened>> {
  const tried: PortFailure[] = [];
  const keyed = await withToken(configured, deps);
  if (!keyed.ok) {
    const failure = new SmtpFailure("auth", { category: "authentication_failed", problem: keyed.error });
    progress?.("auth", false, keyed.error);
    return err({ failure, port: ports[0]!, opening: [], tried });
  }
  const relay = keyed.value;
  for (const port of ports) {
    const policy = tlsOn(relay, port);
    let opened = await openOne(relay, port, policy, deps, progress);
    if (!opened.ok && mayGoClear(relay, policy, opened.error.failure)) {
      opened = await openOne(relay, port, "none", deps, progress);
    }
    if (opened.ok) return opened;
    tried.push(opened.error);
    const { step } = opened.error.failure;
    if (relay.oauth !== null && step === "auth") forgetToken(relay.oauth);
    if (step !== "connect") break;
  }
  return err({ ...tried.at(-1)!, tried });
}

/** The relay as it is logged in to: with a token in the password's place where it has tokens. */
async function withToken(relay: Relay, deps: SessionDeps): Promise<Result<Relay, string>> {
  if (relay.oauth === null || relay.credentials === null) return ok(relay);
  const token = await accessToken(relay.oauth, deps);
  return token.ok ? ok({ ...relay, credentials: { ...relay.credentials, password: token.value } }) : token;
}

/** Opportunistic TLS (RFC 3207 section 5) with a relay whose TLS is broken: in clear on a new connection, with no password at stake. */
const mayGoClear = (relay: Relay, policy: TlsPolicy, failure: SmtpFailure): boolean =>
  policy === "opportunistic" &&
  relay.credentials === null &&
  failure.step === "starttls" &&
  failure.verdict.category === "tls_failed";

async function openOne(
  relay: Relay,
  port: number,
  policy: TlsPolicy,
  deps: SessionDeps,
  progress: Progress | undefined,
): Promise<Result<SmtpSession, PortFailure>> {
  const failed = ({ step, detail }: SmtpFailure) =>
    progress?.(step as OpeningStep, false, step === "connect" ? `${relay.host}:${port}: ${detail}` : detail);
  let session: SmtpSession;
  try {
    session = new SmtpSession(relay, port, policy, deps);
  } catch (error) {
    const failure = connectFailure(error);
    failed(failure);
    return err({ failure, port, opening: [] });
  }
  try {
    await session.establish(progress);
    return ok(session);
  } catch (error) {
    session.drop();
    if (!(error instanceof SmtpFailure)) throw error;
    const failure = policy === "implicit" ? await diagnose(error, relay.host, port, deps) : error;
    failed(failure);
    return err({ failure, port, opening: session.opening });
  }
}

/**
 * Tries a relay for a person: connect, greeting, EHLO, TLS, login, each with what happened and how long it took, and
 * what to change when a step fails. Sends no mail.
 */
import { SMTP_VERIFY_GREETING_MS } from "../core/limits.ts";
import { DEADLINES } from "./deadlines.ts";
import type { SmtpFailure } from "./failure.ts";
import { openSession } from "./open-session.ts";
import { wantsTls } from "./probe.ts";
import { DEFAULT_PORTS, type Relay, tlsOn } from "./relay.ts";
import type { OpeningStep, SessionDeps } from "./session.ts";

export interface VerifyStep {
  step: OpeningStep;
  ok: boolean;
  detail: string;
  milliseconds: number;
}

export interface Verification {
  ok: boolean;
  steps: VerifyStep[];
  /** What to change; absent when all is well. */
  advice?: string;
}

/** Opens a session and closes it with QUIT. Never throws for the relay's sake. */
export async function verifyRelay(relay: Relay, deps: SessionDeps): Promise<Verification> {
  const deadlines = deps.deadlines ?? { ...DEADLINES, greeting: SMTP_VERIFY_GREETING_MS };
  const hurried = { ...deps, deadlines };
  const steps: VerifyStep[] = [];
  let since = deps.now();
  const progress = (step: OpeningStep, ok: boolean, detail: string) => {
    const now = deps.now();
    steps.push({ step, ok, detail, milliseconds: now - since });
    since = now;
  };
  const opened = await openSession(
    relay,
    relay.port === null ? DEFAULT_PORTS : [relay.port],
    hurried,
    progress,
  );
  if (opened.ok) {
    await opened.value.quit();
    return { ok: true, steps };
  }
  const { failure, port } = opened.error;
  return { ok: false, steps, advice: await adviceFor(relay, port, failure, hurried) };
}

/** What to change: named exactly where the cause can be found out, else the category's sentence. */
async function adviceFor(
  relay: Relay,
  port: number,
  failure: SmtpFailure,
  deps: SessionDeps,
): Promise<string> {
  const { category, sentence } = failure.verdict;
  if (category === "wrong_tls_mode" && tlsOn(relay, port) === "implicit") {
    return `Port ${port} of ${relay.host} speaks first without TLS: use smtp://${relay.host}:${port}?tls=required.`;
  }
  const mute = failure.reply === null && failure.step === "greeting" && tlsOn(relay, port) !== "implicit";
  if (mute && (await wantsTls(relay.host, port, deps))) {
    return `Port ${port} of ${relay.host} wants TLS from the first byte: use smtps://${relay.host}:${port}.`;
  }
  return sentence;
}

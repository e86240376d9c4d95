/**
 * Tries a relay for a person: connect, greeting, EHLO, TLS, login, each with what happened and how long it took, and
 * what to change when a step fails. Sends no mail.
 */
import { SMTP_VERIFY_CONNECT_MS, SMTP_VERIFY_GREETING_MS } from "../core/limits.ts";
import { DEADLINES } from "./deadlines.ts";
import type { SmtpFailure } from "./failure.ts";
import { openSession, type PortFailure } from "./open-session.ts";
import { wantsTls } from "./probe.ts";
import { portsOf, type Relay, tlsOn } from "./relay.ts";
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
export async function verifyRelay(
  relay: Relay,
  deps: SessionDeps,
  ports: readonly number[] = portsOf(relay, null),
): Promise<Verification> {
  const connect = ports.length > 1 ? SMTP_VERIFY_CONNECT_MS : DEADLINES.connect;
  const deadlines = deps.deadlines ?? { ...DEADLINES, connect, greeting: SMTP_VERIFY_GREETING_MS };
  const hurried = { ...deps, deadlines };
  const steps: VerifyStep[] = [];
  let since = deps.now();
  const progress = (step: OpeningStep, ok: boolean, detail: string) => {
    const now = deps.now();
    steps.push({ step, ok, detail, milliseconds: now - since });
    since = now;
  };
  const opened = await openSession(relay, ports, hurried, progress);
  if (opened.ok) {
    await opened.value.quit();
    return { ok: true, steps };
  }
  const { failure, port, tried } = opened.error;
  const advice =
    tried.length > 1
      ? await adviceForAll(relay, tried, hurried)
      : await adviceFor(relay, port, failure, hurried);
  return { ok: false, steps, advice };
}

/** Likewise for several ports: each is named, those with the same advice together. */
async function adviceForAll(relay: Relay, tried: readonly PortFailure[], deps: SessionDeps): Promise<string> {
  const portsBy = new Map<string, number[]>();
  for (const { port, failure } of tried) {
    const advice = await adviceFor(relay, port, failure, deps);
    portsBy.set(advice, [...(portsBy.get(advice) ?? []), port]);
  }
  const parts = [...portsBy].map(([advice, ports]) =>
    advice.startsWith("Port ") ? advice : `${spell(ports)} of ${relay.host}: ${advice}`,
  );
  const scheme = relay.tls === "implicit" ? "smtps" : "smtp";
  return `${parts.join(" ")} If it listens on another port, name that in its URL: ${scheme}://${relay.host}:PORT.`;
}

/** `Port 587`, `Ports 587 and 465`, `Ports 587, 465 and 2525`. */
const spell = (ports: readonly number[]): string =>
  ports.length === 1 ? `Port ${ports[0]}` : `Ports ${ports.slice(0, -1).join(", ")} and ${ports.at(-1)}`;

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

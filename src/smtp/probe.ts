/**
 * Why a connection with TLS from the first byte failed. workerd gives one text ("proxy request failed, cannot connect to
 * the specified address") for a closed port, a refused certificate and a port that does not begin with TLS. So the port
 * is tried once more without TLS; nothing is sent to it.
 */
import { SMTP_PROBE_MS } from "../core/limits.ts";
import { SmtpConnection } from "./connection.ts";
import { DEADLINES, type Deadlines } from "./deadlines.ts";
import { SmtpFailure } from "./failure.ts";

export interface ProbeDeps {
  now: () => number;
  deadlines?: Deadlines;
}

/** closed: no TCP connection. silent: nothing is said, as a port does that waits for TLS. greets: SMTP in clear. */
type Finding = "closed" | "silent" | "greets";

class Probe extends SmtpConnection {
  async look(): Promise<Finding> {
    try {
      await this.within(this.socket.opened, "connect", this.waits.connect);
    } catch {
      return "closed";
    }
    try {
      await this.reply("greeting", Math.min(this.waits.greeting, SMTP_PROBE_MS));
      return "greets";
    } catch {
      return "silent";
    } finally {
      this.drop();
    }
  }
}

/** The failure with its cause named, as far as it can be known. Others are returned as they are. */
export async function diagnose(
  failure: SmtpFailure,
  host: string,
  port: number,
  deps: ProbeDeps,
): Promise<SmtpFailure> {
  const { category } = failure.verdict;
  if (failure.step !== "connect" || (category !== "connect_failed" && category !== "tls_failed"))
    return failure;
  const finding = await lookAt(host, port, deps);
  if (finding === "closed") return failure;
  if (finding === "greets") {
    const problem = `port ${port} speaks first without TLS: use smtp:// and tls=required there, not TLS from the first byte`;
    return new SmtpFailure("connect", { category: "wrong_tls_mode", problem });
  }
  const problem = `the port is open, but the TLS handshake failed, most likely over the certificate (${failure.problem})`;
  return new SmtpFailure("connect", { category: "tls_failed", problem });
}

async function lookAt(host: string, port: number, deps: ProbeDeps): Promise<Finding> {
  const deadlines = deps.deadlines ?? DEADLINES;
  try {
    return await new Probe({
      host,
      port,
      secure: false,
      startTls: false,
      credentials: null,
      deadlines,
      now: deps.now,
    }).look();
  } catch {
    return "closed";
  }
}

/** Does TLS from the first byte work on a port that kept silent without it? */
export async function wantsTls(host: string, port: number, deps: ProbeDeps): Promise<boolean> {
  const deadlines = deps.deadlines ?? DEADLINES;
  try {
    return (
      (await new Probe({
        host,
        port,
        secure: true,
        startTls: false,
        credentials: null,
        deadlines,
        now: deps.now,
      }).look()) === "greets"
    );
  } catch {
    return false;
  }
}

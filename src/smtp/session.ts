/**
 * Opening a session: greeting, EHLO, TLS by policy, login; and QUIT. It keeps worker-mailer's socket, its TLS upgrade,
 * PLAIN, LOGIN and QUIT, and decides what the library leaves open. Sending copies is transaction.ts's.
 */
import type { Reply } from "../policy/reply.ts";
import { type AuthMechanism, chooseMechanism, cramMd5, xoauth2 } from "./auth.ts";
import { type Capabilities, NO_CAPABILITIES, offersOf, parseCapabilities } from "./capabilities.ts";
import { SmtpConnection } from "./connection.ts";
import { DEADLINES, type Deadlines } from "./deadlines.ts";
import { connectFailure, greetingFailure, messageOf, SmtpFailure, tlsFailure } from "./failure.ts";
import type { Relay, TlsPolicy } from "./relay.ts";

export interface SessionDeps {
  /** Milliseconds since 1970. */
  now: () => number;
  /** The gateway's own name in EHLO, used when the relay has none. */
  ehlo: string;
  /** Default: those of limits.ts. */
  deadlines?: Deadlines;
  /** For access tokens. Default: the platform's. */
  fetch?: (url: string, init: RequestInit) => Promise<Response>;
}

/** Called as each step of the opening ends. */
export type Progress = (step: OpeningStep, ok: boolean, detail: string) => void;
export type OpeningStep = "connect" | "greeting" | "ehlo" | "starttls" | "auth";

export class SmtpSession extends SmtpConnection {
  readonly relay: Relay;
  readonly peer: { host: string; port: number };
  capabilities: Capabilities = NO_CAPABILITIES;
  /** Everything from here on is encrypted. */
  encrypted: boolean;
  /** Copies answered in this session, whatever the answer. */
  answeredCopies = 0;
  /** How long the last EHLO took to be answered, in milliseconds. */
  roundTripMs = 0;
  /** A chunk has been taken: BDAT is known here. */
  takesChunks = false;
  /** Nobody knows any more what the relay answers to: it is left with QUIT. */
  isMuddled = false;
  readonly #policy: TlsPolicy;
  readonly #name: string;
  readonly #now: () => number;

  constructor(relay: Relay, port: number, policy: TlsPolicy, deps: SessionDeps) {
    const secure = policy === "implicit";
    super({
      host: relay.host,
      port,
      secure,
      startTls: policy === "required" || policy === "opportunistic",
      credentials: relay.credentials,
      deadlines: deps.deadlines ?? DEADLINES,
      now: deps.now,
    });
    this.relay = relay;
    this.peer = { host: relay.host, port };
    this.#policy = policy;
    this.#name = relay.ehlo ?? deps.ehlo;
    this.#now = deps.now;
    this.encrypted = secure;
  }

  /** From nothing to ready for MAIL. Throws SmtpFailure. */
  async establish(progress: Progress = () => {}): Promise<void> {
    try {
      await this.within(this.socket.opened, "connect", this.waits.connect);
    } catch (error) {
      if (error instanceof SmtpFailure) throw error;
      throw this.fail(connectFailure(error));
    }
    progress(
      "connect",
      true,
      `connected to ${this.peer.host}:${this.peer.port}${this.encrypted ? " over TLS" : ""}`,
    );
    progress("greeting", true, await this.welcome());
    await this.ehlo();
    progress("ehlo", true, offersOf(this.capabilities));
    if (!this.encrypted) await this.upgrade(progress);
    await this.auth();
    if (this.relay.credentials !== null)
      progress("auth", true, `logged in as ${this.relay.credentials.user}`);
    this.expectSilence("auth");
  }

  /** Reads the greeting; its text. */
  private async welcome(): Promise<string> {
    let reply: Reply;
    try {
      reply = this.record(await this.reply("greeting", this.waits.greeting));
    } catch (error) {
      if (!(error instanceof SmtpFailure)) throw error;
      // With TLS from the first byte, a handshake that fails shows here: nothing was ever read.
      const lost = error.verdict.category === "connection_lost" && this.#policy === "implicit";
      throw lost
        ? tlsFailure("connect", error.problem)
        : this.#policy === "implicit"
          ? error
          : greetingFailure(error, this.peer.port);
    }
    if (reply.code !== 220) throw this.refused("greeting", reply);
    // Bytes before our EHLO that are no greeting belong to no command.
    this.expectSilence("greeting");
    return reply.text.split("\n")[0] ?? "";
  }

  override async ehlo(): Promise<void> {
    const since = this.#now();
    this.say(`EHLO ${this.#name}`);
    const reply = this.record(await this.reply("ehlo", this.waits.command));
    this.roundTripMs = this.#now() - since;
    if (reply.code < 300) {
      this.capabilities = parseCapabilities(reply);
    } else if (reply.code >= 500 && !this.encrypted) {
      // RFC 5321 section 3.2: a server that does not know EHLO gets HELO. It has no extensions then, TLS among them.
      await this.helo();
    } else {
      throw this.refused("ehlo", reply);
    }
    this.expectSilence("ehlo");
  }

  override async helo(): Promise<void> {
    this.say(`HELO ${this.#name}`);
    const reply = this.record(await this.reply("ehlo", this.waits.command));
    if (reply.code >= 300) throw this.refused("ehlo", reply);
    this.capabilities = NO_CAPABILITIES;
  }

  /** STARTTLS as the policy says. */
  private async upgrade(progress: Progress): Promise<void> {
    if (this.#policy === "none") return;
    if (this.capabilities.startTls) {
      await this.tls();
      if (this.encrypted) progress("starttls", true, "upgraded with STARTTLS, certificate accepted");
    }
    if (this.encrypted) return;
    if (this.#policy === "required") {
      const problem = "the relay does not offer STARTTLS";
      throw this.fail(new SmtpFailure("starttls", { category: "tls_not_offered", problem }));
    }
    if (this.relay.credentials !== null) {
      const problem =
        "the relay does not offer STARTTLS, and a password is not sent in clear unless tls=none";
      throw this.fail(new SmtpFailure("starttls", { category: "tls_not_offered", problem }));
    }
  }

  /** The library's upgrade, with the checks it lacks. Stays in clear when the relay refuses and the policy allows. */
  override async tls(): Promise<void> {
    this.step = "starttls";
    this.opening.push("C: STARTTLS");
    try {
      await super.tls();
    } catch (error) {
      if (this.failure !== null) throw this.failure;
      const last = this.#lastReply;
      if (last !== null && last.code !== 220) {
        if (this.#policy === "opportunistic" && last.code !== 421) return;
        throw this.refused("starttls", last);
      }
      throw this.fail(tlsFailure("starttls", error));
    }
    this.settleQuietly();
    try {
      await this.within(this.socket.opened, "starttls", this.waits.command);
      this.encrypted = true;
      // RFC 3207 section 4.2: what was offered in clear is forgotten. A failed handshake may show only at this EHLO.
      await this.ehlo();
    } catch (error) {
      const lost =
        !(error instanceof SmtpFailure) ||
        error.verdict.category === "connection_lost" ||
        error.verdict.category === "timed_out";
      if (!lost) throw error;
      const text = error instanceof SmtpFailure ? error.problem : messageOf(error);
      this.drop();
      throw tlsFailure("starttls", text);
    }
  }

  #lastReply: Reply | null = null;

  /** What the library's `tls`, `authWithPlain` and `authWithLogin` read replies with. */
  override async read(): Promise<string> {
    const reply = this.record(await this.reply(this.step, this.waitMs));
    this.#lastReply = reply;
    if (this.step === "starttls" && reply.code === 220 && !this.silent) {
      // RFC 3207: bytes behind the 220 came in clear, and a client that kept them would take them for the server's
      // words under TLS (CVE-2021-38371, "NO STARTTLS", USENIX Security 2021).
      const problem = "bytes in clear came behind the answer to STARTTLS";
      throw this.fail(new SmtpFailure("starttls", { category: "tls_injection", problem }));
    }
    return `${reply.code} ${reply.text}`;
  }

  /** Logs in with the mechanism that fits, when there are credentials. A relay that offers AUTH to others is no error. */
  override async auth(): Promise<void> {
    const { credentials } = this.relay;
    if (credentials === null) return;
    this.step = "auth";
    const offered = this.capabilities.auth;
    const mechanism = chooseMechanism(offered, this.relay.auth, this.encrypted);
    if (mechanism === null) {
      const wanted = this.relay.auth === null ? "PLAIN, LOGIN or CRAM-MD5" : this.relay.auth.toUpperCase();
      const problem = `the relay offers ${offered.length === 0 ? "no AUTH" : `AUTH ${offered.join(" ")}`}, and ${wanted} is needed`;
      throw this.fail(new SmtpFailure("auth", { category: "no_auth_mechanism", problem }));
    }
    this.opening.push(`C: AUTH ${mechanism.toUpperCase()} ****`);
    this.#lastReply = null;
    try {
      await this.#login(mechanism);
    } catch (error) {
      if (this.failure !== null) throw this.failure;
      const last = this.#lastReply as Reply | null;
      if (last === null) throw error;
      throw this.refused("auth", last);
    }
  }

  #login(mechanism: AuthMechanism): Promise<void> {
    if (mechanism === "plain") return this.authWithPlain();
    if (mechanism === "login") return this.authWithLogin();
    return mechanism === "cram-md5" ? this.authWithCramMD5() : this.#authWithXoauth2();
  }

  override async authWithCramMD5(): Promise<void> {
    await this.writeLine("AUTH CRAM-MD5");
    const challenge = await this.read();
    const answer = challenge.startsWith("334") ? cramMd5(this.relay.credentials!, challenge.slice(4)) : null;
    if (answer === null) throw new Error("no challenge");
    await this.writeLine(answer);
    if (!(await this.read()).startsWith("2")) throw new Error("refused");
  }

  async #authWithXoauth2(): Promise<void> {
    await this.writeLine(`AUTH XOAUTH2 ${xoauth2(this.relay.credentials!)}`);
    let answer = await this.read();
    if (answer.startsWith("334")) {
      // The error is in the challenge; an empty line fetches the real reply (Google's XOAUTH2 protocol).
      await this.writeLine("");
      answer = await this.read();
    }
    if (!answer.startsWith("2")) throw new Error("refused");
  }

  /** QUIT as a courtesy, then closed whatever comes. Never waits longer than the quit deadline. */
  async quit(): Promise<void> {
    if (this.failure !== null) return;
    this.unwatch();
    this.waitMs = this.waits.quit;
    await super.close();
    this.drop();
  }

  /** Sends a line of the opening and records it. */
  private say(line: string): void {
    this.opening.push(`C: ${line}`);
    void this.writeLine(line);
  }

  private refused(step: "greeting" | "ehlo" | "starttls" | "auth", reply: Reply): SmtpFailure {
    return this.fail(new SmtpFailure(step, reply));
  }
}

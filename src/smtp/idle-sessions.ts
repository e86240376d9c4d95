/** Sessions that wait for more mail, each for a while, and leave with QUIT. Holds one timer for each. */
import type { SmtpSession } from "./session.ts";

export class IdleSessions {
  /** Those that say QUIT: the relay counts them until it has answered. */
  readonly #leaving = new Map<SmtpSession, Promise<void>>();
  #timers = new Map<SmtpSession, ReturnType<typeof setTimeout>>();
  #idleMs: number;

  constructor(idleMs: number) {
    this.#idleMs = idleMs;
  }

  get size(): number {
    return this.#timers.size;
  }

  /** One that can be used, or null. */
  take(): SmtpSession | null {
    for (const session of this.#timers.keys()) {
      this.#remove(session);
      session.unwatch();
      if (session.failure === null) return session;
    }
    return null;
  }

  park(session: SmtpSession): void {
    const leave = () => {
      if (this.#remove(session)) void this.#leave(session);
    };
    this.#timers.set(session, setTimeout(leave, this.#idleMs));
    session.watch(() => {
      // It hung up or said "421 idle too long": nothing is under way, so nothing is lost.
      this.#remove(session);
      session.drop();
    });
  }

  /** Sends one away; false: there is none. */
  sendAway(): boolean {
    for (const session of this.#timers.keys()) {
      this.#remove(session);
      void this.#leave(session);
      return true;
    }
    return false;
  }

  /** How many are on their way out. */
  get leaving(): number {
    return this.#leaving.size;
  }

  /** Resolves when one of them has gone. */
  async oneLess(): Promise<void> {
    await Promise.race(this.#leaving.values());
  }

  #leave(session: SmtpSession): Promise<void> {
    const gone = session.quit().finally(() => this.#leaving.delete(session));
    this.#leaving.set(session, gone);
    return gone;
  }

  /** QUIT to all. */
  async close(): Promise<void> {
    const sessions = [...this.#timers.keys()];
    for (const session of sessions) this.#remove(session);
    await Promise.all([...sessions.map((session) => this.#leave(session)), ...this.#leaving.values()]);
  }

  #remove(session: SmtpSession): boolean {
    clearTimeout(this.#timers.get(session));
    return this.#timers.delete(session);
  }
}

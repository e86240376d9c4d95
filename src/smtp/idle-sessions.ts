/** Sessions that wait for more mail, each for a while, and leave with QUIT. Holds one timer for each. */
import type { SmtpSession } from "./session.ts";

export class IdleSessions {
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
      if (this.#remove(session)) void session.quit();
    };
    this.#timers.set(session, setTimeout(leave, this.#idleMs));
    session.watch(() => {
      // It hung up or said "421 idle too long": nothing is under way, so nothing is lost.
      this.#remove(session);
      session.drop();
    });
  }

  /** QUIT to all. */
  async close(): Promise<void> {
    const sessions = [...this.#timers.keys()];
    for (const session of sessions) this.#remove(session);
    await Promise.all(sessions.map((session) => session.quit()));
  }

  #remove(session: SmtpSession): boolean {
    clearTimeout(this.#timers.get(session));
    return this.#timers.delete(session);
  }
}

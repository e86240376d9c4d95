/**
 * Destinations that asked for a slower pace, each with the time until which mail for it waits. Mail is not moved when a
 * hold begins: whatever is claimed meanwhile is put off until its end, and so releases itself.
 */

/** The first hold, in milliseconds; twice as long each time in a row, up to the longest. */
const HOLD_MS = 60_000;
const LONGEST_MS = 15 * 60_000;

export class Holds {
  readonly #sql: SqlStorage;
  readonly #until = new Map<string, number>();
  /** How long the last hold of a domain was. */
  readonly #length = new Map<string, number>();

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    for (const { domain, until } of sql.exec<{ domain: string; until: number }>(
      "SELECT domain, until FROM hold",
    ))
      this.#until.set(domain, until);
  }

  /** Until when mail for a domain waits, or null when it may go. */
  until(domain: string, now: number): number | null {
    if (this.#until.size === 0) return null;
    const until = this.#until.get(domain);
    if (until === undefined) return null;
    if (until > now) return until;
    this.#until.delete(domain);
    this.#sql.exec("DELETE FROM hold WHERE domain = ?", domain);
    return null;
  }

  /** It said "too fast". Returns the end of the hold: of the one there is, where the mail was on its way before that. */
  slowDown(domain: string, now: number): number {
    const standing = this.until(domain, now);
    if (standing !== null) return standing;
    const length = Math.min((this.#length.get(domain) ?? HOLD_MS / 2) * 2, LONGEST_MS);
    const until = now + length;
    this.#length.set(domain, length);
    this.#until.set(domain, until);
    this.#sql.exec("INSERT OR REPLACE INTO hold (domain, until) VALUES (?, ?)", domain, until);
    return until;
  }

  /** It takes mail again: the next hold is a short one. */
  relax(domain: string): void {
    this.#length.delete(domain);
  }
}

/** An object's one alarm (developers.cloudflare.com/durable-objects/api/alarms), for all who need one. Times in milliseconds since 1970. */

/** An alarm that has not rung so long after its time is not believed in any more. */
const LATE_MS = 10_000;

export class Alarm {
  readonly #set: (at: number) => void;
  readonly #now: () => number;
  /** When it rings, as far as this instance knows. */
  #at = 0;

  constructor(set: (at: number) => void, now: () => number) {
    this.#set = set;
    this.#now = now;
  }

  /** What the storage says is set, by an earlier instance perhaps; null: nothing. */
  found(at: number | null): void {
    if (at !== null) this.#at = Math.max(at, this.#now());
  }

  /** Rings by then. One that rings for nothing is cheaper than one cancelled each time. */
  by(at: number): void {
    // One whose time has just come is about to ring, unless it is set anew.
    if (this.#at > this.#now() - LATE_MS && this.#at <= at) return;
    this.#at = at;
    this.#set(at);
  }

  /** It rang: the one that was set is gone. */
  rang(): void {
    this.#at = 0;
  }
}

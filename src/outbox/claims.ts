/** The copies that a lane has in hand: claimed from the queue, or given to it when they were accepted. */
import { CLAIMS_PER_READ } from "../core/limits.ts";
import type { Queue } from "./queue.ts";
import type { Delivery } from "./tables.ts";

export class Claims {
  readonly #queue: Pick<Queue, "deliveries" | "routes">;
  readonly #sieve: (claimed: Delivery[], now: number) => Delivery[];
  #held: Delivery[] = [];
  #more = false;

  /** `sieve` leaves what may be sent of copies just claimed; the others are its business. */
  constructor(
    queue: Pick<Queue, "deliveries" | "routes">,
    sieve: (claimed: Delivery[], now: number) => Delivery[],
  ) {
    this.#queue = queue;
    this.#sieve = sieve;
  }

  /** More waits in the queue than is in hand. */
  get hasBacklog(): boolean {
    return this.#more;
  }

  get isEmpty(): boolean {
    return this.#held.length === 0;
  }

  /** Whether `count` new copies can be given at once: there is room, and nothing older waits. */
  hasRoom(count: number): boolean {
    if (!this.#more && this.#held.length + count <= CLAIMS_PER_READ) return true;
    this.#more = true; // They will wait in the queue, and newer ones behind them.
    return false;
  }

  /** Copies that were stored as claimed. */
  give(deliveries: readonly Delivery[]): void {
    this.#held.push(...deliveries);
  }

  /** The next copy that is due under a route of which `isOurs` says so. */
  next(now: number, isOurs: (route: string) => boolean): Delivery | undefined {
    if (this.#held.length === 0) this.#claim(now, isOurs);
    return this.#held.shift();
  }

  #claim(now: number, isOurs: (route: string) => boolean): void {
    this.#more = false;
    for (const route of this.#queue.routes.waiting()) {
      if (!isOurs(route)) continue;
      do {
        const claimed = this.#queue.deliveries.claim(route, now, CLAIMS_PER_READ);
        this.#more = claimed.length === CLAIMS_PER_READ;
        this.#held = this.#sieve(claimed, now);
        if (this.#held.length > 0) return;
      } while (this.#more);
    }
  }

  /** Puts back what was not sent; `first` is the one that was just taken. */
  putBack(first?: Delivery): void {
    if (first !== undefined) this.#held.unshift(first);
    this.#queue.deliveries.unclaim(this.#held.map(({ id }) => id));
    this.#held = [];
  }
}

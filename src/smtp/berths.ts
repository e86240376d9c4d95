/**
 * The connections that an object may have open at a time, whoever they lead to. The platform gives an invocation six
 * (developers.cloudflare.com/workers/platform/limits); one more is not refused but waits, so that a relay in perfect health
 * would look as if it did not answer. The pools of an object share them, evenly where they want more than there are.
 */
import { SMTP_BERTH_MS } from "../core/limits.ts";

/** Who holds berths: a pool. */
export interface Tenant {
  /** Closes a session that nobody uses. False: it has none. */
  vacate(): boolean;
}

interface Waiting {
  tenant: Tenant;
  /** Milliseconds since 1970. */
  since: number;
  come: (hasBerth: boolean) => void;
}

export class Berths {
  #free: number;
  readonly #now: () => number;
  readonly #held = new Map<Tenant, number>();
  /** Of those held, how many are about to be left since another waits. */
  readonly #going = new Map<Tenant, number>();
  #waiting: Waiting[] = [];

  constructor(count: number, now: () => number) {
    this.#free = count;
    this.#now = now;
  }

  /** A berth, as soon as there is one. False: it was called off meanwhile. */
  take(tenant: Tenant): Promise<boolean> {
    if (this.#free > 0) {
      this.#free -= 1;
      add(this.#held, tenant, 1);
      return Promise.resolve(true);
    }
    const taken = new Promise<boolean>((come) => {
      this.#waiting.push({ tenant, since: this.#now(), come });
    });
    for (const other of this.#held.keys())
      if (other !== tenant && other.vacate()) {
        add(this.#going, other, 1);
        break;
      }
    return taken;
  }

  /** A session's connection is closed. */
  leave(tenant: Tenant): void {
    add(this.#held, tenant, -1);
    add(this.#going, tenant, -1);
    const next = this.#neediest();
    if (next === null) {
      this.#free += 1;
      return;
    }
    this.#waiting.splice(this.#waiting.indexOf(next), 1);
    add(this.#held, next.tenant, 1);
    next.come(true);
  }

  /** The tenant has no use for more berths. */
  callOff(tenant: Tenant): void {
    const [off, on] = [[] as Waiting[], [] as Waiting[]];
    for (const one of this.#waiting) (one.tenant === tenant ? off : on).push(one);
    this.#waiting = on;
    for (const { come } of off) come(false);
  }

  /** How many berths a tenant waits for. */
  waits(tenant: Tenant): number {
    return this.#waiting.filter((one) => one.tenant === tenant).length;
  }

  /**
   * Whether a tenant is to give up a berth of its own now: another that waits has fewer, or has had none for a while, or this one
   * has no use for it (`isIdle`). Yes means that it does.
   */
  yields(tenant: Tenant, isIdle = false): boolean {
    if (this.#waiting.length === 0) return false;
    const next = this.#neediest(tenant);
    if (next === null) return false;
    let going = 0;
    for (const count of this.#going.values()) going += count;
    if (going >= this.#waiting.length) return false;
    const theirs = this.#held.get(next.tenant) ?? 0;
    const mine = (this.#held.get(tenant) ?? 0) - (this.#going.get(tenant) ?? 0);
    const isTheirTurn = theirs === 0 && mine > 0 && this.#now() - next.since >= SMTP_BERTH_MS;
    if (!isIdle && mine - theirs < 2 && !isTheirTurn) return false;
    add(this.#going, tenant, 1);
    return true;
  }

  /** Who waits and has fewest; of equals who has waited longest. `but`: not this one. */
  #neediest(but: Tenant | null = null): Waiting | null {
    let found: Waiting | null = null;
    for (const one of this.#waiting)
      if (
        one.tenant !== but &&
        (found === null || (this.#held.get(one.tenant) ?? 0) < (this.#held.get(found.tenant) ?? 0))
      )
        found = one;
    return found;
  }
}

/** Never below nothing. */
function add(counts: Map<Tenant, number>, tenant: Tenant, more: number): void {
  const count = (counts.get(tenant) ?? 0) + more;
  if (count > 0) counts.set(tenant, count);
  else counts.delete(tenant);
}

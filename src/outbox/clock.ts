/**
 * When a dispatcher looks again. A timer is exact and dies with the process; the object's alarm is late at times and
 * survives it. What to look at is the dispatcher's.
 */

import { Alarm } from "../core/alarm.ts";

/** While something is under way, an alarm is never further off than this: it is what restarts work after a crash. */
export const WATCHDOG_MS = 10_000;
/** Never look again sooner than this. */
const SOONEST_MS = 5;

export interface ClockContext {
  now: () => number;
  setAlarm: (at: number) => void;
  /** An alarm that fires now waits for this a while, and the platform fires no other meanwhile. */
  isWorking: () => boolean;
  wake: () => void;
}

export class Clock {
  readonly #context: ClockContext;
  readonly #alarm: Alarm;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #timerAt = 0;

  constructor(context: ClockContext) {
    this.#context = context;
    this.#alarm = new Alarm(context.setAlarm, context.now);
  }

  /** Looks again at a time, in milliseconds since 1970, or sooner. */
  lookAgain(at: number): void {
    const now = this.#context.now();
    const inMs = Math.max(at - now, SOONEST_MS);
    // By timer whatever happens while there is work: one relay that is busy for hours would keep what is due at all others.
    if (inMs < WATCHDOG_MS || this.#context.isWorking()) this.#timeBy(now, Math.min(inMs, WATCHDOG_MS));
    this.alarmBy(now + inMs);
  }

  /** Makes sure an alarm comes by then. An earlier one stays: it will find out what there is to do. */
  alarmBy(at: number): void {
    this.#alarm.by(at);
  }

  /** An alarm fired: the one that was set is gone. */
  fired(): void {
    this.#alarm.rang();
  }

  #timeBy(now: number, ms: number): void {
    if (this.#timer !== null && this.#timerAt <= now + ms) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timerAt = now + ms;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#context.wake();
    }, ms);
  }
}

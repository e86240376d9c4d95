/**
 * Calls of one moment, handled together: a commit costs as much as taking a message, and one serves all. A call that comes
 * alone is handled at once; only when calls follow one another closely do they wait, for no longer than the event loop takes
 * to bring what has arrived already.
 */

/** Calls that come within this time of the last handling wait for company, in milliseconds. */
const CLOSE_MS = 5;

interface Waiting<Call, Answer> {
  call: Call;
  resolve: (answer: Answer) => void;
  reject: (cause: unknown) => void;
}

export class Gather<Call, Answer> {
  readonly #handle: (calls: readonly Call[]) => Answer[];
  readonly #sizeOf: (call: Call) => number;
  readonly #most: number;
  readonly #now: () => number;
  #waiting: Waiting<Call, Answer>[] = [];
  #size = 0;
  #handledAt = 0;

  /**
   * `handle` answers each call in order, or throws and has done nothing. No more is gathered than `most`, as `sizeOf` counts;
   * a single call may be larger.
   */
  constructor(
    handle: (calls: readonly Call[]) => Answer[],
    { sizeOf, most, now }: { sizeOf: (call: Call) => number; most: number; now: () => number },
  ) {
    this.#handle = handle;
    this.#sizeOf = sizeOf;
    this.#most = most;
    this.#now = now;
  }

  add(call: Call): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ call, resolve, reject });
      this.#size += this.#sizeOf(call);
      const alone = this.#waiting.length === 1;
      if (this.#size >= this.#most || (alone && this.#now() - this.#handledAt > CLOSE_MS)) this.#flush();
      else if (alone) setTimeout(() => this.#flush(), 0);
    });
  }

  #flush(): void {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    this.#size = 0;
    this.#handledAt = this.#now();
    let answers: Answer[];
    try {
      answers = this.#handle(waiting.map(({ call }) => call));
    } catch (cause) {
      // One of them is at fault; the others need not suffer.
      if (waiting.length === 1) waiting[0]!.reject(cause);
      else for (const one of waiting) this.#alone(one);
      return;
    }
    for (const [i, { resolve }] of waiting.entries()) resolve(answers[i]!);
  }

  #alone({ call, resolve, reject }: Waiting<Call, Answer>): void {
    try {
      resolve(this.#handle([call])[0]!);
    } catch (cause) {
      reject(cause);
    }
  }
}

/** Work that is done once more when it is asked for while it is under way, since what asked may have come too late for it. */
export class Rounds {
  readonly #work: () => Promise<void>;
  #isAsked = false;
  #running: Promise<void> | null = null;

  /** `work` never rejects. */
  constructor(work: () => Promise<void>) {
    this.#work = work;
  }

  /** Resolves when it was done from the beginning after this. */
  ask(): Promise<void> {
    this.#isAsked = true;
    this.#running ??= this.#run().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async #run(): Promise<void> {
    while (this.#isAsked) {
      this.#isAsked = false;
      await this.#work();
    }
  }
}

/** How far a long run has come: a bar that is drawn over itself on a terminal, a line at each tenth elsewhere. */

const BAR_CHARS = 28;

export class Progress {
  readonly #total: number;
  readonly #startedAt: number;
  readonly #from: number;
  readonly #stream: NodeJS.WriteStream;
  readonly #silent: boolean;
  #told = 0;

  /** `from`: what was done before this run. */
  constructor(total: number, from: number, silent: boolean, stream: NodeJS.WriteStream = process.stderr) {
    this.#total = total;
    this.#from = from;
    this.#silent = silent;
    this.#stream = stream;
    this.#startedAt = performance.now();
  }

  at(done: number): void {
    if (this.#silent) return;
    const line = describe(done, this.#total, done - this.#from, performance.now() - this.#startedAt);
    if (this.#stream.isTTY) {
      this.#stream.write(`\r\x1b[K${line}`);
      return;
    }
    const tenth = Math.floor((done * 10) / Math.max(1, this.#total));
    if (tenth === this.#told) return;
    this.#told = tenth;
    this.#stream.write(`${line}\n`);
  }

  end(): void {
    if (!this.#silent && this.#stream.isTTY) this.#stream.write("\n");
  }
}

/** `[#####-----] 5,000 of 10,000 (50 %), 1,234/s, 4 s left`. `fresh` were done in `ms` milliseconds. */
export function describe(done: number, total: number, fresh: number, ms: number): string {
  const share = total === 0 ? 1 : done / total;
  const filled = Math.floor(share * BAR_CHARS);
  const bar = "#".repeat(filled) + "-".repeat(BAR_CHARS - filled);
  const rate = ms > 0 ? (fresh / ms) * 1_000 : 0;
  const left = rate > 0 && done < total ? `, ${Math.ceil((total - done) / rate)} s left` : "";
  const count = (n: number) => Math.round(n).toLocaleString("en-US");
  return `[${bar}] ${count(done)} of ${count(total)} (${Math.floor(share * 100)} %), ${count(rate)}/s${left}`;
}

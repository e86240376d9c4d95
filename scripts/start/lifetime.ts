/** When this process is asked to end. */

export interface Lifetime {
  /** Aborted at the first SIGINT, SIGTERM or SIGHUP. Later ones change nothing: the end is under way, and bounded. */
  signal: AbortSignal;
  /** Resolves at that moment, with what a shell expects as exit code: 128 + the signal's number; 0 after Ctrl-C. */
  ended: Promise<number>;
}

const EXIT_CODES = { SIGINT: 0, SIGTERM: 0, SIGHUP: 129 } as const;

export function lifetime(): Lifetime {
  const controller = new AbortController();
  const ended = new Promise<number>((resolve) => {
    for (const [name, code] of Object.entries(EXIT_CODES)) {
      process.on(name, () => {
        controller.abort();
        resolve(code);
      });
    }
  });
  return { signal: controller.signal, ended };
}

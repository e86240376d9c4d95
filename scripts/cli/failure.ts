/** How a command ends: the exit codes, and the one error that carries them. */

export const EXIT = {
  done: 0,
  /** The gateway, or the look at the input, said no: mend it and try again. */
  refused: 1,
  /** The command line itself is wrong. */
  usage: 2,
  /** The gateway cannot be reached or has trouble of its own: the same command may work later. */
  unavailable: 3,
} as const;

export class Failure extends Error {
  readonly exit: number;
  /** What the gateway answered, for --json. */
  readonly answer: unknown;
  constructor(exit: number, message: string, answer: unknown = null) {
    super(message);
    this.exit = exit;
    this.answer = answer;
  }
}

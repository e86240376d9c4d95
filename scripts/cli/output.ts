/** What a command prints: results on standard output, progress and complaints on standard error. */
import { styleText } from "node:util";

export interface Output {
  /** A result: its JSON in one line with --json, else the lines a person reads. */
  result(value: unknown, lines: () => string[]): void;
  /** Something to know on the way. Silent with --json. */
  note(line: string): void;
}

export function outputOf(json = false): Output {
  return {
    result(value, lines) {
      process.stdout.write(json ? `${JSON.stringify(value)}\n` : `${lines().join("\n")}\n`);
    },
    note(line) {
      if (!json) process.stderr.write(`${line}\n`);
    },
  };
}

type Style = Parameters<typeof styleText>[0];
/** Styled when standard output is a terminal that wants it (NO_COLOR is heard). */
export const paint = (style: Style, text: string): string =>
  styleText(style, text, { stream: process.stdout });

/** Rows with their columns in line. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows.reduce<number[]>(
    (sum, row) => row.map((cell, i) => Math.max(cell.length, sum[i] ?? 0)),
    [],
  );
  return rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join("  ")
      .trimEnd(),
  );
}

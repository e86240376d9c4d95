/** What a run of the bench gives: figures, and word of how far it is. */

/** One line of the table. `value` in `unit`; for rates more is better, for ms and MB less. */
export interface Figure {
  row: string;
  who: string;
  value: number;
  unit:
    | "messages/s"
    | "ms"
    | "MB"
    | "requests/s"
    | "ms CPU/message"
    | "µs CPU/message"
    | "µs CPU/request"
    | "µs"
    | "×"
    | "";
}

export const progress = (text: string) =>
  process.stderr.write(`${process.stderr.isTTY ? "\r\x1b[K" : ""}${text}${process.stderr.isTTY ? "" : "\n"}`);

/** 0 of an empty list. */
export const median = (list: readonly number[]): number =>
  list.toSorted((a, b) => a - b)[list.length >> 1] ?? 0;

/** Fields of a request that mean nothing here do not fail it, but a typo should be found: the answer names them. */
import type { AppContext } from "./context.ts";

export function nameUnknown(c: AppContext, unknown: readonly string[]): void {
  if (unknown.length > 0)
    c.header(
      "x-postern-unknown-fields",
      unknown.map((field) => field.replace(/[^\x21-\x7e]/g, "?")).join(", "),
    );
}

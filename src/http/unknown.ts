/** Fields of a request that mean nothing here do not fail it, but a typo should be found: the answer names them. */
import { UNKNOWN_FIELDS_CHARS } from "../core/limits.ts";
import type { AppContext } from "./context.ts";

export function nameUnknown(c: AppContext, unknown: readonly string[]): void {
  let names = "";
  for (const field of unknown) {
    const name = field.replace(/[^\x21-\x7e]/g, "?");
    const longer = names === "" ? name : `${names}, ${name}`;
    if (longer.length > UNKNOWN_FIELDS_CHARS) break;
    names = longer;
  }
  if (names !== "") c.header("x-postern-unknown-fields", names);
}

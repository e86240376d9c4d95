/**
 * Links of bulk mail that hold variables: `https://example.com/orders/{{id}}`. Each recipient's link leads to a target of
 * its own, so it is signed when a copy is spliced, which costs a copy a few microseconds. A value is put in as it is, not
 * percent-encoded, as it is where a link is not tracked: whoever writes a whole URL into a variable may.
 */
import { decodeHTMLAttribute } from "entities";
import type { Slot, Variable, VariableSlot } from "./compiled.ts";
import { MERGE_TAG } from "./links.ts";
import { type Bind, splitVariables } from "./variables.ts";

/** Variables that by their name hold a way to leave, which is no click. */
const LEAVES = /unsub|opt[-_.]?out/i;
const HTTP = /^[\0-\x20]*https?:\/\//i;

/** The slot of a link's value; null when it is not one that holds variables of ours, or cannot be tracked. */
export function linkSlot(
  value: string,
  {
    trackingBase: base,
    isLeaving,
  }: {
    trackingBase: string;
    /** Whether a link, its variables in braces, is one by which recipients leave. */
    isLeaving: (link: string) => boolean;
  },
  bind: Bind,
  spellingAt: (at: number) => "html" | "unquoted",
): Slot | null {
  if (!value.includes("{{") || value.includes("\0") || isLeaving(decodeHTMLAttribute(value))) return null;
  const raw = splitVariables(value, bind, spellingAt).filter(
    (piece): piece is string | VariableSlot => typeof piece === "string" || piece.kind === "variable",
  );
  const target: (string | Variable)[] = [];
  let variables = 0;
  for (const piece of raw) {
    if (typeof piece === "string") {
      const decoded = decodeHTMLAttribute(piece);
      if (MERGE_TAG.test(decoded)) return null;
      target.push(decoded);
    } else {
      if (piece.own !== undefined || LEAVES.test(piece.name)) return null;
      target.push({ name: piece.name, fallback: piece.fallback });
      variables++;
    }
  }
  const [first] = target;
  if (variables === 0 || (typeof first === "string" && !HTTP.test(first))) return null;
  return { kind: "link", base, target, raw };
}

/**
 * What a compiled bulk message asks of its recipients' values: which there must be, and how large they may make a copy.
 * Found once per message, so that a recipient costs next to nothing and no copy is made to be measured. Pure.
 */
import { MB, MESSAGE_BYTES, TRACKING_BASE_CHARS, UNSUBSCRIBE_TOKEN_CHARS } from "../core/limits.ts";
import type { Compiled, Variable, VariableSpelling } from "./compiled.ts";
import { spellVariable } from "./splice.ts";

/** Wire bytes that a UTF-16 unit may take: nine in quoted-printable, and its share of line breaks. */
const WIDEST = 10;
/** A tracked link is its target in base64. */
const LINK_SHARE = 4 / 3;
/** Encoded words in a header, against the same text in quoted-printable. */
const HEADER_SHARE = 2;
/** To, Message-ID, a link's token and what stands around them. */
const SLOT_BYTES = 100;

/** Where one variable stands. */
interface Use {
  /** In how many places, by spelling. A share more where the place asks for more than the spelling. */
  places: Map<VariableSpelling, number>;
  /** In how many in all. */
  all: number;
  /** Wire bytes of its fallbacks, which a value takes the place of. */
  fallbacks: number;
}

export interface Demands {
  /** Variables without a fallback: each recipient must have them. */
  required: ReadonlySet<string>;
  uses: ReadonlyMap<string, Use>;
  /** Wire bytes of a copy for someone without any value. */
  bytes: number;
  /** Places of the variable that stands in most. */
  most: number;
}

/** `bytes`: of the constant runs. */
export function demandsOf({ slots }: Pick<Compiled, "slots">, bytes: number): Demands {
  const required = new Set<string>();
  const uses = new Map<string, Use>();
  let most = 0;
  let total = bytes;
  const put = ({ name, fallback, own }: Variable, spelling: VariableSpelling, share: number): void => {
    if (own !== undefined) {
      total += UNSUBSCRIBE_TOKEN_CHARS + TRACKING_BASE_CHARS;
      return;
    }
    const use = uses.get(name) ?? { places: new Map(), all: 0, fallbacks: 0 };
    uses.set(name, use);
    use.places.set(spelling, (use.places.get(spelling) ?? 0) + share);
    use.all += share;
    most = Math.max(most, use.all);
    if (fallback === null) required.add(name);
    else {
      const size = share * sizeOf(fallback, spelling);
      use.fallbacks += size;
      total += size;
    }
  };
  for (const { slot } of slots) {
    if (slot.kind === "variable") {
      put(slot, slot.spelling, 1);
      continue;
    }
    total += SLOT_BYTES;
    if (slot.kind === "link") {
      total += slot.base.length;
      for (const piece of slot.raw)
        if (typeof piece === "string") total += LINK_SHARE * sizeOf(piece, "raw");
        else put(piece, piece.spelling, LINK_SHARE);
    } else if (slot.kind === "header")
      for (const piece of slot.value)
        if (typeof piece === "string") total += HEADER_SHARE * sizeOf(piece, "text");
        else put(piece, "text", HEADER_SHARE);
  }
  return { required, uses, bytes: total, most };
}

const sizeOf = (value: string, spelling: VariableSpelling): number => spellVariable(value, spelling).length;

type Values = Readonly<Record<string, string>>;

/** Names of the variables that have neither a value nor a fallback, each once. */
export function missingVariables({ required }: Demands, variables: Values): string[] {
  const missing: string[] = [];
  for (const name of required) if (!Object.hasOwn(variables, name)) missing.push(name);
  return missing;
}

/** Wire bytes of a copy, or somewhat more. Each value is spelled once, however often it stands in the copy. */
export function copyBytes({ bytes, uses }: Demands, variables: Values): number {
  let total = bytes;
  for (const [name, value] of Object.entries(variables)) {
    const use = uses.get(name);
    if (use === undefined) continue;
    total -= use.fallbacks;
    for (const [spelling, count] of use.places) total += count * sizeOf(value, spelling);
  }
  return Math.ceil(total);
}

/** What no copy exceeds whose names and values have so many characters in all. */
export const copyBytesAtMost = ({ bytes, most }: Demands, chars: number): number =>
  bytes + WIDEST * chars * most;

/**
 * That a recipient's values make too large a copy, as a sentence without its subject; null: they do not. `chars`: of all
 * names and values.
 */
export function oversize(demands: Demands, variables: Values, chars: number): string | null {
  if (copyBytesAtMost(demands, chars) <= MESSAGE_BYTES) return null;
  const bytes = copyBytes(demands, variables);
  if (bytes <= MESSAGE_BYTES) return null;
  const mb = (count: number): string => (count / MB).toFixed(1);
  return `make a copy of ${mb(bytes)} MB; relays take at most ${mb(MESSAGE_BYTES)} MB in all, encoded: give shorter values, or use them in fewer places`;
}

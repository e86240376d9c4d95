/**
 * What a compiled bulk message asks of its recipients' values: which there must be, and how large they may make a copy.
 * Found once per message, so that a recipient costs next to nothing and no copy is made to be measured. Pure.
 */
import { MB, MESSAGE_BYTES, TRACKING_BASE_CHARS, UNSUBSCRIBE_TOKEN_CHARS } from "../core/limits.ts";
import type { Compiled, Variable, VariableSpelling } from "./compiled.ts";
import { spellVariable } from "./splice.ts";
import { headerChars, headerPath } from "./structured.ts";

/** Wire bytes that a UTF-16 unit may take: nine in quoted-printable, and its share of line breaks. */
const WIDEST = 10;
/** A tracked link is its target in base64. */
const LINK_SHARE = 4 / 3;
/** Encoded words in a header, against the same text in quoted-printable. */
const HEADER_SHARE = 2;
/** To, Message-ID, a link's token and what stands around them. */
const SLOT_BYTES = 100;

type Values = Readonly<Record<string, string>>;
/** chars: only counted, in UTF-16 units. */
type Spelling = VariableSpelling | "chars";

const sizeOf = (value: string, spelling: Spelling): number =>
  spelling === "chars" ? value.length : spellVariable(value, spelling).length;

/** How long something with variables in it becomes. */
class Extent {
  /** For who has no value at all. */
  size: number;
  /** Places of the variable that stands in most. */
  private most = 0;
  /** `fallbacks`: what a variable's fallbacks take, which its value takes the place of. */
  private readonly uses = new Map<
    string,
    { places: Map<Spelling, number>; all: number; fallbacks: number }
  >();

  constructor(size: number) {
    this.size = size;
  }

  /** A place where a variable stands. `share`: how much more is asked there than its spelling takes. */
  put({ name, fallback }: Variable, spelling: Spelling, share: number): void {
    const use = this.uses.get(name) ?? { places: new Map(), all: 0, fallbacks: 0 };
    this.uses.set(name, use);
    use.places.set(spelling, (use.places.get(spelling) ?? 0) + share);
    use.all += share;
    this.most = Math.max(this.most, use.all);
    const size = share * sizeOf(fallback ?? "", spelling);
    use.fallbacks += size;
    this.size += size;
  }

  /** With these values, each spelled once, however often it stands there. */
  with(values: Values): number {
    let { size } = this;
    for (const [name, value] of Object.entries(values)) {
      const use = this.uses.get(name);
      if (use === undefined) continue;
      size -= use.fallbacks;
      for (const [spelling, count] of use.places) size += count * sizeOf(value, spelling);
    }
    return Math.ceil(size);
  }

  /** What is not exceeded with values that have, with their names, so many characters in all, each of which takes `widest`. */
  atMost(chars: number, widest: number): number {
    return this.size + widest * chars * this.most;
  }
}

export interface Demands {
  /** Variables without a fallback: each recipient must have them. */
  required: ReadonlySet<string>;
  /** Wire bytes of a copy, or somewhat more. */
  copy: Extent;
  /** Characters of each header with variables, `most` of which are taken. */
  headers: { path: string; most: number; extent: Extent }[];
}

/** `bytes`: of the constant runs. */
export function demandsOf({ slots }: Pick<Compiled, "slots">, bytes: number): Demands {
  const required = new Set<string>();
  const copy = new Extent(bytes);
  const headers: Demands["headers"] = [];
  const put = (variable: Variable, spelling: VariableSpelling, share: number): void => {
    if (variable.own !== undefined) copy.size += UNSUBSCRIBE_TOKEN_CHARS + TRACKING_BASE_CHARS;
    else {
      if (variable.fallback === null) required.add(variable.name);
      copy.put(variable, spelling, share);
    }
  };
  for (const { slot } of slots) {
    if (slot.kind === "variable") {
      put(slot, slot.spelling, 1);
      continue;
    }
    copy.size += SLOT_BYTES;
    if (slot.kind === "link") {
      copy.size += slot.base.length;
      for (const piece of slot.raw)
        if (typeof piece === "string") copy.size += LINK_SHARE * sizeOf(piece, "raw");
        else put(piece, piece.spelling, LINK_SHARE);
    } else if (slot.kind === "header") {
      const extent = new Extent(0);
      for (const piece of slot.value) {
        if (typeof piece === "string") {
          copy.size += HEADER_SHARE * sizeOf(piece, "text");
          extent.size += piece.length;
        } else {
          put(piece, "text", HEADER_SHARE);
          if (piece.own === undefined) extent.put(piece, "chars", 1);
        }
      }
      const path = slot.name === "Subject" ? "subject" : headerPath(slot.name);
      headers.push({ path, most: headerChars(slot.name), extent });
    }
  }
  return { required, copy, headers };
}

/** Names of the variables that have neither a value nor a fallback, each once. */
export function missingVariables({ required }: Demands, variables: Values): string[] {
  const missing: string[] = [];
  for (const name of required) if (!Object.hasOwn(variables, name)) missing.push(name);
  return missing;
}

/** What no copy exceeds whose names and values have so many characters in all. */
export const copyBytesAtMost = ({ copy }: Demands, chars: number): number => copy.atMost(chars, WIDEST);

const mb = (count: number): string => (count / MB).toFixed(1);

/**
 * That a recipient's values make a header or the copy too large, as a sentence without its subject; null: they do not.
 * `chars`: of all names and values. They are looked at only where they are so long that it may be.
 */
export function oversize(demands: Demands, variables: Values, chars: number): string | null {
  for (const { path, most, extent } of demands.headers) {
    if (extent.atMost(chars, 1) <= most) continue;
    const length = extent.with(variables);
    if (length > most) return `make \`${path}\` ${length} characters long; at most ${most} are taken`;
  }
  if (copyBytesAtMost(demands, chars) <= MESSAGE_BYTES) return null;
  const bytes = demands.copy.with(variables);
  if (bytes <= MESSAGE_BYTES) return null;
  return `make a copy of ${mb(bytes)} MB; relays take at most ${mb(MESSAGE_BYTES)} MB in all, encoded: give shorter values, or use them in fewer places`;
}

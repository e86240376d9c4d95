/**
 * Tracking put into a text part: http(s) addresses rewritten, nothing else changed. Off unless the sender asks for it,
 * since a reader of text sees the address itself.
 *
 * Where an address ends follows what mail programs make clickable (RFC 3986 appendix C; GFM, extended autolinks): at
 * white space, quotes and angle brackets, without the punctuation that ends a sentence, and without a closing bracket
 * that has no opening one inside. `www.` without a scheme is no link here: its scheme would be our guess.
 */
import type { Slot } from "./compiled.ts";
import { MERGE_TAG } from "./links.ts";

export interface TextTracking {
  /** Base URL of tracking links, without a slash at the end. */
  trackingBase: string;
  /** What stands after `/c/TOKEN/` for a target; null: it cannot be tracked. */
  signLink: (target: string) => string | null;
}

const TOKEN: Slot = { kind: "token" };
/** From the scheme to what no address holds. A letter or digit before it makes it part of a word. */
const ADDRESS =
  /(?<![\p{L}\p{N}])https?:\/\/[^\s<>"“”„«»‹›「」『』【】（）｛｝，。；、！？\p{Cc}\p{Zs}\p{Zl}\p{Zp}]+/giu;
const TRAILING = new Set([..."?!.,:;*_~'’‘…`|\\"]);
const OPENING: Readonly<Record<string, string>> = { ")": "(", "]": "[", "}": "{" };
const CLOSED = new Set(Object.values(OPENING));

/** The text with its links tracked, as runs and slots. Without any: one run, the text itself. */
export function instrumentText(text: string, { trackingBase, signLink }: TextTracking): (string | Slot)[] {
  const pieces: (string | Slot)[] = [];
  const signed = new Map<string, string | null>();
  let from = 0;
  let looked = 0;
  let inMergeTag = false;
  for (const match of text.matchAll(ADDRESS)) {
    const end = match.index + match[0].length;
    const before = text.slice(looked, match.index);
    const braces = [before.lastIndexOf("{{"), before.lastIndexOf("}}")] as const;
    if (braces[0] !== braces[1]) inMergeTag = braces[0] > braces[1];
    looked = match.index;
    // Within a tag, as the fallback of `{{url|https://…}}`; with one, which may go on behind a space; before `<%= id %>`.
    if (inMergeTag || MERGE_TAG.test(match[0]) || text.startsWith("<%", end)) continue;
    const target = trimmed(match[0]);
    let signature = signed.get(target);
    if (signature === undefined) {
      signature = signLink(target);
      signed.set(target, signature);
    }
    if (signature === null) continue;
    pieces.push(`${text.slice(from, match.index)}${trackingBase}/c/`, TOKEN, `/${signature}`);
    from = match.index + target.length;
  }
  if (from < text.length || pieces.length === 0) pieces.push(text.slice(from));
  return pieces;
}

/** An address without the marks of the sentence around it. */
function trimmed(address: string): string {
  const count: Record<string, number> = {};
  for (const char of address) if (char in OPENING || CLOSED.has(char)) count[char] = (count[char] ?? 0) + 1;
  let end = address.length;
  for (; end > 0; end--) {
    const last = address[end - 1]!;
    const opening = OPENING[last];
    if (opening !== undefined && count[last]! > (count[opening] ?? 0)) count[last]!--;
    else if (!TRAILING.has(last)) break;
  }
  return address.slice(0, end);
}

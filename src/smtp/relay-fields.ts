/** The small languages of a relay's fields: address patterns. Pure. */

/** "*", "example.com", "*@example.com", "*.example.com", "*@*.example.com" or a whole address; in lower case. */
export const isPattern = (text: string): boolean =>
  text === "*" || /^(?:(?:\*|[^\s@<>*]+)@)?(?:\*\.)?[^\s@<>*]+$/.test(text);

/**
 * Does one of the patterns cover the address? A pattern without @ is a domain; "*.example.com" is any domain below
 * example.com, not itself. The null sender "" is covered by "*" alone. Case does not matter.
 */
export function covers(patterns: readonly string[], address: string): boolean {
  const lower = address.toLowerCase();
  const domain = lower.slice(lower.lastIndexOf("@") + 1);
  return patterns.some((pattern) => {
    if (pattern === "*") return true;
    if (lower === "") return false;
    const at = pattern.lastIndexOf("@");
    const local = at === -1 ? "*" : pattern.slice(0, at);
    if (local !== "*" && local !== lower.slice(0, lower.lastIndexOf("@"))) return false;
    const wanted = pattern.slice(at + 1);
    return wanted.startsWith("*.") ? domain.endsWith(wanted.slice(1)) : domain === wanted;
  });
}

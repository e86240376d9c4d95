/** Text cut to a length. */

/** As much of a text's beginning as `units` UTF-16 units hold, well-formed: half a character is JSON that strict parsers refuse (RFC 8259 section 8.2). */
export const beginning = (text: string, units: number): string =>
  text
    .slice(0, units)
    .replace(/[\ud800-\udbff]$/, "")
    .toWellFormed();

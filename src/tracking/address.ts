/** A visitor's IP address, as far as it may be kept. Pure. */

/** full: as it came. truncated: without what tells one person from another. none: not at all. */
export const ADDRESS_POLICIES = ["full", "truncated", "none"] as const;
export type AddressPolicy = (typeof ADDRESS_POLICIES)[number];

/** The address as the policy lets it be kept; null when it may not, or when it is no address. */
export function keptAddress(address: string | null, policy: AddressPolicy): string | null {
  if (address === null || policy === "none") return null;
  if (policy === "truncated") return truncateAddress(address);
  return truncateAddress(address) === null ? null : address.trim().toLowerCase();
}

/** An address without what tells one person from another: IPv4 to /24, IPv6 to /48. Null for anything else. */
export function truncateAddress(address: string): string | null {
  const groups = parseAddress(address);
  if (groups === null) return null;
  if (groups.length === 4) return `${groups[0]}.${groups[1]}.${groups[2]}.0`;
  const head = groups.slice(0, 3).map((group) => group.toString(16));
  return `${head.join(":")}::`;
}

/** Four bytes of an IPv4 address (an IPv4-mapped one too), or eight 16-bit groups of an IPv6 address; null for anything else. */
export function parseAddress(address: string): number[] | null {
  const text = address.trim().toLowerCase();
  const v4 = /^(?:::ffff:)?(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (v4 !== null) {
    const bytes = v4.slice(1).map(Number);
    return bytes.every((byte) => byte < 256) ? bytes : null;
  }
  if (!/^[0-9a-f:]{2,39}$/.test(text) || !text.includes(":")) return null;
  const halves = text.split("::");
  if (halves.length > 2) return null;
  const [head = [], tail = []] = halves.map((half) => (half === "" ? [] : half.split(":")));
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return null;
  const groups = [...head, ...new Array<string>(missing).fill("0"), ...tail];
  return groups.every((group) => /^[0-9a-f]{1,4}$/.test(group))
    ? groups.map((group) => Number.parseInt(group, 16))
    : null;
}

/**
 * Recipients that play a story instead of getting mail: what an application's tests send to. Pure.
 *
 * `.test` is reserved (RFC 6761 section 6.2): no mail server will ever be there. Resend's own test addresses are taken
 * likewise, so that tests written for it go on unchanged. What stands behind a `+` is the caller's own.
 */

/** What happens to a copy. `suppressed` is never tried; the others are accepted or refused as a relay would do it. */
export const STORIES = ["delivered", "bounced", "complained", "suppressed"] as const;
export type Story = (typeof STORIES)[number];

export const TEST_DOMAIN = "postern.test";
const DOMAINS = new Set([TEST_DOMAIN, "resend.dev"]);

/** The story an address plays; null when it is no test address. The domain is in lower case. */
export function storyOf(address: string): Story | null {
  const at = address.lastIndexOf("@");
  if (!DOMAINS.has(address.slice(at + 1))) return null;
  const [local] = address.slice(0, at).toLowerCase().split("+");
  return STORIES.find((story) => story === local) ?? null;
}

/** An address at the reserved domain that plays no story: nothing could ever come of it. */
export const isLostTest = (address: string): boolean =>
  address.endsWith(`@${TEST_DOMAIN}`) && storyOf(address) === null;

/** One recipient's copy of a message, spliced, with its envelope. */

import { concat } from "../core/bytes.ts";
import type { EmailId } from "../core/ids.ts";
import type { Fill } from "../message/compiled.ts";
import type { DkimSigner } from "../message/dkim.ts";
import { splice } from "../message/splice.ts";
import type { Copy } from "../smtp/attempt.ts";
import type { Relay } from "../smtp/relay.ts";
import type { TokenPurpose } from "../tracking/token.ts";
import type { QueuedEmail } from "./queue.ts";
import { type Delivery, domainOf } from "./tables.ts";

/** What is signed for one recipient, or one message, with the gateway's secret. */
export interface Seals {
  /** A recipient's token. */
  token: (delivery: Delivery, purpose: TokenPurpose) => string;
  /** A recipient's unsubscribe link. */
  unsubscribe: (delivery: Delivery, topic: string | null) => string;
  /** Links of a message (tracking/link.ts). */
  link: (email: EmailId) => (target: string) => string | null;
}

export interface CopyContext {
  seals: Seals;
  /** Domain of return paths; null: the message's own sender. */
  bounceDomain: string | null;
  /** Signs mail of a From domain (DKIM); null when it has no key. */
  signerOf: (fromDomain: string) => DkimSigner | null;
  now: () => number;
}

export function copyOf(
  delivery: Delivery,
  { compiled, mailFrom, sender }: QueuedEmail,
  relay: Relay,
  { seals, bounceDomain, signerOf, now }: CopyContext,
): Copy {
  const domain = domainOf(sender);
  let signed: string | null = null;
  let sealed: string | null = null;
  const fill: Fill = {
    // Only where the message has a place for it, and once for all places: signing costs more than the rest of a splice.
    get token() {
      signed ??= seals.token(delivery, "token");
      return signed;
    },
    to: { address: delivery.address, name: delivery.name },
    message_id: `${delivery.index}.${delivery.email}@${domain}`,
    // A message has one topic, and the link stands in it more than once.
    unsubscribe: (topic) => {
      sealed ??= seals.unsubscribe(delivery, topic);
      return sealed;
    },
    unsubscribe_mail: () => seals.token(delivery, "unsubscribe"),
    signLink: (target) => seals.link(delivery.email)(target),
    variables: delivery.variables ?? {},
  };
  const message = splice(compiled, fill);
  const sign = signerOf(domain);
  return {
    reversePath:
      relay.returnPath ??
      (bounceDomain === null ? mailFrom : `bounce+${seals.token(delivery, "bounce")}@${bounceDomain}`),
    forwardPath: delivery.address,
    bytes: sign === null ? message : concat([sign(message, now()), message]),
    smtputf8: compiled.smtputf8 || /[^\x00-\x7f]/.test(delivery.address),
  };
}

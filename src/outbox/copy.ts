/** One recipient's copy of a message, spliced, with its envelope. */
import type { Fill } from "../message/compiled.ts";
import { splice } from "../message/splice.ts";
import type { Copy } from "../smtp/attempt.ts";
import type { Relay } from "../smtp/relay.ts";
import type { QueuedEmail } from "./queue.ts";
import type { Delivery } from "./tables.ts";

export interface CopyContext {
  /** Signs a recipient's token. */
  token: (delivery: Delivery, purpose: "token" | "bounce") => string;
  /** Domain of return paths; null: the message's own sender. */
  bounceDomain: string | null;
}

export function copyOf(
  delivery: Delivery,
  { compiled, mailFrom, sender }: QueuedEmail,
  relay: Relay,
  { token, bounceDomain }: CopyContext,
): Copy {
  const fill: Fill = {
    // Asked for only where the message has a place for it: signing costs as much as the rest of a splice.
    get token() {
      return token(delivery, "token");
    },
    to: { address: delivery.address, name: delivery.name },
    message_id: `${delivery.index}.${delivery.email}@${sender.slice(sender.lastIndexOf("@") + 1)}`,
    variables: delivery.variables ?? {},
  };
  return {
    reversePath:
      relay.returnPath ??
      (bounceDomain === null ? mailFrom : `bounce+${token(delivery, "bounce")}@${bounceDomain}`),
    forwardPath: delivery.address,
    bytes: splice(compiled, fill),
    smtputf8: compiled.smtputf8 || /[^\x00-\x7f]/.test(delivery.address),
  };
}

/** One message on its way into the queue. */
import type { Lane } from "./lane.ts";
import type { Packed } from "./rpc.ts";
import type { Delivery } from "./tables.ts";

export interface Mail {
  order: Packed;
  /** Of each delivery. */
  routes: readonly string[];
  /** Who sends it at once; null: it waits in the queue for its time or its turn. */
  lane: Lane | null;
  /** Its deliveries as the queue has them, when there is a lane. */
  given?: Delivery[];
}

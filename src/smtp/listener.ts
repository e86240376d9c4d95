/** Who a connection tells of what comes: a conversation, which knows what is due. */
import type { SmtpFailure } from "./failure.ts";

/** Whoever takes replies as they come. Called synchronously, also from within `fail`. */
export interface Listener {
  /** Whole replies are there: take them with `next`. */
  heard(): void;
  /** The session is over. */
  failed(failure: SmtpFailure): void;
}

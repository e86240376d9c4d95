/** Entry: what the platform calls. No logic. */
import { serve } from "./http/app.ts";
import { email } from "./http/email-entry.ts";

export { Store } from "./db/embedded.ts";
export { Ledger } from "./ledger/ledger.ts";
export { Outbox } from "./outbox/outbox.ts";
export { Registry } from "./registry/registry.ts";

export default { fetch: serve, email };

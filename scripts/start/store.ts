/** The worker of the store's own process: hands every request to the one Store object. */
import type { Store } from "../../src/db/embedded.ts";

export { Store } from "../../src/db/embedded.ts";

export default {
  fetch: (request: Request, { STORE }: { STORE: DurableObjectNamespace<Store> }): Promise<Response> =>
    STORE.get(STORE.idFromName("store")).fetch(request),
};
